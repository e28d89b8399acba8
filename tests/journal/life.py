"""What happens to a journal: opt-outs, rounds, and a database set back to an older state."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from consent import services as consent
from consent.models import Source
from retention.journal.record import Entry
from retention.journal.store import Journal
from tests.factories import NOW, topic

LATER = NOW + timedelta(minutes=2)


class Killed(BaseException):
    """Not an Exception: nothing in the portal may catch it, as nothing catches kill -9."""


class _Undone(Exception):
    pass


@contextmanager
def forgotten() -> Iterator[None]:
    """As a restore does it: what the block does to the database is gone, the journal stays."""
    try:
        with transaction.atomic():
            yield
            raise _Undone
    except _Undone:
        pass


def no(person: User, slug: str = "newsletter", *, now: datetime = NOW) -> None:
    consent.record_opt_out(person.pk, [topic(slug).pk], source=Source.ONE_CLICK, now=now)


def entries_of(journal: Journal, kind: str = "") -> list[Entry]:
    """All of it, once the chain was found whole."""
    former, found = journal.floor(), []
    for record in journal.read(after=former.position):
        assert record.follows(former)
        former = record.tail
        found.append(record.entry)
    return [entry for entry in found if not kind or entry["kind"] == kind]


def leaves_of(journal: Journal) -> list[uuid.UUID]:
    """The events in the order of the log; asserts that the log has no gap in the journal."""
    found: list[uuid.UUID] = []
    for entry in entries_of(journal, "leaves"):
        assert entry["first"] == len(found)
        found += [uuid.UUID(leaf[0]) for leaf in entry["leaves"]]
    return found


def opt_outs_of(journal: Journal) -> list[Entry]:
    return [each for entry in entries_of(journal, "leaves") for each in entry["opt_outs"]]
