"""The audit of a million consent events, as an operator runs it: seconds, and its peak memory.

100,000 customers with 5 topics, each asked once and changed once; every event sealed by the sealer
itself, all of it in the journal, and a signed head for every 500 of them.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.frame import Benchmark, Result, bound
from bench.servers import administrator
from clicksend_portal.embedded.folders import ServiceError

ROOT = Path(__file__).resolve().parent.parent
PEOPLE, TOPICS = 100_000, 5
EVENTS_A_HEAD = 500
MOST_SECONDS, MOST_MB = 60.0, 300.0

_PERSON = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
_TOPIC = "('01900000-0000-7000-9000-' || lpad(t::text, 12, '0'))::uuid"
_PAIRS = f"generate_series(1, {PEOPLE}) n, generate_series(1, {TOPICS}) t"
_SAID, _CHANGED = "timestamptz '2026-03-12 09:30:15.25+01'", "timestamptz '2026-09-01 20:00+02'"

# Not through the portal's doors. A third of the choices ends, a third rests, a third rested.
SEED = f"""
SET session_replication_role = replica;
INSERT INTO accounts_user (id, password, username, first_name, last_name, email, address,
       address_hashes, phone, company, country, language, timezone, support_channel,
       email_confirmed_at, is_active, is_staff, is_superuser)
SELECT {_PERSON}, '!', 'customer' || n, 'Kari', 'Nordmann', n || '@shop.test', n || '@shop.test',
       ARRAY[sha256(n::text::bytea)], '', '', 'NO', 'nb', 'Europe/Oslo', 'email', now(), true,
       false, false
  FROM generate_series(1, {PEOPLE}) n;
INSERT INTO consent_topic (id, number, slug, kind, position, wording_version)
SELECT {_TOPIC}, t + 1000, 'audited' || t, 'mail', 50, 1 FROM generate_series(1, {TOPICS}) t;
INSERT INTO consent_consentdetail (person_id, topic_id, version, state_before, state, undone,
       source, actor, reason, language, wording_version, mailing, at, salt)
SELECT {_PERSON}, {_TOPIC}, 1, '', 'granted', false, 'signup', 'self', '', 'nb', 1, 0, {_SAID},
       uuid_send(gen_random_uuid()) FROM {_PAIRS} ORDER BY hashint4(n), t;
INSERT INTO consent_consentdetail (person_id, topic_id, version, state_before, state,
       paused_until, undone, source, actor, reason, language, wording_version, mailing, at,
       received_at, salt)
SELECT {_PERSON}, {_TOPIC}, 2, 'granted', CASE WHEN n % 3 = 0 THEN 'withdrawn' ELSE 'granted' END,
       CASE WHEN n % 3 > 0 THEN {_CHANGED} + interval '3 months' END, false,
       CASE WHEN n % 3 = 0 THEN 'one_click' ELSE 'preferences' END, 'self', '', 'nb', 1, 7,
       {_CHANGED}, {_CHANGED}, uuid_send(gen_random_uuid()) FROM {_PAIRS} ORDER BY hashint4(n), t;
INSERT INTO consent_preference (person_id, topic_id, state, paused_until, version, source, since)
SELECT d.person_id, d.topic_id, d.state, d.paused_until, 2,
       CASE WHEN d.state = 'granted' THEN 'signup' ELSE d.source END,
       CASE WHEN d.state = 'granted' THEN {_SAID} ELSE d.at END
  FROM consent_consentdetail d WHERE version = 2;
"""


class Run(NamedTuple):
    seconds: float
    peak_mb: float


def run() -> Iterator[Result]:
    with administrator() as admin:
        admin.execute(SEED)
        admin.execute("VACUUM ANALYZE")
    seal()
    with administrator() as admin:
        admin.execute("VACUUM ANALYZE")
        admin.execute("CHECKPOINT")
    audit = run_audit()
    yield bound("audit, 1 M events", audit.seconds, MOST_SECONDS, unit="s")
    yield bound("audit, peak memory", audit.peak_mb, MOST_MB, unit="MB")


def seal() -> None:
    """By the portal's own sealer, keys and journal; the models are known once Django is set up."""
    from django.utils import timezone

    from consent.models import Head
    from consent.proof import heads, keys, notes, sealer, tree
    from foundation.roles import KEEPER, as_role
    from retention.journal.keeping import keep_log

    now = timezone.now().replace(microsecond=0)
    sealed = sealer.seal_pending(now=now)
    if sealed != 2 * PEOPLE * TOPICS:
        raise ServiceError(f"{sealed} events were sealed, not all.")
    key = keys.signing_key()
    for size in range(EVENTS_A_HEAD, sealed + 1, EVENTS_A_HEAD):
        root = tree.root_at(size)
        signature = keys.sign(key, notes.head_text(key.origin, size, root, now))
        heads.publish_head(Head(size=size, root=root, signed_at=now, key=key, signature=signature))
    with as_role(KEEPER):
        keep_log(now)


def run_audit() -> Run:
    """The command as an operator runs it; the kernel says its peak memory."""
    command = [sys.executable, str(ROOT / "manage.py"), "audit_consent"]
    with tempfile.TemporaryFile() as stream:
        began = time.monotonic()
        pid = os.posix_spawn(
            sys.executable,
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, stream.fileno(), number) for number in (1, 2)],
        )
        _, status, usage = os.wait4(pid, 0)
        seconds = time.monotonic() - began
        stream.seek(0)
        said = stream.read().decode()
    if os.waitstatus_to_exitcode(status) != 0:
        raise ServiceError(f"The audit failed:\n{said}")
    return Run(seconds, usage.ru_maxrss / 1024)


BENCHMARK = Benchmark("audit", "the audit of a million consent events: seconds and memory", run)
