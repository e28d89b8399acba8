"""What customers did to their own content, done again after a restore.

The journal says of it by keyed hashes, so what is meant is looked for among that customer's rows.
Lists, contacts, reports and opt-outs are looked through once, before the first record: of them as
much is held as people did by hand since the backup. Of messages each record says from when to when
they are, and only that stretch is read.

What a legal hold keeps waits as a row, and goes once the hold is released (`take_up`).
"""

import logging
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from foundation.addresses import small_letters
from foundation.ids import uuid7_floor
from foundation.saying import is_time_to_say
from foundation.tenants import as_tenant
from messaging.content import services, uploads
from messaging.content.deeds import (
    TICK,
    What,
    hash_of,
    hashes_of,
    name_in_list,
    tombstones_of,
)
from messaging.content.signals import ContentHeld
from messaging.content.tombstones import hold_feed
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    MessageContent,
    MessageRecord,
    OwnDeed,
    Report,
    Tombstone,
    UploadProblem,
)
from retention.detached import detached_months
from retention.journal.record import Record

logger = logging.getLogger(__name__)
CHUNK = 5_000
# What a hold may keep of each; a deed is done whole or waits.
GOING: dict[str, tuple[type[Any], ...]] = {
    What.LIST: (Contact, UploadProblem, ListUpload, ContactList),
    What.CONTACT: (Contact,),
    What.MESSAGE: (MessageRecord, MessageContent),
    What.REPORT: (Report,),
    What.UPLOAD: (ListUpload, UploadProblem),
}


@dataclass(slots=True)
class Wanted:
    """Hashes of one customer's, of anything but messages, and the keys they are made with."""

    keys: set[int] = field(default_factory=set)
    digests: dict[str, set[bytes]] = field(default_factory=dict)

    def add(self, deed: OwnDeed) -> None:
        self.keys.add(deed.key)
        kind = What.OPT_OUT if deed.what == What.OPT_IN else deed.what
        self.digests.setdefault(kind, set()).update(hashes_of(deed))


# By hash: the key of a row, or the number or address of a contact.
type Found = dict[bytes, Any]


def from_record(record: Record, customer_id: uuid.UUID) -> OwnDeed:
    entry = record.entry
    return OwnDeed(
        pk=entry["id"],
        customer_id=customer_id,
        what=entry["what"],
        key=entry["digests_key"],
        digests=bytes.fromhex(entry["digests"]),
        is_numbered=entry["numbered"],
        first=entry["first"] and datetime.fromisoformat(entry["first"]),
        before=entry["before"] and datetime.fromisoformat(entry["before"]),
        done_at=datetime.fromisoformat(entry["done"]),
        journal_position=record.position,
        journaled_at=datetime.fromisoformat(entry["at"]),
    )


def find(customer_id: uuid.UUID, wanted: Wanted) -> Found:
    """One look at the rows in question; memory grows with what is wanted alone."""
    keys = wanted.keys & settings.SUPPRESSION_KEYS.keys()
    found: Found = {}
    for kind, digests in wanted.digests.items():
        left = set(digests)
        for number, meant in _candidates(kind, customer_id):
            for key in keys:
                told = hash_of(key, kind, customer_id, number)
                if told in left:
                    found[told] = meant
                    left.remove(told)
            if not left:
                break  # messages come last, and are many
    return found


def _candidates(kind: str, customer_id: uuid.UUID) -> Iterator[tuple[object, Any]]:
    """What a hash may be of, and what it then means."""
    if kind == What.OPT_OUT:
        for row in _rows(ContactOptOut, customer_id, "contact"):
            yield row[0], row[0]
        for row in chain(
            _rows(Contact, customer_id, "phone_number", "email"),
            _rows(MessageContent, customer_id, "sent_to", "sent_from"),
        ):
            yield from ((each, each) for each in map(small_letters, row) if each)
        return
    if kind == What.CONTACT:
        columns = ("pk", "contact_id", "contact_list_id", "phone_number", "email")
        for pk, number, list_id, *contacts in _rows(Contact, customer_id, *columns):
            yield pk, pk
            if number is not None:
                yield number, pk
            else:
                yield from ((name_in_list(list_id, each), pk) for each in contacts if each)
        return
    model, column = {
        What.LIST: (ContactList, "list_id"),
        What.REPORT: (Report, "report_id"),
        What.UPLOAD: (ListUpload, None),
    }[What(kind)]
    for pk, *numbers in _rows(model, customer_id, "pk", *filter(None, [column])):
        yield pk, pk
        yield from ((number, pk) for number in numbers if number is not None)


