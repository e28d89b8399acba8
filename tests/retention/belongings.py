"""What a customer keeps with the portal of their own: lists, messages, reports, uploads, archives.

Written as the keeper, whom row-level security lets write for anybody.
"""

from datetime import date, datetime, timedelta
from typing import Any

from accounts.models import Transaction, User
from foundation.ids import uuid7_from
from foundation.roles import KEEPER, as_role
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    MessageContent,
    MessageRecord,
    Report,
    UploadPart,
    UploadProblem,
)
from retention.models import Export, ExportPart, HeldRow, PhysicalItem

# Of people who are no customers of ours: they leave with the customer whose contacts they are.
CONTACT_VALUES = ("+4740000017", "berit.kontakt@example.test", "Kontaktsdatter")
MESSAGES = 3
CONTACTS = 3


def give_belongings(person: User, *, key: str, now: datetime) -> None:
    """One row or a few in every table of content, billing and items that this customer may have."""
    with as_role(KEEPER):
        give_lists(person, now=now)
        for number in range(MESSAGES):
            give_message(person, f"{key}-{number}", now=now)
        give_archives(person, now=now)
        give_billing(person, key=key)
        PhysicalItem.objects.create(
            name="Signed contract",
            kind=PhysicalItem.Kind.PAPER,
            serial=f"box {key}",
            place="Archive, shelf 4",
            contains="one contract",
            customer_id=person.pk,
            kept_since=date(2024, 1, 30),
            due_on=date(2031, 3, 1),
        )


def give_lists(person: User, *, now: datetime) -> ContactList:
    """A list with contacts, somebody who said no, and an upload that is half read."""
    phone, email, name = CONTACT_VALUES
    own = ContactList.objects.create(customer=person, list_id=7, list_name=f"{person.company} VIP")
    Contact.objects.bulk_create(
        Contact(
            contact_list=own,
            customer=person,
            contact_id=number,
            phone_number=phone if number == 0 else f"+474000010{number}",
            email=email if number == 0 else "",
            last_name=name,
        )
        for number in range(CONTACTS)
    )
    ContactOptOut.objects.create(customer=person, contact=email)
    Report.objects.create(
        customer=person, report_id=3, report_name=person.company, date=now, content={"to": phone}
    )
    upload = ListUpload.objects.create(
        customer=person, contact_list=own, file_name=f"{person.last_name}.csv", made_at=now
    )
    UploadPart.objects.create(
        upload=upload, customer=person, number=0, data=f"{phone};{email};{name}\n".encode()
    )
    UploadProblem.objects.create(
        upload=upload, customer=person, line=3, column="phone_number", value=name, reason="phone"
    )
    return own


def give_message(person: User, message_id: str, *, now: datetime, **content: Any) -> MessageRecord:
    """A message with its content, as the platform would have reported it."""
    key = uuid7_from(now, str(person.pk), message_id)
    record = MessageRecord(
        id=key,
        customer_id=person.pk,
        message_id=message_id,
        kind="sms",
        direction="out",
        date=now,
        status="delivered",
        message_price="0.0490",
        currency="NOK",
        country="NO",
    )
    record.save(force_insert=True)
    phone, _email, name = CONTACT_VALUES
    said = {"sent_from": person.company, "sent_to": phone, "body": f"Hei {name}", "last_name": name}
    MessageContent(id=key, customer_id=person.pk, **(said | content)).save(force_insert=True)
    return record


def give_archives(person: User, *, now: datetime) -> None:
    """An archive that is ready, and a row that a hold once kept."""
    archive = Export.objects.create(
        customer=person,
        state=Export.State.READY,
        actor="self",
        language="nb",
        requested_at=now,
        finished_at=now,
        expires_at=now + timedelta(days=7),
        size=2,
    )
    ExportPart.objects.bulk_create(
        ExportPart(
            export=archive, customer=person, number=number, data=CONTACT_VALUES[number].encode()
        )
        for number in range(2)
    )
    HeldRow.objects.create(
        model="messaging.MessageContent",
        key=uuid7_from(now, str(person.pk), "held"),
        customer_id=person.pk,
        dated=now,
        row={"sent_to": CONTACT_VALUES[0], "body": CONTACT_VALUES[2]},
    )


def give_billing(person: User, *, key: str) -> None:
    for number, ended in enumerate((date(2024, 2, 29), None)):
        Transaction.objects.create(
            customer=person,
            transaction_id=f"{key}-{number}",
            invoice_number=f"{key[:8]}-0",
            kind=Transaction.Kind.TOP_UP,
            amount="120.5000",
            currency="NOK",
            date=date(2024, 1, 30),
            ended_on=ended,
        )
