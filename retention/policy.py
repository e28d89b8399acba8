"""Periods and their exact arithmetic, each number with its clause of the policy or its reason."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from accounts.policy import BILLING_MONTHS, CONFIRMATION_PERIOD
from foundation.calendar import months_later
from messaging.policy import MESSAGE_CONTENT_MONTHS, MESSAGE_RECORD_MONTHS, REPORT_MONTHS


@dataclass(frozen=True, slots=True)
class Period:
    """How long something is kept after its clock started: calendar months, or whole days of 24 h.

    Months count calendar days in UTC, so what is shown ("kept until 28 February 2027") and what
    is done agree to the day: a record goes on the first day on which its period has ended.
    `from_year_end`, they count from the end of the financial year (the calendar year) in which
    the clock started, as the law on book-keeping has it in Norway.
    """

    months: int = 0
    days: int = 0
    from_year_end: bool = False

    def end(self, start: date) -> date:
        """The day on which the period of something whose clock started on `start` is over.

        7 years after 29 February is 28 February: never a day longer than the period. 5 years
        after the end of 2020 is 1 January 2026: all of 31 December 2025 still belongs to them.
        """
        if self.from_year_end:
            start = date(start.year + 1, 1, 1)
        return months_later(start, self.months) + timedelta(days=self.days)

    def cutoff(self, now: datetime) -> datetime:
        """The last moment at which a clock may have started for its period to be over `now`.

        In UTC whatever zone `now` is in: Python's days are a clock's, with 23 or 25 hours where it
        changes.
        """
        now = now.astimezone(UTC)
        if not self.months:
            return now - timedelta(days=self.days)
        today = now.date()
        if self.from_year_end:
            day = date(today.year, 12, 31)
            while self.end(day) > today:
                day = date(day.year - 1, 12, 31)
            return datetime.combine(day, time.max, UTC)
        day = months_later(today, -self.months)
        while self.end(day + timedelta(days=1)) <= today:
            day += timedelta(days=1)
        return datetime.combine(day, time.max, UTC)

    def month_is_over(self, month: datetime, now: datetime) -> bool:
        """Whether a monthly partition must go: its oldest possible record has had its period."""
        return months_later(month, self.months) <= now

    def is_longer_than(self, other: "Period") -> bool:
        # On the first day of a year, which has the longest way to its end.
        reference = date(2000, 1, 1)
        return self.end(reference) > other.end(reference)


def years(number: int) -> Period:
    return Period(months=12 * number)


# "Data lagres bare for fakturerings- og regnskapsmessige formål i opptil 7 år": nothing kept for
# billing may have a longer period, and `manage.py check` refuses one that has.
BILLING_LIMIT = years(7)
BILLING = Period(months=BILLING_MONTHS)


def parse_legal_entities(text: str) -> dict[str, Period]:
    """`no=60+year-end,au=84`: for how many months each company of ours keeps billing records.

    Norway: 5 years from the end of the financial year (bokføringsloven § 13). Australia: 7 years
    from when the transaction was completed (Corporations Act s 286). Never above the policy's 7
    years, whatever the law of a company would allow. `ValueError` says what is expected.
    """
    found: dict[str, Period] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        match = re.fullmatch(r"([a-z][a-z0-9-]{0,7})=(\d{1,3})(\+year-end)?", part)
        if match is None or match[1] in found or not int(match[2]):
            raise ValueError(
                "name=months or name=months+year-end with a comma between them, such as "
                "no=60+year-end,au=84; each name once, up to 8 small letters, digits and hyphens"
            )
        period = Period(months=int(match[2]), from_year_end=match[3] is not None)
        if period.is_longer_than(BILLING_LIMIT):
            raise ValueError(
                "at most 84 months, or 72+year-end: the policy keeps billing records for up to 7 "
                "years, whatever a company's law would allow"
            )
        found[match[1]] = period
    return found


# Long enough to answer "did you write to me last year?", then whole months drop.
OUTBOX = Period(months=13)
# What came back about them is looked at beside them.
PROVIDER_EVENTS = OUTBOX
# What ClickSend's own platform keeps of a message's words, and then de-identifies it.
MESSAGE_CONTENT = Period(months=MESSAGE_CONTENT_MONTHS)
# That it was sent and what it cost is a record of billing. Months drop as a whole, when the first
# day of the month has had its period, so no row ever stands longer.
MESSAGE_RECORDS = Period(months=MESSAGE_RECORD_MONTHS)
REPORTS = Period(months=REPORT_MONTHS)
# As long as the platform could still bring in what was deleted here.
MESSAGE_TOMBSTONES = MESSAGE_RECORDS
REPORT_TOMBSTONES = REPORTS
# As long as the platform could still bring in what the last message of the stretch said.
DEIDENTIFIED_STRETCHES = MESSAGE_CONTENT
# The journal says it from then on; a round that died looks here for what it had written.
OWN_DEEDS = Period(days=2)
UPLOADS = Period(days=30)
# A file that nobody said yes to: as long as one may want to come back to it the next day.
UPLOADS_UNCONFIRMED = Period(days=2)
# An archive is to be fetched, not kept: 7 days from when it was ready, made within one.
EXPORTS = Period(days=8)
EXPORT_THERE = timedelta(days=7)
EXPORT_MADE_WITHIN = timedelta(days=1)
# A worker that says nothing for so long is dead.
EXPORT_STALLED = timedelta(minutes=2)
# How often a worker says how far it is; far shorter than what counts as dead.
EXPORT_TELLS = timedelta(seconds=1)
# Rows read at once, and bytes of the archive in one row: a worker's memory stays flat.
EXPORT_ROWS = 2000
EXPORT_PIECE = 1_000_000
# A page counts no further: who has more learns the number from the archive.
COUNTED_ON_PAGES = 10_000
# What proves a past choice: as long as somebody may still complain about it.
SUPERSEDED_CHOICES = years(3)
# What proves that we deleted, and by which rule.
PROOF = years(3)
# An opt-out or an erasure in the journal, whose year leaves as a whole: as long as the suppression
# that a replay would make of it stands unreviewed, and as any backup may lack it (BACKUP_DAYS).
JOURNAL = years(3)
STAFF_LOG = Period(months=13)
# As long as the proof of other acts: so long a customer may ask who looked.
ACCESS_EVENTS = years(3)
# So long somebody may come back to what we answered.
SUPPORT = years(2)
# What we told another system, so that a question about it can be answered.
DELIVERIES = Period(months=1)
PAGE_COUNTS = Period(months=25)
READINGS = Period(months=13)
PROMISE_DAYS = years(3)
# "Vi sender alle nye brukere en velkomst e-post for å bekrefte deres nye konto": an account, or a
# changed address, that nobody confirms is gone after a week.
UNCONFIRMED = Period(days=CONFIRMATION_PERIOD.days)
EXPIRED_SESSIONS = Period(days=1)

# An account that its owner deactivated and left: asked by mail whether it is still wanted, and
# deleted unless they return.
DEACTIVATED = Period(months=24)
RETURN_WITHIN = Period(days=60)

# A hold counts at once, for what is gone cannot be held; alone it lasts as long as it takes to
# reach a second person over a weekend.
HOLD_UNAPPROVED = timedelta(days=3)
# A hold is looked at again within half a year: what nobody needs any more must go.
HOLD_REVIEW = timedelta(days=183)

# What is on paper or on a disk of one customer alone is destroyed so soon after their erasure, as
# long as the law gives for the whole of it (GDPR art. 12 (3)); the trigger in 0009_items says 30.
ITEMS_OF_ERASED = Period(days=30)

# Rows that one transaction removes: small enough that nobody waits for it.
BATCH_SIZE = 1000
# A month's detaching and dropping wait for a lock so long at a time: nobody behind them waits
# longer. A reader of hours is waited for by trying again; the next night goes on where one gave up.
LOCK_WAIT = timedelta(milliseconds=100)
DETACH_PATIENCE = timedelta(minutes=10)
# Of one customer's own rows, for which nobody else waits: a second for the database, and nothing of
# them passes through the process. Each batch walks past those that went before it, so small ones
# cost more than they spare.
ERASE_BATCH = 300_000
# Where a part goes whose numbers must be known afterwards, each row does pass through the process.
BURY_BATCH = 20_000

# "Data kan til enhver tid slettes på kundens forespørsel", and who wants time to think has it.
WAY_BACK = timedelta(days=14)
# GDPR art. 12 (3): answered within one month of receipt, by the calendar.
ANSWER = Period(months=1)
# Two further months for what is complex, if the reasons are told within the first (the same).
ANSWER_EXTENDED = Period(months=3)
# GDPR art. 33 (1): the authority is told within 72 hours of becoming aware of a breach.
BREACH_CLOCK = timedelta(hours=72)
# How much of it is left when the privacy address is told again; the last alarm: it is over.
BREACH_ALARMS = (timedelta(hours=24), timedelta(hours=6), timedelta(0))
# So long what the desk has settled can be asked for: a claim lapses after three years
# (foreldelsesloven § 2).
DESK = years(3)
# Processors and whoever holds database, machines or keys are looked at again every year, as staff.
DECLARED_FOR = timedelta(days=365)
# Ten days are left then for a person to find out what stands in the way.
WARN_AFTER = timedelta(days=20)
WARN_BEFORE = timedelta(days=10)

# A plan that somebody has read is enforced the same day, or made anew.
PLAN_HOLDS = timedelta(days=1)

# What the night may remove by itself. A mistyped period shows as a rule that is another one than
# when it last ran; a wrong clock as more than one month of a table that came to its end since, as a
# year that did while no night ran, or as a number far beyond what other nights removed. Then a
# person looks at the plan and enforces it by its digest.
MONTHS_A_NIGHT = 1
# Two months of nights, so that the last of a month is among them.
# Only nights count: what a person has looked at makes no number usual.
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


# Rules run every night, one after the other: no two nights are further apart.
A_NIGHT = timedelta(hours=26)
# Only so soon after the rule's last run does the night let a company's year go by itself: to no
# other night does it compare, and a clock that jumped over New Year ends one, too.
NEW_YEARS_NIGHTS = 2 * A_NIGHT
# Where a night is missing, what begins by the clock alone waits so long after the next one. Who is
# to set the clock right has a morning for it, and whoever's day comes meanwhile is still begun
# within the day that `/trust/` allows.
CLOCK_SETTLES = timedelta(hours=12)


def is_clock_unsettled(now: datetime, *, newest: datetime, before: datetime | None) -> bool:
    """`before` is the newest run of those that began `CLOCK_SETTLES` ago or earlier."""
    if newest < now - A_NIGHT:
        return True
    return before is not None and before < now - CLOCK_SETTLES - A_NIGHT
