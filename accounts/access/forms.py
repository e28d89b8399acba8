"""Why somebody wants to see a customer: a piece of work, or a reason in words."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.access.work import Work
from accounts.models.access import Basis
from foundation.redaction import redact

OTHER = "other"
TEXT = {"class": "vTextField", "autocomplete": "off"}


class ReasonForm(forms.Form):
    why = forms.ChoiceField(label=_("Why"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        help_text=_("In a few words, without names or numbers. The customer reads it."),
        widget=forms.TextInput(attrs=TEXT),
    )
    reference = forms.CharField(
        label=_("Reference"),
        required=False,
        max_length=80,
        help_text=_("What leads back to it: a case number, the time of a call, a letter."),
        widget=forms.TextInput(attrs=TEXT),
    )

    def __init__(self, data: Any, *, works: Sequence[Work]) -> None:
        super().__init__(data, initial={"why": works[0].reference if works else OTHER})
        self.works = {work.reference: work for work in works}
        why = self.fields["why"]
        assert isinstance(why, forms.ChoiceField)
        why.choices = [
            *((work.reference, work.label) for work in works),
            (OTHER, _("Another reason, which I write below")),
        ]

    def clean_reason(self) -> str:
        return self.kept("reason")

    def clean_reference(self) -> str:
        return self.kept("reference")

    def kept(self, name: str) -> str:
        """What stays of the words; `[address]` may be longer than what it stands for."""
        field = self.fields[name]
        assert isinstance(field, forms.CharField)
        return redact(self.cleaned_data[name]).strip()[: field.max_length]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("reason", "reference"):
            said = cleaned.get(name)
            if cleaned.get("why") == OTHER and not said and name not in self.errors:
                self.add_error(name, _("Say why, and what it belongs to."))
        return cleaned

    def grounds(self) -> dict[str, str]:
        """As `open_access` takes them."""
        chosen = self.works.get(self.cleaned_data["why"])
        if chosen is not None:
            return {"basis": chosen.basis, "reference": chosen.reference}
        return {
            "basis": Basis.REASON,
            "reference": self.cleaned_data["reference"],
            "reason": self.cleaned_data["reason"],
        }
