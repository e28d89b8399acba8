"""Tables that lose whole months: which are due, and how one goes without anybody waiting for it.

A month is detached concurrently; then, under the hold lock, the rows that a hold names are copied
aside and the month is dropped, in one transaction. Killed at any line, the next run finishes a
half-done detaching, and drops a detached month as it would an attached one.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from operator import or_
from typing import Any

from django.db import connection, transaction

from foundation.calendar import months_later
from foundation.ids import uuid7_floor
from foundation.partitions import existing_partitions
from retention import holding
from retention.entries import Entry, Rule
from retention.models import HeldRow, LegalHold, RetentionRun
from retention.patience import patiently
from retention.schedule import model_of

# Up to here a month is counted for a page; a bigger one is told by the planner's number.
COUNTED_ROWS = 100_000


def drop_months(
    entry: Entry,
    rule: Rule,
    run: RetentionRun,
    *,
    now: datetime,
    only: Collection[str] | None = None,
    counted: Mapping[str, int] | None = None,
) -> None:
    """Detach each due month (of `only`), set aside what is held, drop it.

    `counted` are the rows that a plan found in them a moment ago: counting again would make the
    drop as long as the months are big.
    """
    finish_detaching(entry, run)
    for name, month in over_months(entry, rule, now):
        if only is not None and name not in only:
            continue
        if name in attached_months(entry):
            if is_held_whole(entry, month, now):
                continue
            detach(entry, name, run)
        rows = (counted or {}).get(name)
        drop(entry, name, month, run, now=now, rows=count_rows(name) if rows is None else rows)
    # Last: a month that cannot come back fails the run, and keeps none that is over.
    bring_back(entry, rule, run, now=now)


def finish_detaching(entry: Entry, run: RetentionRun) -> None:
    """What a killed run left half done: PostgreSQL detaches one month of a table at a time."""
    table = model_of(entry)._meta.db_table
    for name in pending_months(table):
        detach(entry, name, run)


def bring_back(entry: Entry, rule: Rule, run: RetentionRun, *, now: datetime) -> None:
    """Attach what is detached and not over: the clock or the period was wrong then, and nobody sees
    its rows until it is back."""
    table, attached = model_of(entry)._meta.db_table, attached_months(entry)
    for name, month in months_of(table):
        if name not in attached and not rule.period.month_is_over(month, now):
            patiently(run, transaction.atomic(partial(attach, entry, name, month)))


def detach(entry: Entry, name: str, run: RetentionRun) -> None:
    """PostgreSQL's own two steps. Cut short between them, it says so and is finished."""
    table = model_of(entry)._meta.db_table

    def attempt() -> None:
        with connection.cursor() as cursor:
            if name in pending_months(table):
                cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {name} FINALIZE")
            elif name in existing_partitions(table):
                cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {name} CONCURRENTLY")

    patiently(run, attempt)


def drop(
    entry: Entry, name: str, month: datetime, run: RetentionRun, *, now: datetime, rows: int
) -> None:
    """One transaction: what is held stands aside, the month is gone, and the run says so.

    A hold over all of it that came while it was detached brings it back instead.
    """

    @transaction.atomic
    def attempt() -> None:
        holding.hold_lock(shared=True)
        if is_held_whole(entry, month, now):
            attach(entry, name, month)
            return
        held = set_aside(entry, name, month, now=now)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {name}")
        RetentionRun.objects.filter(pk=run.pk).update(
            removed=run.removed + rows - held, partitions=[*run.partitions, name]
        )
        run.removed += rows - held
        run.partitions = [*run.partitions, name]

    patiently(run, attempt)


def attach(entry: Entry, name: str, month: datetime) -> None:
    """Detaching left a constraint that says what the month holds, so this reads no row.

    Waits for whoever looked at the table without it: an erasure takes its rows there by itself.
    """
    table = model_of(entry)._meta.db_table
    following = months_later(month, 1)
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(
            f"ALTER TABLE {table} ATTACH PARTITION {name} "
            f"FOR VALUES FROM ('{uuid7_floor(month)}') TO ('{uuid7_floor(following)}')"
        )


# --- what a hold names ---------------------------------------------------------------------------


def is_held_whole(entry: Entry, month: datetime, now: datetime) -> bool:
    """Whether a hold names every row of the month: then it stays as it is, where it is."""
    first = month.date()
    last = months_later(first, 1) - timedelta(days=1)
    return any(
        hold.customer_id is None
        and holding.held_by(hold, entry) is not None
        and (hold.since is None or hold.since <= first)
        and (hold.until is None or hold.until >= last)
        for hold in holding.holds_now(now)
    )


