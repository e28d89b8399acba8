"""Time zones a person may choose."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings

_CONTINENTS = frozenset(
    (
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
)


@cache
def zone_names() -> tuple[str, ...]:
    """`Continent/City`, in order; abbreviations and historical names are left out."""
    return tuple(sorted(name for name in available_timezones() if _is_city(name)))


def _is_city(name: str) -> bool:
    continent, slash, _city = name.partition("/")
    return bool(slash) and continent in _CONTINENTS


def zone_named(name: str) -> ZoneInfo | None:
    """The zone, or None for a name nobody knows: pages then show the portal's own time."""
    return ZoneInfo(name) if name in available_zones() else None


def city_of(name: str) -> str:
    """Whose time it is, in words: `America/New_York` is the time of New York."""
    known = name if name in available_zones() else settings.TIME_ZONE
    return known.rpartition("/")[2].replace("_", " ")


@cache
def available_zones() -> frozenset[str]:
    return frozenset(available_timezones())
