"""What a customer deleted here is not brought back by the platform, which may still have it.

Of a deleted list, contact, message or report a keyed hash of the platform's number is left. Keys
are those of suppressions, from outside the database: written under the newest, looked up under
every live one.
"""

import hmac
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection

from accounts.models import User
from messaging.content.feed_kinds import Kind
from messaging.models import Tombstone

_Kind = Tombstone.Kind
# By which columns a line says what it is about; a contact stands in a list.
NAMED_BY: Final[Mapping[str, Mapping[str, Tombstone.Kind]]] = {
    "contact-lists": {"list_id": _Kind.LIST},
    "contacts": {"list_id": _Kind.LIST, "contact_id": _Kind.CONTACT},
    "message-records": {"message_id": _Kind.MESSAGE},
    "reports": {"report_id": _Kind.REPORT},
}


def digest(key: bytes, kind: str, customer_id: uuid.UUID, number: object) -> bytes:
    """No address has it (`foundation.addresses`): none holds such a separator."""
    source = f"tombstone\x1f{kind}\x1f{customer_id}\x1f{number}"
    return hmac.digest(key, source.encode(), "sha256")


def bury(
    kind: Tombstone.Kind, numbers: Iterable[object], *, customer_id: uuid.UUID, now: datetime
) -> None:
    """These numbers of the platform's stay out from now on; twice is once. Inside `as_tenant`.

    What was made here has no number, and nobody sends it again.
    """
    key = next(iter(settings.SUPPRESSION_KEYS.values()))
    Tombstone.objects.bulk_create(
        [
            Tombstone(
                customer_id=customer_id,
                kind=kind,
                digest=digest(key, kind, customer_id, number),
                made_at=now,
            )
            for number in dict.fromkeys(numbers)
            if number is not None
        ],
        ignore_conflicts=True,
    )


def hold_feed(customer_id: uuid.UUID) -> None:
    """Until the transaction ends nothing of theirs comes in: what is on its way is in, and goes
    with the rest, or waits and finds the tombstone. After the lock of holds, before any row."""
    list(User.objects.select_for_update().filter(pk=customer_id).values_list("pk"))


def find_deleted(kind: Kind, rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Lines about something that its owner deleted: number, column, reason.

    Holds the accounts that the lines are about until the transaction ends, as the database's own
    functions do, and takes the same locks in the same order.
    """
    named_by = NAMED_BY.get(kind.name)
    if named_by is None:
        return []
    place = {name: kind.columns.index(name) for name in ("user_id", *named_by)}
    owners = owners_with_tombstones({row[place["user_id"]] for row in rows})
    if not owners:
        return []
    asked = [
        (digest(key, what, owners[row[place["user_id"]]], row[place[column]]), row[0], column)
        for row in rows
        if row[place["user_id"]] in owners
        for column, what in named_by.items()
        for key in settings.SUPPRESSION_KEYS.values()
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT messaging_find_tombstones(%s::bytea[])", [[each for each, *_ in asked]]
        )
        found = {bytes(each) for (each,) in cursor.fetchall()}
    # One reason a line, its list's before its own.
    bad = {line: column for each, line, column in reversed(asked) if each in found}
    return [[line, column, "deleted_by_customer"] for line, column in sorted(bad.items())]


def owners_with_tombstones(user_ids: set[int]) -> dict[int, uuid.UUID]:
    """By the platform's number of the customer; none, mostly."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, customer_id FROM messaging_owners_with_tombstones(%s::bigint[])",
            [sorted(user_ids)],
        )
        return dict(cursor.fetchall())
