"""What becomes of a message: permission and mark in one statement, then how it ended."""

import random
import uuid
from collections.abc import Sequence
from datetime import datetime

from messaging.models import Message
from messaging.policy import LEASE, MAX_ATTEMPTS, retry_after
from messaging.sending.claims import OVER, Claimed, ask_function
from messaging.sending.outcome import Outcome

_HAND_OVER = "SELECT * FROM messaging_hand_over_many(%s::uuid[], %s, %s::uuid[], %s, %s)"


def hand_over(message: Claimed, lease: uuid.UUID, sent: uuid.UUID | None, now: datetime) -> str:
    """Ask and mark in one statement; '' means go. Marks the previous message sent on the way.

    Waits for an opt-out or an erasure of this person that is about to commit.
    """
    marked = [] if sent is None else [sent]
    while True:
        (answer,) = _ask([message.id], lease, marked, now).values()
        if answer != "busy":
            return answer
        marked = []


def hand_over_many(
    messages: Sequence[uuid.UUID], lease: uuid.UUID, sent: Sequence[uuid.UUID], now: datetime
) -> dict[uuid.UUID, str]:
    """The same for several at once. Whom somebody else holds just now is asked for by himself."""
    answers = _ask(messages, lease, sent, now)
    for each, answer in answers.items():
        while answer == "busy":
            answer = _ask([each], lease, [], now)[each]
        answers[each] = answer
    return answers


def _ask(
    messages: Sequence[uuid.UUID], lease: uuid.UUID, sent: Sequence[uuid.UUID], now: datetime
) -> dict[uuid.UUID, str]:
    rows = ask_function(_HAND_OVER, (list(messages), lease, list(sent), now + LEASE, now))
    return dict(rows)


def mark_sent(message_id: uuid.UUID, lease: uuid.UUID, now: datetime) -> None:
    mark_sent_many([message_id], lease, now)


def mark_sent_many(messages: Sequence[uuid.UUID], lease: uuid.UUID, now: datetime) -> None:
    """What the server has accepted, when no further hand-over carries the mark."""
    ask_function(
        "SELECT messaging_mark_sent_many(%s::uuid[], %s, %s)", (list(messages), lease, now)
    )


def settle(message: Claimed, lease: uuid.UUID, outcome: Outcome, *, now: datetime) -> None:
    """What was not accepted: 5xx ends, 4xx and a lost connection wait, a cut body is in doubt."""
    attempts = message.attempts + 1
    row = Message.objects.filter(pk=message.id, lease=lease)
    told = {"reason": outcome.reply, "attempts": attempts, "lease": None, "lease_until": None}
    if outcome.handed:
        row.update(state=Message.State.IN_DOUBT, finished_at=now, **told, **OVER)
    elif outcome.permanent or attempts >= MAX_ATTEMPTS:
        row.update(state=Message.State.FAILED, finished_at=now, **told, **OVER)
    else:
        wait = retry_after(attempts, random.random())
        row.update(state=Message.State.QUEUED, not_before=now + wait, **told)
