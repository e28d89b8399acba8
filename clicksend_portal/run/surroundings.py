"""Whether those who started us are still there: the terminal, and `make`.

Both may end without a word to us. A closed terminal is announced to its first process alone, and
`make` takes an interrupt that was sent to it for one that we got as well, and waits for us.
"""

import os
import re
import select
import signal
import sys
from pathlib import Path

TOLD = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


class Surroundings:
    def __init__(self) -> None:
        self.terminal = select.poll()
        if sys.stdout.isatty():
            self.terminal.register(sys.stdout, 0)
        self.make = our_make()

    def gone(self) -> bool:
        return self._terminal_closed() or self._make_interrupted()

    def _terminal_closed(self) -> bool:
        return any(event & select.POLLHUP for _, event in self.terminal.poll(0))

    def _make_interrupted(self) -> bool:
        """`make` lays down its handler of the signal that it is stopping for."""
        if not self.make:
            return False
        if os.getppid() != self.make:
            return True
        status = Path(f"/proc/{self.make}/status")
        masks = dict(re.findall(r"^(SigCgt|SigIgn):\s+(\w+)$", status.read_text(), re.MULTILINE))
        heeded = int(masks["SigCgt"], 16) | int(masks["SigIgn"], 16)
        return any(not heeded >> (number - 1) & 1 for number in TOLD)


def our_make() -> int:
    """The process that is `make`, when it started us and can be looked at."""
    parent = os.getppid()
    name = Path(f"/proc/{parent}/comm")
    return parent if name.exists() and name.read_text().strip() in ("make", "gmake") else 0
