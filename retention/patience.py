"""How a run waits: never so long in a lock's queue that a writer behind it notices."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

from retention.models import RetentionRun
from retention.policy import DETACH_PATIENCE, LOCK_WAIT

PAUSE_SECONDS = (0.05, 1.0)


class StillInUse(Exception):
    """Somebody held a month all the while: nothing is lost, the next run goes on from here."""


@contextmanager
def timed(run: RetentionRun) -> Iterator[None]:
    """The longest of a run's transactions bounds how long anybody waited for its locks.

    Those that gave up count as well: whoever came behind one in a lock's queue waited for its end.
    """
    began = time.monotonic()
    try:
        yield
    finally:
        took = timedelta(seconds=time.monotonic() - began)
        run.longest_batch = max(run.longest_batch or took, took)


def patiently[Result](run: RetentionRun, attempt: Callable[[], Result]) -> Result:
    """Try until its locks are free, each time for `LOCK_WAIT`; in between nobody is behind us."""
    ends = time.monotonic() + DETACH_PATIENCE.total_seconds()
    pause, longest = PAUSE_SECONDS
    with short_locks():
        while True:
            try:
                with timed(run):
                    return attempt()
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable):
                    raise
                if time.monotonic() >= ends:
                    raise StillInUse(
                        f"somebody kept a month in use for {DETACH_PATIENCE}"
                    ) from error
            time.sleep(pause)
            pause = min(2 * pause, longest)


@contextmanager
def short_locks() -> Iterator[None]:
    """Inside, a statement gives up when a lock is not free in time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        before = cursor.fetchone()[0]
        cursor.execute(f"SET lock_timeout = '{LOCK_WAIT // timedelta(milliseconds=1)}ms'")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{before}'")
