"""What the platform reported, as names and values that people read."""

from collections.abc import Iterator
from typing import Any

from django.utils.formats import localize
from django.utils.text import Truncator
from django.utils.translation import gettext as _

NOTHING = "–"
# So much of the names around a value stands in front of its own; each bears a copy of them.
AROUND = 200


def facts_of(content: Any) -> Iterator[tuple[str, str]]:
    """Row by row; what stands inside another value bears the names of both, `by_country: NO`.

    Without recursion: the platform decides how deep it goes.
    """
    waiting = [("", content)]
    while waiting:
        name, value = waiting.pop()
        inner = insides(value)
        if inner:
            name = Truncator(name).chars(AROUND)
            named = [(f"{name}: {each}" if name else each, said) for each, said in inner]
            waiting += reversed(named)
        elif name or value not in ({}, []):
            yield name or NOTHING, words_for(value)


def insides(value: Any) -> list[tuple[str, Any]]:
    """The parts that get a row each: those of a table, and of a list that holds more than words."""
    if isinstance(value, dict):
        return [(name or NOTHING, each) for name, each in value.items()]
    if isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        return [(str(number), each) for number, each in enumerate(value, 1)]
    return []


def words_for(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return " · ".join(map(words_for, value)) or NOTHING
    return NOTHING if value in (None, "", {}) else str(localize(value))
