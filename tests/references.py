"""Uses of references as staff and customers make them, one step a function."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from consent.models import ReferenceUse, SalesCall, Source, Takedown
from consent.reference import services
from consent.services import record_opt_out
from tests.factories import NOW, topic

ACTIVITIES = ("reference_name", "reference_quote", "reference_case_study", "reference_sales_call")
QUOTE = "Kundene henter varene samme dag, fordi vi sender dem en SMS."
QUOTE_EN = "Customers collect their prints the same day, since we text them."


def plan(person: User, slug: str = "reference_quote", **fields: Any) -> ReferenceUse:
    values: dict[str, Any] = {"place": "references", "title": "Nordmann Trykk"} | fields
    return services.plan_use(person, topic(slug), **{"responsible": None, "now": NOW, **values})


def word(use: ReferenceUse, *, nb: str = QUOTE, en: str = QUOTE_EN, now: datetime = NOW) -> None:
    """Written by us, approved by the customer."""
    text = services.write_text(use, nb=nb, en=en, by_customer=False, actor="staff:x", now=now)
    services.approve_text(text, by_customer=True, actor="self", now=now)


def published(person: User, slug: str = "reference_quote", **fields: Any) -> ReferenceUse:
    words = {name: fields.pop(name) for name in ("nb", "en") if name in fields}
    use = plan(person, slug, **fields)
    if slug not in ("reference_name", "reference_logo"):
        word(use, **words)
    services.publish_use(use, actor="staff:x", now=NOW)
    return use


def say_no(person: User, *slugs: str, now: datetime = NOW) -> None:
    topics = [topic(slug).pk for slug in slugs or ("reference_quote",)]
    record_opt_out(person.pk, topics, source=Source.PREFERENCES, now=now)


def takedown_of(use: ReferenceUse) -> Takedown:
    return Takedown.objects.select_related("use").get(use=use)


def call(person: User, *, staff: User | None = None) -> SalesCall:
    """Asked for now, by the clock of the pages that answer it."""
    now = timezone.now()
    return services.ask_for_call(
        person,
        about="How you send reminders",
        with_whom="Fjellsport AS",
        staff=staff,
        answer_until=now + timedelta(days=7),
        now=now,
    )


def in_the_program(person: User, staff: User) -> None:
    """One of each: words that wait for us, something shown, something to take down, a call."""
    waiting = plan(person, responsible=staff)
    services.write_text(
        waiting, nb=QUOTE, en=QUOTE_EN, by_customer=True, actor="self", remark="Slik?", now=NOW
    )
    published(person, responsible=staff)
    published(person, "reference_name", responsible=staff)
    published(person, "reference_case_study", place="print", copies="500", responsible=staff)
    say_no(person, "reference_case_study")
    services.answer_call(call(person, staff=staff), accept=True, now=timezone.now())
