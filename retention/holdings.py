"""What the portal holds about one person: the same rows for the overview, export and deletion."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Count, Max, Min, Model, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Invoice
from consent.suppression import REVIEW_AFTER_YEARS
from foundation.calendar import years_later
from retention import policy
from retention.entries import DataClass, Entry, OnErasure
from retention.schedule import ENTRIES, model_of, personal_entries


def rows_about(entry: Entry, person_id: uuid.UUID) -> QuerySet[Model]:
    """The rows of one entry that are about the person."""
    rows: QuerySet[Model] = model_of(entry)._base_manager.all()
    if entry.model == "admin.LogEntry":
        about = {"content_type__app_label": "accounts", "content_type__model": "user"}
        return rows.filter(object_id=str(person_id), **about)
    return rows.filter(**{entry.subject: person_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One class of data about a person: how much, and since when."""

    entry: Entry
    count: int
    since: date | None


def holdings(person_id: uuid.UUID) -> list[Holding]:
    """Every class of which there is something, in the order of the chapters."""
    chapters = list(DataClass)
    entries = sorted(personal_entries(), key=lambda entry: chapters.index(entry.data_class))
    return [held for entry in entries if (held := holding(entry, person_id)).count]


def holding(entry: Entry, person_id: uuid.UUID) -> Holding:
    figures: dict[str, Any] = {"count": Count("pk")}
    if entry.begins:
        figures["since"] = Min(entry.begins)
    found = rows_about(entry, person_id).order_by().aggregate(**figures)
    since = found.get("since")
    if isinstance(since, datetime):
        since = since.astimezone(UTC).date()
    return Holding(entry=entry, count=found["count"], since=since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What outlives a deletion: how many, until which day, how many whose day is not known yet.

    `until` of a fingerprint is the day of its review: it has no end.
    """

    entry: Entry
    count: int
    until: date | None
    open: int = 0

    def as_json(self) -> dict[str, Any]:
        until = None if self.until is None else self.until.isoformat()
        return {"model": self.entry.model, "count": self.count, "until": until, "open": self.open}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Kept":
        until = None if row["until"] is None else date.fromisoformat(row["until"])
        return cls(
            entry=entry_named(row["model"]), count=row["count"], until=until, open=row["open"]
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
    """Invoices until their date, and the fingerprint of the address."""
    invoices = Invoice.objects.filter(customer_id=person_id).aggregate(
        count=Count("pk"),
        last=Max("settled_on"),
        open=Count("pk", filter=Q(settled_on__isnull=True)),
    )
    kept = []
    if invoices["count"]:
        last = invoices["last"]
        kept.append(
            Kept(
                entry=ENTRIES["accounts.Invoice"],
                count=invoices["count"],
                until=None if last is None else policy.BILLING.end(last),
                open=invoices["open"],
            )
        )
    review = years_later(now, REVIEW_AFTER_YEARS).date()
    kept.append(Kept(entry=ENTRIES["consent.Suppression"], count=1, until=review))
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a deletion would do, as a receipt before it happens."""

    deleted: list[Holding]
    blanked: list[Holding]
    kept: list[Kept]


def preview_erasure(person_id: uuid.UUID, *, now: datetime) -> Preview:
    held = holdings(person_id)
    return Preview(
        deleted=[each for each in held if each.entry.erasure == OnErasure.DELETE],
        blanked=[each for each in held if each.entry.erasure == OnErasure.BLANK],
        kept=kept_after_erasure(person_id, now=now),
    )
