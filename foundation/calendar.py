"""Calendar arithmetic on years and months, exact at leap days and month ends."""

import calendar as _calendar
from datetime import UTC, date, datetime, timedelta

# The days people may name: our keys count from 1970 (RFC 9562), and later than 2100 is a slip.
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2100, 12, 31)


def is_nameable(day: date) -> bool:
    return FIRST_DAY <= day <= LAST_DAY


def day_after(day: date) -> date | None:
    """The next day; None after the calendar's last one, which is no end at all."""
    return None if day == date.max else day + timedelta(days=1)


def months_later[D: (date, datetime)](moment: D, months: int) -> D:
    """The same day `months` later (earlier when negative); a missing day becomes the month's last.

    7 years before 29 February is 28 February.
    """
    index = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(index, 12)
    day = min(moment.day, _calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def years_later[D: (date, datetime)](moment: D, years: int) -> D:
    """The same day `years` later (earlier when negative)."""
    return months_later(moment, years * 12)


def month_start(moment: date) -> datetime:
    """The first instant of the month, UTC."""
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)
