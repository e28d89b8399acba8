"""Days and words of the schedule, as people say them in the reader's language."""

from datetime import datetime

from django import template

from consent.history import human_moment
from retention.entries import DataClass, Kind
from retention.staying import Kept
from retention.words import (
    KIND_WORDS,
    erasure_words,
    field_words,
    human_day,
    kept_sentence,
    rule_words,
    scope_words,
    until_words,
)

register = template.Library()
register.filter(human_day)
register.filter(scope_words)
register.filter(until_words)
register.filter(rule_words)
register.filter(erasure_words)
register.filter(field_words)


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
