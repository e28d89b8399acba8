"""The made-up customers with their choices through the years, their invoices, and some drafts.

All choices go through the doors, each at its own moment, so that histories read as in life.
The same start always makes the same company.
"""

import base64
import random
import secrets
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from allauth.mfa.totp.internal.auth import TOTP

from accounts.models import Invoice, SupportChannel, User
from accounts.roles import Role, begin_with_roles
from clicksend_portal.demo.desk import make_desk
from clicksend_portal.demo.people import COMPANIES, NORWAY, Company
from clicksend_portal.demo.references import make_references
from clicksend_portal.demo.sign_ins import ADDRESSES, COLLEAGUE_ADDRESS
from clicksend_portal.demo.texts import ANNOUNCEMENT, CAMPAIGNS, SEGMENT, STANDING_TEXT
from consent.imports.writing import record_from_file
from consent.models import Source, State, Topic
from consent.services import (
    Shown,
    record_choices,
    record_opt_out,
    record_pause,
    undo_last,
)
from consent.topics import TAILORING
from foundation.ids import uuid7_from
from messaging.models import Campaign, Segment, ServiceAnnouncement
from messaging.services import approve

CUSTOMERS = 48
UNCONFIRMED = (5, 17)
DEACTIVATED = (9, 26, 41)
ASCII = str.maketrans("æøåäöéÆØÅÄÖ", "eoaaoeEOAAO")


def company_exists() -> bool:
    """Somebody besides the demo sign-ins is a customer: then nothing is made up any more.

    So a demo customer who was erased stays erased.
    """
    return bool(User.objects.customers().exclude(address__in=ADDRESSES).exists())


def make_company(staff: User, *, now: datetime) -> int:
    """How many customers were made; the caller holds the transaction."""
    chance = random.Random("a small company")
    customers = list(make_customers(chance, now=now))
    User.objects.bulk_create(customers)
    topics = {topic.slug: topic.pk for topic in Topic.objects.live()}
    for customer in customers:
        live_through(customer, topics, staff, chance, now=now)
    Invoice.objects.bulk_create(
        invoice for customer in customers for invoice in make_invoices(customer, chance, now=now)
    )
    active = [each for number, each in enumerate(customers) if number not in DEACTIVATED]
    make_references(active, staff, now=now)
    make_desk(active, staff, now=now)
    write_drafts(staff, make_colleague(now=now), now=now)
    return len(customers)


def make_customers(chance: random.Random, *, now: datetime) -> Iterator[User]:
    taken: set[str] = set()
    for number in range(CUSTOMERS):
        company = COMPANIES[number % len(COMPANIES)]
        land = company.land
        first, last = draw_name(company, taken, chance)
        username = f"{first}.{last}".translate(ASCII).lower()
        days = 2 if number in UNCONFIRMED else chance.randrange(30, 3300)
        signed_up = now - timedelta(days=days, minutes=chance.randrange(600))
        pattern, start = land.phones
        phone = pattern.format(start + number % 90) if pattern else ""
        user = User(
            id=uuid7_from(signed_up, "demo", username),
            username=username,
            first_name=first,
            last_name=last,
            phone=phone,
            company=company.name,
            country=land.code,
            language=land.language,
            timezone=land.timezone,
            platform_id=700_001 + number,
            signed_up_at=signed_up,
            support_channel=SupportChannel.PHONE if phone else SupportChannel.EMAIL,
        )
        user.set_address(f"{username}@{company.domain}")
        user.set_unusable_password()
        if number not in UNCONFIRMED:
            user.email_confirmed_at = signed_up + timedelta(minutes=chance.randrange(2, 600))
        if number in DEACTIVATED:
            user.deactivated_at = now - timedelta(days=chance.randrange(3, 25))
        yield user


def draw_name(company: Company, taken: set[str], chance: random.Random) -> tuple[str, str]:
    while True:
        first = chance.choice(company.land.first_names.split())
        last = chance.choice(company.land.last_names.split())
        if f"{first} {last}" not in taken:
            taken.add(f"{first} {last}")
            return first, last


