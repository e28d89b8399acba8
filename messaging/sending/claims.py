"""Who may work on which message: claims under a lease, and how they end without a hand-over.

A lease belongs to one run of one worker. While the run lives it renews the lease; once it is dead
the lease expires, and what it held goes back or, where it was being handed over, is in doubt.
"""

import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection, transaction
from django.db.models import Case, F, Value, When

from messaging.models import Message
from messaging.policy import CLAIM_SIZE, LEASE, Lane, retry_after


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the sender needs of a claimed row, and the names its words may contain."""

    id: uuid.UUID
    kind: str
    purpose: str
    mailing_id: uuid.UUID | None
    person_id: uuid.UUID | None
    topic_id: uuid.UUID | None
    to_address: str
    language: str
    sender: str
    subject: str
    text: str
    html: str
    attempts: int
    first_name: str = ""
    last_name: str = ""
    company: str = ""


# A message that is over keeps no words, and no address where nobody's row needs it.
OVER: dict[str, Any] = {
    "subject": "",
    "text": "",
    "html": "",
    "to_address": Case(When(person_id__isnull=True, then=Value("")), default=F("to_address")),
}


def ask_function(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """One of the sender's functions, prepared once per connection; binary spares both sides."""
    connection.ensure_connection()
    with (
        connection.wrap_database_errors,
        psycopg.Cursor[Any](connection.connection) as cursor,
    ):
        cursor.execute(statement, parameters, prepare=True, binary=True)
        return cursor.fetchall()


def claim(
    lease: uuid.UUID, *, now: datetime, optional: bool, lane: Lane | None = None
) -> list[Claimed]:
    """Take the most urgent messages under a lease; other workers pass them by."""
    rows = ask_function(
        "SELECT * FROM messaging_claim(%s, %s, %s, %s::int, %s, %s)",
        (
            lease,
            now + LEASE,
            now,
            CLAIM_SIZE,
            lane != Lane.CAMPAIGNS,
            optional and lane != Lane.URGENT,
        ),
    )
    return [Claimed(*row) for row in rows]


def renew(messages: Sequence[uuid.UUID], lease: uuid.UUID, *, now: datetime) -> None:
    """The run lives: what it holds stays its own for another while."""
    Message.objects.filter(
        pk__in=messages,
        lease=lease,
        state__in=[Message.State.CLAIMED, Message.State.HANDING],
    ).update(lease_until=now + LEASE)


def release(lease: uuid.UUID, *, now: datetime) -> None:
    """Give unhanded messages of a lease back; they wait a little, and no attempt is counted."""
    Message.objects.filter(
        lease=lease, lease_until__isnull=False, state=Message.State.CLAIMED
    ).update(
        state=Message.State.QUEUED,
        lease=None,
        lease_until=None,
        not_before=now + retry_after(1, random.random()),
    )


def put_back(messages: Iterable[uuid.UUID], lease: uuid.UUID) -> None:
    """Nothing was handed over and nobody is to blame: they go when they may."""
    Message.objects.filter(pk__in=list(messages), lease=lease, state=Message.State.CLAIMED).update(
        state=Message.State.QUEUED, lease=None, lease_until=None
    )


def put_off(later: Sequence[tuple[uuid.UUID, datetime]], lease: uuid.UUID) -> None:
    """Back into the queue, each until its own moment; no attempt is counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_message m SET state = 'queued', lease = NULL, lease_until = NULL, "
            "not_before = l.moment FROM unnest(%s::uuid[], %s::timestamptz[]) AS l (id, moment) "
            "WHERE m.id = l.id AND m.lease = %s AND m.state = 'claimed'",
            [[each for each, _ in later], [moment for _, moment in later], lease],
        )


@transaction.atomic
def reclaim(*, now: datetime) -> None:
    """Leases of dead workers: what was claimed goes back, what was being handed is in doubt.

    Workers' clocks must agree within a minute (NTP): a lease is `LEASE` long by its worker's
    clock, and over by the one of whoever asks.
    """
    expired = Message.objects.filter(lease_until__lt=now)
    expired.filter(state=Message.State.CLAIMED).update(
        state=Message.State.QUEUED, lease=None, lease_until=None
    )
    expired.filter(state=Message.State.HANDING).update(
        state=Message.State.IN_DOUBT,
        reason="the worker stopped while handing over",
        lease=None,
        lease_until=None,
        finished_at=now,
        **OVER,
    )


WITHHELD_AT_ONCE = 10_000
# What another transaction holds is passed by: a claim that has just begun, or another worker here.
_WITHHOLD = """
WITH stopped AS MATERIALIZED (
    SELECT id FROM messaging_campaign WHERE state = 'cancelled'
    UNION ALL
    SELECT id FROM messaging_serviceannouncement WHERE state = 'cancelled'
), due AS MATERIALIZED (
    SELECT m.id FROM messaging_message m
     WHERE m.mailing_id IN (SELECT id FROM stopped) AND m.state = 'queued'
       AND m.lease IS NULL AND m.finished_at IS NULL
     LIMIT %s FOR UPDATE OF m SKIP LOCKED
)
UPDATE messaging_message m SET state = 'withheld', reason = 'cancelled', finished_at = %s
  FROM due WHERE m.id = due.id
"""


@transaction.atomic
def withhold_cancelled(*, now: datetime, limit: int = WITHHELD_AT_ONCE) -> int:
    """What still waits of a cancelled mailing ends here; how many, at most `limit`.

    Nothing of it can leave meanwhile: only what runs is claimed, and the hand-over asks again.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WITHHOLD, [limit, now])
        return int(cursor.rowcount)
