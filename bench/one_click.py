"""The one-click unsubscribe through the whole portal, beside pgbench doing the same two writes.

200,000 customers with 5 preferences each. Half of them are the portal's, half pgbench's: whoever
came second to a choice would find it changed and have less to write.
"""

import os
import random
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.frame import Benchmark, Result, at_least, at_most, percentile
from bench.servers import administrator, servers
from clicksend_portal import environment
from clicksend_portal.embedded.folders import ServiceError
from clicksend_portal.embedded.valkey import free_port
from clicksend_portal.run import processes

HERE = Path(__file__).resolve().parent
PEOPLE, TOPICS, CONNECTIONS = 200_000, 5, 8
ROUNDS, SECONDS = 5, 5
TOKENS_A_ROUND = 50_000  # more than a round can use up
REACH, REACH_P99 = 0.30, 4.0
FIRST_NUMBER = 11  # of the topics made here, past the portal's own

_PERSON = "('01900000-0000-7000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
_TOPIC = "('01900000-0000-7000-9000-' || lpad({}::text, 12, '0'))::uuid"
PERSON, TOPIC = _PERSON.format("n"), _TOPIC.format("t")
PAIRS = f"generate_series(1, {PEOPLE}) n, generate_series(1, {TOPICS}) t"

# Not through the portal's doors: a million rows, each with its event, as they would stand there.
SEED = f"""
SET session_replication_role = replica;
INSERT INTO accounts_user (id, password, username, first_name, last_name, email, address,
       address_hashes, phone, company, country, language, timezone, support_channel,
       email_confirmed_at, is_active, is_staff, is_superuser)
SELECT {PERSON}, '!', 'customer' || n, 'Kari', 'Nordmann', n || '@shop.test', n || '@shop.test',
       ARRAY[sha256(n::text::bytea)], '', '', 'NO', 'nb', 'Europe/Oslo', 'email', now(), true,
       false, false
  FROM generate_series(1, {PEOPLE}) n;
INSERT INTO consent_topic (id, number, slug, kind, position, wording_version)
SELECT {TOPIC}, t + {FIRST_NUMBER - 1}, 'bench' || t, 'mail', 50, 1
  FROM generate_series(1, {TOPICS}) t;
INSERT INTO consent_topicwording (topic_id, version, name_nb, name_en, description_nb,
       description_en)
SELECT {TOPIC}, 1, 'Emne', 'Topic', '', '' FROM generate_series(1, {TOPICS}) t;
INSERT INTO consent_preference (person_id, topic_id, state, version, source, since)
SELECT {PERSON}, {TOPIC}, 'granted', 1, 'signup', now() FROM {PAIRS};
INSERT INTO consent_consentdetail (person_id, topic_id, version, state_before, state, undone,
       source, actor, reason, language, wording_version, mailing, at, salt)
SELECT {PERSON}, {TOPIC}, 1, '', 'granted', false, 'signup', 'self', '', 'nb', 1, 0, now(),
       uuid_send(gen_random_uuid()) FROM {PAIRS};
"""
# What both sides wrote since the round before; the sealer is no part of this.
WRITTEN = "SELECT count(*) FROM consent_consentdetail WHERE source = 'one_click' AND version > 1"


class Load(NamedTuple):
    rate: float
    p99: float  # milliseconds


def run() -> Iterator[Result]:
    if shutil.which("wrk") is None:
        raise ServiceError(
            "one_click needs wrk; install it with the package manager (Debian: wrk)."
        )
    seed()
    with tempfile.TemporaryDirectory() as name, portal(Path(name)) as address:
        folder = Path(name)
        tokens = token_files(folder)
        unsubscribe(address, next(tokens), seconds=2)  # warms caches, pools and prepared statements
        pgbench(folder, seconds=2)
        portals: list[Load] = []
        limits: list[Load] = []
        for _ in range(ROUNDS):
            with administrator() as admin:
                admin.execute("CHECKPOINT")
            for side in random.sample(("portal", "pgbench"), 2):
                if side == "portal":
                    portals.append(unsubscribe(address, next(tokens), seconds=SECONDS))
                else:
                    limits.append(pgbench(folder, seconds=SECONDS))
    rates, limit_rates = [each.rate for each in portals], [each.rate for each in limits]
    yield at_least("one_click", rates, limit_rates, REACH, unit="requests/s")
    p99s, limit_p99s = [each.p99 for each in portals], [each.p99 for each in limits]
    yield at_most("one_click, p99", p99s, limit_p99s, REACH_P99, unit="ms")


