"""One run of one rule: an advisory lock, then small batches or whole months, a row that says so.

Killed at any line, the next run takes up what is left: every batch is its own transaction, and a
month is detached, then dropped, each by itself. Two runs of a rule at once: the second steps back.
"""

import functools
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import DateField, DateTimeField, Exists, F, OuterRef, QuerySet

from accounts.models import User
from accounts.querysets import address_changes_expired
from consent.models import ConsentDetail
from foundation.partitions import existing_partitions
from retention.entries import Entry, Removal, Rule
from retention.erasure import delete_rows, lock_person, sweep
from retention.models import RetentionRun
from retention.schedule import model_of

MICROSECOND = timedelta(microseconds=1)
# Each takes a dozen statements, and all stay locked until the batch commits.
ACCOUNTS_AT_ONCE = 50


@contextmanager
def rule_lock(name: str) -> Iterator[bool]:
    """Whether this process may run the rule now; a killed process's lock dies with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('retention'), hashtext(%s))", [name])
        got = bool(cursor.fetchone()[0])
    try:
        yield got
    finally:
        if got:
            unlock(name)


def unlock(name: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('retention'), hashtext(%s))", [name])
    except DatabaseError:
        connection.close()  # it is broken, and its lock went with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a run may remove at most. `confirm` raises, inside the lock, unless it still holds."""

    rows: int
    months: Collection[str]
    confirm: Callable[[], None]


def run_rule(
    entry: Entry,
    rule: Rule,
    *,
    now: datetime,
    actor: str,
    batch: int,
    started_at: datetime | None = None,
    bound: Bound | None = None,
) -> RetentionRun | None:
    """The run's row, or None when another process has this rule in hand.

    `now` decides what is due. A run under a plan has the plan's moment there, and began later.
    """
    with rule_lock(rule.name) as got:
        if not got:
            return None
        if bound is not None:
            bound.confirm()
        began = time.monotonic()
        run = RetentionRun(
            rule=rule.name,
            actor=actor,
            cutoff=rule.period.cutoff(now),
            started_at=started_at or now,
        )
        run.save(force_insert=True)
        if rule.removal == Removal.PARTITIONS:
            drop_months(entry, rule, run, now=now, only=None if bound is None else bound.months)
        else:
            remove_batches(entry, rule, run, now=now, batch=batch, bound=bound)
        run.duration = timedelta(seconds=time.monotonic() - began)
        run.save(update_fields=["duration", "longest_batch"])
        return run


def refuse_rule(
    rule: Rule, *, why: str, now: datetime, actor: str, started_at: datetime | None = None
) -> RetentionRun:
    """A run that removed nothing, because what is due is far from what is usual."""
    run = RetentionRun(
        rule=rule.name,
        actor=actor,
        cutoff=rule.period.cutoff(now),
        started_at=started_at or now,
        duration=timedelta(),
        refused=why,
    )
    run.save(force_insert=True)
    return run


@contextmanager
def timed(run: RetentionRun) -> Iterator[None]:
    """The longest of a run's transactions bounds how long anybody waited for its locks."""
    began = time.monotonic()
    yield
    took = timedelta(seconds=time.monotonic() - began)
    run.longest_batch = max(run.longest_batch or took, took)


def remove_batches(
    entry: Entry, rule: Rule, run: RetentionRun, *, now: datetime, batch: int, bound: Bound | None
) -> None:
    remove = REMOVALS[rule.removal]

    def number() -> int:
        return batch if bound is None else min(batch, bound.rows - run.removed)

    while (limit := number()) > 0 and remove_batch(
        run, functools.partial(remove, entry, rule, now, limit)
    ):
        pass


def remove_batch(run: RetentionRun, remove: Callable[[], int]) -> int:
    """One transaction: the rows go and the run's count says so."""
    with timed(run), transaction.atomic():
        removed = remove()
        if removed:
            RetentionRun.objects.filter(pk=run.pk).update(removed=F("removed") + removed)
            run.removed += removed
    return removed


# --- what is due ---------------------------------------------------------------------------------


