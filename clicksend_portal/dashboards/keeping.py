"""The newest figures, kept in the cache as plain values: another release may read them.

One process counts at a time; whoever comes meanwhile is shown the figures before, which say when
they were counted. Without the cache they are counted now: a page of figures needs no broker.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any, Final
from zlib import crc32

import redis
from django.core.cache import cache
from django.utils import timezone

from clicksend_portal.dashboards.figures import (
    Figures,
    RuleFigures,
    Took,
    TopicFigures,
    TopicName,
    collect,
)

# However many look, the database counts once in so long.
FRESH: Final = timedelta(minutes=5)
# Shown while somebody counts anew.
KEPT_SECONDS: Final = 24 * 60 * 60
# One who died while counting keeps the others waiting no longer.
COUNTING_SECONDS: Final = 60
PARTS: Final = (Figures, TopicFigures, TopicName, Took, RuleFigures)


def shape() -> str:
    """Other fields, other key: a release never reads what another understands differently."""
    named = [
        (part.__name__, [(each.name, str(each.type)) for each in fields(part)]) for part in PARTS
    ]
    return f"{crc32(repr(named).encode()):08x}"


KEY: Final = f"dashboards:{shape()}"
COUNTING: Final = f"{KEY}:counting"


def newest_figures() -> Figures:
    kept = read_kept()
    if kept is not None and timezone.now() - kept.counted_at < FRESH:
        return kept
    if kept is not None and not first_to_count():
        return kept
    found = collect(timezone.now())
    with suppress(redis.RedisError):
        cache.set(KEY, asdict(found), timeout=KEPT_SECONDS)
        cache.delete(COUNTING)
    return found


def first_to_count() -> bool:
    try:
        return bool(cache.add(COUNTING, 1, timeout=COUNTING_SECONDS))
    except redis.RedisError:
        return True


def read_kept() -> Figures | None:
    """Nothing where the cache has nothing, cannot be asked, or holds what this code cannot read."""
    with suppress(redis.RedisError, TypeError, KeyError, AttributeError, ValueError):
        kept = cache.get(KEY)
        return None if kept is None else from_plain(kept)
    return None


def from_plain(kept: Mapping[str, Any]) -> Figures:
    """The inverse of `asdict`."""
    overall = kept["all_opt_outs"]
    parts = {
        "topics": [
            TopicFigures(**{**each, "topic": TopicName(**each["topic"])}) for each in kept["topics"]
        ],
        "opt_outs": {day: Took(**each) for day, each in kept["opt_outs"].items()},
        "all_opt_outs": None if overall is None else Took(**overall),
        "rules": [RuleFigures(**each) for each in kept["rules"]],
    }
    return Figures(**{**kept, **parts})
