"""The link of an invitation: a colleague makes their account, and signs in with it."""

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.roles import Role
from accounts.staff.forms import AcceptForm
from accounts.staff.inviting import accept, find_open
from accounts.staff.refusals import StaffRefusedError
from accounts.views.private import secret_address


@secret_address
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the roles and asks for name and password; POST makes the account."""
    found = find_open(token, now=timezone.now())
    if found is None:
        return render(request, "accounts/invitation_invalid.html")
    form = AcceptForm(request.POST if request.method == "POST" else None, email=found.email)
    if form.is_valid():
        try:
            person = accept(
                token,
                username=form.cleaned_data["username"],
                first_name=form.cleaned_data["first_name"],
                last_name=form.cleaned_data["last_name"],
                password=form.cleaned_data["password1"],
                language=get_language() or "",
                now=timezone.now(),
            )
        except StaffRefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            return _let_in(request, person)
    roles = [Role(role).label for role in found.roles]
    context = {"form": form, "invitation": found, "roles": roles}
    return render(request, "accounts/invitation.html", context)


def _let_in(request: HttpRequest, person: User | None) -> HttpResponse:
    if person is None:
        return render(request, "accounts/invitation_invalid.html")
    if request.user.is_authenticated:
        get_adapter(request).logout(request)
    messages.success(request, _("Your account is made. Now add an authenticator app or a passkey."))
    # Whoever holds the mailbox and this link need not prove themselves again for a first key.
    record_authentication(request, person, method="welcome", reauthenticated=True)
    response: HttpResponse = perform_login(request, person, redirect_url=reverse("mfa_index"))
    return response
