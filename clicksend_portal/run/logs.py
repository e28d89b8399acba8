"""What the children say goes to `var/log/`; what someone should see, to the terminal as well."""

import json
import re
import threading
import time
from pathlib import Path
from typing import IO

from clicksend_portal.run.display import warn

LOUD = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL)\b")
REPEAT_AFTER = 60.0
LEVELS = ("warning", "error", "critical")


class ChildLog:
    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / f"{name}.log"
        self.path.write_bytes(b"")
        self.shown: dict[str, float] = {}

    def follow(self, output: IO[bytes]) -> None:
        threading.Thread(target=self._copy, args=(output,), daemon=True).start()

    def tail(self, lines: int = 8) -> str:
        return "\n".join(self.path.read_text(errors="replace").splitlines()[-lines:])

    def _is_news(self, notice: str) -> bool:
        """The same complaint again and again would bury the others."""
        now = time.monotonic()
        self.shown = {text: at for text, at in self.shown.items() if now - at < REPEAT_AFTER}
        return self.shown.setdefault(notice, now) == now

    def _copy(self, output: IO[bytes]) -> None:
        with output, self.path.open("ab", buffering=0) as log:
            for line in output:
                log.write(line)
                notice = noteworthy(line.decode(errors="replace").rstrip())
                if notice and self._is_news(notice):
                    warn(f"{self.name}: {notice}")


def noteworthy(line: str) -> str:
    """The part of a log line that belongs on the terminal, or nothing."""
    if line.startswith("{"):
        try:
            event = json.loads(line)
        except ValueError:
            return ""
        return str(event.get("event", line)) if event.get("level") in LEVELS else ""
    return line if LOUD.search(line) else ""
