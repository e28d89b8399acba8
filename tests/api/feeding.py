"""Records as the platform sends them."""

import json
from typing import Any

from messaging.content.feed import Taken, take_in
from tests.factories import NOW

CUSTOMER = 200731


def message(**fields: Any) -> dict[str, Any]:
    """A message of an hour ago that has arrived; `None` leaves a field out."""
    values = {
        "user_id": CUSTOMER,
        "message_id": "m1",
        "direction": "out",
        "date": int(NOW.timestamp()),
        "from": "Nordmann",
        "to": "+4798765432",
        "body": "Hei, bestillingen din er klar.",
        "status": "Delivered",
        "message_parts": 1,
        "message_price": "0.0770",
        "currency": "NOK",
        "first_name": "Kari",
        "contact_id": 9001,
    } | fields
    return {name: value for name, value in values.items() if value is not None}


def nested(times: int, value: Any) -> Any:
    """In so many lists."""
    for _ in range(times):
        value = [value]
    return value


def as_line(record: Any) -> bytes:
    return record if isinstance(record, bytes) else json.dumps(record).encode()


def as_body(*records: Any) -> bytes:
    return b"".join(as_line(each) + b"\n" for each in records)


def feed(kind: str, *records: Any, **options: Any) -> Taken:
    return take_in(kind, map(as_line, records), **({"now": NOW} | options))


def wrong(taken: Taken) -> list[tuple[int, str, str]]:
    assert len(taken.bad) == taken.bad_lines
    return [(each.line, each.field, each.reason) for each in taken.bad]
