"""How a transactional test ends: what it wrote is gone, and what migrations put there stands.

Django's `flush` empties every table and makes content types, permissions, topics and the timetable
anew, which takes longer than most tests. Here only tables that hold something are emptied, and
those that migrations fill are left alone as long as they are what they were.
"""

from functools import cache
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase

from foundation.roles import OWNER, as_role


def end_quickly() -> None:
    """From now on transactional tests of this process end this way."""
    TransactionTestCase._fixture_teardown = lambda self: empty_database()  # type: ignore[attr-defined]


def empty_database() -> None:
    with as_role(OWNER), connection.cursor() as cursor:
        if fingerprint(cursor) != untouched():
            filled = None
        else:
            cursor.execute(_filled(tables()))
            filled = [name for (name,) in cursor.fetchall()]
            if filled:
                cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
            # What was emptied along with them must not have been what migrations put there.
            if fingerprint(cursor) != untouched():
                filled = None
    if filled is None:
        call_command("flush", verbosity=0, interactive=False, allow_cascade=False)
        remember()


_seen: dict[str, Any] = {}


def remember() -> None:
    """What migrations (or a flush, which does the same anew) have put into the database."""
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute(_filled(all_tables()))
        _seen["seeds"] = [name for (name,) in cursor.fetchall()]
        _seen["print"] = fingerprint(cursor)


def untouched() -> Any:
    return _seen["print"]


def tables() -> list[str]:
    return [name for name in all_tables() if name not in _seen["seeds"]]


@cache
def all_tables() -> list[str]:
    """Everything that holds rows: also each month of a partitioned table by itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        return [name for (name,) in cursor.fetchall()]


def fingerprint(cursor: Any) -> Any:
    each = " UNION ALL ".join(
        f"SELECT '{name}', count(*), sum(hashtextextended(t::text, 0)) FROM {name} t"
        for name in _seen["seeds"]
    )
    cursor.execute(each)
    return sorted(cursor.fetchall())


def _filled(names: list[str]) -> str:
    return " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names
    )
