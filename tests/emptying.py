"""How a transactional test ends: what it wrote is gone, and what migrations put there stands.

Django's `flush` empties every table and makes content types, permissions, topics and the timetable
anew, which takes longer than most tests. Here only what holds something is emptied, and what
migrations had put there is put back, row by row, where a test changed it.

The server's administrator does it, past triggers, foreign keys and the rights of tenants.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.test import TransactionTestCase
from psycopg import sql

from tests.services import ADMIN_URL

# Rows are deleted, for TRUNCATE makes new files for a table and each of its indexes; beyond this
# size it is quicker all the same.
LARGE = 512 * 1024
FUNCTION = f"""
CREATE FUNCTION pg_temp.empty_tables(seeded text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    filled record;
    large text;
BEGIN
    FOR filled IN
        SELECT oid::regclass AS name, pg_relation_size(oid) AS bytes FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
           AND relname <> ALL (seeded) AND pg_relation_size(oid) > 0
    LOOP
        IF filled.bytes > {LARGE} THEN
            large := concat_ws(', ', large, filled.name);
        ELSE
            EXECUTE format('DELETE FROM %s', filled.name);
        END IF;
    END LOOP;
    IF large IS NOT NULL THEN
        EXECUTE format('TRUNCATE %s CASCADE', large);
    END IF;
END $$
"""
TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


class Emptying:
    """Of one database: what stood there at the beginning is what stands there at the end."""

    def __init__(self, admin: psycopg.Connection) -> None:
        self.admin = admin
        admin.execute("SET session_replication_role = replica")
        admin.execute("SET lock_timeout = '30s'")
        admin.execute(FUNCTION)
        tables = [name for (name,) in admin.execute(TABLES)]
        self.seeded = [name for name in tables if self._holds_something(name)]
        self.seeds = {name: self._copy_out(name) for name in self.seeded}
        self.state = self._state()

    def __call__(self) -> None:
        self.admin.execute("SELECT pg_temp.empty_tables(%s)", [self.seeded])
        if self._state() != self.state:
            self._put_back()
            self.state = self._state()

    def _put_back(self) -> None:
        with self.admin.transaction(), self.admin.cursor() as cursor:
            for name, rows in self.seeds.items():
                table = sql.Identifier(name)
                cursor.execute(sql.SQL("DELETE FROM {}").format(table))
                with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
                    copy.write(rows)

    def _holds_something(self, name: str) -> bool:
        query = sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(name))
        return self.admin.execute(query).rowcount > 0

    def _copy_out(self, name: str) -> bytes:
        query = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))
        with self.admin.cursor() as cursor, cursor.copy(query) as copy:
            return b"".join(bytes(part) for part in copy)

    def _state(self) -> list[Any]:
        """Which transactions wrote the rows that stand: any change is by a later one."""
        each = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}, count(*), sum(xmin::text::bigint) FROM {}").format(
                sql.Literal(name), sql.Identifier(name)
            )
            for name in self.seeded
        )
        return sorted(self.admin.execute(each))


@contextmanager
def quick_ends() -> Iterator[None]:
    """From now on transactional tests of this process end this way."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ[ADMIN_URL], dbname=name, autocommit=True) as admin:
        empty = Emptying(admin)
        TransactionTestCase._fixture_teardown = lambda self: empty()  # type: ignore[attr-defined]
        yield
