"""The round that keeps log and journal: look, seal, write down, sign.

The order is commit, journal, mark, and each record is one whole. So a round may die at any line:
what is in the journal and in the database is recognised by the next, and what is not is written.
"""

import logging
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from consent.models import Head, Leaf, LogKey, Topic
from consent.proof import heads, tree
from consent.proof.sealer import seal_pending
from foundation import standstill
from messaging.models import OwnDeed
from retention.journal import entries
from retention.journal.guard import (
    Reason,
    StandstillError,
    is_known,
    records_ahead,
    refuse_unknown,
)
from retention.journal.mark import Mark, current_mark, move_mark, state_of_holds
from retention.journal.record import START, Entry, Record, Tail, chained
from retention.journal.store import (
    JournalMovedError,
    JournalUnreachableError,
    open_journal,
)
from retention.models import DeletionRequest, LegalHold

logger = logging.getLogger(__name__)

# One record holds that many leaves; a line stays below some 250 kB.
RUN = 500
# Deeds of customers that a round writes down: choices do not wait for somebody who deletes much.
DEEDS = 50
# A head says nothing new more often than this.
HEAD_EVERY = timedelta(seconds=60)
FIRST = "the first record"


def keep_log(now: datetime) -> int:
    """One round; how many leaves it wrote down. In standstill nothing is sealed or written."""
    try:
        mark = catch_up()
        seal_pending(now=now)
        mark = write_topics(begun(mark, now=now), now=now)
        mark = write_withdrawals(write_holds(mark, now=now), now=now)
        written = 0
        while run := list(Leaf.objects.filter(index__gte=mark.leaves).order_by("index")[:RUN]):
            mark = write(entries.leaves(run, now=now), mark)
            written += len(run)
        mark = write_deeds(mark, now=now)
        sign_head(write_heads(mark), now=now)
    except JournalMovedError:
        return 0  # another keeper is at it; the next round goes on from there
    except (StandstillError, JournalUnreachableError) as error:
        standstill.forget()
        # A standstill is told once, by asking. A journal that is read but not written to (a full
        # disk) is none until `check_pace` says so; every round that fails until then says it.
        if not standstill.why():
            logger.error("the journal is not being written: %s", error)
        return 0
    return written


def catch_up() -> Mark:
    """Take up a round that died between journal and mark; refuse whatever else is ahead."""
    mark = current_mark()
    for record in records_ahead(open_journal(), mark):
        refuse_unknown(record)
        if record.entry["kind"] == "head":
            publish(record.entry)
        elif record.kind == "withdrawal":
            note_withdrawal(record)
        elif record.kind == "own":
            mark = take_up_deed(record)
            continue
        mark = move_mark(record)
    return mark


def begun(mark: Mark, *, now: datetime) -> Mark:
    """A new database and no journal: the one begins with the other."""
    if mark.tail != START:
        return mark
    return write(entries.begin(FIRST, actor="portal", now=now), mark)


def write_erasure(
    reference: uuid.UUID, person_id: uuid.UUID, addresses: Iterable[str], *, now: datetime
) -> Tail:
    """On the disk before anything of the person goes; twice is once. Refuses in standstill.

    Returned is its place in the journal.
    """
    return write_urgently(entries.erasure(reference, person_id, addresses, now=now), now=now)


def write_partial_erasure(request: DeletionRequest, *, now: datetime) -> Tail:
    """The same for a part of somebody's data."""
    return write_urgently(entries.partial_erasure(request, now=now), now=now)


def write_urgently(entry: Entry, *, now: datetime) -> Tail:
    """Now, between two rounds, whoever else writes."""
    while True:
        try:
            record = append(entry, begun(catch_up(), now=now))
        except JournalMovedError:
            continue  # another writer was first: look at what it wrote, then write
        move_mark(record)
        return record.tail


def write(entry: Entry, mark: Mark) -> Mark:
    """Into the journal, on the disk; then the mark."""
    return move_mark(append(entry, mark))


def append(entry: Entry, mark: Mark) -> Record:
    (record,) = chained([entry], after=mark.tail)
    open_journal().append([entry], after=mark.tail)
    return record


def write_topics(mark: Mark, *, now: datetime) -> Mark:
    """Numbers are given and topics retired for good: both only grow, so counting them tells."""
    topics = dict(Topic.objects.values_list("number", "retired_at"))
    retired = sorted(number for number, since in topics.items() if since is not None)
    highest = max(topics, default=0)
    if highest <= mark.topics and len(retired) <= mark.retired:
        return mark
    return write(entries.topics(highest, retired, now=now), mark)


