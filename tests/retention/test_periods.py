"""Calendar arithmetic of periods, exact at leap days, month ends and year ends."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.calendar import month_start
from retention.policy import Period, years

days = st.dates(min_value=date(1990, 1, 1), max_value=date(2060, 12, 31))


@pytest.mark.parametrize(
    ("today", "last_due"),
    [
        (date(2026, 11, 22), date(2019, 11, 22)),
        (date(2028, 2, 29), date(2021, 2, 28)),
        (date(2027, 2, 27), date(2020, 2, 27)),
        (date(2027, 2, 28), date(2020, 2, 29)),
        (date(2027, 3, 1), date(2020, 3, 1)),
        (date(2026, 12, 31), date(2019, 12, 31)),
        (date(2027, 1, 1), date(2020, 1, 1)),
    ],
)
def test_seven_years_are_counted_by_the_calendar(today: date, last_due: date) -> None:
    now = datetime(today.year, today.month, today.day, tzinfo=UTC)
    assert years(7).cutoff(now).date() == last_due


@given(start=days, today=days, months=st.sampled_from([1, 13, 36, 84]))
def test_a_record_is_due_exactly_from_the_day_its_period_ends(
    start: date, today: date, months: int
) -> None:
    period = Period(months=months)
    now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    assert (start <= period.cutoff(now).date()) == (period.end(start) <= today)


def test_days_are_24_hours_to_the_microsecond() -> None:
    now = datetime(2027, 1, 3, 0, 0, 0, 1, tzinfo=UTC)
    assert Period(days=7).cutoff(now) == datetime(2026, 12, 27, 0, 0, 0, 1, tzinfo=UTC)


def test_the_day_is_that_of_utc() -> None:
    """Half past midnight in Oslo on New Year's Day is still the old year."""
    now = datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert years(7).cutoff(now).date() == date(2019, 12, 31)


def test_a_month_goes_when_its_oldest_possible_record_has_had_its_time() -> None:
    period, month = Period(months=13), month_start(date(2026, 11, 1))
    assert not period.month_is_over(month, datetime(2027, 11, 30, 23, 59, 59, 999999, tzinfo=UTC))
    assert period.month_is_over(month, datetime(2027, 12, 1, tzinfo=UTC))


def test_one_day_more_is_longer() -> None:
    assert not years(7).is_longer_than(years(7))
    assert Period(months=85).is_longer_than(years(7))
    assert Period(days=2558).is_longer_than(years(7))
    assert not Period(days=2557).is_longer_than(years(7))
