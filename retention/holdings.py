"""What the portal holds about one person: the same rows for the overview, export and deletion."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from django.db.models import Count, Min

from foundation.tenants import as_tenant
from retention.entries import DataClass, Entry, OnErasure
from retention.finding import models_with_rows
from retention.holding import count_held
from retention.schedule import personal_entries
from retention.staying import Kept, kept_after_erasure
from retention.whose import Person, reader_of, rows_of

# Told as the archive they are pieces of.
PIECES: Final = frozenset({"retention.ExportPart"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One class of data about a person: how much, and since when.

    `fields` are the columns emptied, where a request for a part empties some of them only; `stays`
    says until when blanked rows do.
    """

    entry: Entry
    count: int
    since: date | None
    fields: tuple[str, ...] = ()
    stays: tuple[Kept, ...] = ()


def holdings(person_id: uuid.UUID) -> list[Holding]:
    """Every class of which there is something, in the order of the chapters."""
    chapters = list(DataClass)
    entries = sorted(personal_entries(), key=lambda entry: chapters.index(entry.data_class))
    person = reader_of(person_id)
    with as_tenant(person_id):
        present = models_with_rows(person, [entry.model for entry in entries])
        found = [holding(entry, person) for entry in entries if entry.model in present]
    return [held for held in found if held.count]


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
class Preview:
    """What a deletion would do, as a receipt before it happens."""

    deleted: list[Holding]
    blanked: list[Holding]
    kept: list[Kept]
    # What a legal hold keeps for now; of the same classes other rows may go.
    held: list[Holding]


def preview_erasure(person_id: uuid.UUID, *, now: datetime) -> Preview:
    found = [each for each in holdings(person_id) if each.entry.model not in PIECES]
    with as_tenant(person_id):
        person = reader_of(person_id)
        stays = [
            count_held(each.entry, rows_of(each.entry, person), person_id, now=now)
            for each in found
        ]
    held = [replace(each, count=n) for each, n in zip(found, stays, strict=True) if n]
    free = [
        replace(each, count=each.count - n)
        for each, n in zip(found, stays, strict=True)
        if each.count > n
    ]
    kept = kept_after_erasure(person, now=now)
    return Preview(
        deleted=[each for each in free if each.entry.erasure == OnErasure.DELETE],
        blanked=[
            replace(each, stays=tuple(k for k in kept if k.blanked and k.entry is each.entry))
            for each in free
            if each.entry.erasure == OnErasure.BLANK
        ],
        kept=[each for each in kept if not each.blanked],
        held=held,
    )