def live_through(
    customer: User,
    topics: dict[str, uuid.UUID],
    staff: User,
    chance: random.Random,
    *,
    now: datetime,
) -> None:
    """Answers at sign-up or by import, and what a customer of some years did since."""
    mail = [topics[slug] for slug in ("newsletter", "product_news", "special_offers")]
    shown = Shown(language=customer.language)
    imported = chance.random() < 0.3
    asked = chance.sample(mail, 2) if imported else mail
    answers = {topic: chance.random() < 0.65 for topic in asked}
    start = customer.signed_up_at
    if imported:
        record_from_file([in_file(customer, *each) for each in answers.items()], {}, now=now)
    else:
        record_choices(customer.pk, answers, source=Source.SIGNUP, now=start, shown=shown)
    if not customer.is_confirmed:
        return

    def later() -> datetime:
        """Somewhere between the last act and now, a little before today."""
        nonlocal start
        start += (now - timedelta(days=1) - start) * chance.uniform(0.2, 0.8)
        return start

    topic = chance.choice(mail)
    story = chance.randrange(7)
    if story == 0:
        record_opt_out(customer.pk, [topic], source=Source.ONE_CLICK, now=later())
    elif story == 1:
        record_opt_out(customer.pk, mail, source=Source.LINK, now=later(), shown=shown)
        record_choices(
            customer.pk, {topic: True}, source=Source.PREFERENCES, now=later(), shown=shown
        )
    elif story == 2:
        record_pause(customer.pk, mail, months=3, source=Source.PREFERENCES, now=now, shown=shown)
    elif story == 3:
        record_opt_out(
            customer.pk,
            [topic],
            source=Source.STAFF,
            actor=f"staff:{staff.pk}",
            now=later(),
            reason="Ringte og ba om færre e-poster."
            if customer.country == NORWAY.code
            else "Called and asked for fewer e-mails.",
        )
    elif story == 4:
        record_opt_out(customer.pk, [topic], source=Source.PREFERENCES, now=later(), shown=shown)
        undo_last(customer.pk, topic, source=Source.PREFERENCES, now=later(), shown=shown)
    if chance.random() < 0.7:
        tailored = {topics[TAILORING]: True}
        record_choices(customer.pk, tailored, source=Source.PREFERENCES, now=later(), shown=shown)
    if chance.random() < 0.3:
        names = {topics["reference_name"]: True, topics["reference_logo"]: chance.random() < 0.5}
        record_choices(customer.pk, names, source=Source.PREFERENCES, now=later(), shown=shown)


def in_file(customer: User, topic: uuid.UUID, yes: bool) -> dict[str, str]:
    """A choice as a customer file brings it."""
    return {
        "person": str(customer.pk),
        "topic": str(topic),
        "state": State.GRANTED if yes else State.REFUSED,
        "at": customer.signed_up_at.isoformat(),
    }


def make_invoices(customer: User, chance: random.Random, *, now: datetime) -> Iterator[Invoice]:
    """Of the last six years, each settled within a month or still open."""
    if not customer.is_confirmed:
        return
    earliest = max(customer.signed_up_at, now - timedelta(days=6 * 365))
    for _ in range(chance.randrange(4)):
        date = (earliest + (now - earliest) * chance.random()).date()
        settled = date + timedelta(days=chance.randrange(5, 30))
        yield Invoice(
            id=uuid7_from(now, "demo", customer.username, str(date)),
            customer=customer,
            invoice_number=f"{date.year}-{chance.randrange(16**6):06x}",
            billed_to=f"{customer.company}, {customer.get_full_name()}",
            amount=Decimal(chance.randrange(20_000, 900_000)) / 100,
            currency="NOK" if customer.country == NORWAY.code else "EUR",
            date=date,
            settled_on=settled if settled < now.date() else None,
        )


def make_colleague(*, now: datetime) -> User:
    """Who writes what the demo's member of staff approves; nobody signs in as her."""
    colleague = User(
        username=COLLEAGUE_ADDRESS.partition("@")[0],
        first_name="Ingrid",
        last_name="Solberg",
        email=COLLEAGUE_ADDRESS,
        language="nb",
        signed_up_at=now,
        email_confirmed_at=now,
        is_staff=True,
    )
    colleague.set_unusable_password()
    colleague.save(force_insert=True)
    begin_with_roles(colleague, [Role.EDITOR], now=now)
    TOTP.activate(colleague, base64.b32encode(secrets.token_bytes(20)).decode())
    return colleague


def write_drafts(staff: User, colleague: User, *, now: datetime) -> None:
    """Campaigns of the member of staff's own; announcements for them to read and approve."""
    for topic in Topic.objects.filter(slug__in=CAMPAIGNS):
        Campaign.objects.create(topic=topic, author=staff, **CAMPAIGNS[topic.slug])
    Segment.objects.create(name=SEGMENT, countries=[NORWAY.code], created_by=staff)
    hers = {"author": colleague, "edited_by": colleague, "edited_at": now}
    ServiceAnnouncement.objects.create(**hers, **ANNOUNCEMENT)
    standing = ServiceAnnouncement.objects.create(is_standing=True, **hers, **STANDING_TEXT)
    approve(standing, actor=staff, now=now)