def _rows(model: type[Any], customer_id: uuid.UUID, *columns: str) -> Iterator[tuple[Any, ...]]:
    rows = model.objects.filter(customer_id=customer_id).order_by().values_list(*columns)
    found: Iterator[tuple[Any, ...]] = rows.iterator(chunk_size=CHUNK)
    return found


def find_messages(deed: OwnDeed) -> dict[uuid.UUID, str]:
    """Those of the deed that are here, with the platform's numbers; at most as many as it names."""
    digests = set(hashes_of(deed))
    return {
        pk: number
        for pk, number in _messages(deed)
        if hash_of(deed.key, deed.what, deed.customer_id, number) in digests
    }


def _messages(deed: OwnDeed) -> Iterator[tuple[uuid.UUID, str]]:
    """Of the stretch it is about, in the table and in months that the table does not show."""
    assert deed.first is not None
    assert deed.before is not None
    first, before = uuid7_floor(deed.first), uuid7_floor(deed.before)
    rows = MessageRecord.objects.filter(
        customer_id=deed.customer_id, pk__gte=first, pk__lt=before
    ).order_by()
    yield from rows.values_list("pk", "message_id").iterator(chunk_size=CHUNK)
    for month in detached_months(MessageRecord):
        after = first
        while True:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT id, message_id FROM {month} WHERE customer_id = %s"
                    " AND id >= %s AND id < %s ORDER BY id LIMIT %s",
                    [deed.customer_id, after, before, CHUNK],
                )
                some = cursor.fetchall()
            yield from some
            if len(some) < CHUNK:
                break
            after = uuid.UUID(int=some[-1][0].int + 1)


# --- done again ----------------------------------------------------------------------------------


def remember(deed: OwnDeed, found: Found, done: Counter[str], *, now: datetime) -> None:
    """The deed is known here, as one that waits; with the tombstones, and what a contact said.

    In one transaction with the mark. What is still there goes by `redo`.
    """
    if OwnDeed.objects.filter(pk=deed.pk).exists():
        return  # of before the backup, and what it took is gone there too
    deed.waits = deed.what != What.OPT_IN
    deed.save(force_insert=True)
    with as_tenant(deed.customer_id):
        _bury(deed)
        if deed.what == What.OPT_OUT:
            _say_no(deed, found.get(bytes(deed.digests)), done, now=now)
        elif deed.what == What.OPT_IN:
            _take_back(deed, found.get(bytes(deed.digests)), done, now=now)
        else:
            done["own deletions of customers"] += 1


def _bury(deed: OwnDeed) -> None:
    Tombstone.objects.bulk_create(
        [
            Tombstone(
                customer_id=deed.customer_id, kind=deed.what, digest=each, made_at=deed.done_at
            )
            for each in tombstones_of(deed)
        ],
        ignore_conflicts=True,
    )


def _say_no(deed: OwnDeed, contact: str | None, done: Counter[str], *, now: datetime) -> None:
    """By number or address where a row tells which; else by the hash, until one does."""
    if contact is None:
        done["opt-outs of contacts, known by their hash alone"] += 1
        return
    # It is recognised first, which makes it an opt-out as of when it was said.
    services.record_contact_opt_out(contact, customer_id=deed.customer_id, now=now, is_said=True)
    done["opt-outs of contacts"] += 1


def _take_back(deed: OwnDeed, contact: str | None, done: Counter[str], *, now: datetime) -> None:
    unnamed = OwnDeed.objects.filter(
        customer_id=deed.customer_id, what=What.OPT_OUT, digests=deed.digests, waits=True
    )
    taken = unnamed.update(waits=False)
    for opt_out in ContactOptOut.objects.filter(customer_id=deed.customer_id, contact=contact):
        try:
            services.withdraw_contact_opt_out(opt_out, now=now, is_said=True)
        except ContentHeld:
            continue  # a no too many harms nobody, and its customer may take it back once more
        taken += 1
    done["opt-outs of contacts taken back"] += taken


