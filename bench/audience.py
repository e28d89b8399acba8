"""Who gets a campaign: a million messages from two million people with five preferences each.

The portal resolves in chunks that may be cut anywhere and go on; its limit is one INSERT … SELECT
of the same people into the same table, all of it or nothing. Both run as the sender's role. Half
of the people granted the topic; what both wrote must be the same messages for the same people.
"""

import random
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg

from bench import outbox
from bench.frame import Benchmark, Result, at_least
from bench.servers import administrator, empty, servers
from clicksend_portal.embedded.folders import ServiceError

PEOPLE, TOPICS, ROUNDS = 2_000_000, 5, 3
REACH = 0.9

_PERSON = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
# The first is the newsletter, which every second person granted; every 97th address is suppressed.
SEED = f"""
SET session_replication_role = replica;
INSERT INTO consent_preference (person_id, topic_id, state, version, source, since)
SELECT {_PERSON}, t.id,
       CASE WHEN mod(n + t.place, 2) = 1 THEN 'granted' ELSE 'refused' END, 1, 'signup', now()
  FROM generate_series(1, {PEOPLE}) n,
       (SELECT id, row_number() OVER (ORDER BY slug <> 'newsletter', number) - 1 AS place
          FROM consent_topic WHERE kind = 'mail' LIMIT {TOPICS}) AS t;
INSERT INTO consent_suppression (key_id, address_hash, reason, since, review_on)
SELECT 1, sha256(n::text::bytea), 'hard_bounce', now(), now()
  FROM generate_series(1, {PEOPLE}, 97) n;
"""
# As short as the same rows can be written: no cursor, no chunks, nothing to go on from.
LIMIT = """
INSERT INTO messaging_message (id, kind, priority, purpose, mailing_id, person_id, topic_id,
       to_address, language, sender, subject, text, html, state, reason, attempts, not_before,
       queued_at)
SELECT (%(moment)s || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid,
       'optional', 5, 'campaign', %(mailing)s::uuid, u.id, %(topic)s::uuid, u.email, u.language,
       '', '', '', '', 'queued', '', 0, %(now)s::timestamptz, %(now)s::timestamptz
  FROM consent_preference p JOIN accounts_user u ON u.id = p.person_id
 CROSS JOIN LATERAL md5(%(mailing)s::text || u.id::text) AS h
 WHERE p.topic_id = %(topic)s AND p.state = 'granted'
   AND (p.paused_until IS NULL OR p.paused_until <= %(now)s)
   AND u.email_confirmed_at IS NOT NULL AND u.deactivated_at IS NULL AND u.is_active
   AND NOT EXISTS (SELECT 1 FROM consent_suppression s
                    WHERE s.address_hash = ANY (u.address_hashes))
"""
WRITTEN = """
SELECT count(*), COALESCE(sum(hashtextextended(concat_ws(' ',
           kind, mailing_id, person_id, topic_id, to_address, language, state), 0)), 0)
  FROM messaging_message
"""


class Written(NamedTuple):
    messages: int
    digest: int


def run() -> Iterator[Result]:
    outbox.seed_people(PEOPLE)
    empty("consent_preference")
    with administrator() as admin:
        admin.execute(SEED)
        admin.execute("VACUUM ANALYZE")
    rates: list[float] = []
    limits: list[float] = []
    written: set[Written] = set()
    campaign = outbox.make_campaign()
    for number in range(ROUNDS + 1):
        for side in random.sample(("portal", "limit"), 2):
            clear(campaign.pk)
            began = time.monotonic()
            if side == "portal":
                by_portal(campaign.pk)
            else:
                by_one_statement(campaign.pk, campaign.topic_id)
            seconds = time.monotonic() - began
            found = counted()
            written.add(found)
            if number:  # the first warms the caches for both
                (rates if side == "portal" else limits).append(found.messages / seconds)
    if len(written) != 1:
        raise ServiceError(f"The two do not write the same messages: {written}")
    yield at_least("audience", rates, limits, REACH, unit="messages/s")


def clear(campaign_id: uuid.UUID) -> None:
    from messaging.models import Campaign

    empty("messaging_message")
    Campaign.objects.filter(pk=campaign_id).update(
        state=Campaign.State.SENDING,
        resolved_at=datetime.now(UTC),
        resolved=False,
        resolved_through=None,
    )


def by_portal(campaign_id: uuid.UUID) -> None:
    from foundation.roles import SENDER, as_role
    from messaging import audience
    from messaging.models import Campaign

    with as_role(SENDER):
        audience.resolve(Campaign.objects.get(pk=campaign_id), now=datetime.now(UTC))


def by_one_statement(campaign_id: uuid.UUID, topic_id: uuid.UUID) -> None:
    now = datetime.now(UTC)
    parameters = {
        "moment": f"{int(now.timestamp() * 1000):012x}",
        "mailing": campaign_id,
        "topic": topic_id,
        "now": now,
    }
    with psycopg.connect(servers.database_url, options="-c role=portal_sender") as connection:
        connection.execute(LIMIT, parameters)


def counted() -> Written:
    with administrator() as admin:
        row = admin.execute(WRITTEN).fetchone()
    assert row is not None
    return Written(int(row[0]), int(row[1]))


BENCHMARK = Benchmark(
    "audience", "a million recipients in resumable chunks, beside one INSERT … SELECT", run
)
