"""One portal at a time on one data folder."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from clicksend_portal.embedded.folders import ServiceError

LEFTOVER_PATIENCE = 12.0


class RunLock:
    """Held until we and our watchdog are gone, so a killed run is over before the next begins."""

    def __init__(self, folder: Path) -> None:
        self.file = (folder / "run.lock").open("a+")

    def take(self, *, portal_url: str | None) -> None:
        """`portal_url` is none where the servers run without the portal."""
        deadline = time.monotonic() + LEFTOVER_PATIENCE
        while not self._try():
            holder = self._holder()
            if holder and _alive(int(holder["pid"])):
                what = (
                    f"The portal runs already, on {web}"
                    if (web := holder["web"])
                    else "PostgreSQL and Valkey run already, without the portal"
                )
                raise ServiceError(f"{what} (process {holder['pid']}).")
            if time.monotonic() > deadline:
                raise ServiceError("What an earlier run left behind does not end.")
            time.sleep(0.1)
        self.file.truncate(0)
        json.dump({"pid": os.getpid(), "web": portal_url}, self.file)
        self.file.flush()

    @property
    def descriptor(self) -> int:
        return self.file.fileno()

    def _try(self) -> bool:
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holder(self) -> dict[str, Any]:
        self.file.seek(0)
        try:
            found: dict[str, Any] = json.load(self.file)
        except ValueError:
            return {}
        return found


def _alive(pid: int) -> bool:
    """A killed process that nobody has buried yet still has its number, and holds nothing."""
    record = Path(f"/proc/{pid}/stat")
    if record.exists():
        return record.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
