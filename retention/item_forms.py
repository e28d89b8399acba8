"""What staff write about paper, disks and tapes."""

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib.admin.widgets import AdminDateWidget, AdminTextInputWidget
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from retention.customers import find_customer
from retention.models import Destruction, PhysicalItem

if TYPE_CHECKING:
    ItemModelForm = forms.ModelForm[PhysicalItem]
    DestructionModelForm = forms.ModelForm[Destruction]
else:
    ItemModelForm = DestructionModelForm = forms.ModelForm

WIDE: Final = AdminTextInputWidget


class ItemForm(ItemModelForm):
    customer = forms.CharField(
        label=gettext_lazy("Whose"),
        required=False,
        max_length=320,
        help_text=gettext_lazy(
            "Email address, phone, number or key of the customer, when all of it is of one "
            "customer. If their data is deleted, it is due within 30 days."
        ),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    # Who is asking, for a search is written down (`get_form`).
    staff: ClassVar[User]

    class Meta:
        model = PhysicalItem
        fields = ("name", "kind", "serial", "place", "contains", "kept_since", "due_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.customer_id:
            self.initial["customer"] = str(self.instance.customer_id)

    def clean_customer(self) -> uuid.UUID | None:
        named = self.cleaned_data["customer"].strip()
        if not named:
            return None
        if named == str(self.instance.customer_id):
            return self.instance.customer_id
        found = find_customer(named, staff=self.staff)
        if found is None:
            raise forms.ValidationError(
                _("No customer has this address or number. Leave it empty if none does.")
            )
        key: uuid.UUID = found.pk
        return key

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.instance.customer_id = cleaned.get("customer")
        return cleaned


class SignForm(DestructionModelForm):
    """The first signature."""

    class Meta:
        model = Destruction
        fields = ("method", "tool", "place", "destroyed_on", "verified_how", "performed_by")
        widgets: ClassVar[dict[str, Any]] = {
            "destroyed_on": AdminDateWidget,
            **dict.fromkeys(("tool", "place", "verified_how", "performed_by"), WIDE),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "method": gettext_lazy(
                "NIST SP 800-88r2. Paper and what held passwords or payment data is destroyed."
            ),
            "tool": gettext_lazy(
                "For example: shredder HSM B34, level P-5; or the company's name."
            ),
            "verified_how": gettext_lazy(
                "For example: looked at the pieces; read ten samples back; the company's receipt."
            ),
            "performed_by": gettext_lazy(
                "Full name of whoever did it, as it will stand on the certificate."
            ),
        }


class CountersignForm(forms.Form):
    """The second signature."""

    verified_by = forms.CharField(
        label=gettext_lazy("Your full name, as it will stand on the certificate"),
        max_length=120,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
