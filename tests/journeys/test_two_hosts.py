"""Two hosts send one campaign: each has the addresses and the keys, and nothing else in common.

Each group of workers starts in a process group, a folder and an environment of its own, with a
host name of its own; nothing of ours is inherited but what is named. Where we may make network
namespaces, each group has its own: the mail server is at another address for each, and loopback,
by which processes of one machine find each other, is not shared.
"""

import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings
from django.db import connection

from bench.sink import EVERYWHERE, Sink, running_sink
from clicksend_portal.embedded.family import Family
from clicksend_portal.environment import BASE_DIR
from foundation.roles import SENDER, as_role
from messaging import services
from messaging.models import Campaign, Message, SendingLimit
from tests.factories import make_campaign, make_customer, make_staff

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PEOPLE, PATIENCE = 400, 60.0
# All that a worker on another machine is given, beside the addresses below.
NAMED = (
    "SECRET_KEY",
    "TOKEN_KEYS",
    "SUPPRESSION_KEYS",
    "LOG_KEYS",
    "PORTAL_URL",
    "MAIL_DOMAIN",
    "LEGAL_NAME",
    "POSTAL_ADDRESS",
    "SUPPORT_EMAIL",
    "SUPPORT_PHONE",
    "PRIVACY_EMAIL",
    "DATABASE_URL",
    "BROKER_URL",
)
# A worker without Celery: told nothing, it finds its work in the database.
PROGRAM = """
import sys, time
import django
django.setup()
from messaging.services import deliver_pending
end = time.monotonic() + 60
print("ready", flush=True)
while time.monotonic() < end:
    deliver_pending()
    time.sleep(0.05)
"""


class Host(NamedTuple):
    """Where a group of workers runs, and at which address it finds the mail server."""

    name: str
    prefix: Sequence[str]
    mail_server: str


def may_make_namespaces() -> bool:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"portal-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if made.returncode:
        return False
    subprocess.run(["ip", "netns", "del", name], check=False)
    return True


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def hosts() -> Iterator[list[Host]]:
    """Two of them; with a network of its own each, where that can be had."""
    if not may_make_namespaces():
        yield [Host(name, (), "127.0.0.1") for name in ("north", "south")]
        return
    made: list[str] = []
    try:
        found = []
        for number, name in enumerate(("north", "south")):
            space, ours = f"portal-{name}-{os.getpid()}", f"pt{number}-{os.getpid()}"[:15]
            net = f"10.213.{(os.getpid() + number * 97) % 250}"
            ip("netns", "add", space)
            made.append(space)
            ip("link", "add", ours, "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("addr", "add", f"{net}.1/24", "dev", ours)
            ip("link", "set", ours, "up")
            ip("-n", space, "addr", "add", f"{net}.2/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
            prefix = ("ip", "netns", "exec", space)
            found.append(Host(name, prefix, f"{net}.1"))
        yield found
    finally:
        for space in made:  # the other end of each pair goes with it
            subprocess.run(["ip", "netns", "del", space], check=False)


@contextmanager
def groups_at_work(where: Sequence[Host], sink: Sink, folder: Path) -> Iterator[None]:
    family = Family()
    try:
        for host in where:
            home = folder / host.name
            home.mkdir()
            environment = {name: os.environ[name] for name in NAMED if name in os.environ}
            environment |= {
                "DATABASE_ROLE": "portal_sender",
                "DJANGO_SETTINGS_MODULE": "clicksend_portal.settings",
                "EMAIL_URL": f"smtp://{host.mail_server}:{sink.port}",
                "JOURNAL_URL": settings.JOURNAL_URL,
                "PYTHONPATH": str(BASE_DIR),
                "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
                "HOME": str(home),
            }
            with (home / "worker.log").open("wb") as log:
                family.spawn(
                    host.name,
                    named_host(host, [str(BASE_DIR / ".venv" / "bin" / "python"), "-c", PROGRAM]),
                    environment=environment,
                    output=log,
                    folder=home,
                )
        wait_until(lambda: all("ready" in log_of(folder, host) for host in where), folder, where)
        yield
    finally:
        family.close(patience=1.0)


def named_host(host: Host, command: list[str]) -> list[str]:
    """With a host name of its own, where the kernel lets us."""
    if not host.prefix:
        return command
    return [*host.prefix, "unshare", "--uts", "sh", "-c",
            f'hostname {host.name} && exec "$@"', "sh", *command]  # fmt: skip


def log_of(folder: Path, host: Host) -> str:
    return (folder / host.name / "worker.log").read_text(errors="replace")


def wait_until(reached, folder: Path, where: Sequence[Host]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        logs = [log_of(folder, host)[-1500:] for host in where]
        assert time.monotonic() < deadline, "\n".join([str(Message.objects.counts()), *logs])
        time.sleep(0.05)


def start(campaign: Campaign) -> None:
    staff, now = make_staff(), datetime.now(UTC)
    services.approve(campaign, actor=staff, now=now)
    services.start(campaign, actor=staff, now=now)
    with as_role(SENDER):
        services.run_mailings(now=now)


def lease_holders() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT lease::text FROM messaging_message WHERE lease IS NOT NULL")
        return {lease for (lease,) in cursor.fetchall()}


def test_two_hosts_share_a_campaign_and_nobody_gets_it_twice(tmp_path: Path) -> None:
    people = [make_customer(yes=("newsletter",)) for _ in range(PEOPLE)]
    with hosts() as where, running_sink(EVERYWHERE) as sink:
        sink.note()
        with groups_at_work(where, sink, tmp_path):
            # Nothing is accepted until both have taken a part.
            sink.stall()
            start(make_campaign())
            wait_until(lambda: len(lease_holders()) == len(where), tmp_path, where)
            sink.go_on()
            sent = Message.objects.filter(state="sent")
            wait_until(lambda: sent.count() == PEOPLE, tmp_path, where)
        came = Counter(note.recipient for note in sink.notes(tmp_path))
        assert came == Counter(person.email for person in people)
        speakers = {note.peer for note in sink.notes(tmp_path)}
    if where[0].prefix:
        assert len(speakers) == len(where), "both hosts spoke to the mail server"


def test_a_limit_holds_over_both_hosts(tmp_path: Path) -> None:
    """Ten a second for the domain, two at once: whoever asks, and wherever."""
    SendingLimit.objects.create(domain="example.test", per_minute=600, burst=2)
    for _ in range(40):
        make_customer(yes=("newsletter",))
    with hosts() as where, running_sink(EVERYWHERE) as sink:
        sink.note()
        with groups_at_work(where, sink, tmp_path):
            start(make_campaign())
            wait_until(lambda: sink.count() >= 30, tmp_path, where)
        moments = sorted(note.answered for note in sink.notes(tmp_path))
    for number, moment in enumerate(moments[10:], start=10):
        # In any second at most ten and the two of the burst; a hair for the way to the server.
        within = [each for each in moments if moment - 0.95 < each <= moment]
        assert len(within) <= 13, (number, within)
