"""The sender: claims rows of the outbox, hands them over one by one, and says what became of each.

Claims are short and leased; nothing is open in the database during SMTP. A message is in doubt
only between its mark and the server's answer, and what is in doubt is never sent again by itself.
"""

import logging
import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.db.models import Case, F, Value, When
from django.template import TemplateSyntaxError
from django.utils import timezone

from consent.tokens import RecipientToken, preferences_url, sign_token, unsubscribe_url
from foundation import standstill
from messaging.models import Campaign, Kind, Message, ServiceAnnouncement
from messaging.policy import CLAIM_SIZE, LEASE, MAX_ATTEMPTS, retry_after
from messaging.render import Prepared, Rendered, prepare
from messaging.transport import (
    Outcome,
    ServerUnreachableError,
    Transport,
    open_transport,
    wire_address,
)

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the sender needs of a claimed row."""

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


_FIELDS = ", ".join(f"m.{name}" for name in Claimed.__dataclass_fields__)
_CLAIM = f"""
WITH claimed AS (
UPDATE messaging_message m
   SET state = 'claimed', lease = %(lease)s, lease_until = %(lease_until)s
  FROM (SELECT id FROM messaging_message q
         WHERE state = 'queued' AND not_before <= %(now)s
           AND (kind <> 'optional' OR %(optional)s)
           AND (mailing_id IS NULL
                OR EXISTS (SELECT 1 FROM messaging_campaign c
                            WHERE c.id = q.mailing_id AND c.state IN ('sending', 'cancelled'))
                OR EXISTS (SELECT 1 FROM messaging_serviceannouncement a
                            WHERE a.id = q.mailing_id AND a.state IN ('sending', 'cancelled')))
         ORDER BY priority, not_before LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS due
 WHERE m.id = due.id
RETURNING {_FIELDS}, m.priority, m.not_before)
SELECT {_FIELDS} FROM claimed m ORDER BY priority, not_before
"""


def claim(lease: uuid.UUID, *, now: datetime, optional: bool) -> list[Claimed]:
    """Take the most urgent messages under a lease; other workers pass them by."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "lease": lease,
                "lease_until": now + LEASE,
                "now": now,
                "limit": CLAIM_SIZE,
                "optional": optional,
            },
        )
        return [Claimed(*row) for row in cursor.fetchall()]


def hand_over(message: Claimed, lease: uuid.UUID, sent: uuid.UUID | None, now: datetime) -> str:
    """Ask and mark in one statement; '' means go. Marks the previous message sent on the way."""
    return str(
        _call("messaging_hand_over(%s, %s, %s, %s, %s)", message.id, lease, sent, now + LEASE, now)
    )


def mark_sent(message_id: uuid.UUID, lease: uuid.UUID, now: datetime) -> None:
    _call("messaging_mark_sent(%s, %s, %s)", message_id, lease, now)


def _call(function: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}", parameters)
        return cursor.fetchone()[0]


def deliver_pending(*, clock: Clock = timezone.now, until: datetime | None = None) -> int:
    """Hand over what is due, most urgent first, until nothing is left or `until` has come.

    How many messages were accepted. A standstill stops optional mail, not the rest. A database
    that was restored is met behind a new connection, so each round asks anew; then before each
    claim and each hand-over, for the journal may be lost meanwhile.
    """
    reclaim(now=clock())
    standstill.forget()
    lease = uuid.uuid4()
    transport = open_transport()
    accepted = 0
    try:
        while until is None or clock() < until:
            batch = claim(lease, now=clock(), optional=not standstill.why())
            if not batch:
                break
            accepted += _deliver_batch(batch, lease, transport, clock)
    except ServerUnreachableError as error:
        logger.warning("the mail server cannot be reached (%s); the rest waits", error)
        release(lease, now=clock())
    finally:
        transport.close()
    return accepted


def _deliver_batch(
    batch: Iterable[Claimed], lease: uuid.UUID, transport: Transport, clock: Clock
) -> int:
    accepted = 0
    sent: uuid.UUID | None = None
    held: list[uuid.UUID] = []
    try:
        for message in batch:

            def permit(message: Claimed = message) -> bool:
                nonlocal sent
                if message.kind == Kind.OPTIONAL and standstill.why():
                    held.append(message.id)
                    return False
                answer = hand_over(message, lease, sent, clock())
                sent = None
                return answer == ""

            outcome = _attempt(message, transport, permit)
            if outcome.accepted:
                accepted += 1
                sent = message.id
            elif not outcome.withheld:
                settle(message, lease, outcome, now=clock())
    finally:
        if sent is not None:
            mark_sent(sent, lease, clock())
        if held:
            put_back(held, lease)
    return accepted


