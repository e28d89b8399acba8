"""Signing up: one form, one answer, whoever has the address already."""

from typing import cast

from allauth.account import app_settings
from allauth.core import ratelimit
from allauth.utils import get_form_class
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import services
from accounts.forms import SignupForm, taken_username
from foundation.addresses import normalise_address


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Ask, keep the answers, write to the address."""
    if request.user.is_authenticated:
        return redirect("account_profile")
    if refused := ratelimit.consume_or_429(request, action="signup"):
        return cast(HttpResponse, refused)
    form_class = cast(type[SignupForm], get_form_class(app_settings.FORMS, "signup", SignupForm))
    form = form_class(request.POST if request.method == "POST" else None)
    if form.is_valid():
        address = normalise_address(form.cleaned_data["email"])
        if refused := ratelimit.consume_or_429(request, action="signup_address", key=address):
            return cast(HttpResponse, refused)
        try:
            services.register_customer(
                email=form.cleaned_data["email"],
                answers=form.answers(),
                language=form.cleaned_data["language"],
                now=timezone.now(),
                **form.profile(),
            )
        except services.UsernameTakenError:
            form.add_error("username", taken_username())
        else:
            return redirect("signup_done")
    return render(request, "accounts/signup.html", {"form": form})


@require_safe
def show_signup_done(request: HttpRequest) -> HttpResponse:
    """The same words for everyone: the mail says the rest to the one who may know it."""
    return render(request, "accounts/signup_done.html")
