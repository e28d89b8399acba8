"""What outlives a deletion: how much of which class, until when, why, and under which law.

The list is the schedule's: whatever an entry keeps or blanks when a person is erased, or says to
outlive it, is told here, or `manage.py check` fails.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Final

from django.db import connection
from django.db.models import CharField, Count, DateTimeField, F, Max, Q, QuerySet, Value
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.models import ReferenceUse, Webhook
from consent.policy import TAKEDOWN_WITHIN
from consent.suppression import REVIEW_AFTER_YEARS
from consent.webhooks.policy import ERASURE_WAITS_AT_MOST
from foundation.calendar import years_later
from retention.chapters.billing import BOOKKEEPING
from retention.entities import period_for
from retention.entries import DataClass, Entry, OnErasure, Words
from retention.policy import ITEMS_OF_ERASED, PROOF, Period
from retention.schedule import ENTRIES, SCHEDULE
from retention.whose import Person, filled, rows_of, stand_in_for

INVOICES, TRANSACTIONS = "accounts.Invoice", "accounts.Transaction"
FINGERPRINT = "consent.Suppression"
NOTICES = "consent.Delivery"
USES = "consent.ReferenceUse"
ITEMS = "retention.PhysicalItem"
REQUESTS = "retention.DeletionRequest"

CONTRACT: Final = gettext_lazy("GDPR Art. 6 (1) (b): it is a part of what we have agreed with you")
ERASED: Final = gettext_lazy("GDPR Art. 17 (1): what you had us erase must not come back")

# Why something outlives a deletion of a part, and under which law, by class.
OF_A_PART: Final[Mapping[str, tuple[Words, Words]]] = {
    "messaging.MessageRecord": (
        gettext_lazy(
            "that messages were sent, and what they cost, is a record of billing; it no longer "
            "says what, from whom or to whom"
        ),
        BOOKKEEPING,
    ),
    "messaging.Report": (
        gettext_lazy(
            "how your sending went is not a part of this; you can delete reports yourself"
        ),
        CONTRACT,
    ),
    "messaging.Tombstone": (
        gettext_lazy(
            "a keyed hash of the number each had at the platform keeps it out when the platform "
            "sends it again; it says nothing else"
        ),
        ERASED,
    ),
    "messaging.DeidentifiedStretch": (
        gettext_lazy(
            "we remember when the period begins and ends, so that what messages of that time said "
            "does not come in when the platform sends them later; nothing else stands there"
        ),
        ERASED,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What outlives a deletion: how many, until which day, how many whose day is not known yet.

    `until` of a fingerprint is the day of its review: it has no end. `legal_entity` is the company
    of ours whose law decides about these. Of what is `blanked` the rows stay without all that led
    to the person. With `of_part` it outlives the deletion of a part, not of everything.
    """

    entry: Entry
    count: int
    until: date | None
    open: int = 0
    legal_entity: str = ""
    blanked: bool = False
    of_part: bool = False

    @property
    def period(self) -> Period:
        """How long one of these stays once it is settled."""
        return period_for(self.entry.rules[0], self.legal_entity)

    @property
    def reason(self) -> Words:
        return OF_A_PART[self.entry.model][0] if self._is_known_part else self.entry.why_kept

    @property
    def law(self) -> Words:
        return OF_A_PART[self.entry.model][1] if self._is_known_part else self.entry.law

    @property
    def _is_known_part(self) -> bool:
        return self.of_part and self.entry.model in OF_A_PART

    def as_json(self) -> dict[str, Any]:
        until = None if self.until is None else self.until.isoformat()
        row = {"model": self.entry.model, "count": self.count, "until": until, "open": self.open}
        flags = {"blanked": self.blanked, "of_part": self.of_part}
        row |= {name: True for name, is_set in flags.items() if is_set}
        return row | ({"entity": self.legal_entity} if self.legal_entity else {})

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Kept":
        until = None if row["until"] is None else date.fromisoformat(row["until"])
        return cls(
            entry=entry_named(row["model"]),
            count=row["count"],
            until=until,
            open=row["open"],
            legal_entity=row.get("entity", ""),
            blanked=row.get("blanked", False),
            of_part=row.get("of_part", False),
        )


def entry_named(model: str) -> Entry:
    """A class of an old receipt may have no entry any more: then only its name is known."""
    return ENTRIES.get(model) or Entry(
        model=model,
        data_class=DataClass.OPERATION,
        title=model,
        purpose="",
        clause="",
        fields={},
        erasure=OnErasure.KEEP,
        why_kept=_("Not recorded"),
    )


# --- of everything -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one class, or of it in one company: `last` is the newest day its clock started."""

    company: str
    count: int
    last: date | None
    open: int


def kept_after_erasure(person: Person, *, now: datetime) -> list[Kept]:
    """As the schedule has it, in its order; what there is nothing of is not in it."""
    figures = read_figures(person)
    return [
        kept
        for entry in SCHEDULE
        if outlives(entry)
        for kept in WAYS.get(entry.model, by_its_clock)(entry, figures, now)
    ]


def outlives(entry: Entry) -> bool:
    return entry.erasure in (OnErasure.KEEP, OnErasure.BLANK) or bool(entry.why_kept)


def is_told(entry: Entry) -> bool:
    """Whether a receipt can say how much of it stays, and until when."""
    return entry.model in WAYS or has_clock(entry)


def has_clock(entry: Entry) -> bool:
    is_kept = entry.erasure in (OnErasure.KEEP, OnErasure.BLANK)
    return is_kept and bool(entry.subject and entry.rules)


