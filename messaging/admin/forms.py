"""Writing a mailing: both languages, and never while it is being sent."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.models import model_to_dict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.services import display_name
from consent.models import Topic
from messaging.contents import as_typed, find, line_of
from messaging.models import Mailing
from messaging.policy import BODY_LENGTH
from messaging.rendering.fields import FIELDS, unknown_fields
from messaging.services import version_of

EDITABLE = (Mailing.State.DRAFT, Mailing.State.APPROVED)
LANGUAGES = ("nb", "en")
PARTS = ("subject", "preheader", "body")
TEXTS = tuple(f"{part}_{language}" for part in PARTS for language in LANGUAGES)


if TYPE_CHECKING:
    from django.http import QueryDict

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


class VersionField(forms.CharField):
    """Which words the writer began from; never itself a change."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class MailingForm(BaseForm):
    version = VersionField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["version"] = version_of(self.instance)
        # Label and words of each text that another saved meanwhile, for the page to show.
        self.saved_meanwhile: list[tuple[str, str]] = []
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
            self._refuse_to_overwrite(locked)
        self._refuse_unknown_fields(cleaned)
        self._refuse_what_is_too_long(cleaned)
        self._ask_for_a_subject(cleaned)
        if cleaned.get("in_customers_zone") and "send_at" in cleaned and not cleaned["send_at"]:
            self.add_error("send_at", _("Say at which hour: each customer gets it at that one."))
        return cleaned

    def _refuse_to_overwrite(self, locked: Mailing) -> None:
        """Another saved since this page was opened: nobody's words go without being seen.

        What was typed stays in the form, which from now on knows the saved words: saving again is
        then a choice.
        """
        version = version_of(locked)
        if self.cleaned_data.get("version", "") == version:
            return
        saved = model_to_dict(locked)
        differing = [
            name
            for name, field in self.fields.items()
            if field.has_changed(saved.get(name), self[name].data)
        ]
        posted = cast("QueryDict", self.data).copy()
        posted[self.add_prefix("version")] = version
        self.data = posted
        if not differing:
            return
        self.saved_meanwhile = [
            (str(self[name].label), str(saved[name])) for name in differing if name in TEXTS
        ]
        raise ValidationError(
            _(
                "Nothing was saved: %(who)s saved this %(moment)s, after you had opened it. What "
                "you see here differs from that in: %(fields)s. Take over what you want to keep, "
                "then save again: your words then replace the saved ones."
            ),
            params={
                "who": display_name(locked.edited_by) if locked.edited_by else "–",
                "moment": date_format(timezone.localtime(locked.edited_at), "DATETIME_FORMAT"),
                "fields": ", ".join(str(self[name].label) for name in differing),
            },
        )

    def _refuse_what_is_too_long(self, cleaned: dict[str, Any]) -> None:
        """Before anybody reads through it, the machine included."""
        for name in TEXTS:
            if len(cleaned.get(name) or "") > BODY_LENGTH:
                words = _("This is longer than %(limit)d characters. Shorten it, or link to it.")
                self.add_error(name, words % {"limit": BODY_LENGTH})

    def _refuse_unknown_fields(self, cleaned: dict[str, Any]) -> None:
        """At writing time: when it is sent nobody is there to mend it."""
        for name in TEXTS:
            text = as_typed(cleaned.get(name) or "")
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