def write_holds(mark: Mark, *, now: datetime) -> Mark:
    """All of them, whenever one was placed, approved, put off or released."""
    entry = entries.holds(LegalHold.objects.order_by("pk"), now=now)
    says_something = entry["standing"] or entry["released"] or mark.holds
    if not says_something or state_of_holds(entry) == mark.holds:
        return mark
    return write(entry, mark)


def write_withdrawals(mark: Mark, *, now: datetime) -> Mark:
    """Deletions that were taken back: a restored database may hold them as waiting still."""
    for wish in DeletionRequest.objects.unsaid()[:RUN]:
        record = append(entries.withdrawal(wish.reference, now=now), mark)
        note_withdrawal(record)
        mark = move_mark(record)
    return mark


def note_withdrawal(record: Record) -> None:
    """Where the journal says of it; so it says it once."""
    DeletionRequest.objects.unsaid().filter(reference=record.entry["reference"]).update(
        journal_position=record.position, journal_chain=record.chain
    )


def write_deeds(mark: Mark, *, now: datetime) -> Mark:
    """What customers did to their own content, in the order in which they did it."""
    waiting = OwnDeed.objects.filter(journal_position=None).order_by("pk")
    for key in list(waiting.values_list("pk", flat=True)[:DEEDS]):
        mark = write_deed(key, mark, now=now)
    return mark


@transaction.atomic
def write_deed(key: uuid.UUID, mark: Mark, *, now: datetime) -> Mark:
    """With its row in hand until the mark has moved: an erasure that takes the row meanwhile would
    leave a record that this database knows nothing of, as one that was restored."""
    waiting = OwnDeed.objects.select_for_update().filter(pk=key, journal_position=None)
    if (deed := waiting.first()) is None:
        return mark
    return take_up_deed(append(entries.own_deed(deed, now=now), mark))


@transaction.atomic
def take_up_deed(record: Record) -> Mark:
    note_deed(record)
    return move_mark(record)


def let_deeds_go(customer_id: uuid.UUID) -> None:
    """Before the rows of a customer who is erased: what a round that died has written of them is
    in the mark, for afterwards nothing here knows it. Inside the transaction that takes the rows.

    Nothing else is taken up: a replay has the erasure itself ahead of the mark.
    """
    unsaid = OwnDeed.objects.filter(customer_id=customer_id, journal_position=None)
    if not list(unsaid.select_for_update().order_by("pk").values_list("pk")):
        return
    for record in records_ahead(open_journal(), current_mark()):
        if record.kind != "own" or not is_known(record):
            return
        take_up_deed(record)


def note_deed(record: Record) -> None:
    """Where the journal says of it; so it says it once."""
    entry = record.entry
    OwnDeed.objects.filter(pk=entry["id"], journal_position=None).update(
        journal_position=record.position, journaled_at=datetime.fromisoformat(entry["at"])
    )


def write_heads(mark: Mark) -> Mark:
    """Heads of before the journal; in a running portal there are none."""
    former = Head.objects.filter(size__gt=mark.head).select_related("key").order_by("size")
    for head in former.iterator(chunk_size=RUN):
        mark = write(entries.head(head), mark)
    return mark


def sign_head(mark: Mark, *, now: datetime) -> None:
    """Journaled first, published after: a head that anybody has seen cannot be lost."""
    latest = heads.latest_head()
    if latest is not None and now - latest.signed_at < HEAD_EVERY:
        return
    if (head := heads.next_head(now=now)) is not None:
        record = append(entries.head(head), mark)
        heads.publish_head(head)
        move_mark(record)


def publish(entry: Entry) -> None:
    """A head that the journal has and the database may not, with the key that signed it."""
    size = int(entry["size"])
    if tree.root_at(size).hex() != entry["root"]:
        raise StandstillError(Reason.DIVERGED, f"at head {size}")
    heads.publish_head(entry_head(entry))


def entry_head(entry: Entry) -> Head:
    key, _ = LogKey.objects.get_or_create(
        number=entry["key"],
        defaults={"public": bytes.fromhex(entry["public"]), "origin": entry["origin"]},
    )
    if bytes(key.public).hex() != entry["public"]:
        raise StandstillError(Reason.DIVERGED, f"at key {key.number}")
    return Head(
        size=entry["size"],
        root=bytes.fromhex(entry["root"]),
        signed_at=datetime.fromisoformat(entry["at"]),
        key=key,
        signature=bytes.fromhex(entry["signature"]),
    )
