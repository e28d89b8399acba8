"""A customer in the reference program, made by the services that life uses."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import User
from consent import services as consent
from consent.models import ReferenceText, ReferenceUse, SalesCall, Source, Takedown
from consent.reference import services
from tests.factories import NOW, topic

QUOTE, NAME, CALL = "reference_quote", "reference_name", "reference_sales_call"
STAFF = "staff:1"


def plan(
    person: User, slug: str = NAME, *, responsible: User | None = None, **fields: Any
) -> ReferenceUse:
    values: dict[str, Any] = {"place": "references", "title": "Nordmann AS"}
    return services.plan_use(
        person, topic(slug), responsible=responsible, now=NOW, **(values | fields)
    )


def words(use: ReferenceUse, *, by_customer: bool = False, nb: str = "Bra.") -> ReferenceText:
    actor = "self" if by_customer else STAFF
    return services.write_text(
        use, nb=nb, en="Good.", by_customer=by_customer, actor=actor, now=NOW
    )


def publish(use: ReferenceUse, *, now: datetime = NOW) -> ReferenceUse:
    services.publish_use(use, actor=STAFF, now=now)
    return use


def published(person: User, slug: str = NAME, **fields: Any) -> ReferenceUse:
    """Also approved by both sides where the activity has words."""
    use = plan(person, slug, **fields)
    if slug not in (NAME, "reference_logo"):
        services.approve_text(words(use), by_customer=True, actor="self", now=NOW)
    return publish(use)


def say_no(person: User, *slugs: str, source: Source = Source.PREFERENCES) -> None:
    consent.record_opt_out(
        person.pk, [topic(slug).pk for slug in slugs], source=source, now=timezone.now()
    )


def takedown_of(use: ReferenceUse) -> Takedown:
    return Takedown.objects.get(use=use)


def ask(person: User, **fields: Any) -> SalesCall:
    values: dict[str, Any] = {
        "about": "How we send invoices",
        "with_whom": "Fjord Bank",
        "staff": None,
        "now": NOW,
        "answer_until": NOW + timedelta(days=7),
    }
    return services.ask_for_call(person, **(values | fields))


def run(statement: str, *parameters: Any) -> None:
    """Past the services, as the application's own database role."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