def _attempt(message: Claimed, transport: Transport, permit: Callable[[], bool]) -> Outcome:
    """One message that cannot be put into words or an envelope must not hold up the others."""
    try:
        mail = compose(message)
        wire_address(message.to_address)
    except (ValueError, ObjectDoesNotExist, TemplateSyntaxError) as error:
        logger.exception("a message cannot be composed")
        return Outcome(permanent=True, reply=f"cannot be composed: {type(error).__name__}")
    return transport.deliver(mail, permit)


# A message that is over keeps no words, and no address where nobody's row needs it.
OVER: dict[str, Any] = {
    "subject": "",
    "text": "",
    "html": "",
    "to_address": Case(When(person_id__isnull=True, then=Value("")), default=F("to_address")),
}


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


def release(lease: uuid.UUID, *, now: datetime) -> None:
    """Give unhanded messages of a lease back; they wait a little, and no attempt is counted."""
    Message.objects.filter(lease=lease, state=Message.State.CLAIMED).update(
        state=Message.State.QUEUED,
        lease=None,
        lease_until=None,
        not_before=now + retry_after(1, random.random()),
    )


def put_back(messages: list[uuid.UUID], lease: uuid.UUID) -> None:
    """Held in a standstill: nothing was handed over, so they go once it is over."""
    Message.objects.filter(pk__in=messages, lease=lease, state=Message.State.CLAIMED).update(
        state=Message.State.QUEUED, lease=None, lease_until=None
    )


@transaction.atomic
def reclaim(*, now: datetime) -> None:
    """Leases of dead workers: what was claimed goes back, what was being handed is in doubt."""
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


def compose(message: Claimed) -> EmailMultiAlternatives:
    """The mail with the headers of its kind. Optional mail gets its way out here, nowhere else."""
    headers = {"Message-ID": f"<{message.id}@{settings.MAIL_DOMAIN}>"}
    if message.kind == Kind.OPTIONAL:
        rendered, way_out = _optional(message)
        headers |= way_out
        sender = settings.NEWS_FROM
    elif message.kind == Kind.SERVICE:
        assert message.mailing_id is not None
        rendered = _prepared(Kind.SERVICE, message.mailing_id, message.language).fill(
            unsubscribe_url="", preferences_url=""
        )
        headers["Auto-Submitted"] = "auto-generated"
        sender = settings.SERVICE_FROM
    else:
        rendered = Rendered(message.subject, message.text, message.html)
        headers["Auto-Submitted"] = "auto-generated"
        sender = message.sender or settings.ACCOUNT_FROM
    mail = EmailMultiAlternatives(
        rendered.subject, rendered.text, sender, [message.to_address], headers=headers
    )
    if rendered.html:
        mail.attach_alternative(rendered.html, "text/html")
    return mail


def _optional(message: Claimed) -> tuple[Rendered, dict[str, str]]:
    """RFC 8058 and RFC 2369: https first, mailto second; RFC 2919: one List-Id per topic."""
    assert message.person_id is not None
    assert message.mailing_id is not None
    campaign = _campaign(message.mailing_id)
    topic = campaign.topic
    token = sign_token(
        RecipientToken(
            person_id=message.person_id,
            topic=topic.number,
            mailing=campaign.number,
            wording_version=topic.wording_version,
            issued_at=timezone.now(),
        )
    )
    url = unsubscribe_url(token)
    mailto = f"mailto:{settings.UNSUBSCRIBE_MAILBOX}?subject={token}"
    rendered = _prepared(Kind.OPTIONAL, message.mailing_id, message.language).fill(
        unsubscribe_url=url, preferences_url=preferences_url(token)
    )
    return rendered, {
        "List-Unsubscribe": f"<{url}>, <{mailto}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<{topic.slug.replace('_', '-')}.{settings.MAIL_DOMAIN}>",
    }


# A mailing that is being sent no longer changes (an edit cancels its approval), nor do a topic's
# number and slug: what is prepared stays right for the life of a worker.
@lru_cache(maxsize=64)
def _prepared(kind: str, mailing_id: uuid.UUID, language: str) -> Prepared:
    model = Campaign if kind == Kind.OPTIONAL else ServiceAnnouncement
    return prepare(model.objects.get(pk=mailing_id), language)


@lru_cache(maxsize=64)
def _campaign(mailing_id: uuid.UUID) -> Campaign:
    """With its topic, whose wording is the one this campaign's mails are about."""
    campaign: Campaign = Campaign.objects.select_related("topic").get(pk=mailing_id)
    return campaign
