"""The nights on which clocks change: no period is an hour longer or shorter, no day ends elsewhere.

Cutoffs count in UTC, whatever zone the clock was read in; the law's month and the days of a period
count at the customer's, where such a day has 23 or 25 hours.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from foundation.calendar import month_start, months_later
from foundation.roles import KEEPER, as_role
from retention import services
from retention.asking import day_of
from retention.models import DeletionRequest, Scope
from retention.parts import span
from retention.policy import ANSWER, OUTBOX, SUPERSEDED_CHOICES, Period
from tests.factories import NOW, make_customer, make_staff

OSLO, SYDNEY, SANTIAGO = "Europe/Oslo", "Australia/Sydney", "America/Santiago"
# The day on which the clock changes, and how many hours it has there. Santiago changes at midnight.
NIGHTS = [
    (OSLO, date(2026, 3, 29), 23),
    (OSLO, date(2026, 10, 25), 25),
    (SYDNEY, date(2026, 3, 29), 24),
    (SYDNEY, date(2026, 10, 25), 24),
    (SYDNEY, date(2026, 4, 5), 25),
    (SYDNEY, date(2026, 10, 4), 23),
    (SANTIAGO, date(2026, 4, 4), 25),
    (SANTIAGO, date(2026, 9, 6), 23),
]
MOMENT = timedelta(microseconds=1)
nights = pytest.mark.parametrize(("zone", "day", "hours"), NIGHTS)


def midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def ends(day: date, zone: str) -> datetime:
    return midnight(day + timedelta(days=1), zone)


@nights
def test_these_are_such_nights(zone: str, day: date, hours: int) -> None:
    assert ends(day, zone) - midnight(day, zone) == timedelta(hours=hours)


# --- cutoffs -------------------------------------------------------------------------------------


@nights
@pytest.mark.parametrize("number", [1, 7, 60])
def test_days_have_24_hours_also_over_such_a_night(
    zone: str, day: date, hours: int, number: int
) -> None:
    now = datetime.combine(day, time(12), ZoneInfo(zone))
    cutoff = Period(days=number).cutoff(now)
    assert now.astimezone(UTC) - cutoff.astimezone(UTC) == timedelta(hours=24 * number)
    assert cutoff == Period(days=number).cutoff(now.astimezone(UTC))


@nights
@pytest.mark.parametrize("period", [ANSWER, OUTBOX, SUPERSEDED_CHOICES])
def test_months_end_with_the_day_of_utc_on_both_sides_of_such_a_night(
    zone: str, day: date, hours: int, period: Period
) -> None:
    local = ZoneInfo(zone)
    for moment in (midnight(day, zone), ends(day, zone), datetime.combine(day, time.min, UTC)):
        for now in (moment - MOMENT, moment):
            cutoff = period.cutoff(now.astimezone(local))
            assert cutoff == period.cutoff(now)
            assert period.end(cutoff.date()) <= now.date()
            assert period.end((cutoff + MOMENT).date()) > now.date()


def test_a_month_in_which_clocks_change_drops_with_the_first_moment_of_utc() -> None:
    for month in (date(2026, 3, 1), date(2026, 10, 1)):
        first = month_start(month)
        over = months_later(first, OUTBOX.months)
        for zone in (OSLO, SYDNEY, SANTIAGO):
            local = ZoneInfo(zone)
            assert not OUTBOX.month_is_over(first, (over - MOMENT).astimezone(local))
            assert OUTBOX.month_is_over(first, over.astimezone(local))


# --- the customer's days --------------------------------------------------------------------------


@nights
def test_the_laws_month_counts_from_the_customers_day(zone: str, day: date, hours: int) -> None:
    person = User(timezone=zone)
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    assert day_of(person, midnight(day, zone) - MOMENT) == before
    hour = midnight(day, zone)
    while hour < ends(day, zone):
        assert day_of(person, hour) == day
        hour += timedelta(minutes=30)
    assert day_of(person, ends(day, zone)) == after
    assert ANSWER.end(day_of(person, midnight(day, zone))) == day.replace(month=day.month + 1)


@pytest.mark.django_db
@nights
def test_a_period_of_one_such_day_is_all_of_it(zone: str, day: date, hours: int) -> None:
    person = make_customer(timezone=zone)
    wish = DeletionRequest(
        scope=Scope.MESSAGES, since=day, until=day, requested_at=datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert span(wish, person.pk) == (midnight(day, zone), ends(day, zone))


@pytest.mark.django_db
@nights
def test_what_is_due_on_such_a_day_lapses_when_it_is_over_where_the_customer_is(
    zone: str, day: date, hours: int
) -> None:
    wish = services.request_for_customer(
        make_customer(timezone=zone).pk, actor=make_staff(), now=NOW
    )
    with as_role(KEEPER):
        DeletionRequest.objects.filter(pk=wish.pk).update(due_on=day)
        services.watch_deletions(ends(day, zone) - MOMENT)
        wish.refresh_from_db()
        assert (wish.state, wish.lapsed) == ("unconfirmed", False)
        services.watch_deletions(ends(day, zone))
    wish.refresh_from_db()
    assert (wish.state, wish.lapsed) == ("withdrawn", True)
