"""Naming a customer of the program in a form: exactly, written down, and never guessed."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access.searching import search
from accounts.masking import initials
from accounts.models import User
from consent.models import Preference, State, Topic
from consent.reference.services import (
    AlreadyDecidedError,
    CallLimitError,
    NotApprovedError,
    ReferenceProgramError,
)

TEXT = {"class": "vTextField", "autocomplete": "off"}


class CustomerField(forms.CharField):
    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Customer"),
            max_length=254,
            help_text=gettext_lazy(
                "The whole email address, phone number or customer number. The search is recorded."
            ),
            widget=forms.TextInput(attrs=TEXT),
        )


def person_who_granted(term: str, topic: Topic, request: HttpRequest) -> User:
    """The one customer so named who said yes to this activity; else one answer for every reason,
    which tells nobody who is a customer."""
    now = timezone.now()
    found = search(term, staff=cast("User", request.user), now=now)
    if len(found) == 1:
        yes = Preference.objects.filter(
            Q(paused_until=None) | Q(paused_until__lte=now),
            person=found[0],
            topic=topic,
            state=State.GRANTED,
        )
        if found[0].is_confirmed and yes.exists():
            return found[0]
    raise forms.ValidationError(not_granted())


def not_granted() -> str:
    return _("Nobody with this address or number has said yes to this activity. Only they can.")


def masked(person: User | None) -> str:
    return initials(person) if person else _("erased")


def actor_of(request: HttpRequest) -> str:
    return f"staff:{cast('User', request.user).pk}"


def say_why(request: HttpRequest, error: ReferenceProgramError) -> None:
    """Nothing was changed, and what to do about it."""
    said: dict[type[Any], str] = {
        NotApprovedError: _("Nothing was changed: both sides have to approve the newest words."),
        AlreadyDecidedError: _("Nothing was changed: it has been decided meanwhile."),
        CallLimitError: _(
            "Nothing was changed: a request is open, or the customer takes no more calls this year."
        ),
    }
    messages.error(
        request,
        said.get(type(error), _("Nothing was changed: the customer has not said yes to this.")),
    )
