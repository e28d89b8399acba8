"""The journal beside the log: whole, and saying the same. For `audit_consent`."""

import uuid
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import Q

from consent.models import ConsentDetail, Head, Leaf, Topic
from foundation.addresses import person_hash
from retention.journal.guard import Reason, StandstillError, check, is_known, refuse_other
from retention.journal.mark import current_mark
from retention.journal.record import Entry, Record
from retention.journal.store import (
    JournalDamagedError,
    JournalUnreachableError,
    open_journal,
)
from retention.models import DeletionRequest


def first_difference(now: datetime) -> str:
    """'' when chain, leaves, heads and opt-outs are as the log has them, else what is not.

    Looks at what the database remembers of the journal, so it may run in an older snapshot beside
    a round that goes on; whether the journal knows more is asked outside of one only.
    """
    try:
        refuse_other(open_journal(), current_mark())
        return _first_difference() or ("" if connection.in_atomic_block else check())
    except StandstillError as error:
        return str(error)
    except JournalDamagedError as error:
        return str(StandstillError(Reason.CHANGED, str(error)))
    except JournalUnreachableError as error:
        return str(StandstillError(Reason.UNREACHABLE, str(error)))


def _first_difference() -> str:
    mark = current_mark()
    if wrong := _checkpoint_differs():
        return wrong
    topics = dict(Topic.objects.values_list("pk", "number"))
    leaves = _leaves(_first_leaf(), mark.leaves)
    heads = {
        size: bytes(signature)
        for size, signature in Head.objects.filter(size__lte=mark.head).values_list(
            "size", "signature"
        )
    }
    holds = None
    for record in chain(open_journal().kept(), _linked(mark.tail.position)):
        entry = record.entry
        if entry["kind"] == "leaves":
            if wrong := _leaves_differ(entry, leaves) or _opt_outs_differ(entry, topics):
                return f"record {record.position} of the journal: {wrong}"
        elif entry["kind"] == "head" and heads.pop(entry["size"], b"").hex() != entry["signature"]:
            return f"record {record.position} of the journal: head {entry['size']} is another"
        elif entry["kind"] == "withdrawal" and not is_known(record):
            return f"record {record.position} of the journal: a deletion was not taken back"
        elif entry["kind"] in ("erasure", "partial") and _never_began(entry):
            return f"record {record.position} of the journal: a deletion was not done"
        elif entry["kind"] == "holds":
            holds = record  # the newest says all there is to know
    if holds is not None and not is_known(holds):
        return f"record {holds.position} of the journal: a legal hold is not as it was placed"
    if (left := next(leaves, None)) is not None:
        return f"the journal lacks leaf {left[0]}"
    return f"the journal lacks head {min(heads)}" if heads else ""


def _never_began(entry: Entry) -> bool:
    """Its row says that it waits, or lapsed. Where there is none it has left with its rule."""
    wishes = DeletionRequest.objects.filter(reference=entry["reference"])
    return wishes.filter(Q(state__in=["unconfirmed", "scheduled"]) | Q(lapsed=True)).exists()


def _checkpoint_differs() -> str:
    """What says that records have left must stand in the chain, as it stands beside it."""
    checkpoint = open_journal().checkpoint()
    if checkpoint is None or open_journal().at(checkpoint.position) == checkpoint:
        return ""
    return f"record {checkpoint.position} of the journal: the checkpoint is another"


def _first_leaf() -> int:
    """The first that the journal still holds; those before have left with their year."""
    checkpoint = open_journal().checkpoint()
    return 0 if checkpoint is None else int(checkpoint.entry["leaves"])


def _linked(last: int) -> Iterator[Record]:
    """Every record up to the mark; the chain there was compared with the mark before."""
    former = open_journal().floor()
    for record in open_journal().read(after=former.position):
        if record.position > last:
            return
        if not record.follows(former):
            raise JournalDamagedError(f"the chain breaks at record {former.position + 1}")
        yield record
        former = record.tail


def _leaves(first: int, end: int) -> Iterator[tuple[int, uuid.UUID, str, bytes]]:
    rows = Leaf.objects.filter(index__gte=first, index__lt=end).order_by("index")
    columns = rows.values_list("index", "event_id", "kind", "hash")
    for index, event_id, kind, digest in columns.iterator(chunk_size=5_000):
        yield index, event_id, kind, bytes(digest)


def _leaves_differ(entry: Entry, rows: Iterator[tuple[int, uuid.UUID, str, bytes]]) -> str:
    for index, leaf in enumerate(entry["leaves"], entry["first"]):
        row = next(rows, None)
        if row is None:
            return f"the log lacks leaf {index}"
        if [row[0], str(row[1]), row[2], row[3].hex()] != [index, *leaf]:
            return f"leaf {index} is another"
    return ""


def _opt_outs_differ(entry: Entry, topics: dict[uuid.UUID, int]) -> str:
    """Each is of one of the record's leaves, and its event, if not erased, says the same."""
    opt_outs: dict[str, dict[str, Any]] = {each["event"]: each for each in entry["opt_outs"]}
    if not opt_outs:
        return ""
    for each in opt_outs.values():
        offset = each["index"] - entry["first"]
        if not 0 <= offset < len(entry["leaves"]) or entry["leaves"][offset][0] != each["event"]:
            return f"opt-out {each['event']} is of no leaf"
    details = ConsentDetail.objects.filter(pk__in=opt_outs).order_by()
    for detail in details.only("state", "topic_id", "at", "paused_until", "person_id"):
        said = opt_outs[str(detail.pk)]
        is_same = (
            said["state"] == detail.state
            and said["topic"] == topics[detail.topic_id]
            and datetime.fromisoformat(said["at"]) == detail.at
            and (said["until"] and datetime.fromisoformat(said["until"])) == detail.paused_until
            and _is_of(said, detail)
        )
        if not is_same:
            return f"opt-out {detail.pk} says something else"
    return ""


def _is_of(said: dict[str, Any], detail: ConsentDetail) -> bool:
    """Under a key that was taken out of the ring since, it cannot be told."""
    try:
        return bool(person_hash(said["key"], detail.person_id).hex() == said["person"])
    except KeyError:
        return True
