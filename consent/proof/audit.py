"""Everything computed anew: each choice from its events, each leaf, the tree, each head.

Also what staff saw of whom: each such event is the one that its leaf was made of.

One snapshot of the database, read as streams, so a log of any length takes the same memory.
"""

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import connection, transaction

from consent.models import Head, Leaf, LogKey
from consent.proof import heads
from consent.proof.accesses import Access, access_hash
from consent.proof.events import Event, event_hash
from consent.proof.merkle import Frontier
from consent.proof.replay import Stored, first_fault
from consent.proof.tree import node_number
from foundation.ids import uuid7_moment

_ROWS = 2_000  # fetched at once
# Every event that has committed is sealed within the hour, however late it committed.
LATE = timedelta(hours=2)


class Difference(Exception):
    """The first thing found that is not as it should be, said plainly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was looked at."""

    choices: int
    events: int
    accesses: int
    pending: int
    leaves: int
    heads: int


@contextmanager
def snapshot() -> Iterator[None]:
    """All that is read inside is one moment of the database; nothing can be written."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def examine(
    *, now: datetime, superseded_before: datetime, leaving: Collection[uuid.UUID] = ()
) -> Counts:
    """Look at everything; the first `Difference` ends it. Call it inside a `snapshot`.

    `leaving` are people whose data is being erased right now: theirs is half gone, rightly so.
    """
    leaves, published = _examine_log()
    choices, events, waiting = _examine_choices(now, superseded_before, {*map(str, leaving)})
    accesses, late = _examine_accesses(now)
    return Counts(
        choices=choices,
        events=events,
        accesses=accesses,
        pending=waiting + late,
        leaves=leaves,
        heads=published,
    )


# --- the log ---------------------------------------------------------------------------------


def _examine_log() -> tuple[int, int]:
    """Leaf by leaf from the left: gap-free, every node as it must be, every head signed."""
    frontier = Frontier()
    nodes = _Nodes()
    published = _Heads()
    published.check(frontier)
    for index, digest in _stream("SELECT index, hash FROM consent_leaf ORDER BY index"):
        if index != frontier.size:
            raise Difference(f"leaf {frontier.size} of the log is missing")
        nodes.read_up_to(index)
        for level, position, node in frontier.append(digest):
            nodes.check(level, position, node)
        published.check(frontier)
    nodes.finish()
    published.finish(frontier.size)
    return frontier.size, published.count


class _Nodes:
    """The stored nodes beside the computed ones. In order of number, a node is read before the
    last leaf of its subtree; so only those are held whose subtree is not complete yet."""

    def __init__(self) -> None:
        self._rows = _stream("SELECT number, hash FROM consent_node ORDER BY number")
        self._next: tuple[int, bytes] | None = next(self._rows, None)
        self._held: dict[int, bytes] = {}

    def read_up_to(self, index: int) -> None:
        while self._next is not None and self._next[0] < 2 * index:
            number, digest = self._next
            self._held[number] = digest
            self._next = next(self._rows, None)

    def check(self, level: int, position: int, computed: bytes) -> None:
        stored = self._held.pop(node_number(level, position), None)
        if stored != computed:
            first, last = position << level, ((position + 1) << level) - 1
            word = "is missing" if stored is None else "is not what its leaves make"
            raise Difference(f"the node over leaves {first} to {last} of the log {word}")

    def finish(self) -> None:
        if self._held or self._next is not None:
            raise Difference("a node of the log has no leaves")


class _Heads:
    """The published heads, by size, each checked when the tree has grown to it."""

    def __init__(self) -> None:
        self.count = 0
        self._keys = {key.pk: key for key in LogKey.objects.all()}
        columns = "size, root, signed_at, key_id, signature"
        self._rows = _stream(f"SELECT {columns} FROM consent_head ORDER BY size")
        self._next: Any = next(self._rows, None)

    def check(self, frontier: Frontier) -> None:
        if self._next is None or self._next[0] != frontier.size:
            return
        size, root, signed_at, key_id, signature = self._next
        key = self._keys[key_id]
        head = Head(size=size, root=root, signed_at=signed_at, key=key, signature=signature)
        if not heads.is_genuine(head):
            raise Difference(f"the head of size {size} is not signed by key {key_id} of the log")
        if root != frontier.root():
            raise Difference(f"the head of size {size} has another root than its leaves")
        self.count += 1
        self._next = next(self._rows, None)

    def finish(self, size: int) -> None:
        if self._next is not None:
            raise Difference(
                f"leaf {size} of the log is missing: a head of size {self._next[0]} was published"
            )


# --- the choices -----------------------------------------------------------------------------

# Keys as text: that is what the hash takes, and text sorts as the keys do.
_TEXT = ("id", "person_id", "topic_id")
_EVENTS = f"""
SELECT {", ".join(f"d.{name}::text" if name in _TEXT else f"d.{name}" for name in Event._fields)},
       l.index, l.hash
  FROM consent_consentdetail d LEFT JOIN consent_leaf l ON l.event_id = d.id
 ORDER BY d.person_id, d.topic_id, d.version
