"""What customers are asked about their own lists."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import country_choices
from foundation.calendar import day_after
from foundation.days import DayField
from messaging import policy
from messaging.content.columns import FIELDS
from messaging.content.querysets import MessageFilter
from messaging.content.rows import LENGTHS, Unfit, clean, understand
from messaging.content.words import (
    DELIMITER_WORDS,
    ENCODING_WORDS,
    FILES,
    LINES,
    STATUS_WORDS,
    field_words,
)
from messaging.models import ContactList, ListUpload

NEW = "new"


class ListForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ContactList
        fields = ("list_name",)


class SearchForm(forms.Form):
    q = forms.CharField(label=gettext_lazy("Search"), required=False, max_length=100)


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain"}),
        help_text=gettext_lazy(
            "Saved from a spreadsheet or another program as CSV, up to 50 MB. You see what we make "
            "of it before anything is taken in."
        ),
    )

    def clean_file(self) -> "UploadedFile[Any]":
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > policy.UPLOAD_BYTES:
            raise forms.ValidationError(str(FILES["too_big"]), code="too_big")
        return file


class ReadingForm(forms.Form):
    """How the file is written, where the guess was wrong."""

    delimiter = forms.ChoiceField(
        label=gettext_lazy("Between the columns"), choices=list(DELIMITER_WORDS.items())
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding of letters"), choices=list(ENCODING_WORDS.items())
    )
    has_header = forms.TypedChoiceField(
        label=gettext_lazy("First row"),
        choices=[("yes", gettext_lazy("names of columns")), ("no", gettext_lazy("a contact"))],
        coerce=lambda value: value == "yes",
    )


class MappingForm(forms.Form):
    """Which column is what, and where the contacts go."""

    target = forms.ChoiceField(label=gettext_lazy("Into which list"))
    new_list = forms.CharField(
        label=gettext_lazy("Name of the new list"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("Only when you chose a new list above."),
    )
    country = forms.ChoiceField(
        label=gettext_lazy("Phone numbers without a country code are from"),
        required=False,
        choices=country_choices,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        upload: ListUpload,
        lists: Sequence[ContactList],
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
    ) -> None:
        super().__init__(data)
        self.lists = {str(each.pk): each for each in lists}
        target = self.fields["target"]
        assert isinstance(target, forms.ChoiceField)
        target.choices = [
            *((key, each.list_name) for key, each in self.lists.items()),
            (NEW, _("A new list")),
        ]
        target.initial = str(upload.contact_list_id or NEW)
        self.fields["new_list"].initial = upload.file_name.rpartition(".")[0] or upload.file_name
        self.fields["country"].initial = upload.country
        choices = [("", _("leave out")), *((name, field_words(name)) for name in FIELDS)]
        self.places = range(max((len(header), *map(len, rows)), default=0))
        self.examples = [[row[place] for row in rows if place < len(row)] for place in self.places]
        self.header = header
        for place in self.places:
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=self.column_name(place),
                required=False,
                choices=choices,
                initial=upload.mapping.get(str(place), ""),
            )

    def column_name(self, place: int) -> str:
        name = clean(self.header[place]) if place < len(self.header) else ""
        return name[:60] or _("Column %(number)s") % {"number": place + 1}

    def columns(self) -> list[tuple[forms.BoundField, list[str]]]:
        """Each column's choice beside what stands in it in the first rows."""
        return [(self[f"column_{place}"], self.examples[place]) for place in self.places]

    def others(self) -> list[forms.BoundField]:
        return [self[name] for name in ("country", "target", "new_list")]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        chosen: dict[str, str] = {}
        for place in self.places:
            field = data.get(f"column_{place}", "")
            if not field:
                continue
            if field in chosen.values():
                self.add_error(
                    f"column_{place}",
                    _("%(field)s is chosen for another column already.")
                    % {"field": field_words(field)},
                )
            chosen[str(place)] = field
        if not {"phone_number", "email"} & set(chosen.values()):
            self.add_error(None, _("Say which column holds the phone number or the email address."))
        new = data.get("target") == NEW
        if new and not (data.get("new_list") or "").strip():
            self.add_error("new_list", _("Give the new list a name."))
        data["mapping"] = chosen
        data["contact_list"] = None if new else self.lists.get(data.get("target", ""))
        return data


class ContactForm(forms.Form):
    """One contact by hand: what a line of a file is asked, a field at a time."""

    phone_number = forms.CharField(
        label=gettext_lazy("Phone number"),
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
    )
    email = forms.CharField(
        label=gettext_lazy("Email address"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    first_name = forms.CharField(label=gettext_lazy("First name"), required=False)
    last_name = forms.CharField(label=gettext_lazy("Last name"), required=False)
    organization_name = forms.CharField(label=gettext_lazy("Organization"), required=False)

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country
        for name, field in self.fields.items():
            field.widget.attrs["maxlength"] = LENGTHS[name]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name, value in list(data.items()):
            if value:
                try:
                    data[name] = understand(name, value, self.country)
                except Unfit as unfit:
                    self.add_error(name, as_sentence(unfit.reason))
        if not self.errors and not data.get("phone_number") and not data.get("email"):
            self.add_error(None, _("Give a phone number or an email address."))
        return data


class OptOutForm(forms.Form):
    contact = forms.CharField(label=gettext_lazy("Phone number or email address"), max_length=320)

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country

    def clean_contact(self) -> str:
        value: str = self.cleaned_data["contact"]
        try:
            field = "email" if "@" in value else "phone_number"
            return understand(field, value, self.country)
        except Unfit as unfit:
            raise forms.ValidationError(as_sentence(unfit.reason)) from unfit


class MessageForm(forms.Form):
    """What to look for among one's messages."""

    q = forms.CharField(label=gettext_lazy("Number, name or words"), required=False, max_length=100)
    since = DayField(
        label=gettext_lazy("From day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = DayField(
        label=gettext_lazy("To day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    status = forms.ChoiceField(
        label=gettext_lazy("Status"),
        required=False,
        choices=[("", gettext_lazy("Any")), *STATUS_WORDS.items()],
    )
    # What the page before a deletion showed: the newest of them, and how many.
    newest = forms.UUIDField(required=False, widget=forms.HiddenInput)
    size = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["until"] < data["since"]:
            self.add_error("until", _("This day is before the first one."))
        return data

    def wanted(self, *, country: str) -> MessageFilter:
        """Days as the reader's clock has them."""
        data = self.cleaned_data
        until = data.get("until")
        return MessageFilter(
            words=data.get("q", "").strip(),
            since=midnight(data.get("since")),
            before=midnight(until and day_after(until)),
            status=data.get("status", ""),
            country=country,
            newest=data.get("newest"),
        )


def midnight(day: date | None) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


def as_sentence(reason: str) -> str:
    said = str(LINES[reason])
    return f"{said[:1].upper()}{said[1:]}."
