"""See what is held, and the ways on from there."""

from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from consent.history import readable_history
from retention.exporting.overview import overview
from retention.policy import COUNTED_ON_PAGES
from retention.views.signed_in import signed_in

# Where a class can be seen and changed in full.
PAGES: Final = {
    "accounts.User": "account_profile",
    "accounts.Session": "account_sessions",
    "accounts.PersonalToken": "account_tokens",
    "accounts.AccessEvent": "data_access",
    "account.EmailAddress": "account_email",
    "mfa.Authenticator": "mfa_index",
    "consent.Preference": "preferences",
    "messaging.ContactList": "lists",
    "messaging.Contact": "lists",
    "messaging.ContactOptOut": "list_opt_outs",
    "messaging.ListUpload": "list_upload",
    "messaging.MessageRecord": "messages",
    "messaging.MessageContent": "messages",
    "messaging.Report": "reports",
    "retention.Export": "data_export",
    "retention.PrivacyRequest": "privacy_requests",
}
# On this very page.
PLACES: Final = {"consent.ConsentDetail": "#history"}


@never_cache
@login_required
@require_safe
def show_data(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    chapters = [
        (chapter, [(held, page_of(held.entry.model)) for held in rows])
        for chapter, rows in overview(user.pk)
    ]
    context = {
        "chapters": chapters,
        "counted": COUNTED_ON_PAGES,
        "history": readable_history(user.pk),
    }
    return render(request, "retention/data.html", context)


def page_of(model: str) -> str:
    """Its address; empty for what only the archive shows."""
    if place := PLACES.get(model):
        return place
    try:
        return reverse(PAGES[model])
    except (KeyError, NoReverseMatch):
        return ""
