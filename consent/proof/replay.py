"""What a preference must be, by its events alone.

Follows the doors (`consent_change`, `consent_pause`, `consent_undo`, `consent_import`): a choice
takes its day and way from its act, so does a no said once more; a pause changes neither, and an
undo goes back to those of the act that once made what then stands.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from consent.proof.events import Event

Standing = tuple[str, datetime]


class Stored(NamedTuple):
    """A preference as it is stored."""

    person_id: str
    topic_id: str
    state: str
    paused_until: datetime | None
    version: int
    source: str
    since: datetime


def first_fault(
    events: Sequence[Event], stored: Stored | None, *, superseded_before: datetime
) -> str:
    """What is wrong with one preference and its events, in order of version; '' when nothing is.

    Events that a later one superseded before the moment given may have been removed by their rule.
    """
    if not events:
        return "there is a choice, but no event that made it"
    before: Event | None = None
    standing: set[Standing] | None = set()
    acts = _Acts()
    for place, event in enumerate(events):
        version = 0 if before is None else before.version
        if event.version != version + 1:
            if all(later.at >= superseded_before for later in events[place:]):
                return f"event {version + 1} is missing"
            standing, acts = None, _Acts()
        elif before is None:
            if (event.state_before, event.paused_until_before) != ("", None):
                return "event 1 follows on something"
        elif (event.state_before, event.paused_until_before) != (before.state, before.paused_until):
            return f"event {event.version} does not follow on event {before.version}"
        standing = acts.standing_after(event, standing)
        acts.note(event)
        before = event
    assert before is not None
    return _difference(before, standing, stored)


class _Acts:
    """By which act each state was last made, for an undo goes back to its day and way."""

    def __init__(self) -> None:
        self._made: dict[str, Standing] = {}
        # By the rule of before the doors were functions: acts in a pause made nothing.
        self._formerly: dict[str, Standing] = {}

    def note(self, event: Event) -> None:
        if event.undone:
            return
        if event.state != event.state_before or event.state != "granted":
            self._made[event.state] = (event.source, event.at)
        if event.paused_until is None and event.paused_until_before is None:
            self._formerly[event.state] = (event.source, event.at)

    def standing_after(self, event: Event, standing: set[Standing] | None) -> set[Standing] | None:
        """With which way and day the choice may be stored now; None where nothing kept tells."""
        own = {(event.source, event.at)}
        if event.state != event.state_before:
            return self._undone_to(event.state, standing) if event.undone else own
        if event.undone or event.paused_until is not None or standing is None:
            return standing
        if event.state != "granted":
            return own
        # A yes said in a pause got its own day before the doors were functions; now only the
        # pause ends.
        return standing | own

    def _undone_to(self, state: str, standing: set[Standing] | None) -> set[Standing] | None:
        if state not in self._made:
            return None
        formerly = {self._formerly[state]} if state in self._formerly else standing
        return None if formerly is None else {self._made[state]} | formerly


def _difference(last: Event, standing: set[Standing] | None, stored: Stored | None) -> str:
    if stored is None:
        return "there are events, but no choice"
    for name in ("version", "state", "paused_until"):
        wanted, found = getattr(last, name), getattr(stored, name)
        if wanted != found:
            return f"the events say {name} {wanted}, the choice says {found}"
    if standing is not None and (stored.source, stored.since) not in standing:
        told = " or ".join(f"{source} since {since}" for source, since in sorted(standing))
        return f"the events say {told}, the choice says {stored.source} since {stored.since}"
    return ""
