"""What is known about each promise right now, from stored readings alone: two queries."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from django.utils.html import strip_tags

from clicksend_portal.models import PromiseDay, PromiseReading
from clicksend_portal.promises.promise import Chapter, Promise, State, Value
from clicksend_portal.promises.registry import PROMISES
from clicksend_portal.promises.strip import DAYS, Strip
from clicksend_portal.promises.words import moment_text

# The state is said in words and with a mark, never by colour alone.
MARKS = {State.KEPT: "✓", State.BROKEN: "✗", State.UNKNOWN: "?", State.NOT_IN_FORCE: "–"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """A promise and its newest reading; an old reading is unknown, never kept."""

    promise: Promise
    state: State
    reading: PromiseReading | None
    strip: Strip

    @property
    def mark(self) -> str:
        return MARKS[self.state]

    @property
    def style(self) -> str:
        """The name under which the style sheet knows the state."""
        return "later" if self.state == State.NOT_IN_FORCE else str(self.state)

    @property
    def told(self) -> str:
        """The reading as a sentence in the reader's language; empty when there is none to tell."""
        return self._say(self.promise.tell)

    @property
    def details(self) -> str:
        """More of the same, for the promise's own page."""
        return self._say(self.promise.detail)

    @property
    def measured_at(self) -> str:
        return moment_text(self.reading.measured_at) if self.reading else ""

    def _say(self, tell: Callable[[Value], str] | None) -> str:
        if self.reading is None or tell is None or not self.reading.value:
            return ""
        try:
            return tell(self.reading.value)
        except (KeyError, TypeError, ValueError):
            # Written by an older version, in another shape; the next look replaces it.
            log.warning("reading_not_tellable", promise=self.promise.id)
            return ""

    def as_record(self) -> dict[str, Any]:
        """The shape that monitors rely on (design §4)."""
        return {
            "id": self.promise.id,
            "state": str(self.state),
            "evidence": str(self.promise.evidence),
            "reading": self.reading.value if self.reading else None,
            "measured_at": self.reading.measured_at.isoformat() if self.reading else None,
        }

    def as_line(self) -> str:
        told = strip_tags(self.told) or ("" if self.promise.is_in_force else self.promise.missing)
        return f"{self.mark} {self.promise.id:<22} {self.state:<13} {told}".rstrip()


def state_of(promise: Promise, reading: PromiseReading | None, *, now: datetime) -> State:
    if not promise.is_in_force:
        return State.NOT_IN_FORCE
    if reading is None or now - reading.measured_at > promise.interval:
        return State.UNKNOWN
    return State(reading.state)


# One step into the index per promise; DISTINCT ON would read a year of hours for the same answer.
NEWEST = """
SELECT reading.* FROM unnest(%s::text[]) AS named (promise)
 CROSS JOIN LATERAL (SELECT * FROM clicksend_portal_promisereading
                      WHERE promise = named.promise ORDER BY measured_at DESC LIMIT 1) AS reading
"""


def newest_readings(promise_ids: Collection[str]) -> dict[str, PromiseReading]:
    """The latest reading of each promise named."""
    found = PromiseReading.objects.raw(NEWEST, [list(promise_ids)])
    return {reading.promise: reading for reading in found}


def strips(now: datetime, promise_ids: Collection[str]) -> dict[str, Mapping[date, str]]:
    """The worst state of each day of the last 90, by promise."""
    since = (now - timedelta(days=DAYS)).date()
    days = PromiseDay.objects.filter(day__gt=since, promise__in=promise_ids)
    found: dict[str, dict[date, str]] = {}
    for promise_id, day, worst in days.values_list("promise", "day", "worst"):
        found.setdefault(promise_id, {})[day] = worst
    return dict(found)


def statuses(now: datetime, promises: Iterable[Promise] = PROMISES) -> list[Status]:
    """Every promise as it stands, in the order of the registry."""
    promises = list(promises)
    ids = [promise.id for promise in promises]
    readings, days = newest_readings(ids), strips(now, ids)
    return [
        Status(
            promise=promise,
            state=state_of(promise, reading := readings.get(promise.id), now=now),
            reading=reading,
            strip=Strip(now.date(), days.get(promise.id, {})),
        )
        for promise in promises
    ]


def chapters(found: Iterable[Status]) -> list[tuple[Chapter, list[Status]]]:
    listed = list(found)
    return [(c, [s for s in listed if s.promise.chapter == c]) for c in Chapter]


def count_states(found: Iterable[Status]) -> dict[str, int]:
    counted = Counter(str(status.state) for status in found)
    return {str(state): counted[state] for state in State}
