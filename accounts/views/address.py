"""Moving the account to another address: asked for here, agreed to there."""

from allauth.account.decorators import reauthentication_required
from allauth.core import ratelimit
from allauth.decorators import rate_limit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.forms import ChangeEmailForm
from accounts.models import User
from accounts.querysets import address_changes_pending
from accounts.views.private import secret_address, signed_in_person
from foundation.addresses import normalise_address


@never_cache
@login_required
@rate_limit(action="manage_email")
@reauthentication_required(allow_get=True)
@require_http_methods(["GET", "HEAD", "POST"])
def change_email(request: HttpRequest) -> HttpResponse:
    """GET shows the address in use and the one that waits; POST asks, asks again or takes back."""
    person = signed_in_person(request)
    now = timezone.now()
    waiting = address_changes_pending(now).filter(user=person).first()
    if "action_remove" in request.POST:
        services.cancel_address_change(person)
        messages.success(request, _("Your address stays as it is."))
        return redirect("account_email")
    form = ChangeEmailForm(request.POST if request.method == "POST" else None, user=person)
    if form.is_valid():
        email = form.cleaned_data["email"]
        if ratelimit.consume(request, action="confirm_email", key=normalise_address(email)):
            services.request_address_change(person, email=email, now=now)
        else:
            messages.info(request, _("We wrote to this address a moment ago. Wait three minutes."))
        return redirect("account_email")
    shown = {"current_emailaddress": person, "new_emailaddress": waiting, "form": form}
    return render(request, "account/email_change.html", shown)


@secret_address
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, key: str) -> HttpResponse:
    """GET names the address and asks; POST moves the account there."""
    now = timezone.now()
    if request.method == "POST":
        user: User | None = services.change_address(key, now=now)
        if user is not None:
            messages.success(
                request, _("%(email)s is now the address of your account.") % {"email": user.email}
            )
            return redirect("account_profile")
    change = services.find_address_change(key, now=now)
    confirmation = {"email_address": change, "key": key} if change else None
    shown = {"confirmation": confirmation, "can_confirm": change is not None}
    return render(request, "account/email_confirm.html", shown)
