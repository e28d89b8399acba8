"""One customer with data behind every staff page, in words that stand nowhere else.

Whoever may not see them looks for these words in what the pages answered.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib import admin
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from accounts import support
from accounts.models import AccessAlarm, Invoice, Seen, Transaction, User
from accounts.staff.inviting import invite
from consent.models import Delivery, ReferenceUse, SalesCall, Suppression, Takedown, Webhook
from consent.service_keys import make_service_key
from consent.suppression import suppress
from foundation.roles import KEEPER, as_role
from messaging.models import Message, ProviderEvent, Segment, SendingLimit, SuppressionComparison
from messaging.outbox import put_account_mail
from retention.desk import open_request
from retention.models import DeletionRequest, LegalHold, PhysicalItem, RetentionRun
from tests.architecture.world import fill_desk
from tests.consent.looked import look
from tests.factories import NOW, make_announcement, make_campaign, make_customer, make_picture
from tests.references import ACTIVITIES, in_the_program
from tests.retention.belongings import CONTACT_VALUES, give_lists, give_message

# In small letters, as they are looked for.
IDENTITY: Final = ("solveig", "plantegard", "solveig.p@fjell.test", "98765678", "fjellplanten as")
SAID: Final = ("why did my campaign stop", "please rub out my record")
MONEY: Final = ("planted-2026-77", "4711.25", "4 711,25", "4711,25")
CONTENT: Final = tuple(value.lower() for value in (*CONTACT_VALUES, "+474000010", "VIP-listen"))


@dataclass(frozen=True, slots=True)
class Planted:
    """The customer, and the object that each staff page is asked for: theirs where it is theirs."""

    person: User
    objects: Mapping[str, Any]
    # Each object as its row was.
    rows: Mapping[str, Any]


def plant(boss: User) -> Planted:
    person = make_customer(
        username="solveig-p",
        first_name="Solveig",
        last_name="Plantegard",
        email="solveig.p@fjell.test",
        phone="+4798765678",
        company="Fjellplanten AS",
        country="NO",
        yes=("newsletter", *ACTIVITIES),
    )
    fill_machinery(boss)
    fill_desk(boss)
    theirs = {
        **what_they_asked(person, boss),
        **what_was_sent(person),
        **references(person, boss),
        **what_is_kept(person, boss),
    }
    give_money(person)
    with as_role(KEEPER):
        give_lists(person, now=NOW)
        give_message(person, "planted", now=NOW)
    objects = {**others(), **theirs}
    return Planted(person=person, objects=objects, rows={k: row_of(o) for k, o in objects.items()})


def row_of(obj: Any) -> Any:
    """As it is stored, but for the last sign-in: the person signs in themselves in between."""
    row = type(obj)._base_manager.filter(pk=obj.pk).values().first() or {}
    return {name: value for name, value in row.items() if name != "last_login"}


def others() -> dict[str, Any]:
    """The first object of each page that is about nobody in particular."""
    return {
        model._meta.label_lower: model._default_manager.order_by("pk").first()
        for model in admin.site._registry
    }


def what_they_asked(person: User, boss: User) -> dict[str, Any]:
    now = timezone.now()
    looked = look(person, what=Seen.PROFILE, staff=boss)
    question = support.ask(
        customer=person,
        topic="billing",
        channel="email",
        text="Why did my campaign stop?",
        language="nb",
        form=uuid.uuid4(),
        now=now,
    )
    request = open_request(
        kind="rectification",
        person=person,
        text="Please rub out my record",
        source="page",
        actor="self",
        now=now,
    )
    with as_role(KEEPER):
        deletion = DeletionRequest.objects.create(
            person_id=person.pk,
            reference=uuid.uuid4(),
            source="customer",
            actor="self",
            requested_at=now,
            state="unconfirmed",
        )
    return {
        "accounts.user": person,
        "accounts.accessevent": looked,
        "accounts.supportquestion": question,
        "retention.privacyrequest": request,
        "retention.deletionrequest": deletion,
    }


def what_was_sent(person: User) -> dict[str, Any]:
    put_account_mail(
        to=person.email,
        person_id=person.pk,
        purpose="welcome",
        language="nb",
        subject="Hei Solveig",
        text="Hei Solveig Plantegard",
        html="<p>Hei Solveig</p>",
        now=NOW,
    )
    return {
        "messaging.message": Message.objects.get(purpose="welcome"),
        "messaging.providerevent": ProviderEvent.objects.create(
            kind="bounced",
            outcome="done",
            about=person.email,
            person_id=person.pk,
            happened_at=NOW,
            received_at=NOW,
        ),
        "consent.delivery": Delivery.objects.create(
            webhook=Webhook.objects.create(name="CRM", url="https://crm.example/", events=[]),
            event_id=uuid.uuid4(),
            person_id=person.pk,
            body='{"type": "preference.changed", "email": "solveig.p@fjell.test"}',
            not_before=NOW,
            made_at=NOW,
        ),
    }


def references(person: User, boss: User) -> dict[str, Any]:
    in_the_program(person, boss)
    return {
        "consent.referenceuse": ReferenceUse.objects.filter(state="planned").first(),
        "consent.takedown": Takedown.objects.first(),
        "consent.salescall": SalesCall.objects.first(),
    }


def what_is_kept(person: User, boss: User) -> dict[str, Any]:
    today = timezone.now().date()
    hold = LegalHold.objects.create(
        customer_id=person.pk,
        reason="A dispute",
        reference="24-118",
        review_on=today + timedelta(days=30),
        placed_by=boss,
        placed_at=NOW,
    )
    item = PhysicalItem.objects.create(
        name="Signed contract",
        kind=PhysicalItem.Kind.PAPER,
        serial="box 4",
        place="Shelf 4",
        contains="one contract",
        customer_id=person.pk,
        kept_since=today,
        due_on=today + timedelta(days=300),
    )
    return {"retention.legalhold": hold, "retention.physicalitem": item}


def give_money(person: User) -> None:
    Invoice.objects.create(
        customer=person,
        invoice_number="PLANTED-2026-77",
        billed_to="Solveig Plantegard",
        amount=Decimal("4711.25"),
        currency="NOK",
        date=NOW.date(),
    )
    Transaction.objects.create(
        customer=person,
        transaction_id="planted-1",
        invoice_number="PLANTED-2026-77",
        kind=Transaction.Kind.TOP_UP,
        amount=Decimal("4711.25"),
        currency="NOK",
        date=NOW.date(),
    )


def fill_machinery(boss: User) -> None:
    """What is about no customer: mailings, keys, schedules, runs, a colleague who is invited."""
    make_campaign()
    make_announcement()
    make_picture()
    Segment.objects.create(name="Norway", countries=["NO"])
    SendingLimit.objects.get_or_create(domain="slow.example", defaults={"per_minute": 60})
    SuppressionComparison.objects.create(compared_at=NOW, provider="postmark")
    suppress("gone@example.test", reason=Suppression.Reason.ERASED, now=NOW)
    make_service_key(name="shop", scopes=["permission"], now=NOW)
    AccessAlarm.objects.create(staff=boss, day=date(2026, 3, 1), number=90, usual=8)
    invite(
        email="colleague@portal.example",
        roles=["support"],
        actor=boss,
        now=timezone.now(),
        language="en",
    )
    with as_role(KEEPER):
        RetentionRun.objects.create(rule="messages", actor="beat", cutoff=NOW, started_at=NOW)
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    CrontabSchedule.objects.create()
    PeriodicTask.objects.create(name="a task", task="a.task", interval=hourly)
