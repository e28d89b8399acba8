"""Who gets a mailing: resolved in the database, in chunks that can stop and go on anywhere.

The key of each message derives from the mailing's moment and the person, so that resolving a
chunk twice meets the key. What changes after the resolution is caught at the hand-over.
"""

import uuid
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from messaging.models import Campaign, Mailing
from messaging.policy import AUDIENCE_CHUNK, PRIORITY_OPTIONAL, PRIORITY_SERVICE

# A UUIDv7 of the mailing's moment whose random half is a digest of mailing and person.
_KEY = """(%(moment)s || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid"""

_REACHABLE = "u.email_confirmed_at IS NOT NULL AND u.deactivated_at IS NULL AND u.is_active"
_NOT_SUPPRESSED = """NOT EXISTS (SELECT 1 FROM consent_suppression s
                                  WHERE s.address_hash = ANY (u.address_hashes))"""

# The parts put together here are constants of this module.
_RESOLVE = f"""
WITH page AS MATERIALIZED (
    {{page}}
), written AS (
    INSERT INTO messaging_message (id, kind, priority, purpose, mailing_id, person_id, topic_id,
           to_address, language, sender, subject, text, html, state, reason, attempts,
           not_before, queued_at)
    SELECT {_KEY}, %(kind)s, %(priority)s, %(purpose)s, %(mailing)s, u.id, %(topic)s,
           u.email, COALESCE(NULLIF(u.language, ''), 'nb'), '', '', '', '', 'queued', '', 0,
           %(now)s, %(now)s
      FROM page JOIN accounts_user u ON u.id = page.person_id
     CROSS JOIN LATERAL md5(%(mailing)s::text || u.id::text) AS h
     WHERE {_REACHABLE} {{also}}
    ON CONFLICT (id) DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM written),
       (SELECT person_id FROM page ORDER BY person_id DESC LIMIT 1)
"""

_CAMPAIGN = _RESOLVE.format(
    page="""SELECT person_id FROM consent_preference
             WHERE topic_id = %(topic)s AND state = 'granted'
               AND (paused_until IS NULL OR paused_until <= %(now)s)
               AND person_id > %(after)s
             ORDER BY person_id LIMIT %(limit)s""",
    also=f"AND {_NOT_SUPPRESSED}",
)
_ANNOUNCEMENT = _RESOLVE.format(
    page="""SELECT id AS person_id FROM accounts_user WHERE id > %(after)s
             ORDER BY id LIMIT %(limit)s""",
    also="AND NOT u.is_staff",
)

_NOBODY = uuid.UUID(int=0)


def resolve(mailing: Mailing, *, now: datetime, chunk: int = AUDIENCE_CHUNK) -> int:
    """Write the messages of a started mailing; how many. Continues where it was cut off."""
    written = 0
    while not mailing.resolved:
        with transaction.atomic():
            locked = type(mailing).objects.select_for_update(of=("self",)).get(pk=mailing.pk)
            if locked.resolved or locked.state != Mailing.State.SENDING:
                break
            written += _resolve_chunk(locked, now=now, chunk=chunk)
        mailing.refresh_from_db()
    return written


def _resolve_chunk(mailing: Mailing, *, now: datetime, chunk: int) -> int:
    assert mailing.resolved_at is not None
    is_campaign = isinstance(mailing, Campaign)
    parameters: dict[str, Any] = {
        "moment": f"{int(mailing.resolved_at.timestamp() * 1000):012x}",
        "kind": "optional" if is_campaign else "service",
        "priority": PRIORITY_OPTIONAL if is_campaign else PRIORITY_SERVICE,
        "purpose": "campaign" if is_campaign else "announcement",
        "mailing": mailing.pk,
        "topic": mailing.topic_id if isinstance(mailing, Campaign) else None,
        "after": mailing.resolved_through or _NOBODY,
        "limit": chunk,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CAMPAIGN if is_campaign else _ANNOUNCEMENT, parameters)
        seen, written, last = cursor.fetchone()
    mailing.resolved = seen < chunk
    # A cursor that is no longer needed would outlive the person it names.
    mailing.resolved_through = None if mailing.resolved else last
    mailing.save(update_fields=["resolved_through", "resolved"])
    return int(written)


_PREVIEW = f"""
SELECT CASE
         WHEN u.email_confirmed_at IS NULL THEN 'not_confirmed'
         WHEN u.deactivated_at IS NOT NULL OR NOT u.is_active THEN 'deactivated'
         WHEN %(topic)s::uuid IS NULL THEN 'reached'
         WHEN p.state IS NULL THEN 'not_asked'
         WHEN p.state <> 'granted' THEN p.state
         WHEN p.paused_until > %(now)s THEN 'paused'
         WHEN NOT ({_NOT_SUPPRESSED}) THEN 'suppressed'
         ELSE 'reached'
       END AS outcome, count(*)
  FROM accounts_user u
  LEFT JOIN consent_preference p ON p.person_id = u.id AND p.topic_id = %(topic)s
 WHERE NOT u.is_staff OR p.state IS NOT NULL
 GROUP BY outcome ORDER BY count(*) DESC
"""


def preview_campaign(topic_id: uuid.UUID, *, now: datetime) -> dict[str, int]:
    """Customers by what would happen to them; `reached` is who would get it."""
    return _preview({"topic": topic_id, "now": now})


def preview_announcement() -> dict[str, int]:
    return _preview({"topic": None, "now": None})


def _preview(parameters: dict[str, Any]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_PREVIEW, parameters)
        return dict(cursor.fetchall())
