"""Writing a mailing: both languages, and never while it is being sent."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from consent.models import Topic
from messaging.contents import find, line_of
from messaging.models import Mailing
from messaging.rendering.fields import FIELDS, unknown_fields

EDITABLE = (Mailing.State.DRAFT, Mailing.State.APPROVED)
LANGUAGES = ("nb", "en")
PARTS = ("subject", "preheader", "body")
TEXTS = tuple(f"{part}_{language}" for part in PARTS for language in LANGUAGES)


if TYPE_CHECKING:
    TopicChoice = forms.ModelChoiceField[Topic]
    BaseForm = forms.ModelForm[Any]
else:
    TopicChoice = forms.ModelChoiceField
    BaseForm = forms.ModelForm


class TopicField(TopicChoice):
    def label_from_instance(self, topic: Topic) -> str:
        return topic.name


class MomentField(forms.SplitDateTimeField):
    """Written and shown in the portal's own time, wherever the writer's account is at home.

    “At that hour where each customer is” takes its hour from the same clock (`messaging.timing`).
    """

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and timezone.is_aware(value):
            return timezone.make_naive(value, ZoneInfo(settings.TIME_ZONE))
        return value

    def compress(self, data_list: Any) -> datetime | None:
        with timezone.override(settings.TIME_ZONE):
            return super().compress(data_list)

    def has_changed(self, initial: Any, data: Any) -> bool:
        with timezone.override(settings.TIME_ZONE):
            return super().has_changed(initial, data)


class MailingForm(BaseForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields.keys() & set(TEXTS):
            # A draft may wait for its other language; the checklist asks for it.
            self.fields[name].required = False
            self.fields[name].widget.attrs["lang"] = name[-2:]
        if "send_at" in self.fields:
            self.fields["send_at"].help_text = _(
                "In the portal's time, %(zone)s. Empty: when you press send."
            ) % {"zone": settings.TIME_ZONE}

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
        self._refuse_unknown_fields(cleaned)
        self._ask_for_a_subject(cleaned)
        if cleaned.get("in_customers_zone") and "send_at" in cleaned and not cleaned["send_at"]:
            self.add_error("send_at", _("Say at which hour: each customer gets it at that one."))
        return cleaned

    def _refuse_unknown_fields(self, cleaned: dict[str, Any]) -> None:
        """At writing time: when it is sent nobody is there to mend it."""
        for name in TEXTS:
            text = cleaned.get(name) or ""
            for written in unknown_fields(text):
                start = find(text, written).start or 0
                words = _(
                    "Line %(line)d: there is no personal field %(field)s. There are %(known)s."
                )
                known = ", ".join(f"{{{field}}}" for field in FIELDS)
                self.add_error(
                    name,
                    words % {"line": line_of(text, start), "field": written, "known": known},
                )

    def _ask_for_a_subject(self, cleaned: dict[str, Any]) -> None:
        """In one language at least: it is what the mailing is called in lists."""
        names = [name for name in ("subject_nb", "subject_en") if name in self.fields]
        if names and not any((cleaned.get(name) or "").strip() for name in names):
            self.add_error(names[0], _("Write a subject, in one language at least."))
