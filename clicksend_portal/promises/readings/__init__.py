"""The looks themselves, each beside the words that tell what it found."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

# What is measured over time is measured over the last 30 days.
DAYS = 30
PERIOD = timedelta(days=DAYS)


def one_row(statement: str, parameters: dict[str, Any] | None = None) -> tuple[Any, ...]:
    """The one row of a statement that always has one."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return tuple(row or ())


def all_rows(statement: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [tuple(row) for row in cursor.fetchall()]


def since(now: datetime) -> datetime:
    """Where the period under the look begins."""
    return now - PERIOD
