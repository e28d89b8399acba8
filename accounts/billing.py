"""Invoices and transactions that the platform brings in: what a line of its feed may say."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Protocol

from django.conf import settings

from accounts.policy import BILLING_MONTHS
from foundation.calendar import months_later


class KeepingPeriod(Protocol):
    """One of `retention.policy.Period`: the day on which what ended on another is over."""

    def end(self, start: date) -> date: ...


class Unfit(Exception):
    """A record that must not come in: the field that says so, and a code of the reason."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


def check_invoice(values: dict[str, Any], now: datetime) -> None:
    """One that is not settled has no clock yet, however old it is."""
    check_days(values, begun="date", ended="settled_on", now=now)


def check_transaction(values: dict[str, Any], now: datetime) -> None:
    """One that is under way has no clock yet."""
    check_days(values, begun="date", ended="ended_on", now=now)


def check_days(values: dict[str, Any], *, begun: str, ended: str, now: datetime) -> None:
    """What ended so long ago that the schedule would remove it tonight does not come in.

    Only the database knows of which of our companies a line is that names none, and whether the
    bill is here and waits for its end. `too_old_for` says for which of them it would be too old;
    None is for all.
    """
    values["too_old_for"] = []
    if (end := values[ended]) is None:
        return
    if end < values[begun]:
        raise Unfit(ended, "before_date")
    values["too_old_for"] = (
        None if is_past_keeping(end, now=now) else companies_past_keeping(end, now=now)
    )


def companies_past_keeping(ended_on: date, *, now: datetime) -> list[str]:
    """Our companies whose own period such a record has had (`LEGAL_ENTITIES`)."""
    periods: Mapping[str, KeepingPeriod] = settings.LEGAL_ENTITIES
    today = now.astimezone(UTC).date()
    return [name for name, period in periods.items() if period.end(ended_on) <= today]


def is_past_keeping(ended_on: date, *, now: datetime) -> bool:
    """Whether a record of billing has had its time, of whatever company (`seven-years`)."""
    return months_later(ended_on, BILLING_MONTHS) <= now.astimezone(UTC).date()
