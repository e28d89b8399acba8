"""A mailing that reaches too many dead addresses, or annoys too many readers, stops itself.

Counted from what came back about its own messages. A person may let it go on: then only what comes
from that moment counts, for they have seen the rest. The figures of that moment stand in the cache;
should it lose them, the mailing stops once more and asks again.
"""

import logging
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.urls import reverse

from accounts.models import User
from foundation.mail import write_mail
from messaging.models import Mailing
from messaging.policy import (
    MIN_SEGMENT,
    STOP_BOUNCED_FROM,
    STOP_BOUNCED_SHARE,
    STOP_COMPLAINED_SHARE,
    STOP_COMPLAINTS_FROM,
    handed_to_ask,
    why_stop,
)

logger = logging.getLogger(__name__)
# Longer than any mailing runs.
REMEMBERED = 90 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Figures:
    """Messages of a mailing that a server or provider was given, and what came back of them."""

    handed: int = 0
    bounced: int = 0
    complained: int = 0

    def since(self, former: "Figures") -> "Figures":
        return Figures(
            self.handed - former.handed,
            self.bounced - former.bounced,
            self.complained - former.complained,
        )


def stop_if_over_threshold(mailing: Mailing, *, now: datetime) -> bool:
    """Whether it was stopped just now. Only few rows are read while little has come back."""
    returned = came_back(mailing)
    accepted = _accepted(mailing) if any(returned) else Figures()
    new = Figures(0, *returned).since(accepted)
    # Nothing to be a large share of even the smallest number.
    if (
        new.complained < STOP_COMPLAINTS_FROM
        and new.bounced <= STOP_BOUNCED_FROM * STOP_BOUNCED_SHARE
    ):
        return False
    enough = accepted.handed + handed_to_ask(new.bounced, new.complained)
    figures = Figures(_handed_by_now(mailing, enough=enough), *returned).since(accepted)
    reason = why_stop(figures.handed, figures.bounced, figures.complained)
    return bool(reason) and _stop(mailing, reason, figures, now=now)


@transaction.atomic
def _stop(mailing: Mailing, reason: str, figures: Figures, *, now: datetime) -> bool:
    stopped = (
        type(mailing)
        .objects.filter(pk=mailing.pk, state=Mailing.State.SENDING)
        .update(state=Mailing.State.PAUSED, stop_reason=reason)
    )
    if not stopped:
        return False
    logger.warning("a mailing has stopped itself: %s, %s", reason, asdict(figures))
    tell_why(mailing, reason, figures)
    mailing.state, mailing.stop_reason = Mailing.State.PAUSED, reason
    return True


def accept_what_came_back(mailing: Mailing) -> None:
    """Somebody has seen why it stopped and lets it go on: from here on it is counted anew."""
    figures = Figures(_handed(mailing), *came_back(mailing))
    with suppress(redis.RedisError):
        cache.set(_key(mailing), asdict(figures), timeout=REMEMBERED)


def _accepted(mailing: Mailing) -> Figures:
    try:
        kept: dict[str, int] = cache.get(_key(mailing)) or {}
    except redis.RedisError:
        kept = {}
    return Figures(**kept)


def _key(mailing: Mailing) -> str:
    return f"accepted:{mailing.pk}"


# --- counting ------------------------------------------------------------------------------------

# Each reader counts once: the same thing is told of twice, by a provider and by a mail, and nobody
# stops a campaign alone by complaining often. What a server refused at once (5xx) never comes back;
# and anybody can write a bounce, so what is unproven is left out.
_CAME_BACK = """
SELECT (SELECT count(DISTINCT COALESCE(person_id, message_id, id)) FROM messaging_providerevent
         WHERE mailing_id = %(mailing)s AND kind = 'hard_bounce'
           AND outcome <> 'unknown')
       + (SELECT count(*) FROM messaging_message
           WHERE mailing_id = %(mailing)s AND state = 'failed' AND reason LIKE '5%%'),
       (SELECT count(DISTINCT COALESCE(person_id, message_id, id)) FROM messaging_providerevent
         WHERE mailing_id = %(mailing)s AND kind = 'complaint'
           AND outcome <> 'unknown')
"""
_HANDED = """
SELECT count(*) FROM (
    SELECT FROM messaging_message
     WHERE mailing_id = %(mailing)s AND finished_at IS NOT NULL AND state = 'sent'
    UNION ALL
    SELECT FROM messaging_message
     WHERE mailing_id = %(mailing)s AND state = 'failed' AND reason LIKE '5%%'
     LIMIT %(enough)s) AS handed
"""


def came_back(mailing: Mailing) -> tuple[int, int]:
    """How many readers' mail bounced, and how many complained, each counted once."""
    bounced, complained = _row(_CAME_BACK, mailing=mailing.pk)
    return bounced, complained


# How many at least, as this process has counted: a number that only grows.
_counted: dict[uuid.UUID, int] = {}
MOST_COUNTED = 1000


def _handed_by_now(mailing: Mailing, *, enough: int) -> int:
    """Counted anew only when as many more must have left for the share to be small.

    Twice as far as needed, so that a long mailing is counted a few times, not every few seconds.
    """
    if _counted.get(mailing.pk, 0) < enough:
        if len(_counted) >= MOST_COUNTED:
            _counted.clear()
        _counted[mailing.pk] = _handed(mailing, enough=2 * enough)
    return _counted[mailing.pk]


def _handed(mailing: Mailing, *, enough: int | None = None) -> int:
    """How many were handed over; not counted past what is enough to know."""
    (handed,) = _row(_HANDED, mailing=mailing.pk, enough=enough)
    return int(handed)


def _row(statement: str, **values: Any) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[int, ...] = cursor.fetchone()
        return row


# --- telling -------------------------------------------------------------------------------------


def tell_why(mailing: Mailing, reason: str, figures: Figures | None = None) -> None:
    """Author and approver (and who sent it at night) learn why. The pause stands if they cannot."""
    try:
        with transaction.atomic():
            _write_mails(mailing, reason, figures or Figures())
    except Exception as error:  # noqa: BLE001 -- whatever it is, what leaves must stop
        # Not its words: they may name a person.
        logger.error("nobody was told that a mailing stopped: %s", type(error).__name__)


def _write_mails(mailing: Mailing, reason: str, figures: Figures) -> None:
    keys = {mailing.author_id, mailing.approved_by_id, getattr(mailing, "sent_by_id", None)}
    people = User.objects.filter(pk__in=keys - {None}, is_active=True)
    bounces = reason == Mailing.StopReason.BOUNCES
    count = figures.bounced if bounces else figures.complained
    context = {
        "too_few": reason == Mailing.StopReason.TOO_FEW,
        "fewest": MIN_SEGMENT,
        "bounces": bounces,
        "count": count,
        "handed": figures.handed,
        "percent": 100 * count / figures.handed if figures.handed else 100.0,
        "limit": 100 * (STOP_BOUNCED_SHARE if bounces else STOP_COMPLAINED_SHARE),
        "url": settings.PORTAL_URL
        + reverse(f"admin:messaging_{mailing._meta.model_name}_change", args=[mailing.pk]),
    }
    # The sender's role reads no other columns.
    for person in people.order_by("pk").only("pk", "email", "language"):
        language = person.language or settings.LANGUAGE_CODE
        write_mail(
            "messaging/mail/mailing_stopped",
            to=person.email,
            person_id=person.pk,
            language=language,
            context={**context, "mailing_subject": mailing.text("subject", language)},
        )
