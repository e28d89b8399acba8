"""Entries of the journal leave with their rule, a year at a time.

What leaves is what is about people: opt-outs and erasures, as keyed hashes, and the leaves they
stand beside. A year is over, in UTC, and then `policy.JOURNAL`: until then the suppression stands
that a replay would make of each. It outlasts `BACKUP_DAYS` by far, which is the longest that a
backup may lack an entry: a database restored from one knows everything that has left. An older one
is refused (`Reason.FORGOTTEN`), for the journal could no longer mend it.

What stays for good names nobody (`record.KEPT`).

A checkpoint is a record of the chain like any other, so the mark in the database covers it. It says
up to where records are gone, what the chain was there and how long the log. What comes after is
verified from that value on, up to the mark. It is on the disk before anything is removed; a round
that dies later is finished by the next, for removing twice is removing once.
"""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.conf import settings

from retention import policy
from retention.clock import why_clock_unsettled
from retention.journal import entries
from retention.journal.guard import Reason, StandstillError
from retention.journal.keeping import append, catch_up
from retention.journal.mark import move_mark
from retention.journal.record import KEPT, Record, Tail, year_of
from retention.journal.store import Journal, JournalMovedError, open_journal

logger = logging.getLogger(__name__)


def is_year_over(year: int, now: datetime) -> bool:
    """Whether the last moment of that year, in UTC, has had both periods."""
    new_year = datetime(year + 1, 1, 1, tzinfo=UTC)
    over = datetime.combine(policy.JOURNAL.end(new_year.date()), new_year.timetz())
    return now >= max(over, new_year + timedelta(days=settings.BACKUP_DAYS))


def let_years_go(now: datetime) -> int:
    """Let every year go that is over; how many records it let go. Refuses in standstill.

    None goes under a clock that may have jumped: no replay brings back what has left.
    """
    if doubt := why_clock_unsettled(now):
        logger.error("no year of the journal was let go: %s", doubt)
        return 0
    journal = open_journal()
    due = find_due(journal, now)
    checkpoint = journal.checkpoint() if due is None else write_checkpoint(due, now)
    if checkpoint is not None:
        # Also where a former round wrote the checkpoint and died before the end.
        journal.let_go(checkpoint)
    return 0 if due is None else sum(due.dropped.values())


@dataclass(slots=True)
class Due:
    """A run of records that leave, from the floor on, with the chain through them verified."""

    tail: Tail
    leaves: int
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        if not record.follows(self.tail):
            raise StandstillError(Reason.CHANGED, f"at {self.tail.position + 1}")
        self.tail = record.tail
        entry = record.entry
        if record.kind == "leaves":
            self.leaves = entry["first"] + len(entry["leaves"])
        if record.kind not in KEPT:
            self.dropped[record.kind] += 1


def find_due(journal: Journal, now: datetime) -> Due | None:
    """What is over, None when nothing is; most nights that takes one look at the oldest record."""
    checkpoint = journal.checkpoint()
    floor = journal.floor()
    due = Due(floor, 0 if checkpoint is None else int(checkpoint.entry["leaves"]))
    for record in journal.read(after=floor.position):
        year = year_of(record)
        if year is None or not is_year_over(year, now):
            break
        due.add(record)
    return None if due.tail == floor else due


def write_checkpoint(due: Due, now: datetime) -> Record:
    """On the disk and in the chain before anything goes; behind whatever others write meanwhile."""
    entry = entries.checkpoint(due.tail, due.dropped, leaves=due.leaves, now=now)
    while True:
        try:
            record = append(entry, catch_up())
        except JournalMovedError:
            continue
        move_mark(record)
        return record
