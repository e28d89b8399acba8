"""What the platform knows of its customers comes in here: lists, messages, reports and bills.

Each batch of lines is a transaction of its own: what is in stays in when the next one fails or the
connection breaks, and whatever is sent again meets the platform's own number. Rows are copied into
a temporary table, from which a function of the database takes them (migration 0011); the web
process itself has no right to write any of them.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from accounts.billing import Unfit
from foundation.calendar import month_start
from messaging.content.deeds import recognise_fed
from messaging.content.feed_kinds import KINDS, Bounds, Kind
from messaging.content.feed_lines import BadLine, read_line
from messaging.content.tombstones import find_deleted, leave_words_out, owners_with_traces
from messaging.policy import FEED_BAD_SHOWN, FEED_BATCH

# Somebody wrote the same contact at the same moment, or locked in another order: once more.
ATTEMPTS: Final = 3

type Row = tuple[Any, ...]


class FeedBusy(Exception):
    """Work on the tables themselves, or too many writers, kept a batch out each time it tried."""


@dataclass(slots=True)
class Taken:
    """What became of the lines. Every one of them is taken, unchanged or bad; empty ones are none.

    `bad` names the first of them, `bad_lines` counts all.
    """

    taken: int = 0
    unchanged: int = 0
    bad: list[BadLine] = field(default_factory=list)
    bad_lines: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def refuse(self, lines: Sequence[BadLine]) -> None:
        self.bad += sorted(lines)[: FEED_BAD_SHOWN - len(self.bad)]
        self.bad_lines += len(lines)


def take_in(kind: str, lines: Iterable[bytes], *, now: datetime, batch: int = FEED_BATCH) -> Taken:
    """Take the lines of one kind in, batch by batch; memory does not grow with their number.

    While the database takes a batch, a thread reads the next one: `lines` is run through there, so
    it must not ask the database itself.
    """
    feed, source = Feed(KINDS[kind], now), enumerate(lines, start=1)
    with ThreadPoolExecutor(max_workers=1) as aside:
        reading = aside.submit(feed.read_batch, source, batch)
        while (read := reading.result()).is_anything:
            reading = aside.submit(feed.read_batch, source, batch)
            feed.write(read)
    return feed.taken


@dataclass(slots=True)
class Batch:
    rows: list[Row] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)

    @property
    def is_anything(self) -> bool:
        return bool(self.rows or self.bad)


def is_inside_another() -> bool:
    """Whether the batch is part of a larger transaction, which has failed along with it."""
    return bool(connection.in_atomic_block)


class Feed:
    """One body on its way in."""

    def __init__(self, kind: Kind, now: datetime) -> None:
        self.kind = kind
        self.now = now
        self.bounds = Bounds.at(now)
        self.taken = Taken()
        self.months: set[tuple[str, datetime]] = set()

    def read_batch(self, source: Iterator[tuple[int, bytes]], size: int) -> Batch:
        """The next lines, bad ones among them: a body of nothing else must not fill the memory."""
        batch = Batch()
        for number, line in source:
            if not line or line.isspace():
                continue
            try:
                values = read_line(self.kind, line, self.bounds)
            except Unfit as error:
                batch.bad.append(BadLine(number, error.field, error.reason))
            else:
                batch.rows.append((number, *values.values()))
            if len(batch.rows) + len(batch.bad) >= size:
                break
        return batch

    def write(self, batch: Batch) -> None:
        """Commit what was read."""
        if batch.rows:
            self.make_months(batch.rows)
            batch.bad += self.write_rows(batch.rows)
        self.taken.refuse(batch.bad)

    def write_rows(self, rows: Sequence[Row]) -> list[BadLine]:
        """The database's own refusals. What it cannot even read is found by halves."""
        try:
            taken, bad = self.write_again_if_need_be(rows)
        except DataError:
            if len(rows) == 1:
                return [BadLine(rows[0][0], "", "not_storable")]
            middle = len(rows) // 2
            return self.write_rows(rows[:middle]) + self.write_rows(rows[middle:])
        self.taken.taken += taken
        self.taken.unchanged += len(rows) - taken - len(bad)
        return [BadLine(*each) for each in bad]

    def write_again_if_need_be(self, rows: Sequence[Row]) -> tuple[int, list[Any]]:
        for left in reversed(range(ATTEMPTS)):
            try:
                return self.write_once(rows)
            except (IntegrityError, OperationalError) as error:
                if is_inside_another():
                    raise
                if not left and isinstance(error, OperationalError):
                    raise FeedBusy from error
                if not left:
                    raise
        raise AssertionError

    @transaction.atomic
    def write_once(self, rows: Sequence[Row]) -> tuple[int, list[Any]]:
        owners = owners_with_traces(self.kind, rows)
        refused = find_deleted(self.kind, rows, owners)
        if refused:
            lines = {line for line, *_why in refused}
            rows = [row for row in rows if row[0] not in lines]
        rows = leave_words_out(self.kind, rows, owners)
        recognise_fed(self.kind, rows)
        # A COPY that fails does so past Django, which would leave us the driver's own errors.
        with connection.cursor() as cursor, connection.wrap_database_errors:
            cursor.execute("SELECT messaging_open_feed(%s)", [self.kind.name])
            columns = ", ".join(self.kind.columns)
            with cursor.copy(f"COPY pg_temp.{self.kind.table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(f"SELECT taken, bad FROM {self.kind.function}(%s)", [self.now])
            taken, bad = cursor.fetchone()
        return taken, refused + json.loads(bad)

    def make_months(self, rows: Sequence[Row]) -> None:
        """Messages stand by month, and those of past months may be the first of theirs.

        By itself and before, so that the new table is there for everybody at once.
        """
        if self.kind.name != "message-records":
            return
        date = self.kind.columns.index("date")
        wanted = set()
        for start in {month_start(row[date]) for row in rows}:
            wanted.add(("messaging_messagerecord", start))
            if start >= self.bounds.oldest_content:
                wanted.add(("messaging_messagecontent", start))
        for table, start in sorted(wanted - self.months):
            make_month(table, start)
        self.months |= wanted


def make_month(table: str, start: datetime) -> None:
    """Waits some seconds at a time where another month of the table is being detached."""
    for left in reversed(range(ATTEMPTS)):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT messaging_make_month(%s, %s)", [table, start.date()])
            return
        except OperationalError as error:
            if is_inside_another():
                raise
            if not left:
                raise FeedBusy from error


__all__ = ["FeedBusy", "Taken", "take_in"]
