"""Who gets a mailing: resolved in the database, in chunks that can stop and go on anywhere.

A chunk is a range of persons, written in one statement and committed with the cursor that names
its end, so that a kill between two of them loses nothing and repeats nothing. The key of each
message derives from the mailing's moment and the person: whatever is resolved twice all the same
meets it. What changes after the resolution is caught at the hand-over.
"""

import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from messaging import segments, stopping
from messaging.models import Campaign, Mailing, Segment
from messaging.policy import AUDIENCE_CHUNK, MIN_SEGMENT, PRIORITY_OPTIONAL, PRIORITY_SERVICE
from messaging.reach import ANNOUNCEMENT, CAMPAIGN, SEGMENTED, Conditions, outcome, reached
from messaging.timing import moments

# A UUIDv7 of the mailing's moment whose random half is a digest of mailing and person.
_KEY = "(%(moment)s || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid"

# Both ends of the range are named for both tables: so every plan reads this chunk of each and no
# more, whatever the planner believes of the whole.
_GRANTED = """consent_preference p JOIN accounts_user u ON u.id = p.person_id
       AND u.id > %(after)s AND u.id <= %(through)s"""
_GRANTED_RANGE = """p.topic_id = %(topic)s AND p.state = 'granted'
   AND p.person_id > %(after)s AND p.person_id <= %(through)s"""
_CAMPAIGN_END = """
SELECT person_id FROM consent_preference
 WHERE topic_id = %(topic)s AND state = 'granted' AND person_id > %(after)s
 ORDER BY person_id LIMIT 1 OFFSET %(chunk)s - 1
"""
_ANNOUNCEMENT_END = """
SELECT id FROM accounts_user WHERE id > %(after)s ORDER BY id LIMIT 1 OFFSET %(chunk)s - 1
"""


def _insert(source: str, where: str, conditions: Conditions) -> str:
    """Sorted by the key, so that the chunk goes through the key's index in one direction."""
    return f"""
INSERT INTO messaging_message (id, kind, priority, purpose, mailing_id, person_id, topic_id,
       to_address, language, sender, subject, text, html, state, reason, attempts,
       not_before, queued_at)
SELECT {_KEY} AS key, %(kind)s, %(priority)s, %(purpose)s, %(mailing)s, u.id, %(topic)s,
       u.email, COALESCE(NULLIF(u.language, ''), 'nb'), '', '', '', '', 'queued', '', 0,
       COALESCE((%(moments)s::jsonb ->> u.timezone)::timestamptz, %(not_before)s), %(now)s
  FROM {source}
 CROSS JOIN LATERAL md5(%(mailing)s::text || u.id::text) AS h
 WHERE {where} AND {reached(conditions)}
 ORDER BY key
    ON CONFLICT (id) DO NOTHING
"""


_TO_TOPIC = _insert(_GRANTED, _GRANTED_RANGE, CAMPAIGN)
_TO_SEGMENT = _insert(_GRANTED, _GRANTED_RANGE, SEGMENTED)
_TO_EVERYBODY = _insert(
    "accounts_user u", "u.id > %(after)s AND u.id <= %(through)s AND NOT u.is_staff", ANNOUNCEMENT
)

_FIRST, _LAST = uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)


def resolve(
    mailing: Mailing,
    *,
    now: datetime,
    chunk: int = AUDIENCE_CHUNK,
    between: Callable[[], None] = lambda: None,
) -> int:
    """Write the messages of a started mailing; how many. Continues where it was cut off.

    Each chunk holds the mailing's row, so that two workers take turns, and a pause or a
    cancellation comes between two chunks. So does what else must not wait: `between`.
    """
    written = 0
    while not mailing.resolved:
        with transaction.atomic():
            locked = type(mailing).objects.select_for_update(of=("self",)).get(pk=mailing.pk)
            if locked.resolved or locked.state != Mailing.State.SENDING:
                break
            if _is_too_few(locked, now=now):
                locked.state = Mailing.State.PAUSED
                locked.stop_reason = Mailing.StopReason.TOO_FEW
                locked.save(update_fields=["state", "stop_reason"])
                stopping.tell_why(locked, locked.stop_reason)
                break
            written += _resolve_chunk(locked, now=now, chunk=chunk)
        between()
        mailing.refresh_from_db()
    mailing.refresh_from_db()
    return written


