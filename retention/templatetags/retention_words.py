"""Days and words of the schedule, as people say them in the reader's language."""

from datetime import date, datetime

from django import template
from django.utils import formats, translation

from consent.history import human_date, human_moment
from retention.entries import DataClass, Kind
from retention.holdings import Kept
from retention.words import KIND_WORDS, kept_sentence

register = template.Library()


@register.filter
def human_day(value: date | datetime) -> str:
    """12. mars 2026 · 12 March 2026."""
    if isinstance(value, datetime):
        return human_date(value)
    norwegian = (translation.get_language() or "nb").startswith("nb")
    return str(formats.date_format(value, "j. F Y" if norwegian else "j F Y"))


@register.filter
def human_time(value: datetime) -> str:
    return human_moment(value)


@register.filter
def kept_until(kept: Kept) -> str:
    day = "" if kept.until is None else human_day(kept.until)
    return kept_sentence(kept, day)


@register.filter
def chapter(data_class: str) -> str:
    return str(DataClass(data_class).label)


@register.filter
def kind_words(kind: Kind) -> str:
    return str(KIND_WORDS[kind])
