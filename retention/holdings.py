"""What the portal holds about one person: the same rows for the overview, export and deletion."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from django.db.models import Count, Max, Min, Model, Q
from django.utils.translation import gettext as _

from accounts.models import Invoice, Transaction
from consent.suppression import REVIEW_AFTER_YEARS
from foundation.calendar import years_later
from foundation.tenants import as_tenant
from retention.entities import period_for
from retention.entries import DataClass, Entry, OnErasure
from retention.holding import is_person_held
from retention.policy import Period
from retention.schedule import ENTRIES, personal_entries
from retention.whose import Person, reader_of, rows_of

# Told as the archive they are pieces of.
PIECES: Final = frozenset({"retention.ExportPart"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One class of data about a person: how much, and since when.

    `fields` are the columns emptied, where a request for a part empties some of them only.
    """

    entry: Entry
    count: int
    since: date | None
    fields: tuple[str, ...] = ()


def holdings(person_id: uuid.UUID) -> list[Holding]:
    """Every class of which there is something, in the order of the chapters."""
    chapters = list(DataClass)
    entries = sorted(personal_entries(), key=lambda entry: chapters.index(entry.data_class))
    person = reader_of(person_id)
    with as_tenant(person_id):
        return [held for entry in entries if (held := holding(entry, person)).count]


def holding(entry: Entry, person: Person) -> Holding:
    figures: dict[str, Any] = {"count": Count("pk")}
    if entry.begins:
        figures["since"] = Min(entry.begins)
    found = rows_of(entry, person).order_by().aggregate(**figures)
    since = found.get("since")
    if isinstance(since, datetime):
        since = since.astimezone(UTC).date()
    return Holding(entry=entry, count=found["count"], since=since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What outlives a deletion: how many, until which day, how many whose day is not known yet.

    `until` of a fingerprint is the day of its review: it has no end. `legal_entity` is the company
    of ours whose law decides about these.
    """

    entry: Entry
    count: int
    until: date | None
    open: int = 0
    legal_entity: str = ""

    @property
    def period(self) -> Period:
        """How long one of these stays once it is settled."""
        return period_for(self.entry.rules[0], self.legal_entity)

    def as_json(self) -> dict[str, Any]:
        until = None if self.until is None else self.until.isoformat()
        row = {"model": self.entry.model, "count": self.count, "until": until, "open": self.open}
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


def kept_after_erasure(person_id: uuid.UUID, *, now: datetime) -> list[Kept]:
    """Bills and payments until their date, by contracting company; and the fingerprint."""
    review = years_later(now, REVIEW_AFTER_YEARS).date()
    return [
        *kept_of(Invoice, "settled_on", person_id),
        *kept_of(Transaction, "ended_on", person_id),
        Kept(entry=ENTRIES["consent.Suppression"], count=1, until=review),
    ]


def kept_of(model: type[Model], ended: str, person_id: uuid.UUID) -> list[Kept]:
    """The last day on which one of these stands, for each company with its own law."""
    entry = ENTRIES[model._meta.label]
    figures = (
        model._base_manager.filter(customer_id=person_id)
        .order_by("legal_entity")
        .values("legal_entity")
        .annotate(
            count=Count("pk"), last=Max(ended), open=Count("pk", filter=Q(**{f"{ended}": None}))
        )
    )
    return [
        Kept(
            entry=entry,
            count=row["count"],
            until=row["last"] and period_for(entry.rules[0], row["legal_entity"]).end(row["last"]),
            open=row["open"],
            legal_entity=row["legal_entity"],
        )
        for row in figures
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a deletion would do, as a receipt before it happens."""

    deleted: list[Holding]
    blanked: list[Holding]
    kept: list[Kept]
    # Classes of which a legal hold keeps something for now.
    held: list[Holding]


def preview_erasure(person_id: uuid.UUID, *, now: datetime) -> Preview:
    found = [each for each in holdings(person_id) if each.entry.model not in PIECES]
    with as_tenant(person_id):
        held = [each for each in found if is_person_held(each.entry, person_id, now=now)]
    free = [each for each in found if each not in held]
    return Preview(
        deleted=[each for each in free if each.entry.erasure == OnErasure.DELETE],
        blanked=[each for each in free if each.entry.erasure == OnErasure.BLANK],
        kept=kept_after_erasure(person_id, now=now),
        held=held,
    )
