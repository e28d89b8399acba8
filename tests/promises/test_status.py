"""What is shown: the newest reading while it is fresh, the worst of each day, never more."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from clicksend_portal.demo.declared import declare_access
from clicksend_portal.models import PromiseDay, PromiseReading
from clicksend_portal.promises.promise import INTERVAL, State
from clicksend_portal.promises.registry import BY_ID
from clicksend_portal.promises.services import remember_worst, take_reading, take_readings
from clicksend_portal.promises.status import Status, statuses
from clicksend_portal.promises.strip import DAYS, Strip
from foundation.roles import KEEPER, as_role
from tests.factories import make_customer
from tests.promises.looks import handed_message

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def status(promise_id: str, *, now: datetime = NOW) -> Status:
    (found,) = statuses(now, [BY_ID[promise_id]])
    return found


def stored(state: State, *, at: datetime, promise_id: str = "ip-apart") -> None:
    PromiseReading.objects.create(
        promise=promise_id, state=state, evidence="measured", measured_at=at
    )


def test_a_promise_never_read_is_unknown() -> None:
    assert status("ip-apart").state == State.UNKNOWN


@pytest.mark.parametrize(
    ("age", "state"),
    [(INTERVAL, State.KEPT), (INTERVAL + timedelta(seconds=1), State.UNKNOWN)],
)
def test_an_old_reading_proves_nothing(age: timedelta, state: State) -> None:
    stored(State.KEPT, at=NOW - age)
    assert status("ip-apart").state == state


def test_the_newest_reading_counts() -> None:
    stored(State.BROKEN, at=NOW - timedelta(hours=1))
    stored(State.KEPT, at=NOW - timedelta(minutes=1))
    assert status("ip-apart").state == State.KEPT


def test_a_stored_kept_does_not_put_a_promise_into_force() -> None:
    stored(State.KEPT, at=NOW, promise_id="apart-and-safe")
    assert status("apart-and-safe").state == State.NOT_IN_FORCE


def test_a_day_counts_as_its_worst_moment_in_any_order() -> None:
    for states in (
        [State.KEPT, State.BROKEN, State.KEPT],
        [State.UNKNOWN, State.BROKEN, State.UNKNOWN],
    ):
        PromiseDay.objects.all().delete()
        for state in states:
            remember_worst("ip-apart", state, now=NOW)
        assert PromiseDay.objects.get().worst == State.BROKEN


def test_the_strip_shows_ninety_days_and_no_more() -> None:
    for days in (0, DAYS - 1, DAYS):
        remember_worst("ip-apart", State.KEPT, now=NOW - timedelta(days=days))
    assert status("ip-apart").strip.days_read == 2


def test_the_strip_draws_a_bar_a_day_and_a_path_a_state() -> None:
    today = NOW.date()
    strip = Strip(today, {today: "broken", today - timedelta(days=1): "kept"})
    paths = dict(strip.paths)
    assert set(paths) == {"none", "kept", "broken"}
    assert sum(path.count("z") for path in paths.values()) == DAYS
    assert paths["broken"] == "M267 0h2v28h-2z"
    assert (strip.days_kept, strip.days_read) == (1, 2)


def test_taking_readings_stores_one_of_each_promise_that_can_be_read() -> None:
    found = take_readings(now=NOW)
    readable = {promise.id for promise in BY_ID.values() if promise.read}
    assert set(found) == readable
    assert PromiseReading.objects.count() == len(readable)
    in_force = {promise.id for promise in BY_ID.values() if promise.is_in_force}
    assert set(PromiseDay.objects.values_list("promise", flat=True)) == in_force


def test_the_worker_that_takes_readings_may_read_all_of_it() -> None:
    """The task runs in the keeper's worker, with the keeper's rights."""
    handed_message(make_customer(), at=NOW)
    declare_access(now=NOW)
    with as_role(KEEPER):
        found = take_readings(now=NOW)
    assert not [name for name, reading in found.items() if reading.state == State.UNKNOWN]


def test_every_reading_can_be_told_in_both_languages() -> None:
    take_readings(now=NOW)
    for language in ("nb", "en"):
        with translation.override(language):
            for found in statuses(NOW):
                assert bool(found.told) == (found.promise.read is not None), found.promise.id


def test_a_reading_of_another_shape_is_not_told_and_not_an_error() -> None:
    reading = take_reading(BY_ID["ip-apart"], now=NOW)
    PromiseReading.objects.filter(pk=reading.pk).update(value={"something": "else"})
    assert status("ip-apart").told == ""
    assert status("ip-apart").state == State.KEPT
