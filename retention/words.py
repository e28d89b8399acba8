"""Sentences that pages and mails about retention share."""

from datetime import date, datetime

from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consent.history import human_date
from retention.entries import Entry, Kind, Words
from retention.holdings import Kept

KIND_WORDS: dict[Kind, Words] = {
    Kind.IDENTITY: gettext_lazy("who you are"),
    Kind.CONTACT: gettext_lazy("how to reach you"),
    Kind.FINANCIAL: gettext_lazy("billing"),
    Kind.CONTENT: gettext_lazy("content"),
    Kind.DEMOGRAPHIC: gettext_lazy("country, language and the like"),
    Kind.TECHNICAL: gettext_lazy("technical"),
}


def human_day(value: date | datetime) -> str:
    """12. mars 2026 · 12 March 2026."""
    if isinstance(value, datetime):
        return human_date(value)
    norwegian = (translation.get_language() or "nb").startswith("nb")
    return str(formats.date_format(value, "j. F Y" if norwegian else "j F Y"))


def kinds_of(entry: Entry) -> list[Kind]:
    """Which kinds of fields a class holds, the personal ones first."""
    present = {field.kind for field in entry.fields.values()}
    return [kind for kind in Kind if kind in present]


def kept_sentence(kept: Kept, day: str) -> str:
    """Until when something outlives a deletion. `day` is `kept.until` as people write it."""
    if kept.entry.model == "consent.Suppression":
        return _("reviewed on %(day)s") % {"day": day}
    later = ngettext(
        "%(n)d is not settled yet and stays until 7 years after it is",
        "%(n)d are not settled yet and stay until 7 years after they are",
        kept.open,
    ) % {"n": kept.open}
    if not day:
        return later
    until = _("until %(day)s") % {"day": day}
    return f"{until}; {later}" if kept.open else until
