"""What a customer does with their lists, contacts, opt-outs and messages."""

import logging
import uuid
from datetime import datetime

from django.db import DatabaseError, models

from accounts.services import is_staying
from foundation import standstill
from foundation.addresses import small_letters
from foundation.tenants import as_tenant
from messaging import policy
from messaging.content import detached
from messaging.content.deeds import What, name_in_list, note_contact, note_deleted, recognise
from messaging.content.querysets import (
    MessageFilter,
    contacts_reached_by,
    find_messages,
    opted_out,
)
from messaging.content.signals import ContentHeld, content_going
from messaging.content.tombstones import bury, hold_feed
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    MessageContent,
    MessageRecord,
    Report,
    Tombstone,
    UploadPart,
    UploadProblem,
)

logger = logging.getLogger(__name__)


class Refused(Exception):
    """Why a contact is not taken into a list; carries the field and the code of the reason."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


def make_list(name: str, *, customer_id: uuid.UUID, now: datetime) -> ContactList:
    made: ContactList = ContactList.objects.create(
        customer_id=customer_id, list_name=name, made_at=now
    )
    return made


def add_contact(contact_list: ContactList, values: dict[str, str], *, now: datetime) -> Contact:
    """One contact by hand; raises `Refused` for one who said no or is there. Inside `as_tenant`."""
    customer_id = contact_list.customer_id
    # The account before the list, as everybody does; one at a time per list. So what is looked up
    # stays true.
    is_staying(customer_id)
    lists = ContactList.objects.select_for_update(no_key=True)
    lists.get(pk=contact_list.pk, customer_id=customer_id)
    recognise(values.values(), customer_id=customer_id)
    opt_outs = ContactOptOut.objects.filter(customer_id=customer_id)
    for field in ("phone_number", "email"):
        value = values.get(field, "")
        if value and opt_outs.filter(contact=small_letters(value)).exists():
            raise Refused(field, "opted_out")
        same = contacts_reached_by([value], customer_id=customer_id, list_id=contact_list.pk)
        if same.exists():
            raise Refused(field, "there_already")
    added: Contact = Contact.objects.create(
        contact_list=contact_list, customer_id=customer_id, added_at=now, **values
    )
    return added


def remove_contact(contact: Contact, *, now: datetime, is_said: bool = False) -> None:
    """For good: the platform does not bring it back. Inside `as_tenant`."""
    going(Contact, contact.customer_id, now)
    hold_feed(contact.customer_id)
    bury(Tombstone.Kind.CONTACT, [contact.contact_id], customer_id=contact.customer_id, now=now)
    note_deleted(
        What.CONTACT,
        {contact.pk: contact.contact_id},
        customer_id=contact.customer_id,
        now=now,
        is_said=is_said,
        names=[
            name_in_list(contact.contact_list_id, each)
            for each in (contact.phone_number, contact.email)
            if each
        ],
    )
    contact.delete()


def delete_list(
    list_id: uuid.UUID, *, customer_id: uuid.UUID, now: datetime, is_said: bool = False
) -> int:
    """The list, all its contacts, and what we remember of the files they came from, some thousand
    rows at a time; how many contacts went.

    Killed halfway, the list is shorter, and deleting it again goes on. From the first batch on the
    platform brings neither the list back nor a contact of it.
    """
    total = 0
    lists = ContactList.objects.filter(pk=list_id, customer_id=customer_id)
    while True:
        with as_tenant(customer_id):
            # Of all that goes, before any of it does: nothing is left without its list for a hold.
            for model in (Contact, UploadPart, UploadProblem, ListUpload, ContactList):
                going(model, customer_id, now)
            hold_feed(customer_id)
            one = dict(lists.values_list("pk", "list_id"))
            bury(Tombstone.Kind.LIST, one.values(), customer_id=customer_id, now=now)
            gone = delete_contacts(list_id, customer_id=customer_id)
            total += gone
            if not gone and not delete_remarks(list_id, customer_id=customer_id):
                # Of the list alone: its contacts follow it.
                note_deleted(What.LIST, one, customer_id=customer_id, now=now, is_said=is_said)
                ListUpload.objects.filter(contact_list=list_id, customer_id=customer_id).delete()
                lists.delete()
                return total


def delete_contacts(list_id: uuid.UUID, *, customer_id: uuid.UUID) -> int:
    """A batch of those in the list; none is the end of them."""
    theirs = Contact.objects.filter(contact_list_id=list_id, customer_id=customer_id)
    some = theirs.values("pk")[: policy.CONTENT_BATCH]
    return int(Contact.objects.filter(pk__in=some).delete()[0])


def delete_remarks(list_id: uuid.UUID, *, customer_id: uuid.UUID) -> int:
    """A batch of what is kept about lines that came into this list, or did not."""
    uploads = ListUpload.objects.filter(contact_list=list_id, customer_id=customer_id)
    problems = UploadProblem.objects.filter(upload__in=uploads).order_by().values("pk")
    gone, _ = UploadProblem.objects.filter(pk__in=problems[: policy.CONTENT_BATCH]).delete()
    parts = UploadPart.objects.filter(upload__in=uploads).values("pk")
    lines, _ = UploadPart.objects.filter(pk__in=parts[: policy.CONTENT_BATCH]).delete()
    return int(gone) + int(lines)


def record_contact_opt_out(
    contact: str, *, customer_id: uuid.UUID, now: datetime, is_said: bool = False
) -> int | None:
    """This customer's contact says no to them: out of their lists at once; out of how many.

    None where a legal hold keeps the rows: they are marked and left out of downloads, and go by
    `remove_opted_out`. The opt-out stands all the same.
    Nothing of ours is asked or told: our own suppressions are none of theirs (`lists-untouched`).
    """
    is_held = False
    try:
        going(Contact, customer_id, now)
    except ContentHeld:
        is_held = True
    # Whoever adds a contact has the account in hand before they look up who said no: what they add
    # is there by now, and goes, or they wait and find the opt-out.
    hold_feed(customer_id)
    recognise([contact], customer_id=customer_id)
    note_contact(What.OPT_OUT, contact, customer_id=customer_id, now=now, is_said=is_said)
    ContactOptOut.objects.get_or_create(
        customer_id=customer_id, contact=small_letters(contact), defaults={"since": now}
    )
    same = contacts_reached_by([contact], customer_id=customer_id)
    if is_held:
        return None if same.exists() else 0
    gone, _ = same.delete()
    return int(gone)


def remove_opted_out(*, now: datetime) -> int:
    """Contacts who said no and are still in lists, except while a legal hold keeps them; how many.

    By the keeper, who sees every customer's. What fails for one customer stops nobody behind them,
    and is raised at the end. None in standstill: the hold may be known to the journal alone.
    """
    if standstill.why(pages=True):
        return 0
    standing = Contact.objects.filter(opted_out())
    total = 0
    failed: DatabaseError | None = None
    for customer_id in list(standing.values_list("customer_id", flat=True).distinct()):
        gone = policy.CONTENT_BATCH
        while gone == policy.CONTENT_BATCH:
            try:
                gone = remove_some_opted_out(customer_id, now=now)
            except ContentHeld:
                break
            except DatabaseError as error:
                # Not what it says, nor whose they are: that may name a contact, or the customer.
                logger.error("opt-outs of a customer not removed: %s", type(error).__name__)
                failed = failed or error
                break
            total += gone
    if failed is not None:
        raise failed
    return total


def remove_some_opted_out(customer_id: uuid.UUID, *, now: datetime) -> int:
    with as_tenant(customer_id):
        going(Contact, customer_id, now)
        theirs = Contact.objects.filter(opted_out(), customer_id=customer_id)
        some = theirs.values("pk")[: policy.CONTENT_BATCH]
        return int(Contact.objects.filter(pk__in=some).delete()[0])


def withdraw_contact_opt_out(
    opt_out: ContactOptOut, *, now: datetime, is_said: bool = False
) -> None:
    """The customer says their contact has asked to hear from them again."""
    going(ContactOptOut, opt_out.customer_id, now)
    note_contact(
        What.OPT_IN, opt_out.contact, customer_id=opt_out.customer_id, now=now, is_said=is_said
    )
    opt_out.delete()


def delete_messages(wanted: MessageFilter, *, customer_id: uuid.UUID, now: datetime) -> int:
    """Records and what they said, newest first, some thousand at a time; how many went.

    What stands in a month that no page shows any more goes too, uncounted. Nothing comes back with
    the platform's next report.
    """
    total = 0
    found = find_messages(wanted, customer_id=customer_id).values_list("pk", "message_id")
    while True:
        with as_tenant(customer_id):
            going(MessageRecord, customer_id, now)
            going(MessageContent, customer_id, now)
            hold_feed(customer_id)
            some = dict(found[: policy.CONTENT_BATCH])
            let_messages_go(some, customer_id=customer_id, now=now)
        total += len(some)
        if len(some) < policy.CONTENT_BATCH:
            break
    while True:
        with as_tenant(customer_id):
            going(MessageRecord, customer_id, now)
            going(MessageContent, customer_id, now)
            hold_feed(customer_id)
            some = detached.find_messages(wanted, limit=policy.CONTENT_BATCH)
            if not some:
                return total
            let_messages_go(some, customer_id=customer_id, now=now)


def let_messages_go(
    messages: dict[uuid.UUID, str],
    *,
    customer_id: uuid.UUID,
    now: datetime,
    is_said: bool = False,
) -> None:
    """By their keys and the platform's numbers; a detached month after the table (`detached`)."""
    bury(Tombstone.Kind.MESSAGE, messages.values(), customer_id=customer_id, now=now)
    note_deleted(What.MESSAGE, messages, customer_id=customer_id, now=now, is_said=is_said)
    for model in (MessageContent, MessageRecord):
        model.objects.filter(pk__in=messages, customer_id=customer_id).delete()
    detached.delete_messages(messages)


def delete_report(report: Report, *, now: datetime, is_said: bool = False) -> None:
    going(Report, report.customer_id, now)
    hold_feed(report.customer_id)
    bury(Tombstone.Kind.REPORT, [report.report_id], customer_id=report.customer_id, now=now)
    note_deleted(
        What.REPORT,
        {report.pk: report.report_id},
        customer_id=report.customer_id,
        now=now,
        is_said=is_said,
    )
    report.delete()


def going(model: type[models.Model], customer_id: uuid.UUID, now: datetime) -> None:
    content_going.send(sender=model, customer_id=customer_id, now=now)
