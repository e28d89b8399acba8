"""The log: pending events get a gap-free index and their salted hash, under one lock.

Order of commit is not order of time; the index is given after the commit, so a reader that
follows the index misses no late one. Leaf hash as in RFC 9162 section 2.1.1, over the RFC 8785
form of the event and its salt.
"""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import rfc8785
from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef

from consent.models import ConsentDetail, Leaf

_LOCK = 0x636F6E73656E74  # "consent"
BATCH = 5_000
# Names the shape below; a leaf can never be computed anew, so another shape gets another number.
SCHEMA = 1


def canonical_event(detail: ConsentDetail) -> bytes:
    """All of the event as bytes that any implementation of RFC 8785 arrives at."""

    def moment(value: datetime | None) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    record: dict[str, Any] = {
        "schema": SCHEMA,
        "event": str(detail.id),
        "person": str(detail.person_id),
        "topic": str(detail.topic_id),
        "version": detail.version,
        "state_before": detail.state_before,
        "state": detail.state,
        "paused_until_before": moment(detail.paused_until_before),
        "paused_until": moment(detail.paused_until),
        "undone": detail.undone,
        "source": detail.source,
        "actor": detail.actor,
        "reason": detail.reason,
        "language": detail.language,
        "wording_version": detail.wording_version,
        "mailing": detail.mailing,
        "at": moment(detail.at),
        "received_at": moment(detail.received_at),
        "salt": base64.b64encode(detail.salt).decode(),
    }
    return rfc8785.dumps(record)


def leaf_hash(detail: ConsentDetail) -> bytes:
    return hashlib.sha256(b"\x00" + canonical_event(detail)).digest()


def pending_details() -> Any:
    """Events that have no place in the log yet."""
    return ConsentDetail.objects.filter(~Exists(Leaf.objects.filter(event_id=OuterRef("id"))))


def seal_pending(*, now: datetime) -> int:
    """Seal everything pending, batch by batch; how many events. Two sealers queue on the lock."""
    sealed = 0
    while count := _seal_batch(now):
        sealed += count
    return sealed


@transaction.atomic
def _seal_batch(now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    highest = Leaf.objects.aggregate(highest=Max("index"))["highest"]
    following = 0 if highest is None else highest + 1
    details = list(pending_details().order_by("at", "id")[:BATCH])
    Leaf.objects.bulk_create(
        Leaf(index=following + offset, event_id=detail.id, hash=leaf_hash(detail), sealed_at=now)
        for offset, detail in enumerate(details)
    )
    return len(details)
