"""Whether there is anything about a person, asked of all classes in one statement.

Most people have something in a few of dozens. The statements are kept with somebody standing for
the person, for to make them takes Django longer than to run them.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import Q, QuerySet

from retention.schedule import ENTRIES
from retention.whose import STAFF_LOG, Person, filled, in_staff_log, rows_of, stand_in_for


def models_with_rows(person: Person, names: Iterable[str]) -> set[str]:
    """Those of the models of which there is something to erase. Inside a transaction."""
    somebody = stand_in_for(person)
    looks = [look_for(name, somebody) for name in names]
    with by_index(), connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(sql for sql, _values in looks),
            filled((value for _sql, values in looks for value in values), person),
        )
        return {name for (name,) in cursor.fetchall()}


@cache
def look_for(name: str, somebody: Person) -> tuple[str, tuple[Any, ...]]:
    sql, values = source_of(name, somebody)
    return f"SELECT %s WHERE EXISTS ({sql} LIMIT 1)", (name, *values)


@cache
def source_of(name: str, somebody: Person) -> tuple[str, tuple[Any, ...]]:
    """The query for the keys of all that an erasure takes of the class."""
    rows = staff_log_of(somebody) if name == STAFF_LOG else rows_of(ENTRIES[name], somebody)
    sql, values = rows.order_by().values_list("pk").query.sql_with_params()
    return sql, tuple(values)


def staff_log_of(person: Person) -> QuerySet[Any]:
    """What names them, by key or address, as the one acted on, and what they did themselves."""
    return LogEntry.objects.filter(Q(user_id=person.id) | in_staff_log(person))


@contextmanager
def by_index() -> Iterator[None]:
    """Inside a transaction: to look for a row of theirs, no table is read from its beginning.

    Of whom the statistics say that a seventh of all rows is theirs, PostgreSQL expects the next row
    to be one, and looks. Once those rows are gone it reads the rows of everybody to find none.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('enable_seqscan'), set_config('enable_seqscan', 'off', true)"
        )
        before = cursor.fetchone()[0]
        yield
        cursor.execute("SELECT set_config('enable_seqscan', %s, true)", [before])
