"""`/confirm-address/`: the address in use, confirmed once more after a mail to it came back."""

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import reconfirming
from accounts.views.private import secret_address, signed_in_person


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask_to_confirm(request: HttpRequest) -> HttpResponse:
    """POST writes to the address in use; there is nothing to look at."""
    person = signed_in_person(request)
    if request.method == "POST":
        if ratelimit.consume(request, action="confirm_email", key=person.address):
            reconfirming.request_confirmation(person, now=timezone.now())
            messages.success(
                request,
                _("We have written to %(email)s. Use the link in that email to confirm it.")
                % {"email": person.email},
            )
        else:
            messages.info(request, _("We wrote to this address a moment ago. Wait three minutes."))
    return redirect("preferences")


@secret_address
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_again(request: HttpRequest, token: str) -> HttpResponse:
    """GET names the address and asks; POST confirms it."""
    now = timezone.now()
    if request.method == "POST":
        person = reconfirming.confirm_again(token, now=now)
        if person is not None:
            messages.success(
                request, _("%(email)s is confirmed. Thank you.") % {"email": person.email}
            )
            return redirect("preferences" if request.user.is_authenticated else "home")
    return render(
        request,
        "accounts/confirm_again.html",
        {"person": reconfirming.find_person(token, now=now), "token": token},
    )