"""
_CHOICES = f"""
SELECT {", ".join(f"{name}::text" if name in _TEXT else name for name in Stored._fields)}
  FROM consent_preference p ORDER BY p.person_id, p.topic_id
"""


def _examine_choices(
    now: datetime, superseded_before: datetime, leaving: set[str]
) -> tuple[int, int, int]:
    """Both in the same order, side by side: whose turn it is has the smaller key."""
    tally = _Tally(now)
    stored = (Stored(*row) for row in _stream(_CHOICES))
    grouped = groupby(tally.events(), key=lambda event: (event.person_id, event.topic_id))
    choices = 0
    choice, group = next(stored, None), next(grouped, None)
    while choice is not None or group is not None:
        key = min(each for each in (_key(choice), group and group[0]) if each is not None)
        events = list(group[1]) if group is not None and group[0] == key else []
        found = choice if _key(choice) == key else None
        if key[0] not in leaving and (
            fault := first_fault(events, found, superseded_before=superseded_before)
        ):
            raise Difference(f"person {key[0]}, topic {key[1]}: {fault}")
        if events:
            group = next(grouped, None)
        if found is not None:
            choices += 1
            choice = next(stored, None)
    return choices, tally.count, tally.pending


def _key(choice: Stored | None) -> Any:
    return None if choice is None else (choice.person_id, choice.topic_id)


class _Tally:
    """The events on their way past, each compared with its leaf and counted."""

    def __init__(self, now: datetime) -> None:
        self.count = self.pending = 0
        self._now = now

    def events(self) -> Iterator[Event]:
        for *columns, index, leaf in _stream(_EVENTS):
            event = Event(*columns)
            self.count += 1
            if leaf is None:
                self.pending += 1
                expect_soon(
                    uuid.UUID(str(event.id)),
                    f"person {event.person_id}, topic {event.topic_id}: event {event.version}",
                    now=self._now,
                )
            elif leaf != event_hash(event):
                raise Difference(
                    f"person {event.person_id}, topic {event.topic_id}: event {event.version} "
                    f"is not the one that leaf {index} of the log was made of"
                )
            yield event


def expect_soon(key: uuid.UUID, name: str, *, now: datetime) -> None:
    """An event that has no leaf yet is a young one."""
    if now - uuid7_moment(key) > LATE:
        raise Difference(f"{name} has no leaf in the log")


# --- what staff saw --------------------------------------------------------------------------

_ACCESSES = f"""
SELECT {", ".join(f"a.{name}" for name in Access._fields)}, l.index, l.kind, l.hash
  FROM accounts_accessevent a LEFT JOIN consent_leaf l ON l.event_id = a.id
"""


def _examine_accesses(now: datetime) -> tuple[int, int]:
    """Each event beside its leaf; how many there are, and how many wait for theirs.

    A leaf without its event is in order: that went by its rule, or with the person.
    """
    count = pending = 0
    for *columns, index, kind, leaf in _stream(_ACCESSES):
        event = Access(*columns)
        count += 1
        name = f"access event {event.id}"
        if leaf is None:
            pending += 1
            expect_soon(event.id, name, now=now)
        elif (kind, bytes(leaf)) != (Leaf.Kind.ACCESS, access_hash(event)):
            raise Difference(f"{name} is not the one that leaf {index} of the log was made of")
    return count, pending


def _stream(query: str) -> Iterator[Any]:
    """Rows by a cursor of the server, in binary form: neither side ever holds all of them."""
    connection.ensure_connection()
    with connection.connection.cursor(name=f"audit_{uuid.uuid4().hex}", binary=True) as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(_ROWS):
            yield from rows
