"""A customer with something in every class of data, and what a deletion of them is asked by."""

import os
import uuid
from datetime import date, datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts.models import Invoice, PersonalToken, Session, User
from consent import services as consent
from consent.models import Delivery, Source, Webhook
from foundation.ids import uuid7_from
from foundation.roles import OWNER, as_role
from messaging.models import ProviderEvent
from messaging.outbox import put_account_mail
from tests.factories import NOW, make_customer, make_staff, topic
from tests.retention.belongings import CONTACT_VALUES, give_belongings
from tests.retention.dealings import DEALINGS, give_dealings

VALUES = (
    "zebulon.quist@example.test",
    "zquist77",
    "Zebulon",
    "Quistgaard",
    "+4798765432",
    "Quist AS",
)
# Theirs, and those of their contacts: none may be found after the erasure.
ALL_VALUES = (*VALUES, *CONTACT_VALUES)
# What an erasure lets go of somebody whom `make_full_customer` made, by class.
COUNTS = DEALINGS | {
    "messaging.Message": 2,
    "messaging.ProviderEvent": 1,
    "messaging.UploadProblem": 1,
    "messaging.UploadPart": 1,
    "messaging.ListUpload": 1,
    "messaging.Contact": 3,
    "messaging.ContactList": 1,
    "messaging.ContactOptOut": 1,
    "messaging.MessageContent": 3,
    "messaging.MessageRecord": 3,
    "messaging.Report": 1,
    "retention.ExportPart": 2,
    "retention.Export": 1,
    "retention.HeldRow": 1,
    # Two topics and three activities; the opt-out is an event more.
    "consent.Preference": 5,
    "consent.ConsentDetail": 6,
    "consent.Delivery": 1,
    "admin.LogEntry": 2,
    "account.EmailConfirmation": 1,
    "account.EmailAddress": 1,
    "mfa.Authenticator": 1,
    "accounts.Session": 1,
    "accounts.PersonalToken": 1,
    "accounts.Invoice": 3,
    "accounts.Transaction": 2,
    "accounts.User_groups": 1,
    "retention.PhysicalItem": 1,
    "accounts.User": 1,
}
# Whose rows stay, without the way to the person: book-keeping, and what exists on paper.
STAYING = {"accounts_invoice"}


def make_full_customer(**fields: Any) -> User:
    """Zebulon Quistgaard, with rows in every table that can hold some about him."""
    email, username, first, last, phone, company = VALUES
    person = make_customer(
        yes=("newsletter",),
        no=("special_offers",),
        **(
            {
                "email": email,
                "username": username,
                "first_name": first,
                "last_name": last,
                "phone": phone,
                "company": company,
                "country": "NO",
            }
            | fields
        ),
    )
    fill(person)
    return person


def fill(person: User, *, now: datetime = NOW) -> None:
    key = uuid.uuid4().hex
    consent.record_opt_out(
        person.pk, [topic("newsletter").pk], source=Source.LINK, now=now + timedelta(hours=1)
    )
    Session.objects.create(
        session_key=key, session_data=person.email, expire_date=now, user=person, agent="Firefox"
    )
    address = EmailAddress.objects.create(user=person, email=f"new.{person.email}")
    EmailConfirmation.objects.create(email_address=address, key=key, created=now)
    Authenticator.objects.create(
        user=person, type="webauthn", data={"name": person.first_name, "credential": {}}
    )
    PersonalToken.objects.create(
        user=person,
        name=f"{person.first_name}s app",
        scopes=[],
        digest=os.urandom(32),
        expires_at=now + timedelta(days=365),
    )
    ProviderEvent.objects.create(
        id=uuid7_from(now, key),
        kind="mailto",
        outcome="applied",
        about=person.email,
        person_id=person.pk,
        happened_at=now,
        received_at=now,
    )
    Delivery.objects.create(
        webhook=Webhook.objects.create(name=key, url="https://crm.example.test/"),
        event_id=uuid.uuid4(),
        person_id=person.pk,
        body=person.username,
        not_before=now,
        made_at=now,
    )
    with as_role(OWNER):
        person.groups.add(Group.objects.get(name="auditor"))
    write_log(person, str(person.pk), User, person.username)
    write_log(person, str(address.pk), EmailAddress, address.email)
    put_account_mail(
        to=person.email,
        person_id=person.pk,
        purpose="password_changed",
        language="nb",
        subject=f"Hei {person.first_name}",
        text=person.username,
        html="",
        now=timezone.now(),
    )
    put_account_mail(
        to=person.email.upper(),
        person_id=None,
        purpose="no_account",
        language="nb",
        subject="Ingen konto",
        text="",
        html="",
        now=timezone.now(),
    )
    for number, settled in enumerate((date(2024, 2, 29), date(2026, 3, 1), None)):
        Invoice.objects.create(
            customer=person,
            invoice_number=f"{key[:8]}-{number}",
            billed_to=f"{person.get_full_name()}, {person.company}",
            amount="120.50",
            currency="NOK",
            date=date(2024, 1, 30),
            settled_on=settled,
        )
    give_belongings(person, key=key, now=now)
    give_dealings(person, now=now)


def write_log(person: User, object_id: str, model: type, representation: str) -> None:
    LogEntry.objects.create(
        user=User.objects.filter(is_staff=True).first() or make_staff(),
        content_type=ContentType.objects.get_for_model(model),
        object_id=object_id,
        object_repr=representation,
        action_flag=CHANGE,
        change_message=f"Changed {person.email}",
    )
