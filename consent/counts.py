"""What the cache counts of somebody's calls of the API, by the minute: it goes with the account."""

import time
import uuid
from functools import partial

from django.core.cache import cache
from django.db import transaction

WINDOW_SECONDS = 60
# So long a count stands, from the first call of its minute on.
COUNT_SECONDS = 2 * WINDOW_SECONDS


def name_of_count(holder: object, minute: int) -> str:
    return f"api:{holder}:{minute}"


def forget_calls(holder: uuid.UUID) -> None:
    """With the commit; they would run out by themselves, in two minutes."""
    transaction.on_commit(partial(_forget, holder), robust=True)


def _forget(holder: uuid.UUID) -> None:
    minute = int(time.time()) // WINDOW_SECONDS
    oldest = minute - COUNT_SECONDS // WINDOW_SECONDS
    cache.delete_many([name_of_count(holder, each) for each in range(oldest, minute + 1)])