def due_rows(entry: Entry, rule: Rule, now: datetime) -> QuerySet[Any]:
    """Rows whose period is over; none whose clock has not started."""
    model = model_of(entry)
    cutoff = rule.period.cutoff(now)
    rows: QuerySet[Any] = model._base_manager.all()
    if rule.removal == Removal.MAIL_TO_NOBODY:
        owner = User.objects.filter(pk=OuterRef("person_id"))
        return rows.filter(~Exists(owner), person_id__isnull=False)
    if rule.removal == Removal.SUPERSEDED_CHOICES:
        newer = ConsentDetail.objects.filter(
            person_id=OuterRef("person_id"),
            topic_id=OuterRef("topic_id"),
            version__gt=OuterRef("version"),
            at__lte=cutoff,
        ).exclude(state=OuterRef("state"))
        taken_back = ConsentDetail.objects.filter(
            person_id=OuterRef("person_id"),
            topic_id=OuterRef("topic_id"),
            version=OuterRef("version") + 1,
            undone=True,
        )
        newer = newer.filter(~Exists(taken_back))
        return rows.filter(Exists(newer), at__lte=cutoff)
    if rule.removal == Removal.PENDING_ADDRESSES:
        return address_changes_expired(now)
    if rule.only is not None:
        rows = rows.filter(rule.only)
    field = model._meta.get_field(rule.clock)
    is_date = isinstance(field, DateField) and not isinstance(field, DateTimeField)
    return rows.filter(**{f"{rule.clock}__lte": cutoff.date() if is_date else cutoff})


def count_due(entry: Entry, rule: Rule, now: datetime) -> int:
    if rule.removal == Removal.PARTITIONS:
        return sum(count_rows(name) for name in due_months(entry, rule, now))
    return due_rows(entry, rule, now).order_by().count()


# --- batches -------------------------------------------------------------------------------------


def delete_due(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    """Rows that somebody holds at the moment are left to the next night."""
    model = model_of(entry)
    rows = due_rows(entry, rule, now).select_for_update(skip_locked=True, of=("self",))
    keys = list(rows.order_by().values_list("pk", flat=True)[:batch])
    counts: dict[str, int] = model._base_manager.filter(pk__in=keys).delete()[1]
    return counts.get(entry.model, 0)


def delete_mail_to_nobody(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    return delete_rows(due_rows(entry, rule, now), batch)


def remove_superseded(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    before = rule.period.cutoff(now) + MICROSECOND
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_remove_details(NULL, %s, %s)", [before, batch])
        return int(cursor.fetchone()[0])


def remove_accounts(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    """Accounts with all they have. One confirmed in this very moment is locked, seen, and stays."""
    removed = 0
    number = min(batch, ACCOUNTS_AT_ONCE)
    for person_id in list(due_rows(entry, rule, now).values_list("pk", flat=True)[:number]):
        person = lock_person(person_id)
        if due_rows(entry, rule, now).filter(pk=person_id).exists():
            sweep(person, now=now)
            removed += 1
    return removed


REMOVALS: dict[Removal, Callable[[Entry, Rule, datetime, int], int]] = {
    Removal.BATCHES: delete_due,
    Removal.PENDING_ADDRESSES: delete_due,
    Removal.SUPERSEDED_CHOICES: remove_superseded,
    Removal.WHOLE_ACCOUNTS: remove_accounts,
    Removal.MAIL_TO_NOBODY: delete_mail_to_nobody,
}


# --- whole months --------------------------------------------------------------------------------


def drop_months(
    entry: Entry,
    rule: Rule,
    run: RetentionRun,
    *,
    now: datetime,
    only: Collection[str] | None = None,
) -> None:
    """Detach each due month (of `only`) without blocking anybody, then drop it.

    Detaching concurrently is PostgreSQL's own two steps; a killed one is finished first.
    """
    table = model_of(entry)._meta.db_table
    with connection.cursor() as cursor:
        for name in pending_months(table):
            cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {name} FINALIZE")
        attached = set(existing_partitions(table))
        for name in due_months(entry, rule, now):
            if only is not None and name not in only:
                continue
            if name in attached:
                cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {name} CONCURRENTLY")
            rows = count_rows(name)
            with timed(run), transaction.atomic():
                cursor.execute(f"DROP TABLE {name}")
                run.removed += rows
                run.partitions = [*run.partitions, name]
                run.save(update_fields=["removed", "partitions"])


def due_months(entry: Entry, rule: Rule, now: datetime) -> list[str]:
    """Months of the table, attached or detached, whose oldest possible row has had its period."""
    table = model_of(entry)._meta.db_table
    return [name for name, month in months_of(table) if rule.period.month_is_over(month, now)]


def months_of(table: str) -> list[tuple[str, datetime]]:
    """Every table that is or was a month of this one, by name, oldest first."""
    pattern = re.compile(rf"{re.escape(table)}_y(\d{{4}})m(\d\d)")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace "
            "AND relname ~ %s ORDER BY relname",
            ["public", rf"^{table}_y\d{{4}}m\d\d$"],
        )
        names = [str(row[0]) for row in cursor.fetchall()]
    found = [(name, match) for name in names if (match := pattern.fullmatch(name))]
    return [(name, datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC)) for name, match in found]


def pending_months(table: str) -> list[str]:
    """Partitions whose concurrent detaching was cut short."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = %s::regclass AND inhdetachpending",
            [table],
        )
        return [str(row[0]) for row in cursor.fetchall()]


def count_rows(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])