def _is_too_few(mailing: Mailing, *, now: datetime) -> bool:
    """Asked before the first chunk: once somebody's message stands there, it is too late."""
    if not isinstance(mailing, Campaign) or mailing.segment is None or mailing.resolved_through:
        return False
    return segments.count_segment(mailing.segment, mailing.topic_id, now=now) < MIN_SEGMENT


def _resolve_chunk(mailing: Mailing, *, now: datetime, chunk: int) -> int:
    parameters = {
        **_parameters(mailing, now=now),
        "after": mailing.resolved_through or _FIRST,
        "chunk": chunk,
    }
    is_campaign = isinstance(mailing, Campaign)
    with connection.cursor() as cursor:
        cursor.execute(_CAMPAIGN_END if is_campaign else _ANNOUNCEMENT_END, parameters)
        last = cursor.fetchone()
        parameters["through"] = last[0] if last else _LAST
        cursor.execute(_statement(mailing), parameters)
        written: int = cursor.rowcount
    mailing.resolved = last is None
    # A cursor that is no longer needed would outlive the person it names.
    mailing.resolved_through = last[0] if last else None
    mailing.save(update_fields=["resolved_through", "resolved"])
    return written


def _statement(mailing: Mailing) -> str:
    if not isinstance(mailing, Campaign):
        return _TO_EVERYBODY
    return _TO_TOPIC if mailing.segment is None else _TO_SEGMENT


def _parameters(mailing: Mailing, *, now: datetime) -> dict[str, Any]:
    assert mailing.resolved_at is not None
    common: dict[str, Any] = {
        "moment": f"{int(mailing.resolved_at.timestamp() * 1000):012x}",
        "mailing": mailing.pk,
        "now": now,
        "not_before": now,
        "moments": "{}",
    }
    if not isinstance(mailing, Campaign):
        return common | {
            "kind": "service",
            "priority": PRIORITY_SERVICE,
            "purpose": "announcement",
            "topic": None,
        }
    common |= {
        "kind": "optional",
        "priority": PRIORITY_OPTIONAL,
        "purpose": "campaign",
        "topic": mailing.topic_id,
    }
    if mailing.segment is not None:
        common |= segments.parameters(mailing.segment)
    if mailing.in_customers_zone and mailing.send_at:
        common["moments"] = json.dumps(moments(mailing.send_at))
        common["not_before"] = mailing.send_at
    return common


def _preview(source: str, conditions: Conditions) -> str:
    """With `OFFSET 0` the planner does not expect as many outcomes as people, and a sort."""
    return f"""
SELECT outcome, count(*)
  FROM (SELECT {outcome(conditions)} AS outcome FROM {source} OFFSET 0) AS people
 GROUP BY outcome ORDER BY count(*) DESC, outcome
"""


# Staff who chose a topic are its readers as any other.
_ASKED = """accounts_user u
  LEFT JOIN consent_preference p ON p.person_id = u.id AND p.topic_id = %(topic)s
 WHERE (NOT u.is_staff OR p.state IS NOT NULL)"""
_OF_TOPIC = _preview(_ASKED, CAMPAIGN)
_OF_SEGMENT = _preview(_ASKED, SEGMENTED)
_OF_EVERYBODY = _preview("accounts_user u WHERE NOT u.is_staff", ANNOUNCEMENT)


def preview_campaign(
    topic_id: uuid.UUID, *, now: datetime, segment: Segment | None = None
) -> dict[str, int]:
    """Customers by what would happen to them; `reached` is who would get it.

    Exact, also of a segment: what staff see of that is `segments.shown_preview`.
    """
    parameters: dict[str, Any] = {"topic": topic_id, "now": now}
    if segment is None:
        return _counts(_OF_TOPIC, parameters)
    return _counts(_OF_SEGMENT, parameters | segments.parameters(segment))


def preview_announcement() -> dict[str, int]:
    return _counts(_OF_EVERYBODY, {})


def _counts(statement: str, parameters: dict[str, Any]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return dict(cursor.fetchall())
