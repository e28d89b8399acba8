"""Access tokens for the API: what a person's own apps may do, made and revoked here."""

import uuid

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access_tokens
from accounts.forms import TokenForm
from accounts.views.private import signed_in_person


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)
@sensitive_variables("secret")
def tokens(request: HttpRequest) -> HttpResponse:
    """GET lists them; POST makes one and shows it in its answer, which nothing keeps."""
    person = signed_in_person(request)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = access_tokens.make_token(person, **form.cleaned_data, now=timezone.now())
        except access_tokens.NameTakenError:
            form.add_error("name", _("You have a token of this name. Choose another."))
        except access_tokens.TooManyTokensError:
            form.add_error(None, _("You have many tokens. Revoke one that you no longer use."))
        else:
            return render(request, "accounts/token_made.html", {"token": made, "secret": secret})
    context = {"tokens": person.tokens.all(), "form": form, "now": timezone.now()}
    return render(request, "accounts/tokens.html", context)


@never_cache
@login_required
@require_POST
def revoke_token(request: HttpRequest, token_id: uuid.UUID) -> HttpResponse:
    """Needs no password: stopping a leak must not wait."""
    if access_tokens.revoke_token(signed_in_person(request), token_id):
        messages.success(request, _("The token is revoked. It opens nothing any more."))
    return redirect("account_tokens")
