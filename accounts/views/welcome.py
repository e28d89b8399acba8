"""The link of the welcome mail: confirm the address, choose how to sign in."""

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.forms import SetPasswordForm
from accounts.models import User
from accounts.views.private import secret_address


@secret_address
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the user name and asks for a password or a passkey; POST confirms."""
    now = timezone.now()
    user: User | None = User.objects.welcomed_by(token, now)
    if user is None:
        return render(request, "accounts/welcome_invalid.html")
    if "passkey" in request.POST:
        return _let_in(request, user, password=None)
    form = SetPasswordForm(user=user, data=request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _let_in(request, user, password=form.cleaned_data["password1"])
    return render(request, "accounts/welcome.html", {"form": form, "person": user})


def _let_in(request: HttpRequest, user: User, *, password: str | None) -> HttpResponse:
    if not services.confirm_address(user, password=password, now=timezone.now()):
        return render(request, "accounts/welcome_invalid.html")
    if request.user.is_authenticated:
        get_adapter(request).logout(request)
    if password is None:
        messages.success(request, _("Your address is confirmed. Now add the passkey."))
        goal = reverse("mfa_add_webauthn")
    else:
        messages.success(request, _("Your address is confirmed and your password saved."))
        goal = reverse("preferences")
    # Whoever holds the mailbox and this link need not prove themselves again for a first key.
    record_authentication(request, user, method="welcome", reauthenticated=True)
    response: HttpResponse = perform_login(request, user, redirect_url=goal)
    return response
