"""Whether this installation can do its work: each check by its name, and nothing more than that.

What went wrong stands in the log; the public answer names no host, no version and no error.
"""

from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import KombuError, OperationalError

from clicksend_portal.celery import app as celery
from consent.suppression import lost_keys
from foundation.partitions import months_left
from retention.journal.guard import check as why_the_journal_stops
from retention.journal.guard import is_kept

# Twelve are made ahead; below two, somebody must look before mail stops.
MONTHS_NEEDED = 2

log = structlog.get_logger(__name__)


def failing_checks(now: datetime) -> list[str]:
    """The names of the checks that do not pass; the others need the database, so it is first."""
    checks: dict[str, Callable[[], bool]] = {
        "database": database_answers,
        "migrations": migrations_are_applied,
        "partitions": lambda: partitions_are_ahead(now),
        "suppression_keys": lambda: not lost_keys(),
        "journal": journal_goes_on,
        # No round for minutes: worker or beat is dead, or the journal takes no record.
        "log": lambda: is_kept(now),
        "broker": broker_answers,
    }
    failing: list[str] = []
    for name, holds in checks.items():
        if "database" in failing and name != "broker":
            continue
        try:
            passed = holds()
        except (DatabaseError, KombuError, OperationalError, OSError) as error:
            log.warning("not_ready", check=name, error=type(error).__name__)
            passed = False
        if not passed:
            failing.append(name)
    return failing


def database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def migrations_are_applied() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def partitions_are_ahead(now: datetime) -> bool:
    return all(months_left(table, now) >= MONTHS_NEEDED for table in partitioned_tables())


def partitioned_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT partrelid::regclass::text FROM pg_partitioned_table ORDER BY 1")
        return [str(row[0]) for row in cursor.fetchall()]


def journal_goes_on() -> bool:
    """This is the database the journal belongs to, and the journal is whole."""
    reason = why_the_journal_stops()
    if reason:
        log.error("not_ready", check="journal", reason=reason)
    return not reason


def broker_answers() -> bool:
    with celery.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    return True
