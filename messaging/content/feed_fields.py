"""Fields of the platform's records: how each is read, and what makes one bad.

A reader takes the JSON value and answers what goes into the database, or raises `BadValue` with a
code. Types are exact: a number in quotes is no number, for what is guessed at is soon wrong.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from messaging.policy import FEED_DEPTH

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(?:\.([0-9]+))?")
# The whole numbers that PostgreSQL's types hold.
SMALL, BIG = 2**15 - 1, 2**63 - 1
# A date in seconds: from 1 January 2000 to the end of 2099.
_FIRST_SECOND, _LAST_SECOND = 946_684_800, 4_102_444_800

type Reader = Callable[[Any], Any]


class BadValue(ValueError):
    """Carries the code of the reason."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record: its name outside, what reads it, and its column in the feed's table.

    Without a value a field that is not required is `empty`.
    """

    name: str
    read: Reader
    required: bool = False
    empty: Any = ""
    column: str = ""

    def __post_init__(self) -> None:
        if not self.column:
            object.__setattr__(self, "column", self.name)


def text(most: int, *, least: int = 0) -> Reader:
    def read(value: Any) -> str:
        if type(value) is not str:
            raise BadValue("not_text")
        if len(value) > most:
            raise BadValue("too_long")
        if len(value) < least:
            raise BadValue("missing")
        return value

    return read


def matching(pattern: re.Pattern[str], most: int, reason: str) -> Reader:
    """Text of one form; nothing at all is no value and fits."""

    def read(value: Any) -> str:
        if type(value) is not str:
            raise BadValue("not_text")
        if value and (len(value) > most or not pattern.fullmatch(value)):
            raise BadValue(reason)
        return value

    return read


phone_number = matching(E164, 16, "not_e164")
country = matching(re.compile("[A-Z]{2}"), 2, "not_a_country")
currency = matching(re.compile("[A-Z]{3}"), 3, "not_a_currency")
legal_entity = matching(re.compile("[a-z0-9-]+"), 8, "not_an_entity")


def email(value: Any) -> str:
    found: str = _email(value)
    return found


_email = matching(EMAIL, 320, "not_an_email")


def required_currency(value: Any) -> str:
    return currency(value) or _missing()


def _missing() -> str:
    raise BadValue("missing")


def choice(*names: str) -> Reader:
    def read(value: Any) -> str:
        if type(value) is not str or value not in names:
            raise BadValue("not_a_choice")
        return value

    return read


def whole(highest: int, *, lowest: int = 0) -> Reader:
    def read(value: Any) -> int:
        if type(value) is not int:
            raise BadValue("not_a_whole_number")
        if not lowest <= value <= highest:
            raise BadValue("out_of_range")
        return value

    return read


def amount(digits: int, places: int) -> Reader:
    """Money, exactly: as a number or, as the platform writes it, as a number in text."""

    def read(value: Any) -> str:
        said = str(value) if type(value) in (int, Decimal) else value
        if type(said) is not str or not (found := _NUMBER.fullmatch(said)):
            raise BadValue("not_a_number")
        if len(found[1]) > digits - places or len(found[2] or "") > places:
            raise BadValue("too_many_digits")
        return said

    return read


def moment(value: Any) -> datetime:
    """Seconds since 1970 as the platform has them, or ISO 8601 with its zone."""
    if type(value) is int:
        if not _FIRST_SECOND <= value < _LAST_SECOND:
            raise BadValue("out_of_range")
        return datetime.fromtimestamp(value, UTC)
    if type(value) is not str:
        raise BadValue("not_a_date")
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise BadValue("no_time_zone")
        found = found.astimezone(UTC)
    except OverflowError as error:
        raise BadValue("out_of_range") from error
    except BadValue:
        raise
    except ValueError as error:
        raise BadValue("not_a_date") from error
    if not 2000 <= found.year < 2100:
        raise BadValue("out_of_range")
    return found


def day(value: Any) -> date:
    """A day, or the day (UTC) of a moment."""
    if type(value) is str and len(value) == 10:
        try:
            found = date.fromisoformat(value)
        except ValueError as error:
            raise BadValue("not_a_date") from error
        if not 2000 <= found.year < 2100:
            raise BadValue("out_of_range")
        return found
    return moment(value).date()


def document(value: Any) -> str:
    """An object to be kept as it is, if whoever shows or packs it later can go to its ground."""
    if type(value) is not dict:
        raise BadValue("not_an_object")
    if is_deeper_than(FEED_DEPTH, value):
        raise BadValue("not_storable")
    try:
        return json.dumps(value, default=_as_float, allow_nan=False)
    except ValueError as error:
        raise BadValue("out_of_range") from error


def _as_float(value: Decimal) -> float:
    return float(value)


def is_storable(value: Any) -> bool:
    """Whether PostgreSQL takes the text: no NUL, and no half of a surrogate pair.

    However deep it stands: what has been read may be nested deeper than functions may call
    themselves.
    """
    left = [value]
    while left:
        each = left.pop()
        if type(each) is str:
            if "\0" in each or not (each.isascii() or _is_unicode(each)):
                return False
        elif type(each) is dict:
            left += each
            left += each.values()
        elif type(each) is list:
            left += each
    return True


def is_deeper_than(most: int, value: Any) -> bool:
    """Whether more objects and lists than that stand in each other."""
    level = [value]
    for _ in range(most):
        level = [inner for each in level for inner in _inside(each)]
    return any(type(each) in (dict, list) for each in level)


def _inside(value: Any) -> Iterable[Any]:
    if type(value) is dict:
        return value.values()
    return value if type(value) is list else ()


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
