"""The whole portal as `make run` starts it, and what its mail catcher received."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.operations.portal_process import PortalProcess

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as the catcher keeps it."""

    subject: str
    text: str
    html: str
    source: str

    def link_to(self, place: str) -> str:
        """The address in the text part that leads to this page."""
        found = re.search(rf"http://\S+?/{place}/[^\s/]+/", self.text)
        assert found, self.text
        return found[0]


@dataclass(frozen=True, slots=True)
class RunningPortal:
    web: str
    mailbox: str
    customer: dict[str, str]
    staff: dict[str, str]

    def mails_to(self, address: str) -> list[Mail]:
        """Oldest first."""
        rows = json.loads(self.caught("messages/"))["messages"]
        found = [row for row in rows if address in row["recipients"]["to"]]
        return [self.mail(row) for row in sorted(found, key=lambda row: int(row["id"]))]

    def mail(self, row: dict[str, Any]) -> Mail:
        place = f"messages/{row['id']}"
        kinds = ("plain", "html", "source")
        return Mail(row["subject"], *(self.caught(f"{place}.{kind}") for kind in kinds))

    def caught(self, path: str) -> str:
        with urlopen(f"{self.mailbox}/{path}", timeout=PATIENCE) as answer:
            text: str = answer.read().decode()
        return text

    def mail_to(self, address: str, *, number: int = 1) -> Mail:
        """The first, second … mail to it, as soon as worker and beat have brought it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            mails = self.mails_to(address)
            if len(mails) >= number:
                return mails[number - 1]
            time.sleep(0.3)
        raise AssertionError(f"no mail number {number} to {address} within {PATIENCE:.0f} s")


def portal_of(facts: Mapping[str, Any]) -> RunningPortal:
    names = ("web", "mailbox", "customer", "staff")
    return RunningPortal(**{name: facts[name] for name in names})


@contextmanager
def running_portal(folder: Path) -> Iterator[RunningPortal]:
    process = PortalProcess(folder)
    try:
        started = process.start_until_ready()
        # Whoever prints into a full pipe would stand still.
        threading.Thread(target=drain, args=(started,), daemon=True).start()
        yield portal_of(process.facts())
        started.terminate()
        process.wait_until_gone(seconds=10)
    finally:
        process.end()


def drain(process: subprocess.Popen[str]) -> None:
    for _line in process.stdout or ():
        pass
