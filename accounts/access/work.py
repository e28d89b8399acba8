"""Pieces of work about a person, each a reason to look at them.

The apps above say what they have: a question, a request, a takedown. Whoever handles one needs no
other reason; a colleague may pick it on the page that asks for one.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from accounts.models import User
from accounts.models.access import Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One open piece of work. `label` is read before the door is open: it holds no content."""

    basis: Basis
    reference: str
    label: str
    # Whose work it may be: the permissions that doing it takes.
    rights: tuple[str, ...]
    handled_by: frozenset[uuid.UUID] = frozenset()


type Finder = Callable[[uuid.UUID], Iterable[Work]]

_finders: list[Finder] = []


def register_work(finder: Finder) -> Finder:
    """A decorator of a function that finds the open work about a person."""
    if finder not in _finders:
        _finders.append(finder)
    return finder


def work_about(person_id: uuid.UUID, *, staff: User) -> list[Work]:
    """What is open and may be this member of staff's to do."""
    found = [work for finder in _finders for work in finder(person_id)]
    return [work for work in found if staff.has_perms(work.rights)]


def own_work(person_id: uuid.UUID, *, staff: User) -> Work | None:
    """What this member of staff has taken on about this person, the first of several."""
    mine = (work for work in work_about(person_id, staff=staff) if staff.pk in work.handled_by)
    return next(mine, None)