def by_its_clock(entry: Entry, figures: Mapping[str, list[Figures]], now: datetime) -> list[Kept]:
    """Until its rule lets the last of it go."""
    rule = entry.rules[0]
    return [
        Kept(
            entry=entry,
            count=each.count,
            until=each.last and period_for(rule, each.company).end(each.last),
            open=each.open,
            legal_entity=each.company,
            blanked=entry.erasure == OnErasure.BLANK,
        )
        for each in figures.get(entry.model, [])
    ]


def fingerprint(entry: Entry, _figures: Mapping[str, list[Figures]], now: datetime) -> list[Kept]:
    return [Kept(entry=entry, count=1, until=years_later(now, REVIEW_AFTER_YEARS).date())]


def proof(entry: Entry, _figures: Mapping[str, list[Figures]], now: datetime) -> list[Kept]:
    """The request itself, which names nobody any more."""
    return [Kept(entry=entry, count=1, until=PROOF.end(now.astimezone(UTC).date()))]


def notices(entry: Entry, figures: Mapping[str, list[Figures]], now: datetime) -> list[Kept]:
    until = (now + ERASURE_WAITS_AT_MOST).astimezone(UTC).date()
    return [Kept(entry=entry, count=each.count, until=until) for each in figures.get(NOTICES, [])]


def uses(entry: Entry, figures: Mapping[str, list[Figures]], now: datetime) -> list[Kept]:
    """Where something still has to come down; and all of them, without whose they are."""
    until = (now + TAKEDOWN_WITHIN).astimezone(UTC).date()
    shown = [Kept(entry=entry, count=each.count, until=until) for each in figures.get(SHOWN, [])]
    return [*shown, *by_its_clock(entry, figures, now)]


def items(entry: Entry, figures: Mapping[str, list[Figures]], now: datetime) -> list[Kept]:
    """What they are and hold, until they are destroyed: soon, as they were this customer's alone.

    Of those that are destroyed already no day is left to come.
    """
    soon = ITEMS_OF_ERASED.end(now.astimezone(UTC).date())
    return [
        Kept(entry=entry, count=each.count, until=each.last and min(each.last, soon))
        for each in figures.get(ITEMS, [])
    ]


# Those whose end no clock of theirs says.
type Way = Callable[[Entry, Mapping[str, list[Figures]], datetime], list[Kept]]
WAYS: Final[Mapping[str, Way]] = {
    FINGERPRINT: fingerprint,
    REQUESTS: proof,
    NOTICES: notices,
    USES: uses,
    ITEMS: items,
}
# Uses that are still to be seen, beside all of them.
SHOWN: Final = "consent.Takedown"


def at_its_end(kept: Sequence[Kept], *, announced: int, now: datetime) -> list[Kept]:
    """As `kept` was read before anything went, and with what is known only once all is done."""
    said = {NOTICES: [Figures("", announced, None, 0)] if announced else []}
    found = [each for each in kept if each.entry.model not in (NOTICES, REQUESTS)]
    return found + [
        each for model in (NOTICES, REQUESTS) for each in WAYS[model](ENTRIES[model], said, now)
    ]


def read_figures(person: Person) -> dict[str, list[Figures]]:
    """One statement for all classes: each of its own would cost a customer's deletion more."""
    sql, values = figures_statement(stand_in_for(person))
    found: dict[str, list[Figures]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, filled(values, person))
        for model, *figures in cursor.fetchall():
            found.setdefault(model, []).append(Figures(*figures))
    return found


@cache
def figures_statement(somebody: Person) -> tuple[str, tuple[Any, ...]]:
    parts = [
        figures_of(
            entry.model, rows_of(entry, somebody), entry.rules[0].clock, entry.rules[0].entity
        )
        for entry in SCHEDULE
        if has_clock(entry)
    ]
    of_them = rows_of(ENTRIES[USES], somebody)
    is_shown = (ReferenceUse.State.PUBLISHED, ReferenceUse.State.TAKING_DOWN)
    parts += [
        figures_of(SHOWN, of_them.filter(state__in=is_shown), "removed_at"),
        figures_of(
            ITEMS,
            rows_of(ENTRIES[ITEMS], somebody),
            "due_on",
            # Until two people have signed it is there.
            only=Q(destruction__countersigned_at__isnull=True),
        ),
        figures_of(
            NOTICES,
            Webhook.objects.filter(events__contains=[Webhook.Event.ERASURE.value]),
            "paused_at",
        ),
    ]
    return (
        " UNION ALL ".join(sql for sql, _values in parts),
        tuple(value for _sql, values in parts for value in values),
    )


def figures_of(
    name: str, rows: QuerySet[Any], clock: str, entity: str = "", *, only: Q | None = None
) -> tuple[str, tuple[Any, ...]]:
    """How many, the newest day of the clock (of what `only` names), and how many have none."""
    company = F(entity) if entity else Value("", output_field=CharField())
    counted = (
        rows.order_by()
        .annotate(company=company)
        .values("company")
        .annotate(
            number=Count("pk"),
            last=Max(clock, filter=only),
            unsettled=Count("pk", filter=Q(**{clock: None})),
        )
    )
    sql, values = counted.query.sql_with_params()
    is_moment = isinstance(rows.model._meta.get_field(clock), DateTimeField)
    day = "(last AT TIME ZONE 'UTC')::date" if is_moment else "last"
    named = f"({sql}) AS f (company, number, last, unsettled)"
    said = f"SELECT %s, company, number, {day}, unsettled FROM {named} WHERE number > 0"
    return said, (name, *values)


def kept_as_recorded(rows: Sequence[dict[str, Any]] | None) -> list[Kept]:
    return [Kept.from_json(row) for row in rows or ()]


__all__ = [
    "Kept",
    "at_its_end",
    "entry_named",
    "is_told",
    "kept_after_erasure",
    "kept_as_recorded",
    "outlives",
]
