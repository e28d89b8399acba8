"""What becomes of a message: permission and mark in one statement, then how it ended."""

import random
import time
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import OperationalError
from psycopg import errors

from messaging.models import Message
from messaging.policy import LEASE, LEAST_ATTEMPTS, give_up_after, retry_after
from messaging.sending.claims import OVER, Claimed, ask_function
from messaging.sending.outcome import Outcome

_HAND_OVER = "SELECT * FROM messaging_hand_over_many(%s::uuid[], %s, %s::uuid[], %s, %s)"


def hand_over(message: Claimed, lease: uuid.UUID, sent: uuid.UUID | None, now: datetime) -> str:
    """Ask and mark in one statement; '' means go. Marks the previous message sent on the way.

    Waits for an opt-out or an erasure of this person that is about to commit.
    """
    marked = [] if sent is None else [sent]
    began = time.monotonic()
    while True:
        waited = timedelta(seconds=time.monotonic() - began)
        answer = hand_over_many([message.id], lease, marked, now + waited)[message.id]
        if answer != "busy":
            return answer


def hand_over_many(
    messages: Sequence[uuid.UUID], lease: uuid.UUID, sent: Sequence[uuid.UUID], now: datetime
) -> dict[uuid.UUID, str]:
    """The same for several at once, without a wait: whom somebody else holds just now is 'busy'.

    To wait for one would let the permissions of the others grow old: they are said first.
    """
    try:
        rows = ask_function(_HAND_OVER, (list(messages), lease, list(sent), now + LEASE, now))
    except OperationalError as error:
        # Some row of the outbox is held, as by an erasure: all is as it was, also what was sent.
        if isinstance(error.__cause__, errors.LockNotAvailable | errors.DeadlockDetected):
            return dict.fromkeys(messages, "busy")
        raise
    return dict(rows)


def mark_sent(message_id: uuid.UUID, lease: uuid.UUID, now: datetime) -> None:
    mark_sent_many([message_id], lease, now)


def mark_sent_many(messages: Sequence[uuid.UUID], lease: uuid.UUID, now: datetime) -> None:
    """What the server has accepted, when no further hand-over carries the mark."""
    ask_function(
        "SELECT messaging_mark_sent_many(%s::uuid[], %s, %s)", (list(messages), lease, now)
    )


def settle(message: Claimed, lease: uuid.UUID, outcome: Outcome, *, now: datetime) -> None:
    """What was not accepted: 5xx ends, 4xx and a lost connection wait, a cut body is in doubt.

    What waits is given up by its age (RFC 5321 §4.5.4.1), once it was tried often enough: a
    mailing that was paused for days has not been tried. Our own trouble counts as no attempt.
    """
    attempts = message.attempts + (not outcome.ours)
    row = Message.objects.filter(pk=message.id, lease=lease)
    told = {"reason": outcome.reply, "attempts": attempts, "lease": None, "lease_until": None}
    failed = {"state": Message.State.FAILED, "finished_at": now, **told, **OVER}
    if outcome.handed:
        row.update(**failed | {"state": Message.State.IN_DOUBT})
        return
    if outcome.permanent:
        row.update(**failed)
        return
    if attempts >= LEAST_ATTEMPTS and not outcome.ours:
        oldest = now - give_up_after(message.kind)
        if row.filter(queued_at__lte=oldest).update(**failed):
            return
    wait = retry_after(max(attempts, 1), random.random())
    row.update(state=Message.State.QUEUED, not_before=now + wait, **told)
