"""One line of the feed: a JSON object that becomes a row, or the reason why it does not."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NoReturn

from accounts.billing import Unfit
from messaging.content.feed_fields import BadValue, is_storable
from messaging.content.feed_kinds import Bounds, Kind
from messaging.policy import FEED_LINE_BYTES

# What may be wrong with a line; `docs/api.md` explains them to whoever sends it.
REASONS: Final = (
    "another_date",
    "before_date",
    "customer_leaving",
    "deleted_by_customer",
    "held",
    "in_future",
    "missing",
    "name_twice",
    "no_time_zone",
    "not_a_choice",
    "not_a_country",
    "not_a_currency",
    "not_a_date",
    "not_a_number",
    "not_a_whole_number",
    "not_an_email",
    "not_an_entity",
    "not_an_object",
    "not_e164",
    "not_json",
    "not_storable",
    "not_text",
    "not_utf8",
    "of_another_contact",
    "of_another_customer",
    "one_of_two",
    "opted_out",
    "out_of_range",
    "too_long",
    "too_many_digits",
    "too_old",
    "unknown_customer",
    "unknown_list",
)
_ABSENT = object()


def _refuse_constant(_name: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise BadValue("not_json")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which of two values of one name is meant, nobody knows."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadValue("name_twice")
    return found


_decode: Callable[[str], Any] = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_unique
).decode


@dataclass(frozen=True, slots=True, order=True)
class BadLine:
    """Counted from 1. The field is empty where the line as a whole is meant."""

    line: int
    field: str
    reason: str


def read_line(kind: Kind, line: bytes, bounds: Bounds) -> dict[str, Any]:
    """The values of a record by their columns, or `Unfit`."""
    if len(line) > FEED_LINE_BYTES:
        raise Unfit("", "too_long")
    record = read_object(line)
    # Only an escape can bring in what PostgreSQL does not take.
    escaped = b"\\u" in line
    values: dict[str, Any] = {}
    for field in kind.fields:
        value = record.get(field.name, _ABSENT)
        if value is _ABSENT or value is None:
            if field.required:
                raise Unfit(field.name, "missing")
            values[field.column] = field.empty
            continue
        if escaped and not is_storable(value):
            raise Unfit(field.name, "not_storable")
        try:
            values[field.column] = field.read(value)
        except BadValue as error:
            raise Unfit(field.name, str(error)) from error
    kind.check(values, bounds)
    return values


def read_object(line: bytes) -> dict[str, Any]:
    try:
        record = _decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unfit("", "not_utf8") from error
    except BadValue as error:
        raise Unfit("", str(error)) from error
    # Deeper or with more digits than is read.
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Unfit("", "not_json") from error
    if type(record) is not dict:
        raise Unfit("", "not_an_object")
    return record
