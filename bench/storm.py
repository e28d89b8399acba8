"""A campaign in bad weather: workers that can be killed, a broker that goes, and who got what.

The benchmark sends 100,000 through it and the test suite 2,000. What is judged is what the sink
took, never what the sender believed.

**After a no** means: the server said 354 for this body later than the no was committed. Permission
is asked after the 354, so such a body must never come; a body whose 354 came before the commit may
have been marked before it, and is then on the wire. Both moments are the machine's clock.
"""

import os
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.sink import Note
from clicksend_portal.embedded.family import Child, Family
from clicksend_portal.embedded.valkey import Valkey
from clicksend_portal.run import processes

ROOT = Path(__file__).resolve().parent.parent


class Broker:
    """A Valkey of its own that can be killed and comes back at the same address, empty."""

    def __init__(self, family: Family, folder: Path) -> None:
        self.family = family
        self.valkey = Valkey(folder)
        self.child = self.valkey.start(family)

    @property
    def settings(self) -> dict[str, str]:
        return {"BROKER_URL": self.valkey.url(0), "CACHE_URL": self.valkey.url(1)}

    def restart(self) -> None:
        self.child.process.kill()
        self.family.forget(self.child)
        self.child = self.valkey.start(self.family)


def start_programs(
    family: Family,
    programs: Sequence[processes.Program],
    *,
    settings: Mapping[str, str],
    folder: Path,
    prefix: Sequence[str] = (),
    working_folder: Path = ROOT,
) -> list[Child]:
    """As `make run` starts them: each with its database role, its log in the folder."""
    children = []
    for program in programs:
        with (folder / f"{program.name}.log").open("ab") as log:
            children.append(
                family.spawn(
                    program.name,
                    [*prefix, *program.command],
                    environment={**settings, "DATABASE_ROLE": program.role},
                    output=log,
                    folder=working_folder,
                )
            )
    return children


def campaign_workers(programs: Sequence[processes.Program]) -> list[processes.Program]:
    return [each for each in programs if each.name == "worker-campaigns"]


def kill_sender(workers: Sequence[Child], port: int) -> int:
    """`kill -9` of the process that speaks most to that port; Celery's own starts another."""
    pools = [pid for worker in workers for pid in family_of(worker.process.pid)[1:]]
    speaks = max(pools, key=lambda pid: connections_to(port, pid))
    os.kill(speaks, signal.SIGKILL)
    return speaks


def family_of(pid: int) -> list[int]:
    """The process and all that descend from it."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [pid, *(each for child in text.split() for each in family_of(int(child)))]


def connections_to(port: int, pid: int) -> int:
    """How many open ones of this process lead there, as the kernel lists them."""
    lines = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    there = {f"socket:[{line[9]}]" for line in lines if line[2].endswith(f":{port:04X}")}
    held = 0
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            held += str(each.readlink()) in there
    return held


@dataclass(frozen=True)
class Verdict:
    """What came of a campaign; the lists hold addresses, empty where all is well."""

    twice: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    after_no: list[str] = field(default_factory=list)
    in_doubt: list[str] = field(default_factory=list)
    # The outbox says one thing, the sink another; whoever is in doubt cannot be wrong.
    said_wrongly: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    # Said no in time, so that nothing was sent; and marked before the no, so that it arrived.
    spared: int = 0
    on_the_wire: int = 0
    seconds_on_the_wire: float = 0.0


def judge(messages: Mapping[str, str], notes: Sequence[Note], noes: Mapping[str, float]) -> Verdict:
    """`messages` are the states by address, `noes` when each was committed, at the latest."""
    came = Counter(note.recipient for note in notes if note.accepted)
    in_air = [
        note.first_byte - noes[note.recipient]
        for note in notes
        if note.told_to_go <= noes.get(note.recipient, 0.0) < note.first_byte
    ]
    final = ("sent", "withheld", "failed", "in_doubt")
    return Verdict(
        twice=[address for address, number in came.items() if number > 1],
        missing=[
            address
            for address, state in messages.items()
            if address not in noes and address not in came and state != "in_doubt"
        ],
        after_no=[
            note.recipient for note in notes if note.told_to_go > noes.get(note.recipient, 9e9)
        ],
        in_doubt=[address for address, state in messages.items() if state == "in_doubt"],
        said_wrongly=[
            address
            for address, state in messages.items()
            if state != "in_doubt" and (state == "sent") != (address in came)
        ],
        unfinished=[address for address, state in messages.items() if state not in final],
        spared=sum(address not in came for address in noes),
        on_the_wire=len(in_air),
        seconds_on_the_wire=max(in_air, default=0.0),
    )


def states(connection: psycopg.Connection, mailing_id: object) -> dict[str, str]:
    rows = connection.execute(
        "SELECT to_address, state FROM messaging_message WHERE mailing_id = %s", [mailing_id]
    ).fetchall()
    found: dict[str, str] = dict(rows)
    assert len(found) == len(rows), "somebody has two messages of one campaign"
    return found
