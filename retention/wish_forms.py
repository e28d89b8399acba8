"""What a request for a part asks for: a list, or the days of a period; and what staff begin."""

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from foundation.days import DayField
from foundation.tenants import as_tenant
from messaging.models import ContactList
from retention.customers import find_customer
from retention.models import Scope

NOTE_LENGTH = 140
NEEDS_DAYS = (Scope.MESSAGES, Scope.CONTENT)


class Day(DayField):
    """A day as browsers write it, and as people do."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        formats = ["%Y-%m-%d", "%d.%m.%Y"]
        super().__init__(required=False, widget=widget, input_formats=formats, **kwargs)


class PeriodForm(forms.Form):
    """Both days are part of it; an end that is left out is open."""

    since = Day(label=_("From"), help_text=_("Leave it out to begin with the first message."))
    until = Day(label=_("Until"), help_text=_("This day included. Leave it out for until now."))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day is before the first one."))
        return cleaned


class ListForm(forms.Form):
    """One of the customer's own lists; their page passes them."""

    contact_list = forms.ChoiceField(label=_("Contact list"))

    def __init__(self, *args: Any, lists: list[ContactList], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["contact_list"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(each.pk), each.list_name) for each in lists]

    def clean_contact_list(self) -> uuid.UUID:
        return uuid.UUID(self.cleaned_data["contact_list"])


class StartForm(PeriodForm):
    """Staff, for somebody who asked by phone: who, what, and when."""

    customer = forms.CharField(
        label=_("Customer"),
        max_length=320,
        help_text=_("The whole e-mail address, phone number, customer number or key."),
    )
    scope = forms.ChoiceField(label=_("What"), choices=Scope.choices, initial=Scope.EVERYTHING)
    contact_list = forms.UUIDField(
        label=_("Contact list"),
        required=False,
        help_text=_(
            "For one contact list only: its key. The customer opens the list and reads the key "
            "from the address of the page, after /lists/."
        ),
    )
    wait = forms.BooleanField(
        label=_("In 14 days, with a way back"),
        required=False,
        help_text=_("For everything only. Otherwise it begins at once."),
    )
    field_order = ["customer", "scope", "contact_list", "since", "until", "wait"]

    def __init__(self, *args: Any, staff: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.staff = staff

    def clean_customer(self) -> User:
        """Staff are no customers here: whose staff access has ended is."""
        found = find_customer(self.cleaned_data["customer"], staff=self.staff)
        if found is None:
            raise forms.ValidationError(_("There is no such customer."))
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        scope = cleaned.get("scope")
        if scope == Scope.LIST and not cleaned.get("contact_list"):
            self.add_error("contact_list", _("Say which list."))
        if scope != Scope.LIST and cleaned.get("contact_list"):
            self.add_error("contact_list", _("Only for one contact list."))
        if scope == Scope.LIST and not is_list_of(cleaned):
            self.add_error("contact_list", _("This customer has no such list."))
        if scope != Scope.EVERYTHING and cleaned.get("wait"):
            self.add_error("wait", _("Only everything waits. A part begins at once."))
        if scope not in NEEDS_DAYS and (cleaned.get("since") or cleaned.get("until")):
            self.add_error("since", _("Only for messages."))
        return cleaned


def is_list_of(cleaned: dict[str, Any]) -> bool:
    """Whether the list named is the customer's; true where one of the two is not there to ask."""
    customer, key = cleaned.get("customer"), cleaned.get("contact_list")
    if customer is None or key is None:
        return True
    with as_tenant(customer.pk):
        return ContactList.objects.filter(pk=key, customer_id=customer.pk).exists()


class IdentityForm(forms.Form):
    """How somebody was recognised. Not what they said: it stands beside their request."""

    note = forms.CharField(
        label=_("How you checked who is asking"),
        max_length=NOTE_LENGTH,
        help_text=_("For example: called back at the number of the account. No numbers, no names."),
    )
