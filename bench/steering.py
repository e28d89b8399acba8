"""How soon a running campaign obeys pause, resume and cancel, over two workers of two processes.

Judged is what the mail server saw: from the commit of the word to the last body that was accepted,
or to the first one after "go on".
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import outbox
from bench.campaign import sending_programs
from bench.frame import Benchmark, Result, bound
from bench.servers import servers
from bench.sink import Note, Sink, running_sink
from bench.storm import start_programs
from clicksend_portal.embedded.folders import ServiceError
from clicksend_portal.run import processes

if TYPE_CHECKING:
    from accounts.models import User
    from messaging.models import Campaign

PEOPLE = 100_000
SECONDS = 2.0
# Long enough to see whether anything follows.
WATCHED, PATIENCE = 5.0, 120.0


def run() -> Iterator[Result]:
    from messaging import services

    outbox.seed_people(PEOPLE, events=True)
    with tempfile.TemporaryDirectory() as name, running_sink() as sink:
        folder = Path(name)
        with sending(sink, folder) as campaign:
            staff = _staff()
            reach(sink, PEOPLE // 10)
            paused = told(lambda: services.pause(campaign, actor=staff, now=datetime.now(UTC)))
            time.sleep(WATCHED)
            resumed = told(lambda: services.resume(campaign, actor=staff, now=datetime.now(UTC)))
            reach(sink, PEOPLE // 2)
            cancelled = told(lambda: services.cancel(campaign, actor=staff, now=datetime.now(UTC)))
            time.sleep(WATCHED)
            notes = [note for note in sink.notes(folder) if note.accepted]
    yield seconds("pause", last_of(notes, before=resumed) - paused)
    yield seconds("resume", first_of(notes, after=resumed) - resumed)
    yield seconds("cancel", last_of(notes) - cancelled)


@contextmanager
def sending(sink: Sink, folder: Path) -> Iterator["Campaign"]:
    """A campaign under way, sent by two workers as two machines would run them."""
    from clicksend_portal.beat import sync_schedule
    from messaging import services

    sink.note()
    sync_schedule()
    campaign = outbox.make_campaign()
    campaigns, *others = sending_programs()
    children = start_programs(
        servers.family,
        [campaigns, on_another_host(campaigns), *others],
        # The broker is this process's too: it stands for the web server, which wakes them.
        settings={**os.environ, "EMAIL_URL": sink.url},
        folder=folder,
    )
    try:
        services.start(campaign, actor=None, now=datetime.now(UTC))
        yield campaign
    finally:
        servers.family.stop(*children, patience=5.0)


def on_another_host(program: processes.Program) -> processes.Program:
    command = [part.replace("--hostname=", "--hostname=second-") for part in program.command]
    return replace(program, name=f"{program.name}-2", command=command)


def _staff() -> "User":
    from accounts.models import User

    staff = User(username="steering", email="steering@portal.example", is_staff=True)
    staff.save()
    return staff


def told(act: Callable[[], None]) -> float:
    """When it had committed."""
    act()
    return time.time()


def reach(sink: Sink, number: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while sink.count() < number:
        if time.monotonic() > deadline:
            raise ServiceError(f"The campaign stands still after {sink.count()} messages.")
        time.sleep(0.02)


def last_of(notes: list[Note], *, before: float = float("inf")) -> float:
    return max(note.answered for note in notes if note.answered < before)


def first_of(notes: list[Note], *, after: float) -> float:
    return min((note.answered for note in notes if note.answered > after), default=float("inf"))


def seconds(word: str, took: float) -> Result:
    """Below 0: the last body had been accepted before the word was committed."""
    return bound(f"campaign, {word}", max(took, 0.0), SECONDS, unit="s")


BENCHMARK = Benchmark("steering", "pause, resume and cancel of a campaign over two workers", run)
