"""Looking for a value in every table of the database and in what it notes of their columns."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

from foundation.roles import OWNER, as_role
from tests.services import ADMIN_URL


def tables_with(*values: str) -> dict[str, int]:
    """Rows that hold one of the values, by table; partitions are read by their table.

    Text is searched in any case; columns of bytes come out as hexadecimal, so the value's bytes
    are looked for as well.
    """
    wanted = [value.lower() for value in values] + [value.encode().hex() for value in values]
    with as_role(OWNER), connection.cursor() as cursor:
        tables = all_tables()
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', count(*) "
                f'FROM (SELECT lower(t::text) AS said FROM "{table}" AS t) AS rows '
                "WHERE EXISTS (SELECT FROM unnest(%s::text[]) AS v WHERE position(v IN said) > 0)"
                for table in tables
            ),
            [wanted] * len(tables),
        )
        return {table: number for table, number in cursor.fetchall() if number}


def all_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
        )
        return [name for (name,) in cursor.fetchall()]


def analyze() -> None:
    """As autovacuum does it sooner or later, of all tables."""
    with administrator_here() as admin:
        admin.execute("ANALYZE")


def statistics_with(*values: str) -> list[str]:
    """Columns, also computed ones of indexes, of which PostgreSQL noted one of the values."""
    wanted = [value.lower() for value in values] + [value.encode().hex() for value in values]
    with administrator_here() as admin:
        rows = admin.execute(
            "SELECT DISTINCT tablename || '.' || attname FROM pg_stats s "
            "WHERE schemaname = 'public' AND EXISTS (SELECT FROM unnest(%s::text[]) AS v "
            "WHERE position(v IN lower(s::text)) > 0) ORDER BY 1",
            [wanted],
        )
        return [name for (name,) in rows]


@contextmanager
def administrator_here() -> Iterator[psycopg.Connection]:
    """Past all rights, who sees what has been committed."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ[ADMIN_URL], dbname=name, autocommit=True) as admin:
        yield admin
