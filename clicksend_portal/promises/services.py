"""Looking at the promises, and writing down what was found."""

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog
from django.db import transaction

from clicksend_portal.models import PromiseDay, PromiseReading
from clicksend_portal.promises.promise import Promise, State
from clicksend_portal.promises.registry import PROMISES

# From best to worst: a day counts as its worst moment.
ORDER = (State.KEPT, State.UNKNOWN, State.BROKEN)

log = structlog.get_logger(__name__)


def take_readings(
    *, now: datetime, promises: Iterable[Promise] = PROMISES
) -> dict[str, PromiseReading]:
    """Look at each promise that can be looked at, and store what was found."""
    return {promise.id: take_reading(promise, now=now) for promise in promises if promise.read}


def take_reading(promise: Promise, *, now: datetime) -> PromiseReading:
    """A look that fails proves nothing: the promise is unknown until the next one succeeds."""
    reading = look(promise, now=now)
    with transaction.atomic():
        reading.save(force_insert=True)
        if promise.is_in_force:
            remember_worst(promise.id, State(reading.state), now=now)
    return reading


def look(promise: Promise, *, now: datetime) -> PromiseReading:
    reading = PromiseReading(
        promise=promise.id, evidence=promise.evidence, measured_at=now, value={}
    )
    if promise.read is None:
        raise ValueError(f"{promise.id} has nothing to look at")
    try:
        with transaction.atomic():
            finding = promise.read(now)
    except Exception:
        # Whatever went wrong, "kept" may not be the answer.
        log.exception("promise_not_readable", promise=promise.id)
        reading.state = State.UNKNOWN if promise.is_in_force else State.NOT_IN_FORCE
        return reading
    reading.value = dict(finding.value)
    if not promise.is_in_force:
        reading.state = State.NOT_IN_FORCE
    elif not finding.holds:
        reading.state = State.BROKEN
    else:
        reading.state = State.KEPT if finding.known else State.UNKNOWN
    return reading


def remember_worst(promise_id: str, state: State, *, now: datetime) -> None:
    """The day's state only ever gets worse, also when two looks come at once."""
    day = now.astimezone(UTC).date()
    PromiseDay.objects.bulk_create(
        [PromiseDay(promise=promise_id, day=day, worst=state)], ignore_conflicts=True
    )
    better = ORDER[: ORDER.index(state)]
    PromiseDay.objects.filter(promise=promise_id, day=day, worst__in=better).update(worst=state)
