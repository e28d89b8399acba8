"""What a request about personal data must say, from a customer and from a stranger."""

import uuid
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.forms import EmailLine, Line
from accounts.models import User
from accounts.policy import NAME_LENGTH, QUESTION_LENGTH
from accounts.support_forms import EntryForm
from foundation.calendar import is_nameable
from retention.customers import find_customer
from retention.models import PrivacyRequest


class RequestForm(EntryForm):
    """A customer's: who they are, we know. `form` makes sending twice the same as once."""

    kind = forms.ChoiceField(
        label=_("What do you want?"),
        help_text=_("The articles are those of the GDPR."),
        choices=PrivacyRequest.Kind,
        widget=forms.RadioSelect,
    )
    text = forms.CharField(
        label=_("Your request"),
        help_text=_("What it is about, so that we can answer it. No passwords or card numbers."),
        max_length=QUESTION_LENGTH,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    field_order: tuple[str, ...] = ("kind", "text")


class StrangerRequestForm(RequestForm):
    """Somebody without an account, or in the list of one of our customers."""

    field_order = ("kind", "text", "list_owner", "name", "email")

    list_owner = Line(
        label=_("Which company wrote to you?"),
        help_text=_(
            "If you got a message that one of our customers sent with our service: their name. "
            "Their lists are theirs; we search none of them, and pass your request on to the one "
            "you name."
        ),
        required=False,
        max_length=150,
        autocomplete="off",
    )
    name = Line(
        label=_("Name"),
        help_text=_("So that we know whom to address."),
        required=False,
        max_length=NAME_LENGTH,
        autocomplete="name",
    )
    email = EmailLine(
        label=_("Email address"),
        help_text=_("We answer there. We may have to ask how we can know that it is you."),
    )


class EnterForm(forms.Form):
    """Staff, for somebody who asked by letter, phone or email."""

    kind = forms.ChoiceField(label=_("What is asked for"), choices=PrivacyRequest.Kind)
    customer = forms.CharField(
        label=_("Customer"),
        required=False,
        max_length=320,
        help_text=_(
            "The whole e-mail address, phone number, customer number or key. Empty: nobody with an "
            "account."
        ),
    )
    name = forms.CharField(label=_("Name"), required=False, max_length=150)
    email = forms.EmailField(
        label=_("Email address"),
        required=False,
        help_text=_("Of somebody without an account. Without one the answer goes by letter."),
    )
    list_owner = forms.CharField(
        label=_("Whose list, as they say"),
        required=False,
        max_length=150,
        help_text=_("If they stand in a customer's list. We search no list for them."),
    )
    text = forms.CharField(
        label=_("What they wrote or said"), max_length=QUESTION_LENGTH, widget=forms.Textarea
    )
    received_on = forms.DateField(
        label=_("Reached us on"),
        help_text=_("The law's month counts from this day."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    form = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, staff: User, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.staff, self.today = staff, today
        self.initial.setdefault("received_on", today)

    def clean_customer(self) -> User | None:
        named = self.cleaned_data["customer"].strip()
        if not named:
            return None
        found = find_customer(named, staff=self.staff)
        if found is None:
            raise forms.ValidationError(_("There is no such customer."))
        return found

    def clean_received_on(self) -> date:
        day: date = self.cleaned_data["received_on"]
        if not is_nameable(day) or day > self.today:
            raise forms.ValidationError(_("This day has not come yet."))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        nobody = not any(cleaned.get(name) for name in ("customer", "name", "email"))
        if nobody and "customer" not in self.errors and "email" not in self.errors:
            raise forms.ValidationError(_("Say who asks: a customer, or a name or address."))
        return cleaned


class WordsForm(forms.Form):
    """Whatever a step says to whoever asked, or keeps of how it was done."""

    text = forms.CharField(max_length=QUESTION_LENGTH, widget=forms.Textarea(attrs={"rows": 6}))


class NoteForm(forms.Form):
    """How somebody was recognised, or why it takes longer: a line."""

    text = forms.CharField(max_length=300)


class RefusalForm(WordsForm):
    ground = forms.ChoiceField(choices=PrivacyRequest.Ground)


class PassOnForm(WordsForm):
    """`owner` is found as any customer is: exactly, and written down."""

    owner = forms.CharField(max_length=320)

    def __init__(self, *args: Any, staff: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.staff = staff

    def clean_owner(self) -> User:
        found = find_customer(self.cleaned_data["owner"], staff=self.staff)
        if found is None:
            raise forms.ValidationError(_("There is no such customer."))
        return found
