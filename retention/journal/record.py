"""Records of the journal and the chain through them. Pure: no store, no database.

Every record's chain value is SHA-256 over the one before and the record's own bytes, so a record
cannot be changed, taken out or put in without changing every later one.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

type Entry = dict[str, Any]
# Names nobody and never leaves: heads that the public has seen, the numbers of topics, who began
# a journal and why, and what says that other records have left (`retention.journal.leaving`).
KEPT = frozenset({"begin", "head", "topics", "checkpoint"})
_KIND = re.compile(rb'\{"position":\d+,"kind":"(\w+)"')


@dataclass(frozen=True, slots=True)
class Tail:
    """How far a journal goes: the number of its last record and the chain value there."""

    position: int
    chain: bytes


# Before the first record.
START = Tail(0, bytes(32))


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it is stored; the bytes of its body are what the chain covers."""

    position: int
    chain: bytes
    body: bytes

    @property
    def entry(self) -> Entry:
        found: Entry = json.loads(self.body)
        return found

    @property
    def kind(self) -> str:
        """Stands first, so a long record need not be read for it."""
        found = _KIND.match(self.body)
        return found[1].decode() if found else str(self.entry["kind"])

    @property
    def tail(self) -> Tail:
        return Tail(self.position, self.chain)

    def follows(self, former: Tail) -> bool:
        return self.position == former.position + 1 and self.chain == link(former, self.body)


def link(former: Tail, body: bytes) -> bytes:
    return hashlib.sha256(former.chain + body).digest()


def chained(entries: Iterable[Entry], *, after: Tail) -> list[Record]:
    """The entries as records that go on from there."""
    records = []
    for entry in entries:
        position = after.position + 1
        body = json.dumps(
            {"position": position, **entry},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        records.append(Record(position, link(after, body), body))
        after = records[-1].tail
    return records


def moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def year_of(record: Record) -> int | None:
    """The year, in UTC, in which it was said: `moment` writes nothing else."""
    at = record.entry.get("at")
    return None if at is None else int(at[:4])


def floor_of(checkpoint: Record) -> Tail:
    """The last record that a checkpoint let go, and the chain there: the next one follows it."""
    entry = checkpoint.entry
    return Tail(int(entry["until"]), bytes.fromhex(entry["chain"]))
