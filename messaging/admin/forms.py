"""Writing a mailing: both languages, and never while it is being sent."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from consent.models import Topic
from messaging.models import Mailing

EDITABLE = (Mailing.State.DRAFT, Mailing.State.APPROVED)


if TYPE_CHECKING:
    TopicChoice = forms.ModelChoiceField[Topic]
    BaseForm = forms.ModelForm[Any]
else:
    TopicChoice = forms.ModelChoiceField
    BaseForm = forms.ModelForm


class TopicField(TopicChoice):
    def label_from_instance(self, topic: Topic) -> str:
        return topic.name


class MailingForm(BaseForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if name.endswith(("_nb", "_en")):
                field.widget.attrs["lang"] = name[-2:]

    def clean(self) -> dict[str, Any]:
        """Holds the row until the edit is saved: a start in between would send half of it."""
        cleaned = super().clean() or {}
        if not self.instance._state.adding:
            locked = (
                type(self.instance).objects.select_for_update(of=("self",)).get(pk=self.instance.pk)
            )
            if locked.state not in EDITABLE:
                raise ValidationError(
                    _("Nothing was saved: this is “%(state)s” and can no longer be changed."),
                    params={"state": locked.get_state_display()},
                )
            self.instance.state = locked.state
        return cleaned
