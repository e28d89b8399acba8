"""Servers that several processes of one machine use at once: test runs, benchmarks.

The first user starts a keeper in the background; every user holds a shared lock for as long as it
lives; the keeper stops the servers when it gets that lock for itself, which is when the last user
is gone, however it went. `python -m clicksend_portal.embedded.shared FOLDER` is the keeper.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from clicksend_portal.embedded.family import Family
from clicksend_portal.embedded.folders import ServiceError, make_folder
from clicksend_portal.embedded.postgres import SETTINGS, TEST_SETTINGS, Postgres
from clicksend_portal.embedded.valkey import Valkey

START_PATIENCE = 90.0
PROFILES = {"test": TEST_SETTINGS, "bench": SETTINGS}


class Services(NamedTuple):
    database_url: str
    admin_url: str
    valkey_url: str  # without the number of a database


@contextmanager
def shared_services(folder: Path, *, profile: str) -> Iterator[Services]:
    """Running servers for as long as the block lasts."""
    make_folder(folder)
    with (folder / "start.lock").open("w") as starting, (folder / "users.lock").open("w") as users:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a keeper that is just stopping
        services = _running(folder) or _start_keeper(folder, profile)
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield services


def _running(folder: Path) -> Services | None:
    """What a keeper serves already; it takes its announcement back before it stops."""
    try:
        keeper = (folder / "keeper.lock").open("r")
    except FileNotFoundError:
        return None
    with keeper:
        if _try_lock(keeper):
            return None
    try:
        return Services(**json.loads((folder / "services.json").read_text()))
    except (FileNotFoundError, ValueError):
        return None


def _start_keeper(folder: Path, profile: str) -> Services:
    with (folder / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder), profile],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        if keeper.poll() is not None:
            break
        if services := _running(folder):
            return services
        time.sleep(0.05)
    tail = (folder / "keeper.log").read_text(errors="replace").splitlines()[-5:]
    raise ServiceError("The servers did not start:\n" + "\n".join(tail))


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def keep(folder: Path, profile: str) -> None:
    announcement = folder / "services.json"
    announcement.unlink(missing_ok=True)
    with (folder / "keeper.lock").open("w") as lock, (folder / "users.lock").open("w") as users:
        fcntl.flock(lock, fcntl.LOCK_EX)
        family = Family(hold=lock.fileno())
        try:
            postgres = Postgres(folder, PROFILES[profile])
            valkey = Valkey(folder, databases=1024)
            postgres.start(family)
            valkey.start(family)
            services = Services(postgres.url(), postgres.admin_url, valkey.url().removesuffix("/0"))
            _announce(announcement, services)
            fcntl.flock(users, fcntl.LOCK_EX)
            announcement.unlink(missing_ok=True)
        finally:
            family.close(patience=8.0)


def _announce(announcement: Path, services: Services) -> None:
    part = announcement.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(services._asdict(), file)
    part.rename(announcement)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keep(Path(sys.argv[1]), sys.argv[2])
