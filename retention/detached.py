"""Rows in a month that its table does not show: it is detached, and not dropped yet.

A run that was cut short, or waits for a lock, leaves one for a night. What an erasure takes is
taken there too; else a hold that brings the month back would bring back what was erased.
"""

from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet

from retention.entries import Removal
from retention.schedule import ENTRIES


def is_by_month(model: type[Model]) -> bool:
    entry = ENTRIES.get(model._meta.label)
    return entry is not None and any(rule.removal == Removal.PARTITIONS for rule in entry.rules)


def detached_months(*models: type[Model]) -> list[str]:
    """By name, oldest first; none that the role we work under may not read."""
    tables = [model._meta.db_table for model in models if is_by_month(model)]
    if not tables:
        return []
    with connection.cursor() as cursor:
        # The range of names is what the index of the catalog knows; the pattern sifts it.
        cursor.execute(
            "SELECT relname FROM unnest(%s::text[]) AS t (name) JOIN pg_class "
            "ON relname >= (name || '_y')::name AND relname < (name || '_z')::name "
            "WHERE relname ~ ('^' || name || '_y\\d{4}m\\d\\d$') AND relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace AND has_table_privilege(oid, 'SELECT') "
            "AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid "
            "AND NOT inhdetachpending) ORDER BY relname",
            [tables],
        )
        return [str(name) for (name,) in cursor.fetchall()]


def has_detached(rows: QuerySet[Any]) -> bool:
    """Whether one of the rows stands in a detached month."""
    return any(
        run(name, rows, "SELECT 1 WHERE EXISTS ({})") for name in detached_months(rows.model)
    )


def delete_detached(rows: QuerySet[Any], limit: int | None) -> int:
    """Call it after the rows of the table itself: a month that is detached meanwhile waits for us,
    and one that is attached again waits for the end of our transaction."""
    gone = 0
    for name in detached_months(rows.model):
        some = rows.order_by()[: None if limit is None else limit - gone]
        gone += run(name, some, f"DELETE FROM {name} WHERE id IN ({{}})")
        if gone == limit:
            break
    return gone


def run(name: str, rows: QuerySet[Any], statement: str) -> int:
    """The month takes the table's name, so that it is asked as the table would be."""
    table = rows.model._meta.db_table
    sql, params = rows.values_list("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f'WITH "{table}" AS NOT MATERIALIZED (SELECT * FROM {name}) {statement.format(sql)}',
            params,
        )
        return int(cursor.rowcount)