def seed() -> None:
    with administrator() as admin:
        admin.execute(SEED)
        admin.execute("VACUUM ANALYZE")


def token_files(folder: Path) -> Iterator[Path]:
    """Tokens as mails carry them; no choice is in two of the files."""
    from consent.tokens import RecipientToken, sign_token

    choices = range(PEOPLE // 2 * TOPICS, PEOPLE * TOPICS)
    drawn = random.sample(choices, TOKENS_A_ROUND * (ROUNDS + 1))
    now = datetime.now(UTC)
    for part in range(ROUNDS + 1):
        path = folder / f"tokens{part}"
        with path.open("w") as file:
            for choice in drawn[part * TOKENS_A_ROUND : (part + 1) * TOKENS_A_ROUND]:
                token = RecipientToken(
                    person_id=uuid.UUID(f"01900000-0000-7000-8000-{choice // TOPICS + 1:012x}"),
                    topic=choice % TOPICS + FIRST_NUMBER,
                    mailing=7,
                    wording_version=1,
                    issued_at=now,
                )
                file.write(f"{sign_token(token)}\n")
        yield path


@contextmanager
def portal(folder: Path) -> Iterator[str]:
    """The web server exactly as `make run` starts it, with every middleware."""
    env = replace(environment.read(), port=free_port())
    with (folder / "web.log").open("wb") as log:
        child = servers.family.spawn(
            "web",
            processes.web(env).command,
            environment=os.environ,
            output=log,
            folder=HERE.parent,
        )
    try:
        address = f"http://127.0.0.1:{env.port}"
        wait_for(address, folder / "web.log")
        yield address
    finally:
        servers.family.stop(child, patience=5.0)


def wait_for(address: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/healthz", timeout=2).close()  # noqa: S310
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise ServiceError(f"The portal did not start:\n{log.read_text(errors='replace')[-2000:]}")


def unsubscribe(address: str, tokens: Path, *, seconds: int) -> Load:
    """POSTs of mail programs over 8 connections; every one must have been written."""
    before = written()
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "one_click.lua")]
    said = subprocess.run(
        [*command, address],
        env={**os.environ, "TOKENS": str(tokens)},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found = re.search(r"RESULT (\S+) (\S+) (\d+) (\d+)", said)
    if found is None or int(found[4]):
        raise ServiceError(f"wrk failed, or was answered with errors:\n{said}")
    requests, rows = int(found[3]), written() - before
    # What is under way when wrk stops, now and the time before, is written but not counted.
    if requests > TOKENS_A_ROUND or not requests <= rows <= requests + 4 * CONNECTIONS:
        raise ServiceError(f"{requests} requests, but {rows} events were written.")
    return Load(float(found[1]), float(found[2]))


def written() -> int:
    with administrator() as admin:
        row = admin.execute(WRITTEN).fetchone()
    return int(row[0]) if row else 0


def pgbench(folder: Path, *, seconds: int) -> Load:
    """As the owner, for no other role writes a choice directly; latencies from its log of every
    transaction."""
    said = subprocess.run(
        [
            str(servers.programs / "pgbench"),
            "-n",
            "-M",
            "prepared",
            "-c",
            str(CONNECTIONS),
            "-j",
            "2",
            "-T",
            str(seconds),
            "-f",
            str(HERE / "one_click.sql"),
            "-l",
            f"--log-prefix={folder}/pgbench",
            servers.database_url,
        ],
        env={**os.environ, "PGOPTIONS": "-c role=portal_owner"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"tps = ([\d.]+)", said.stdout)
    if said.returncode or found is None:
        raise ServiceError(f"pgbench failed:\n{said.stderr}")
    logs = list(folder.glob("pgbench.*"))
    times = [int(line.split()[2]) / 1000 for log in logs for line in log.read_text().splitlines()]
    for log in logs:
        log.unlink()
    return Load(float(found[1]), percentile(times, 99))


BENCHMARK = Benchmark(
    "one_click", "the one-click POST with every middleware, beside pgbench's same writes", run
)
