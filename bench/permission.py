"""`POST /api/v1/permission` for 1,000 addresses, beside the bare SQL that answers it.

200,000 customers with 5 preferences each; every eighth address asked for is nobody's. Both sides
get the same addresses one after the other, over one connection each.
"""

import http.client
import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench.frame import Benchmark, Result, at_most, median
from bench.one_click import portal
from bench.servers import administrator, servers
from clicksend_portal.embedded.folders import ServiceError

PEOPLE, TOPICS, ASKED = 200_000, 5, 1_000
ROUNDS, QUESTIONS = 7, 20
REACH = 2.0
SLUG = "asked1"

_PERSON = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
_TOPIC = "('01900000-0000-7000-9100-' || lpad(t::text, 12, '0'))::uuid"

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
SELECT {_TOPIC}, t + 2000, 'asked' || t, 'mail', 50, 1 FROM generate_series(1, {TOPICS}) t
    ON CONFLICT DO NOTHING;
INSERT INTO consent_preference (person_id, topic_id, state, version, source, since)
SELECT {_PERSON}, {_TOPIC}, CASE WHEN n % 10 = 0 THEN 'withdrawn' ELSE 'granted' END, 1, 'signup',
       now() FROM generate_series(1, {PEOPLE}) n, generate_series(1, {TOPICS}) t;
INSERT INTO consent_suppression (key_id, address_hash, reason, since, review_on)
SELECT 1, sha256(n::text::bytea), 'hard_bounce', now(), now()
  FROM generate_series(1, {PEOPLE}, 50) n;
"""


def run() -> Iterator[Result]:
    with administrator() as admin:
        admin.execute(SEED)
        admin.execute("VACUUM ANALYZE")
    secret = make_key()
    answers: list[float] = []
    limits: list[float] = []
    with (
        tempfile.TemporaryDirectory() as name,
        portal(Path(name)) as address,
        bare_connection() as bare,
    ):
        api = Api(address, secret)
        for each in range(ROUNDS + 1):
            times = [compare(api, bare) for _ in range(QUESTIONS)]
            if each:  # the first warms pools, plans and caches of both
                answers.append(median([api_ms for api_ms, _ in times]))
                limits.append(median([bare_ms for _, bare_ms in times]))
    yield at_most("permission", answers, limits, REACH, unit="ms")


def make_key() -> str:
    from consent.service_keys import make_service_key

    return make_service_key(name="bench", scopes=["permission"], now=datetime.now(UTC))[1]


@contextmanager
def bare_connection() -> Iterator[psycopg.Connection]:
    with psycopg.connect(
        servers.database_url, options="-c role=portal_app", autocommit=True
    ) as connection:
        yield connection


class Api:
    """One kept-alive connection, as another system would have."""

    def __init__(self, address: str, secret: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        self.headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def ask(self, addresses: list[str]) -> list[dict[str, Any]]:
        body = json.dumps({"topic": SLUG, "addresses": addresses})
        self.connection.request("POST", "/api/v1/permission", body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise ServiceError(f"The portal answered {answer.status}: {text[:300]!r}")
        answers: list[dict[str, Any]] = json.loads(text)["answers"]
        return answers


def compare(api: Api, bare: psycopg.Connection) -> tuple[float, float]:
    """Milliseconds of the API, as its caller waits, and of the statement; both must agree."""
    from consent.api.decisions import BY_ADDRESS

    addresses = [f"{n}@shop.test" for n in random.sample(range(1, PEOPLE * 8 // 7), ASKED)]
    began = time.perf_counter()
    answers = api.ask(addresses)
    asked = time.perf_counter()
    parameters = {"addresses": addresses, "topic": SLUG, "now": datetime.now(UTC)}
    with bare.cursor() as cursor:
        cursor.execute(BY_ADDRESS, parameters, prepare=True, binary=True)
        found: dict[str, str] = dict(cursor.fetchall())
    ended = time.perf_counter()
    wrong = [each for each in answers if each["why"] != found.get(each["address"], "not_asked")]
    if wrong or len(answers) != ASKED:
        raise ServiceError(f"{len(wrong)} answers differ from the statement's: {wrong[:3]}")
    return 1000 * (asked - began), 1000 * (ended - asked)


BENCHMARK = Benchmark(
    "permission", "whether 1,000 addresses may be written to, beside the bare SQL", run
)
