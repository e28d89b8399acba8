"""What became of a mailing, in numbers: no name, no address, nobody's habits.

Everything is counted from what sending leaves behind anyway. Who opened it or clicked is not known
to anybody: pictures and links are the same for every reader, but those by which they unsubscribe
or change their choices (`pages-not-people`).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef

from consent.models import ConsentDetail, State
from foundation.ids import uuid7_floor
from messaging.models import Campaign, Mailing, Message
from messaging.stopping import came_back

# Widths a reader grasps; the narrowest that needs no more than so many columns is taken.
_SECONDS = (1, 5, 15, 60, 300, 900, 3_600, 10_800, 21_600, 86_400, 604_800)
WIDTHS = tuple(timedelta(seconds=seconds) for seconds in _SECONDS)
COLUMNS = 48
# The key of a message carries its mailing's moment: only those months' partitions are read.
_COUNT = """
SELECT state, reason, count(*), count(delivered_at), min(handed_at), max(handed_at)
  FROM messaging_message
 WHERE mailing_id = %(mailing)s AND id >= %(first)s AND id < %(last)s
 GROUP BY state, reason
"""
_OVER_TIME = """
SELECT date_bin(%(width)s, handed_at, %(origin)s) AS since, count(*)
  FROM messaging_message
 WHERE mailing_id = %(mailing)s AND id >= %(first)s AND id < %(last)s
   AND state = 'sent' AND handed_at IS NOT NULL
 GROUP BY since ORDER BY since
"""
_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Column:
    """So many were handed over from this moment until the next column's."""

    since: datetime
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`delivered` is None when nobody tells: over SMTP the next server's yes is all there is."""

    total: int = 0
    sent: int = 0
    delivered: int | None = None
    waiting: int = 0
    withheld: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    in_doubt: int = 0
    bounced: int = 0
    complained: int = 0
    opted_out: int | None = None
    width: timedelta = WIDTHS[0]
    over_time: Sequence[Column] = ()
    # Nobody was left to write to, or the schedule has dropped the month meanwhile.
    is_empty: bool = False


def report(mailing: Mailing) -> Report:
    rows = _counted(mailing)
    if not rows:
        return Report(opted_out=_opted_out(mailing), is_empty=mailing.resolved)

    def count(*states: Message.State) -> int:
        return sum(row[2] for row in rows if row[0] in states)

    def reasons(state: Message.State) -> dict[str, int]:
        found: Counter[str] = Counter()
        for row in rows:
            if row[0] == state:
                found[_nameless(row[1])] += row[2]
        return dict(found.most_common())

    moments = [moment for row in rows for moment in row[4:6] if moment is not None]
    width = _width(max(moments) - min(moments)) if moments else WIDTHS[0]
    bounced, complained = came_back(mailing)
    delivered = sum(row[3] for row in rows)
    return Report(
        total=sum(row[2] for row in rows),
        sent=count(Message.State.SENT),
        delivered=delivered if delivered or not settings.MAIL_TRANSPORT.is_smtp else None,
        waiting=count(Message.State.QUEUED, Message.State.CLAIMED, Message.State.HANDING),
        withheld=reasons(Message.State.WITHHELD),
        failed=reasons(Message.State.FAILED),
        in_doubt=count(Message.State.IN_DOUBT),
        bounced=bounced,
        complained=complained,
        opted_out=_opted_out(mailing),
        width=width,
        over_time=_over_time(mailing, width),
    )


def _counted(mailing: Mailing) -> list[tuple[Any, ...]]:
    if mailing.resolved_at is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _where(mailing))
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


# A mail server's words may name the address, its codes never (RFC 5321 4.2, RFC 3463 2).
_CODES = re.compile(r"\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?|[a-z_]+$")


def _nameless(reason: str) -> str:
    match = _CODES.match(reason)
    return match[0] if match else ""


def _where(mailing: Mailing) -> dict[str, Any]:
    assert mailing.resolved_at is not None
    return {
        "mailing": mailing.pk,
        "first": uuid7_floor(mailing.resolved_at),
        "last": uuid7_floor(mailing.resolved_at + timedelta(days=1)),
    }


def _opted_out(mailing: Mailing) -> int | None:
    """By a link or a header of this campaign, and not taken back; None where there is no way out.

    The key of an event carries its time, so that only what came after the start is read.
    """
    if not isinstance(mailing, Campaign) or mailing.resolved_at is None:
        return None
    since = ConsentDetail.objects.filter(
        id__gte=uuid7_floor(mailing.resolved_at), mailing=mailing.number
    )
    taken_back = ConsentDetail.objects.filter(
        person_id=OuterRef("person_id"),
        topic_id=OuterRef("topic_id"),
        version=OuterRef("version") + 1,
        undone=True,
    )
    return (
        since.filter(~Exists(taken_back), state=State.WITHDRAWN)
        .values("person_id")
        .distinct()
        .count()
    )


def _width(span: timedelta) -> timedelta:
    return next((width for width in WIDTHS if span <= width * COLUMNS), WIDTHS[-1])


def _over_time(mailing: Mailing, width: timedelta) -> list[Column]:
    with connection.cursor() as cursor:
        bins: dict[str, Any] = {"width": width, "origin": _MONDAY}
        cursor.execute(_OVER_TIME, _where(mailing) | bins)
        return [Column(since, number) for since, number in cursor.fetchall()]
