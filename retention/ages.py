"""The oldest row under each rule, beside the moment up to which rows should be gone.

Told from bounds of months where a table has them, so that it costs nothing there; elsewhere one
look for the oldest clock. What a hold keeps is counted apart.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from retention import enforcement, holding, months
from retention.entries import Entry, Removal, Rule
from retention.policy import A_NIGHT, Period
from retention.schedule import RULES, model_of

# Their clock is no column: whose mail it is, which choice came after, which hold was released.
WITHOUT_AGE = (Removal.MAIL_TO_NOBODY, Removal.SUPERSEDED_CHOICES, Removal.RELEASED_ROWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """One rule: its oldest row that nobody holds, what is late by more than a night, what is held.

    What fell due after its rule ran goes the next night, and is not late until then.

    `seen` is False where the role that asks is shown one customer's rows at a time.
    """

    entry: Entry
    rule: Rule
    cutoff: datetime
    oldest: datetime | None
    overdue: int
    held: int
    seen: bool = True


def ages(now: datetime, *, only: tuple[str, ...] = ()) -> list[Age]:
    return [
        age_of(entry, rule, now)
        for name, (entry, rule) in RULES.items()
        if not only or name in only
    ]


def age_of(entry: Entry, rule: Rule, now: datetime) -> Age:
    if rule.removal == Removal.PARTITIONS:
        return age_of_months(entry, rule, now)
    cutoff = rule.period.cutoff(now)
    if not enforcement.sees_all(entry):
        return Age(
            entry=entry, rule=rule, cutoff=cutoff, oldest=None, overdue=0, held=0, seen=False
        )
    late = enforcement.over_rows(entry, rule, now - A_NIGHT).order_by()
    free = holding.exclude_held(entry, late, now=now)
    ages_at_all = rule.removal not in WITHOUT_AGE and rule.period != Period()
    return Age(
        entry=entry,
        rule=rule,
        cutoff=cutoff,
        oldest=oldest_clock(entry, rule, now) if ages_at_all else None,
        # Without a period it is due as soon as it is so, and the night has not been yet.
        overdue=free.count() if rule.period != Period() else 0,
        held=holding.only_held(entry, enforcement.over_rows(entry, rule, now), now=now).count(),
    )


def clocked_rows(entry: Entry, rule: Rule) -> QuerySet[Any]:
    """Rows whose clock has not started are none of them."""
    rows: QuerySet[Any] = model_of(entry)._base_manager.filter(**{f"{rule.clock}__isnull": False})
    return rows if rule.only is None else rows.filter(rule.only)


def oldest_clock(entry: Entry, rule: Rule, now: datetime) -> datetime | None:
    rows = holding.exclude_held(entry, clocked_rows(entry, rule), now=now)
    found = rows.order_by(rule.clock).values_list(rule.clock, flat=True).first()
    if isinstance(found, date) and not isinstance(found, datetime):
        return datetime.combine(found, time.min, UTC)
    assert found is None or isinstance(found, datetime)
    return found


def stand_at_least(age: Age, number: int, now: datetime) -> bool:
    """Whether so many rows or more have a clock under this rule, without those that are held; of
    months, always: a month is the age of whatever is in it."""
    if age.rule.removal == Removal.PARTITIONS:
        return True
    free = holding.exclude_held(age.entry, clocked_rows(age.entry, age.rule), now=now)
    return free.order_by()[:number].count() >= number


def age_of_months(entry: Entry, rule: Rule, now: datetime) -> Age:
    """By the first day of the oldest month that holds anything: no row is older than that."""
    standing = [
        (name, month)
        for name, month in months.months_of(model_of(entry)._meta.db_table)
        if holds_rows(name)
    ]
    free = [each for each in standing if not months.is_held_whole(entry, each[1], now)]
    late = [each for each in free if rule.period.month_is_over(each[1], now - A_NIGHT)]
    whole = [
        name
        for name, month in standing
        if rule.period.month_is_over(month, now) and months.is_held_whole(entry, month, now)
    ]
    return Age(
        entry=entry,
        rule=rule,
        cutoff=rule.period.cutoff(now),
        oldest=free[0][1] if free else None,
        overdue=sum(max(months.about_rows(name), 1) for name, _month in late),
        held=sum(months.about_rows(name) for name in whole),
    )


def holds_rows(name: str) -> bool:
    """Whether the month holds anything; asks for no right to read it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT retention_month_holds(%s::regclass)", [name])
        return bool(cursor.fetchone()[0])


def count_set_aside(*models: str) -> int:
    """Rows of dropped months that a hold keeps, of these classes or of all: a number, for whoever
    may see none of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT retention_count_held(%s::text[])", [list(models)])
        return int(cursor.fetchone()[0])
