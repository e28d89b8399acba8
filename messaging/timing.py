"""When a message leaves: one moment for all, or the same hour where each customer is."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.zones import available_zones
from messaging.policy import EARLIEST_ZONE


def moment_in(zone: ZoneInfo, send_at: datetime) -> datetime:
    """When a clock on the wall there shows what staff wrote, which they do in the portal's zone.

    An hour that a change of clocks skips is taken by the offset before it, and of an hour that
    comes twice the first is meant (RFC 5545, section 3.3.5), in the portal's zone as in theirs.
    """
    on_the_wall = send_at.astimezone(ZoneInfo(settings.TIME_ZONE)).replace(tzinfo=zone, fold=0)
    return on_the_wall.astimezone(UTC)


@lru_cache(maxsize=8)
def moments(send_at: datetime) -> dict[str, str]:
    """The moment in every zone there is, by its name; what is no zone has the portal's own."""
    return {
        name: moment_in(ZoneInfo(name), send_at).isoformat() for name in sorted(available_zones())
    }


def earliest(send_at: datetime) -> datetime:
    """When that hour first comes anywhere."""
    return min(map(datetime.fromisoformat, moments(send_at).values()))


def head_start(now: datetime) -> timedelta:
    """How long before `send_at` the first customers' hour comes, and one hour to gather them.

    That hour also covers a change of clocks here between now and then.
    """
    ours = now.astimezone(ZoneInfo(settings.TIME_ZONE)).utcoffset()
    assert ours is not None
    return EARLIEST_ZONE - ours + timedelta(hours=1)
