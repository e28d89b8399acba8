"""What pressing a button of the preference centre says, parsed and checked."""

from typing import Any, ClassVar

from django import forms

from consent.models import Topic
from consent.policy import PAUSE_MONTHS
from consent.shown import wording_said


class ChoiceForm(forms.Form):
    """`choice` (yes, no) or `action` (pause, resume, undo), and the topic by its number.

    Without a topic, a no and a pause mean all optional mail, an undo the latest act whole; a yes
    always names its topic.
    """

    NEEDS_TOPIC: ClassVar[tuple[str, ...]] = ("yes",)

    choice = forms.ChoiceField(choices=[("yes", ""), ("no", "")], required=False)
    action = forms.ChoiceField(
        choices=[("no", ""), ("pause", ""), ("resume", ""), ("undo", "")], required=False
    )
    topic = forms.ModelChoiceField(
        Topic.objects.mail(), to_field_name="number", required=False, empty_label=None
    )
    months = forms.TypedChoiceField(
        choices=[(months, "") for months in PAUSE_MONTHS],
        coerce=int,
        required=False,
        empty_value=None,
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # The button "Undo" sends the chosen radio button of its row along.
        action = data.get("action") or data.get("choice")
        if not action:
            raise forms.ValidationError("no action")
        if action in self.NEEDS_TOPIC and data.get("topic") is None:
            raise forms.ValidationError("no topic")
        if action == "pause" and data.get("months") is None:
            raise forms.ValidationError("no months")
        if action == "resume":
            data["months"] = None
        data["action"] = action
        return data


class SignedInForm(ChoiceForm):
    """Signed in, tailoring is chosen too; the form says which wording stood on the page."""

    topic = forms.ModelChoiceField(
        Topic.objects.asked_of_customers(), to_field_name="number", required=False, empty_label=None
    )
    wording = forms.CharField(required=False)

    def wording_shown(self) -> int | None:
        """What the page showed, if that can be; a choice never fails for it."""
        return wording_said(self.cleaned_data["topic"], self.cleaned_data["wording"])


class FromMailForm(ChoiceForm):
    """From a mail's link: ending a pause would be a yes."""

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data["action"] == "resume":
            raise forms.ValidationError("sign in to end a pause")
        return data
