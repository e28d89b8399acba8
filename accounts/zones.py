"""Time zones a person may choose."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

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


@cache
def available_zones() -> frozenset[str]:
    return frozenset(available_timezones())