def set_aside(entry: Entry, name: str, month: datetime, *, now: datetime) -> int:
    """Copy the rows that a hold names; how many. Twice is once: a row has one copy."""
    found = held_keys(entry, now)
    if found is None:
        return 0
    keys, params = found
    table = model_of(entry)._meta.db_table
    # The month takes the table's name, so that what is held is asked of it as of any table.
    with connection.cursor() as cursor:
        cursor.execute(
            f'WITH "{table}" AS NOT MATERIALIZED (SELECT * FROM {name}) '
            f"INSERT INTO {HeldRow._meta.db_table} (model, key, customer_id, dated, row) "
            f"SELECT %s, t.id, t.{entry.subject or 'NULL'}, "
            "COALESCE(uuid_extract_timestamp(t.id), %s), to_jsonb(t) "
            f'FROM "{table}" AS t WHERE t.id IN ({keys}) ON CONFLICT (model, key) DO NOTHING',
            [entry.model, month, *params],
        )
        return int(cursor.rowcount)


@dataclass(frozen=True, slots=True)
class Keys:
    """How many rows, and a sum over hashes of their keys: needs no order and no memory."""

    number: int
    total: int = 0


NO_KEYS = Keys(0)


def keys_in(entry: Entry, name: str) -> Keys:
    """All of the month."""
    return sum_keys(entry, name, f"SELECT id FROM {name}", ())


def held_in(entry: Entry, name: str, now: datetime) -> Keys:
    """The rows of the month that a hold names."""
    found = held_keys(entry, now)
    return NO_KEYS if found is None else sum_keys(entry, name, *found)


def count_released(entry: Entry, name: str, released: Sequence[LegalHold], now: datetime) -> int:
    """How many rows of the month these named, and none does that is in force."""
    rows = model_of(entry)._base_manager.filter(reduce(or_, holding.conditions(entry, released)))
    rows = holding.exclude_held(entry, rows, now=now)
    sql, params = rows.order_by().values("pk").query.sql_with_params()
    return sum_keys(entry, name, sql, tuple(params)).number


def sum_keys(entry: Entry, name: str, keys: str, params: tuple[Any, ...]) -> Keys:
    table = model_of(entry)._meta.db_table
    # The month takes the table's name, so that what is held is asked of it as of any table.
    with connection.cursor() as cursor:
        cursor.execute(
            f'WITH "{table}" AS NOT MATERIALIZED (SELECT * FROM {name}) '
            "SELECT count(*), COALESCE(sum(uuid_hash_extended(key, 0)), 0) "
            f"FROM ({keys}) AS found (key)",
            params,
        )
        number, summed = cursor.fetchone()
    return Keys(int(number), int(summed))


def held_keys(entry: Entry, now: datetime) -> tuple[str, tuple[Any, ...]] | None:
    """The query for the keys of held rows; None while no hold is about the class."""
    if not holding.conditions_now(entry, now):
        return None
    rows = holding.only_held(entry, model_of(entry)._base_manager.all(), now=now)
    sql, params = rows.order_by().values("pk").query.sql_with_params()
    return sql, tuple(params)


# --- which months --------------------------------------------------------------------------------


def due_months(entry: Entry, rule: Rule, now: datetime) -> list[str]:
    """Months, attached or detached, whose oldest possible row has had its period.

    Without those of which every row is held: they stay where they are.
    """
    return [
        name
        for name, month in over_months(entry, rule, now)
        if not is_held_whole(entry, month, now)
    ]


def over_months(entry: Entry, rule: Rule, now: datetime) -> list[tuple[str, datetime]]:
    table = model_of(entry)._meta.db_table
    return [each for each in months_of(table) if rule.period.month_is_over(each[1], now)]


def attached_months(entry: Entry) -> set[str]:
    return set(existing_partitions(model_of(entry)._meta.db_table))


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


def about_rows(name: str) -> int:
    """For a page: counted where that is allowed and costs little, else the planner's number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples, has_table_privilege(oid, 'SELECT') FROM pg_class "
            "WHERE oid = %s::regclass",
            [name],
        )
        estimate, allowed = cursor.fetchone()
    return count_rows(name) if allowed and estimate <= COUNTED_ROWS else max(int(estimate), 0)
