"""The sealer: pending events get their gap-free place in the log, under one lock.

Order of commit is not order of time. The place is given after the commit, so a reader that follows
the index misses no late one; and the sealer itself must not miss it either, see `_Progress`.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from consent.models import Leaf
from consent.proof import tree
from consent.proof.accesses import Access, access_hash
from consent.proof.events import Event, event_hash
from consent.proof.merkle import Frontier
from foundation.ids import uuid7_floor

_LOCK = 0x636F6E73656E74  # "consent"
BATCH = 5_000
# From the making of an event's key to its transaction's number; in truth, microseconds.
_SLACK = timedelta(minutes=1)
# What is looked at again while it is not yet known which transactions a full look did not see.
_RECENT = timedelta(minutes=10)
_FULL_LOOK = timedelta(hours=1)
_BEGINNING = uuid.UUID(int=0)

Entry = tuple[uuid.UUID, str, bytes]


@dataclass(slots=True)
class _Progress:
    """How far this process knows that every event is sealed, so that a round looks at few.

    Keys are made by the database's clock, but a transaction may commit long after. So the mark
    moves up to `next_moment` only once every transaction is over that ran at that time: when the
    oldest one still running is not older than `horizon`, the first number not given out then.
    A clock set back is beyond this reckoning; therefore everything is looked at every hour.
    """

    full_look: datetime
    settled: datetime
    next_moment: datetime
    horizon: int
    # Which database it was learned of: a restored one has another number or another start.
    database: tuple[int, datetime]

    def advance(self, moment: datetime, oldest: int, following: int) -> None:
        if oldest >= self.horizon:
            self.settled = max(self.settled, self.next_moment - _SLACK)
            self.next_moment, self.horizon = moment, following


_progress: _Progress | None = None


def seal_pending(*, now: datetime) -> int:
    """Seal every event that has committed; how many. Two sealers queue on the lock."""
    global _progress
    if connection.in_atomic_block:  # what is sealed here may be rolled back: learn nothing of it
        return _seal_after(_BEGINNING, now)
    moment, oldest, following, database = _transactions()
    if (
        _progress is None
        or _progress.database != database
        or moment - _progress.full_look >= _FULL_LOOK
    ):
        sealed = _seal_after(_BEGINNING, now)
        _progress = _Progress(moment, moment - _RECENT, moment, following, database)
    else:
        sealed = _seal_after(uuid7_floor(_progress.settled), now)
    _progress.advance(moment, oldest, following)
    return sealed


def _transactions() -> tuple[datetime, int, int, tuple[int, datetime]]:
    """The database's time, its oldest transaction that still runs, the number of its next, and
    which database it is.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT statement_timestamp(), pg_snapshot_xmin(s)::text::bigint,
                      pg_snapshot_xmax(s)::text::bigint,
                      (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
                      pg_postmaster_start_time()
                 FROM pg_current_snapshot() s"""
        )
        moment, oldest, following, number, started = cursor.fetchone()
        return moment, oldest, following, (number, started)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of event: where its rows are, and how one becomes the hash of its leaf."""

    name: str
    table: str
    columns: Sequence[str]
    digest: Callable[[tuple[Any, ...]], bytes]

    def pending(self, after: uuid.UUID) -> list[tuple[Any, ...]]:
        """A batch of those without a leaf, in the order of keys.

        The second bound says nothing new; it spares the planner the rest of the leaves.
        """
        query = f"""
WITH pending AS (
    SELECT id FROM {self.table} d
     WHERE id > %(after)s AND NOT EXISTS (
           SELECT 1 FROM consent_leaf l WHERE l.event_id = d.id AND l.event_id > %(after)s)
     ORDER BY id LIMIT %(batch)s
)
SELECT {", ".join(self.columns)} FROM pending JOIN {self.table} USING (id) ORDER BY id
"""
        with connection.cursor() as cursor:
            cursor.execute(query, {"after": after, "batch": BATCH})
            return list(cursor.fetchall())


# Choices, and what staff saw of whom: two kinds of events, one log.
_KINDS = (
    _Kind(
        name=Leaf.Kind.CONSENT.value,
        table="consent_consentdetail",
        columns=Event._fields,
        digest=lambda row: event_hash(Event(*row)),
    ),
    _Kind(
        name=Leaf.Kind.ACCESS.value,
        table="accounts_accessevent",
        columns=Access._fields,
        digest=lambda row: access_hash(Access(*row)),
    ),
)


def _seal_after(after: uuid.UUID, now: datetime) -> int:
    return sum(_seal_kind(kind, after, now=now) for kind in _KINDS)


def _seal_kind(kind: _Kind, after: uuid.UUID, *, now: datetime) -> int:
    """Batch by batch in the order of keys, so that no batch looks again at what the last sealed."""
    sealed = 0
    while True:
        with transaction.atomic():
            _lock()
            rows = kind.pending(after)
            entries = [(row[0], kind.name, kind.digest(row)) for row in rows]
            sealed += append_leaves(entries, sealed_at=now)
        if len(rows) < BATCH:
            return sealed
        after = rows[-1][0]


@transaction.atomic
def append_leaves(entries: Iterable[Entry], *, sealed_at: datetime) -> int:
    """The only writer of leaves and nodes; an event that has its leaf already is passed over."""
    _lock()
    entries = list(entries)
    if not entries:
        return 0
    known = set(
        Leaf.objects.filter(event_id__in=[each[0] for each in entries]).values_list(
            "event_id", flat=True
        )
    )
    size = tree.tree_size()
    frontier = Frontier(size, tree.peak_hashes(size))
    leaves: list[tuple[int, str, uuid.UUID, bytes, datetime]] = []
    nodes: list[tuple[int, bytes]] = []
    for event_id, kind, digest in entries:
        if event_id not in known:
            known.add(event_id)
            leaves.append((frontier.size, kind, event_id, digest, sealed_at))
            nodes += [
                (tree.node_number(level, position), node)
                for level, position, node in frontier.append(digest)
            ]
    with connection.cursor() as cursor:
        with cursor.copy(
            "COPY consent_leaf (index, kind, event_id, hash, sealed_at) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["int8", "varchar", "uuid", "bytea", "timestamptz"])
            for leaf in leaves:
                copy.write_row(leaf)
        with cursor.copy("COPY consent_node (number, hash) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "bytea"])
            for row in nodes:
                copy.write_row(row)
    return len(leaves)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
