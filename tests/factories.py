"""People and mailings for tests, made by the same services as in life where there is one."""

import itertools
import os
from collections.abc import Collection
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from PIL import Image

from accounts.models import User
from accounts.roles import Role, begin_with_roles
from consent import services
from consent.models import Source, Topic
from foundation.roles import OWNER, as_role
from messaging.images import draw, store_picture
from messaging.models import Campaign, Contact, ContactList, MailImage, ServiceAnnouncement
from tests.services import BEGAN

# The outbox has partitions around today, so the tests live an hour ago, whenever they run.
NOW = datetime.fromisoformat(os.environ[BEGAN]) - timedelta(hours=1)
_numbers = itertools.count(1)


def topic(slug: str = "newsletter") -> Topic:
    found: Topic = Topic.objects.get(slug=slug)
    return found


def make_customer(
    *, yes: tuple[str, ...] = (), no: tuple[str, ...] = (), now: datetime = NOW, **fields: Any
) -> User:
    """A confirmed customer with the choices named."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "username": f"customer{number}",
        "email": f"customer{number}@example.test",
        "first_name": "Kari",
        "last_name": "Nordmann",
        "language": "nb",
        "email_confirmed_at": now,
        "signed_up_at": now,
    }
    user = User(**(values | fields))
    if "password" in fields:
        user.set_password(fields["password"])
    else:
        user.set_unusable_password()
    user.save()
    answers = {topic(slug).pk: True for slug in yes} | {topic(slug).pk: False for slug in no}
    if answers:
        services.record_choices(user.pk, answers, source=Source.SIGNUP, now=now)
    return user


def make_staff(
    *, roles: Collection[str] = tuple(Role.values), rights: Collection[str] = (), **fields: Any
) -> User:
    """Staff in these roles, every one unless named; `rights` are single ones, which life has not.

    Named rights stand alone: `make_staff(rights=["view_campaign"])` has no role.
    """
    person = make_customer(**({"is_staff": True} | fields))
    set_roles(person, () if rights else roles)
    if rights:
        set_rights(person, *rights)
    return person


def set_roles(person: User, roles: Collection[str]) -> None:
    """As the command line gives them to the first account."""
    begin_with_roles(person, roles, now=person.email_confirmed_at or NOW)


def set_rights(person: User, *codenames: str) -> None:
    """These single rights and no role, as nobody may give them in life: to test each alone."""
    with transaction.atomic(), as_role(OWNER):
        person.groups.clear()
        person.user_permissions.set(Permission.objects.filter(codename__in=codenames))


def make_campaign(slug: str = "newsletter", **fields: Any) -> Campaign:
    values: dict[str, Any] = {
        "topic": topic(slug),
        "subject_nb": "Nyheter i november",
        "subject_en": "News in November",
        "preheader_nb": "Kort fortalt",
        "preheader_en": "In short",
        "body_nb": "# Hei\n\nBlåbærsyltetøy og [en lenke](https://portal.example/nytt).",
        "body_en": "# Hello\n\nBlueberry jam and [a link](https://portal.example/new).",
    }
    campaign: Campaign = Campaign.objects.create(**(values | fields))
    return campaign


def make_announcement(**fields: Any) -> ServiceAnnouncement:
    values: dict[str, Any] = {
        "category": "maintenance",
        "subject_nb": "Vedlikehold natt til søndag",
        "subject_en": "Maintenance on Sunday night",
        "body_nb": "Tjenesten er nede fra kl. 02 til kl. 03.",
        "body_en": "The service is down from 02:00 to 03:00.",
    }
    # The database lets none out that nobody has approved.
    if fields.get("state") in ("approved", "sending", "paused") and "approved_by" not in fields:
        values |= {"approved_by": make_staff(), "approved_at": NOW}
    announcement: ServiceAnnouncement = ServiceAnnouncement.objects.create(**(values | fields))
    return announcement


def retire_topic(retired: Topic, *, now: datetime) -> None:
    """As staff will do: nothing of the topic is sent or asked from this moment."""
    Topic.objects.filter(pk=retired.pk).update(retired_at=now)


def make_picture(name: str = "A field", *, colour: str = "#0b6b5d", width: int = 60) -> MailImage:
    """A plain PNG, drawn and stored as an upload is."""
    file = BytesIO()
    Image.new("RGB", (width, 40), colour).save(file, "PNG")
    return store_picture(draw(file.getvalue()), name=name, actor=None)[0]


def make_list(customer: User, name: str = "Nyhetsbrev") -> ContactList:
    """Inside `as_tenant`, as all of a customer's content."""
    made: ContactList = ContactList.objects.create(customer=customer, list_name=name)
    return made


def make_contact(contact_list: ContactList, **fields: Any) -> Contact:
    made: Contact = Contact.objects.create(
        contact_list=contact_list, customer_id=contact_list.customer_id, **fields
    )
    return made
