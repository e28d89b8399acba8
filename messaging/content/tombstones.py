"""What a customer deleted here is not brought back by the platform, which may still have it.

Of a deleted list, contact, message or report a keyed hash of the platform's number is left. Keys
are those of suppressions, from outside the database: written under the newest, looked up under
every live one. Where messages of a time were to go, or only what they said, that stretch of time is
left.
"""

import hmac
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection

from accounts.models import User
from foundation.ids import uuid7_floor
from messaging.content.feed_kinds import WITHOUT_CONTENT, Kind
from messaging.models import DeidentifiedStretch, Tombstone

type Row = tuple[Any, ...]

_Kind = Tombstone.Kind
RECORDS: Final = "message-records"
# By which columns a line says what it is about; a contact stands in a list.
NAMED_BY: Final[Mapping[str, Mapping[str, Tombstone.Kind]]] = {
    "contact-lists": {"list_id": _Kind.LIST},
    "contacts": {"list_id": _Kind.LIST, "contact_id": _Kind.CONTACT},
    RECORDS: {"message_id": _Kind.MESSAGE},
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


def owners_with_traces(kind: Kind, rows: Sequence[Row]) -> dict[int, uuid.UUID]:
    """Whose lines may be about something that its owner let go, by the platform's number of the
    customer; none, mostly.

    Holds the accounts that the lines are about until the transaction ends, as the database's own
    functions do, and takes the same locks in the same order.
    """
    if kind.name not in NAMED_BY:
        return {}
    place = kind.columns.index("user_id")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, customer_id FROM messaging_owners_with_tombstones(%s::bigint[])",
            [sorted({row[place] for row in rows})],
        )
        return dict(cursor.fetchall())


def find_deleted(
    kind: Kind, rows: Sequence[Row], owners: Mapping[int, uuid.UUID]
) -> list[list[Any]]:
    """Lines about something that its owner deleted: number, column, reason. Their accounts are held
    (`owners_with_traces`)."""
    if not owners:
        return []
    named_by = NAMED_BY[kind.name]
    place = {name: kind.columns.index(name) for name in ("user_id", *named_by)}
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


# --- what messages of a time said ----------------------------------------------------------------


def close_stretch(
    first: datetime | None, before: datetime, *, customer_id: uuid.UUID, now: datetime
) -> None:
    """What messages dated from `first`, or of any age, until before `before` said does not come in
    from now on; twice is once. With the account's row in hand, before any of it goes."""
    stretch = DeidentifiedStretch(customer_id=customer_id, first=first, before=before, made_at=now)
    DeidentifiedStretch.objects.bulk_create([stretch], ignore_conflicts=True)


def leave_words_out(
    kind: Kind, rows: Sequence[Row], owners: Mapping[int, uuid.UUID]
) -> Sequence[Row]:
    """The lines as they go in: of a stretch that its owner had de-identified, without what the
    message said. Their accounts are held (`owners_with_traces`)."""
    stretches = find_stretches(owners) if kind.name == RECORDS and owners else {}
    if not stretches:
        return rows
    owner, date = kind.columns.index("user_id"), kind.columns.index("date")

    def is_closed(row: Row) -> bool:
        # By the millisecond, as the deletion itself tells messages apart.
        key = uuid7_floor(row[date])
        return any(first <= key < before for first, before in stretches.get(row[owner], ()))

    return [
        tuple(map(WITHOUT_CONTENT.get, kind.columns, row)) if is_closed(row) else row
        for row in rows
    ]


def find_stretches(
    owners: Mapping[int, uuid.UUID],
) -> dict[int, list[tuple[uuid.UUID, uuid.UUID]]]:
    """By the platform's number of the customer, as keys of messages: from which, before which."""
    found: dict[int, list[tuple[uuid.UUID, uuid.UUID]]] = {}
    numbers = {customer_id: user_id for user_id, customer_id in owners.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_id, first, before FROM messaging_find_stretches(%s::uuid[])",
            [list(numbers)],
        )
        for customer_id, first, before in cursor.fetchall():
            ends = (uuid7_floor(first) if first else uuid.UUID(int=0), uuid7_floor(before))
            found.setdefault(numbers[customer_id], []).append(ends)
    return found
