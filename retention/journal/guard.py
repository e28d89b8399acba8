"""Whether this database is the one the journal belongs to, and no older state of it.

The order of writing is: commit, journal, mark. So a journal that is a little ahead of the mark is
a round that was cut short if the database knows everything in it, and otherwise a restore.
"""

import enum
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from consent.models import Leaf, Topic
from consent.proof import tree
from foundation.ids import uuid7_floor
from retention.journal.mark import Mark, current_mark
from retention.journal.record import START, Entry, Record
from retention.journal.store import (
    Journal,
    JournalDamagedError,
    JournalUnreachableError,
    open_journal,
)
from retention.models import DeletionRequest, LegalHold

# A round comes every few seconds; far longer than that, and nobody keeps the log.
BEHIND = timedelta(minutes=5)
BEHIND_BY = "choices of more than 5 minutes ago are not in the journal"


class Reason(enum.StrEnum):
    """Why nothing may go on, each with the way out (docs/operations/journal.md)."""

    MISSING = "the journal is missing"
    SHORTENED = "the journal is shorter than the database remembers it"
    CHANGED = "the journal is not the one the database remembers"
    UNREACHABLE = "the journal cannot be reached"
    RESTORED = "the database is older than the journal"
    FORGOTTEN = "the database is older than anything the journal still holds"
    DIVERGED = "the log of the database is not the one in the journal"


class StandstillError(Exception):
    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason} ({detail})" if detail else str(reason))
        self.reason = reason


def check() -> str:
    """For `foundation.standstill`: '' or the reason. Reads only, and under any role."""
    try:
        # The mark first: read after the journal, it might already be beyond what was read.
        for record in records_ahead(open_journal(), current_mark()):
            refuse_unknown(record)
    except StandstillError as error:
        return str(error)
    return ""


# Of the events that should long be sealed the newest is enough: where no round runs, it waits.
_WAITING = """
SELECT NOT EXISTS (SELECT 1 FROM consent_leaf WHERE event_id = newest.id)
  FROM (SELECT id FROM consent_consentdetail WHERE id < %s ORDER BY id DESC LIMIT 1) AS newest
"""


def check_pace() -> str:
    """For `foundation.standstill`: '' or that the journal has stopped, so optional mail waits.

    No page closes for it, and the round goes on: catching up is what ends it.
    """
    return "" if is_kept(timezone.now()) else BEHIND_BY


def is_kept(now: datetime) -> bool:
    """Whether what was said some minutes ago is sealed, and what was sealed is in the journal."""
    if Leaf.objects.filter(index__gte=current_mark().leaves, sealed_at__lt=now - BEHIND).exists():
        return False
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [uuid7_floor(now - BEHIND)])
        row = cursor.fetchone()
    return row is None or not row[0]


def records_ahead(journal: Journal, mark: Mark) -> Iterator[Record]:
    """What the journal holds after the mark, once it is clear that it goes on from there."""
    try:
        yield from _records_ahead(journal, mark)
    except JournalUnreachableError as error:
        raise StandstillError(Reason.UNREACHABLE, str(error)) from error
    except JournalDamagedError as error:
        raise StandstillError(Reason.CHANGED, str(error)) from error


def _records_ahead(journal: Journal, mark: Mark) -> Iterator[Record]:
    refuse_other(journal, mark)
    former = mark.tail
    for record in journal.read(after=former.position):
        if not record.follows(former):
            raise StandstillError(Reason.CHANGED, f"at {former.position + 1}")
        yield record
        former = record.tail


def refuse_other(journal: Journal, mark: Mark) -> None:
    """The journal must hold what the database remembers of it."""
    tail = journal.tail()
    if tail == mark.tail:
        return
    if tail == START:
        raise StandstillError(Reason.MISSING)
    if tail.position < mark.tail.position:
        raise StandstillError(Reason.SHORTENED, f"{tail.position} of {mark.tail.position}")
    floor = journal.floor()
    if mark.tail.position < floor.position:
        raise StandstillError(Reason.FORGOTTEN, f"which begins after {floor.position}")
    if mark.tail not in (START, floor):
        remembered = journal.at(mark.tail.position)
        if remembered is None or remembered.tail != mark.tail:
            raise StandstillError(Reason.CHANGED, f"at {mark.tail.position}")


def refuse_unknown(record: Record) -> None:
    """Unless the mark has reached it meanwhile: what it is about may be gone again by now."""
    if not is_known(record) and current_mark().tail.position < record.position:
        raise StandstillError(Reason.RESTORED, f"it lacks record {record.position}")


def is_known(record: Record) -> bool:
    """Whether the database has what the record says."""
    entry = record.entry
    match entry["kind"]:
        case "leaves":
            return missing_leaves(record) == []
        case "head":
            return tree.tree_size() >= int(entry["size"])
        case "erasure" | "partial":
            # It was journaled when it began. One that waits is a state of before; so is one that
            # came to nothing, for nobody takes back what has begun.
            begun = DeletionRequest.objects.filter(state__in=["requested", "finished"])
            return begun.filter(reference=entry["reference"]).exists()
        case "withdrawal":
            asked = DeletionRequest.objects.filter(reference=entry["reference"])
            return not asked.filter(state__in=["unconfirmed", "scheduled"]).exists()
        case "own":
            return knows_deed(entry["id"])
        case "holds":
            return has_holds(entry)
        case "topics":
            return has_topics(int(entry["highest"]), entry["retired"])
        case _:
            return True


def knows_deed(key: str) -> bool:
    """By a function: each role may ask, and no row is shown to another than its tenant."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT messaging_knows_deed(%s)", [key])
        return bool(cursor.fetchone()[0])


def has_holds(entry: Entry) -> bool:
    """Whether each is here, approved and released as there; one released long ago may be gone."""
    known = {
        str(pk): (approved, released)
        for pk, approved, released in LegalHold.objects.values_list(
            "pk", "approved_at", "released_at"
        )
    }
    for each in entry["standing"]:
        if each["id"] not in known:
            return False
        approved, released = known[each["id"]]
        if each["approved"] and approved is None and released is None:
            return False
    return not any(
        each["id"] in known and known[each["id"]][1] is None for each in entry["released"]
    )


def has_topics(highest: int, retired: list[int]) -> bool:
    """Whether such a number was given here, and these are retired here too."""
    return (
        Topic.objects.filter(number__gte=highest).exists()
        and not Topic.objects.filter(number__in=retired, retired_at=None).exists()
        and Topic.objects.filter(number__in=retired).count() == len(retired)
    )


def missing_leaves(record: Record) -> list[tuple[int, list[str]]]:
    """Index and leaf of those the log has not. Another leaf in such a place is no restore."""
    entry = record.entry
    first, leaves = int(entry["first"]), entry["leaves"]
    present = {
        index: [str(event_id), kind, bytes(digest).hex()]
        for index, event_id, kind, digest in Leaf.objects.filter(
            index__gte=first, index__lt=first + len(leaves)
        ).values_list("index", "event_id", "kind", "hash")
    }
    missing = []
    for index, leaf in enumerate(leaves, first):
        if index not in present:
            missing.append((index, leaf))
        elif present[index] != leaf:
            raise StandstillError(Reason.DIVERGED, f"at leaf {index}")
    return missing
