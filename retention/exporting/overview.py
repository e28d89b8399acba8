"""What is held about a person, for their page: quick however much it is."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import DateField, Min, Model, QuerySet

from foundation.calendar import months_later
from foundation.ids import uuid7_moment
from foundation.tenants import as_tenant
from retention.entities import period_for
from retention.entries import DataClass, Entry, Removal, Rule
from retention.finding import models_with_rows
from retention.holdings import PIECES
from retention.policy import COUNTED_ON_PAGES
from retention.schedule import model_of, readable_entries
from retention.whose import Person, reader_of, rows_shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One class of data about a person: how much, since when, and when the oldest of it goes."""

    entry: Entry
    count: int
    since: date | None
    goes_by: date | None

    @property
    def is_more(self) -> bool:
        """Whether there is more than a page counts."""
        return self.count > COUNTED_ON_PAGES


def overview(person_id: uuid.UUID) -> list[tuple[DataClass, list[Held]]]:
    """The classes of which there is something, by chapter, read as their owner."""
    chapters: dict[DataClass, list[Held]] = {chapter: [] for chapter in DataClass}
    person = reader_of(person_id)
    with as_tenant(person_id):
        entries = [entry for entry in readable_entries() if entry.model not in PIECES]
        present = models_with_rows(person, [entry.model for entry in entries if entry.subject])
        for entry in entries:
            is_there = entry.model in present or not entry.subject
            if is_there and (held := look_at(entry, person)).count:
                chapters[entry.data_class].append(held)
    return [(chapter, held) for chapter, held in chapters.items() if held]


def look_at(entry: Entry, person: Person) -> Held:
    rows = rows_shown(entry, person).order_by()
    count = rows.values("pk")[: COUNTED_ON_PAGES + 1].count()
    if not count:
        return Held(entry=entry, count=0, since=None, goes_by=None)
    few = count <= COUNTED_ON_PAGES
    since = oldest(entry, rows, few=few)
    ends = [end for rule in entry.rules if (end := first_end(entry, rule, rows, since, few=few))]
    return Held(entry=entry, count=count, since=since, goes_by=min(ends, default=None))


def oldest(entry: Entry, rows: QuerySet[Model], *, few: bool) -> date | None:
    """Read from the rows if they are few; else by the first key, where months are kept apart."""
    if entry.begins and few:
        return first_of(rows, entry.begins)
    if not is_by_month(entry):
        return None
    first = rows.order_by("pk").values_list("pk", flat=True).first()
    return None if first is None else uuid7_moment(first).date()


def first_end(
    entry: Entry, rule: Rule, rows: QuerySet[Model], since: date | None, *, few: bool
) -> date | None:
    """The day by which a rule lets the oldest row go; None where no clock has begun."""
    if rule.removal == Removal.PARTITIONS:
        return months_later(since.replace(day=1), rule.period.months) if since else None
    is_row_by_row = rule.removal in (Removal.BATCHES, Removal.ACCESS_EVENTS)
    if not is_row_by_row or rule.only is not None or not few:
        return None
    if not isinstance(model_of(entry)._meta.get_field(rule.clock), DateField):
        return None
    if not rule.entity:
        start = first_of(rows, rule.clock)
        return None if start is None else rule.period.end(start)
    firsts = rows.order_by().values_list(rule.entity).annotate(Min(rule.clock))
    ends = [period_for(rule, company).end(first) for company, first in firsts if first]
    return min(ends, default=None)


def first_of(rows: QuerySet[Model], column: str) -> date | None:
    value: Any = rows.aggregate(first=Min(column))["first"]
    return value.astimezone(UTC).date() if isinstance(value, datetime) else value


def is_by_month(entry: Entry) -> bool:
    return any(rule.removal == Removal.PARTITIONS for rule in entry.rules)
