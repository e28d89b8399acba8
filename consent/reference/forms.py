"""What the customer's page of the program sends, parsed and checked."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consent.models import Topic
from consent.policy import MOST_CALLS_A_YEAR
from consent.shown import wording_said

LONGEST_TEXT = 20_000


def activities() -> Any:
    return Topic.objects.live().filter(kind=Topic.Kind.REFERENCE)


class ActivityForm(forms.Form):
    """`choice` yes or no to the activity of that number; `choice` no without one: everything off.

    The form says which wording stood on the page.
    """

    choice = forms.ChoiceField(choices=[("yes", ""), ("no", "")])
    topic = forms.ModelChoiceField(
        Topic.objects.none(), to_field_name="number", required=False, empty_label=None
    )
    wording = forms.CharField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["topic"].queryset = activities()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("choice") == "yes" and data.get("topic") is None:
            raise forms.ValidationError("no topic")
        return data

    def wording_shown(self) -> int | None:
        """What the page showed, if that can be; a choice never fails for it."""
        return wording_said(self.cleaned_data["topic"], self.cleaned_data["wording"])


class AnswerForm(forms.Form):
    """Yes or no to words, or to a call; with a no, what is wrong with them."""

    answer = forms.ChoiceField(choices=[("yes", ""), ("no", "")])
    remark = forms.CharField(required=False, max_length=300)


class WordsForm(forms.Form):
    """The customer's own words, instead of ours."""

    text_nb = forms.CharField(
        label=_("Text in Norwegian"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    text_en = forms.CharField(
        label=_("Text in English"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not (data.get("text_nb", "").strip() or data.get("text_en", "").strip()):
            raise forms.ValidationError(_("Write the text in at least one language."))
        return data


class LimitForm(forms.Form):
    """How many requests for a call a year."""

    a_year = forms.IntegerField(
        label=_("At most so many requests a year"), min_value=0, max_value=MOST_CALLS_A_YEAR
    )
