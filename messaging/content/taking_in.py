"""A batch of lines into a contact list: one transaction, so a worker that is killed did all of it
or none, and the next one goes on after `rows_done`.

The first line about a contact counts, and further ones are reported; so each contact bears when the
upload was made that named it last. A contact that was there before gets what the line says anew; an
empty cell empties nothing.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from accounts.services import is_staying
from foundation.addresses import small_letters
from foundation.tenants import as_tenant
from messaging.content.columns import FIELDS
from messaging.content.deeds import recognise
from messaging.content.files import Row, keep_untaken
from messaging.content.querysets import contacts_reached_by
from messaging.content.rows import Fault, Reader, clean
from messaging.content.signals import is_held
from messaging.models import Contact, ContactList, ContactOptOut, ListUpload, UploadProblem

REACHED_BY = ("phone_number", "email")
NAME_LENGTH = int(UploadProblem._meta.get_field("column").max_length or 0)
COUNTED = ("added", "changed", "duplicates", "opted_out", "bad")


class ListGone(Exception):
    """The list was deleted while a file was read into it."""


@dataclass(slots=True)
class Known:
    """The contacts of the list that a batch is about, by the number and the address that are theirs
    as of the line before: what one of them gave up is free for the next, whatever batch it is in.
    """

    by_phone: dict[str, Contact] = field(default_factory=dict)
    by_email: dict[str, Contact] = field(default_factory=dict)

    def remember(self, contact: Contact) -> None:
        if contact.phone_number:
            self.by_phone[contact.phone_number] = contact
        if contact.email:
            self.by_email[small_letters(contact.email)] = contact

    def forget(self, contact: Contact) -> None:
        self.by_phone.pop(contact.phone_number, None)
        self.by_email.pop(small_letters(contact.email), None)

    def find(self, values: dict[str, str]) -> list[Contact]:
        """None, one, or two where the number belongs to one and the address to another."""
        found = [
            self.by_phone.get(values.get("phone_number", "")),
            self.by_email.get(small_letters(values.get("email", ""))),
        ]
        return list({id(each): each for each in found if each is not None}.values())


@dataclass(slots=True)
class Batch:
    """What a batch will write."""

    upload: ListUpload
    list_id: uuid.UUID
    reader: Reader
    # Of the columns, by their place in the file.
    names: Mapping[int, str]
    # A legal hold keeps the contacts that are there as they are.
    is_held: bool = False
    known: Known = field(default_factory=Known)
    opted_out: set[str] = field(default_factory=set)
    new: list[Contact] = field(default_factory=list)
    changed: list[Contact] = field(default_factory=list)
    # The number or the address that one of them had before, and who.
    given_up: dict[tuple[str, str], uuid.UUID] = field(default_factory=dict)
    # Named by a line that says what is known.
    named: list[Contact] = field(default_factory=list)
    problems: list[UploadProblem] = field(default_factory=list)
    untaken: list[Row] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, row: Row, values: dict[str, str], faults: Sequence[Fault]) -> None:
        found = self.known.find(values)
        if len(found) > 1:
            faults = [self.fault("email", values, "two_contacts")]
        if faults:
            self.counts["bad"] += 1
            self.untaken.append(row)
            self.report(row, faults)
        elif stopped := [name for name in REACHED_BY if self.said_no(values, name)]:
            self.counts["opted_out"] += 1
            self.report(row, [self.fault(name, values, "opted_out") for name in stopped])
        elif not found:
            self.add(values)
        elif self.is_named(found[0]):
            self.counts["duplicates"] += 1
            self.report(row, [self.fault(by_which(values), values, "duplicate")])
        else:
            self.change(found[0], row, values)

    def is_named(self, contact: Contact) -> bool:
        """By a line of this file before, in whatever batch."""
        return self.upload.made_at in (contact.added_at, contact.uploaded_at)

    def said_no(self, values: dict[str, str], name: str) -> bool:
        return small_letters(values.get(name, "")) in self.opted_out

    def add(self, values: dict[str, str]) -> None:
        contact = Contact(
            contact_list_id=self.list_id,
            customer_id=self.upload.customer_id,
            added_at=self.upload.made_at,
            uploaded_at=self.upload.made_at,
            **values,
        )
        self.known.remember(contact)
        self.new.append(contact)
        self.counts["added"] += 1

    def change(self, contact: Contact, row: Row, values: dict[str, str]) -> None:
        other = {name: value for name, value in values.items() if getattr(contact, name) != value}
        if not other:
            self.counts["duplicates"] += 1
            if not self.is_held:
                contact.uploaded_at = self.upload.made_at
                self.named.append(contact)
            return
        if self.is_held:
            self.counts["bad"] += 1
            self.untaken.append(row)
            self.report(row, [self.fault(by_which(values), values, "held")])
            return
        self.known.forget(contact)
        for name in REACHED_BY:
            former = small_letters(getattr(contact, name))
            if former and former != small_letters(values.get(name, former)):
                self.given_up[name, former] = contact.pk
        for name, value in other.items():
            setattr(contact, name, value)
        contact.uploaded_at = self.upload.made_at
        self.known.remember(contact)
        self.changed.append(contact)
        self.counts["changed"] += 1

    def fault(self, name: str, values: dict[str, str], reason: str) -> Fault:
        return Fault(self.reader.place_of(name), values.get(name, ""), reason)

    def report(self, row: Row, faults: Iterable[Fault]) -> None:
        self.problems += [
            UploadProblem(
                upload_id=self.upload.pk,
                customer_id=self.upload.customer_id,
                line=row.number,
                column=self.name_of(fault.place),
                value=fault.value[:100],
                reason=fault.reason,
            )
            for fault in faults
        ]

    def name_of(self, place: int | None) -> str:
        return "" if place is None else self.names[place]


def names_of(header: Sequence[str], mapping: Mapping[str, str]) -> dict[int, str]:
    """The chosen columns' own names, else their numbers. Where two bear one name, all have the
    number behind: a remark is known by the line, the column and the reason."""
    names = {
        place: (clean(header[place]) if place < len(header) else "")[:NAME_LENGTH] or str(place + 1)
        for place in map(int, mapping)
    }
    if len(set(names.values())) == len(names):
        return names
    marks = {place: f" ({place + 1})" for place in names}
    return {
        place: name[: NAME_LENGTH - len(marks[place])] + marks[place]
        for place, name in names.items()
    }


def by_which(values: dict[str, str]) -> str:
    """The field that tells who is meant."""
    return "phone_number" if values.get("phone_number") else "email"


def take_in_batch(
    upload: ListUpload, rows: Sequence[Row], *, done: int, header: Sequence[str], now: datetime
) -> bool:
    """Whether it was for us: another worker may have it in hand, or the customer leaves."""
    with as_tenant(upload.customer_id):
        contacts_held = is_held(Contact, upload.customer_id, now)
        if not is_staying(upload.customer_id):
            return False
        mine = ListUpload.objects.select_for_update(skip_locked=True).filter(
            pk=upload.pk, state=ListUpload.State.RUNNING, rows_done=done
        )
        if not mine.exists():
            return False
        list_id = upload.contact_list_id
        lists = ContactList.objects.select_for_update(no_key=True)
        own = lists.filter(customer_id=upload.customer_id)
        if list_id is None or not own.filter(pk=list_id).exists():
            raise ListGone
        reader = Reader(upload.mapping, upload.country)
        batch = Batch(upload, list_id, reader, names_of(header, upload.mapping), contacts_held)
        read = [(row, *reader.read(row.cells)) for row in rows if any(map(str.strip, row.cells))]
        look_up(batch, [values for _row, values, _faults in read])
        for row, values, faults in read:
            batch.take(row, values, faults)
        write(batch)
        ListUpload.objects.filter(pk=upload.pk).update(
            rows_done=done + len(rows),
            moved_at=now,
            **{name: getattr(upload, name) + batch.counts[name] for name in COUNTED},
        )
    for name in COUNTED:
        setattr(upload, name, getattr(upload, name) + batch.counts[name])
    return True


def look_up(batch: Batch, lines: Sequence[dict[str, str]]) -> None:
    """Whom the lines are about: in the list already, or on the opt-outs."""
    customer_id = batch.upload.customer_id
    names = {small_letters(line.get(name, "")) for line in lines for name in REACHED_BY}
    names -= {""}
    for contact in contacts_reached_by(names, customer_id=customer_id, list_id=batch.list_id):
        batch.known.remember(contact)
    recognise(names, customer_id=customer_id)
    stopped = ContactOptOut.objects.filter(customer_id=customer_id, contact__in=names)
    batch.opted_out = set(stopped.values_list("contact", flat=True))


def make_way(batch: Batch) -> None:
    """Empty what one contact gave up and another got: a constraint looks at each row as it is
    written, in whatever order. Whoever got another number was found by the address, and so has one;
    and the other way round."""
    for name in REACHED_BY:
        got = {(name, small_letters(getattr(contact, name))) for contact in batch.changed}
        if keys := [batch.given_up[each] for each in got & batch.given_up.keys()]:
            Contact.objects.filter(pk__in=keys).update(**{name: ""})


def write(batch: Batch) -> None:
    # Changes first: nothing new takes a number before.
    if batch.changed:
        make_way(batch)
        Contact.objects.bulk_update(batch.changed, (*FIELDS, "uploaded_at"), batch_size=500)
    if batch.named:
        named = Contact.objects.filter(pk__in=[each.pk for each in batch.named])
        named.update(uploaded_at=batch.upload.made_at)
    Contact.objects.bulk_create(batch.new)
    UploadProblem.objects.bulk_create(batch.problems)
    keep_untaken(batch.upload, batch.untaken)
