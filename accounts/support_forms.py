"""What we need to know to answer, each field with its reason."""

import uuid
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField

from accounts.forms import EmailLine, Line
from accounts.models import SupportChannel, SupportQuestion, User
from accounts.policy import CALL_WHEN_LENGTH, NAME_LENGTH, QUESTION_LENGTH

ORDER: tuple[str, ...] = ("topic", "text", "channel", "phone", "call_when")


class EntryForm(forms.Form):
    """One contribution. `form` makes sending twice the same as sending once."""

    text = forms.CharField(
        label=_("Your question"),
        help_text=_("No passwords or card numbers, please: we never need them."),
        max_length=QUESTION_LENGTH,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    form = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class QuestionForm(EntryForm):
    """A customer's: who they are, we know."""

    field_order = ORDER

    topic = forms.ChoiceField(
        label=_("What is it about?"),
        help_text=_("So that it reaches who can answer."),
        choices=SupportQuestion.Topic,
    )
    channel = forms.ChoiceField(
        label=_("How shall we answer?"),
        help_text=_("We answer this way and no other."),
        choices=SupportChannel,
        widget=forms.RadioSelect,
        initial=SupportChannel.EMAIL,
    )
    phone = PhoneNumberField(
        label=_("Phone number"),
        help_text=_("Only to call you about this question."),
        required=False,
    )
    call_when = Line(
        label=_("When may we call?"),
        help_text=_("For example “weekdays after 15”."),
        required=False,
        max_length=CALL_WHEN_LENGTH,
        autocomplete="off",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        wants_call = data.get("channel") == SupportChannel.PHONE
        if wants_call and not data.get("phone") and "phone" not in self.errors:
            self.add_error("phone", _("Write the number we are to call."))
        if not wants_call:
            data["phone"] = data["call_when"] = ""
        data["phone"] = str(data.get("phone") or "")
        return data


class CustomerQuestionForm(QuestionForm):
    """Begins with the channel and number of the profile."""

    def __init__(self, data: QueryDict | None = None, *, user: User) -> None:
        initial = {"channel": user.support_channel, "phone": str(user.phone or "")}
        super().__init__(data, initial=initial)


class StrangerQuestionForm(QuestionForm):
    """Somebody without an account, or not signed in."""

    field_order = ("name", "email", *ORDER)

    name = Line(
        label=_("Name"),
        help_text=_("So that we know whom to address."),
        required=False,
        max_length=NAME_LENGTH,
        autocomplete="name",
    )
    email = EmailLine(
        label=_("Email address"),
        help_text=_("We confirm there that your question came."),
    )
