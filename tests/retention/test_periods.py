"""Calendar arithmetic of periods, exact at leap days, month ends and year ends."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.calendar import month_start
from retention.policy import BILLING_LIMIT, Period, parse_legal_entities, years

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


# --- by the law of a company ---------------------------------------------------------------------

NORWAY = Period(months=60, from_year_end=True)


@pytest.mark.parametrize(
    ("ended", "goes_on"),
    [
        (date(2020, 1, 1), date(2026, 1, 1)),
        (date(2020, 2, 29), date(2026, 1, 1)),
        (date(2020, 12, 31), date(2026, 1, 1)),
        (date(2021, 1, 1), date(2027, 1, 1)),
    ],
)
def test_in_norway_five_years_count_from_the_end_of_the_financial_year(
    ended: date, goes_on: date
) -> None:
    assert NORWAY.end(ended) == goes_on
    the_day = datetime(goes_on.year, 1, 1, tzinfo=UTC)
    assert ended <= NORWAY.cutoff(the_day).date()
    assert ended > NORWAY.cutoff(the_day - timedelta(microseconds=1)).date()


@given(start=days, today=days, months=st.sampled_from([1, 12, 60, 72]))
def test_a_record_of_a_financial_year_is_due_exactly_from_the_day_its_period_ends(
    start: date, today: date, months: int
) -> None:
    period = Period(months=months, from_year_end=True)
    now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    assert (start <= period.cutoff(now).date()) == (period.end(start) <= today)


def test_the_setting_names_each_company_with_its_months() -> None:
    assert parse_legal_entities("no=60+year-end, au=84") == {"no": NORWAY, "au": years(7)}
    assert parse_legal_entities("") == {}


@pytest.mark.parametrize("text", ["no=84", "no=72+year-end"])
def test_seven_years_are_the_most_any_law_may_ask_for(text: str) -> None:
    (period,) = parse_legal_entities(text).values()
    assert not period.is_longer_than(BILLING_LIMIT)


@pytest.mark.parametrize("text", ["no=85", "no=73+year-end", "au=84,no=999"])
def test_a_company_that_would_keep_them_longer_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="up to 7 years"):
        parse_legal_entities(text)


@pytest.mark.parametrize("text", ["no", "no=", "no=5y", "NO=60", "no=60,no=84", "no=0", "a b=1"])
def test_what_is_no_period_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as no=60\+year-end,au=84"):
        parse_legal_entities(text)
