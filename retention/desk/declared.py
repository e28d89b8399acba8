"""Processors and declared accesses: who could reach data beside the staff pages (`few-see`).

No measure sees who holds the database, a machine or a key, so it is declared, counted, published,
and looked at again every year.
"""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone, translation

from retention.models import DeclaredAccess, Processor
from retention.policy import DECLARED_FOR

# A portal that says nothing of these has not declared anything: somebody holds them.
EXPECTED = frozenset({DeclaredAccess.What.DATABASE, DeclaredAccess.What.HOST})


def lasting(now: datetime) -> Q:
    today = timezone.localdate(now)
    return Q(since__lte=today) & (Q(until=None) | Q(until__gte=today))


def processors_in_use(now: datetime) -> QuerySet[Processor]:
    return Processor.objects.filter(lasting(now)).order_by("name")


def accesses_in_use(now: datetime) -> QuerySet[DeclaredAccess]:
    found = DeclaredAccess.objects.filter(lasting(now)).select_related("processor")
    return found.order_by("what", "since")


def declared_people(now: datetime) -> int:
    """At most so many people: somebody who holds two things is counted twice, never left out."""
    counted = accesses_in_use(now).aggregate(number=Sum("people"))["number"]
    return int(counted or 0)


def processors_who_read(now: datetime) -> int:
    """Companies whose people can read customers' data in clear: a third party has access then."""
    return processors_in_use(now).filter(can_read=True).count()


def undeclared(now: datetime) -> list[str]:
    """What somebody must hold, and nobody is declared to hold."""
    present = set(accesses_in_use(now).values_list("what", flat=True))
    return sorted(str(what) for what in EXPECTED - present)


def overdue_declarations(now: datetime) -> int:
    """Entries that nobody has looked at for more than a year: they may be wrong by now."""
    limit = oldest_look(now)
    return (
        processors_in_use(now).filter(confirmed_on__lt=limit).count()
        + accesses_in_use(now).filter(confirmed_on__lt=limit).count()
    )


def oldest_look(now: datetime) -> date:
    return timezone.localdate(now) - DECLARED_FOR


@dataclass(frozen=True, slots=True)
class ShownProcessor:
    """As everybody may read it, in the reader's language."""

    row: Processor
    task: str
    data: str


@dataclass(frozen=True, slots=True)
class ShownAccess:
    row: DeclaredAccess
    who: str
    why: str


def shown_processors(now: datetime) -> list[ShownProcessor]:
    return [
        ShownProcessor(row, in_language(row, "task"), in_language(row, "data"))
        for row in processors_in_use(now)
    ]


def shown_accesses(now: datetime) -> list[ShownAccess]:
    return [
        ShownAccess(row, in_language(row, "who"), in_language(row, "why"))
        for row in accesses_in_use(now)
    ]


def in_language(row: Processor | DeclaredAccess, field: str) -> str:
    norwegian = (translation.get_language() or "nb").startswith("nb")
    return str(getattr(row, f"{field}_{'nb' if norwegian else 'en'}"))