def redo(deed: OwnDeed, found: Found, *, now: datetime) -> bool:
    """What the deed took goes again, in transactions of its own; False where a hold keeps it, or
    its key has left the ring meanwhile: then nothing tells what it was.

    Through what the pages do it by, in the same batches; twice is once.
    """
    if deed.key not in settings.SUPPRESSION_KEYS:
        return False
    try:
        with transaction.atomic():
            ask(deed, now=now)
        _redo(deed, found, now=now)
    except ContentHeld:
        return False
    OwnDeed.objects.filter(pk=deed.pk).update(waits=False)
    return True


def _redo(deed: OwnDeed, found: Found, *, now: datetime) -> None:
    customer_id = deed.customer_id
    if deed.what == What.MESSAGE:
        with as_tenant(customer_id):
            ask(deed, now=now)  # the lock of holds comes before any other
            hold_feed(customer_id)
            services.let_messages_go(
                find_messages(deed), customer_id=customer_id, now=now, is_said=True
            )
        return
    meant = {found[each] for each in hashes_of(deed) if each in found}
    if deed.what == What.LIST:
        for key in meant:
            services.delete_list(key, customer_id=customer_id, now=now, is_said=True)
        return
    with as_tenant(customer_id):
        for contact in _there_then(deed, meant) if deed.what == What.CONTACT else ():
            services.remove_contact(contact, now=now, is_said=True)
        for report in Report.objects.filter(pk__in=meant) if deed.what == What.REPORT else ():
            services.delete_report(report, now=now, is_said=True)
        for upload in ListUpload.objects.filter(pk__in=meant) if deed.what == What.UPLOAD else ():
            uploads.discard_upload(upload, now=now, is_said=True)


def _there_then(deed: OwnDeed, meant: set[uuid.UUID]) -> Iterable[Contact]:
    """Without those who are meant by their number or address alone and came into the list later:
    while a hold kept the deed waiting, their customer may have brought them in once more.

    By the key, which tells when the row was made: `added_at` is when the file was uploaded.
    """
    later = Q(contact_id=None, pk__gte=uuid7_floor(deed.done_at + TICK))
    found = Contact.objects.filter(pk__in=meant)
    return found.exclude(later) if deed.is_numbered else found


def ask(deed: OwnDeed, *, now: datetime) -> None:
    """Raises `ContentHeld` where a hold keeps any of it."""
    for model in GOING[deed.what]:
        services.going(model, deed.customer_id, now)


def take_up(now: datetime) -> int:
    """Do what waited for a hold that is released; how many deeds were done."""
    waiting = OwnDeed.objects.filter(waits=True).exclude(what=What.OPT_OUT)
    done = 0
    for customer_id, what in sorted(set(waiting.values_list("customer_id", "what"))):
        try:
            done += _take_up(list(waiting.filter(customer_id=customer_id, what=what)), now=now)
        except ContentHeld:
            continue
        except Exception:
            logger.exception("what a customer deleted waits: it failed; the next round tries")
    return done


def _take_up(theirs: Sequence[OwnDeed], *, now: datetime) -> int:
    """Of one customer and kind; nothing is looked for while a hold keeps it."""
    with transaction.atomic():
        ask(theirs[0], now=now)
    if lost := {deed.key for deed in theirs} - settings.SUPPRESSION_KEYS.keys():
        numbers = ",".join(map(str, sorted(lost)))
        if is_time_to_say(f"deeds-wait-for-keys:{numbers}"):
            logger.error("SUPPRESSION_KEYS lacks %s: what customers deleted waits for it", numbers)
    wanted = Wanted()
    for deed in theirs:
        if deed.what != What.MESSAGE:
            wanted.add(deed)
    found = find(theirs[0].customer_id, wanted)
    return sum(redo(deed, found, now=now) for deed in theirs)
