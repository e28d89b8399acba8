"""Periods and their exact arithmetic, each number with its clause of the policy or its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from accounts.policy import CONFIRMATION_PERIOD
from foundation.calendar import months_later


@dataclass(frozen=True, slots=True)
class Period:
    """How long something is kept after its clock started: calendar months, or whole days of 24 h.

    Months count calendar days in UTC, so what is shown ("kept until 28 February 2027") and what
    is done agree to the day: a record goes on the first day on which its period has ended.
    """

    months: int = 0
    days: int = 0

    def end(self, start: date) -> date:
        """The day on which the period of something whose clock started on `start` is over.

        7 years after 29 February is 28 February: never a day longer than the period.
        """
        return months_later(start, self.months) + timedelta(days=self.days)

    def cutoff(self, now: datetime) -> datetime:
        """The last moment at which a clock may have started for its period to be over `now`."""
        if not self.months:
            return now - timedelta(days=self.days)
        today = now.astimezone(UTC).date()
        day = months_later(today, -self.months)
        while self.end(day + timedelta(days=1)) <= today:
            day += timedelta(days=1)
        return datetime.combine(day, time.max, UTC)

    def month_is_over(self, month: datetime, now: datetime) -> bool:
        """Whether a monthly partition must go: its oldest possible record has had its period."""
        return months_later(month, self.months) <= now

    def is_longer_than(self, other: "Period") -> bool:
        reference = date(2000, 1, 1)
        return self.end(reference) > other.end(reference)


def years(number: int) -> Period:
    return Period(months=12 * number)


# "Data lagres bare for fakturerings- og regnskapsmessige formål i opptil 7 år": nothing kept for
# billing may have a longer period, and `manage.py check` refuses one that has.
BILLING_LIMIT = years(7)
BILLING = BILLING_LIMIT
# Long enough to answer "did you write to me last year?", then whole months drop.
OUTBOX = Period(months=13)
# What came back about them is looked at beside them.
PROVIDER_EVENTS = OUTBOX
# What proves a past choice: as long as somebody may still complain about it.
SUPERSEDED_CHOICES = years(3)
# What proves that we deleted, and by which rule.
PROOF = years(3)
STAFF_LOG = Period(months=13)
# What we told another system, so that a question about it can be answered.
DELIVERIES = Period(months=1)
PAGE_COUNTS = Period(months=25)
READINGS = Period(months=13)
PROMISE_DAYS = years(3)
# "Vi sender alle nye brukere en velkomst e-post for å bekrefte deres nye konto": an account, or a
# changed address, that nobody confirms is gone after a week.
UNCONFIRMED = Period(days=CONFIRMATION_PERIOD.days)
EXPIRED_SESSIONS = Period(days=1)

# Rows that one transaction removes: small enough that nobody waits for it.
BATCH_SIZE = 1000

# A plan that somebody has read is enforced the same day, or made anew.
PLAN_HOLDS = timedelta(days=1)

# What the night may remove by itself. A wrong clock or a mistyped period shows as a number far
# beyond what other nights removed; then a person looks at the plan and enforces it by its digest.
# Two months of nights, so that the last drop of a month is among them.
# Only nights count: what a person has looked at makes nothing usual.
THE_NIGHT = "beat"
DAYS_COMPARED = timedelta(days=60)
# So few are nobody's house.
ALWAYS_USUAL = 20
# Up to here half of a table is as usual as a tenth.
SMALL = 1000
TIMES_USUAL = 5


def is_unusual(due: int, *, of: int, recent: Sequence[int]) -> bool:
    """Whether so many rows, out of about `of`, are far from what recent nights removed.

    Nights that removed nothing are no history: the first month that drops follows many of them.
    """
    if due <= ALWAYS_USUAL:
        return False
    most = max(recent, default=0)
    if most and due > SMALL:
        return due > TIMES_USUAL * most and 10 * due > of
    return due > TIMES_USUAL * most and 2 * due > of


# Nights look at the clock before anything else: no run began in the future, and a portal whose
# rules stood still for so long is looked at by a person as well.
CLOCK_MAY_DIFFER = timedelta(minutes=1)
STOOD_STILL = timedelta(days=40)


def is_clock_doubtful(now: datetime, *, began: datetime, finished: datetime) -> bool:
    """Whether `now` can be no next night: `began` is the newest run, `finished` one that ended."""
    return now < began - CLOCK_MAY_DIFFER or now > finished + STOOD_STILL
