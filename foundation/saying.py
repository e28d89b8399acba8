"""What a round that comes every half minute cannot do by itself, it says every hour."""

from datetime import timedelta

import redis
from django.core.cache import cache

SAID_EVERY = timedelta(hours=1)


def is_time_to_say(what: str) -> bool:
    """Whether nobody has said `what` for an hour; from now on somebody has.

    While the cache cannot be asked it is always time: rather said too often than never.
    """
    try:
        return bool(cache.add(f"said:{what}", 1, timeout=int(SAID_EVERY.total_seconds())))
    except redis.RedisError:
        return True
