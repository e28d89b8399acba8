"""What a run would remove, bound to a digest, and whether that is anything like usual.

A plan needs no table: its digest carries the moment that was looked at, so that enforcing it looks
again with the same cutoffs and refuses where anything came or went since.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from operator import or_

from django.db import ProgrammingError, connection, transaction
from django.db.models import Count, F, Func, Max, Q, QuerySet, Sum, TextField, Value
from django.db.models.fields import BigIntegerField, DecimalField
from django.db.models.functions import Cast
from psycopg.errors import UndefinedTable

from retention import enforcement, holding, months
from retention.entities import entity_periods, period_for
from retention.entries import Entry, Removal, Rule
from retention.models import LegalHold, RetentionRun
from retention.policy import (
    ALWAYS_USUAL,
    DAYS_COMPARED,
    HOLD_UNAPPROVED,
    MONTHS_A_NIGHT,
    NEW_YEARS_NIGHTS,
    PLAN_HOLDS,
    THE_NIGHT,
    is_unusual,
)
from retention.schedule import RULES, model_of

_MOMENT = "%Y%m%dT%H%M%SZ"
# Up to here a table is counted: the planner's estimate may be from before it shrank.
COUNTED_ROWS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePlan:
    """What one rule would remove: rows, months, and a digest of exactly which."""

    entry: Entry
    rule: Rule
    cutoff: datetime
    due: int
    months: tuple[str, ...]
    digest: str
    # Rows per month as it stands, held ones among them.
    counted: Mapping[str, int] = field(default_factory=dict)
    # Due rows of each company, where the rule knows companies of ours with a period of their own.
    companies: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`digest` is `<moment>.<hash>`; the moment is when it was looked at, in whole seconds."""

    made_at: datetime
    rules: tuple[RulePlan, ...]

    @property
    def digest(self) -> str:
        together = hashlib.sha256("\n".join(each.digest for each in self.rules).encode())
        return f"{self.made_at:{_MOMENT}}.{together.hexdigest()[:32]}"


class PlanDiffers(Exception):
    """What would be removed is not what was planned; `args[0]` says what to do."""


def make_plan(now: datetime, *, only: Collection[str] = ()) -> Plan:
    """Every rule (or those named) as it stands now. Changes nothing."""
    moment = now.astimezone(UTC).replace(microsecond=0)
    return Plan(
        made_at=moment,
        rules=tuple(
            plan_rule(entry, rule, moment)
            for name, (entry, rule) in RULES.items()
            if not only or name in only
        ),
    )


def confirm_plan(digest: str, *, now: datetime, only: Collection[str] = ()) -> Plan:
    """The plan of that digest, looked at again; `PlanDiffers` unless it is still the same."""
    try:
        made_at = datetime.strptime(digest.partition(".")[0], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise PlanDiffers(
            "This is no digest of a plan: `retention plan` prints one at its end."
        ) from None
    if not now - PLAN_HOLDS <= made_at <= now:
        raise PlanDiffers(
            f"The plan is of {made_at:%Y-%m-%d %H:%M} UTC and no longer holds: make a new one."
        )
    found = make_plan(made_at, only=only)
    if found.digest != digest:
        raise PlanDiffers(
            "Rules, cutoffs, months or rows are not those of the plan any more (or the rules named "
            "with --rule are others). Nothing was removed: make a new plan."
        )
    return found


def plan_rule(entry: Entry, rule: Rule, now: datetime) -> RulePlan:
    counted: dict[str, int] = {}
    companies: dict[str, int] = {}
    if rule.removal == Removal.PARTITIONS:
        due_months = months.due_months(entry, rule, now)
        looked = {name: look_at_month(entry, name, now) for name in due_months}
        contents = {name: seen for name, seen in looked.items() if seen is not None}
        counted = {name: seen.rows.number for name, seen in contents.items()}
        due = sum(seen.rows.number - seen.held.number for seen in contents.values())
        which = "\n".join(map(str, contents.items()))
    else:
        due, which = digest_of_rows(entry, rule, now)
        if entity_periods(rule):
            companies = enforcement.by_company(rule, enforcement.due_rows(entry, rule, now))
    cutoff = rule.period.cutoff(now)
    told = "\n".join((enforcement.rule_version(entry, rule), cutoff.isoformat(), which))
    return RulePlan(
        entry=entry,
        rule=rule,
        cutoff=cutoff,
        due=due,
        months=tuple(counted),
        digest=hashlib.sha256(told.encode()).hexdigest(),
        counted=counted,
        companies=companies,
    )


def confirm_rule(planned: RulePlan, now: datetime) -> None:
    """Under the rule's lock, just before it runs: `now` is the plan's moment."""
    if plan_rule(planned.entry, planned.rule, now).digest != planned.digest:
        raise PlanDiffers(
            f"What {planned.rule.name} would remove changed after the plan was confirmed: it was "
            "not run. Make a new plan."
        )


@dataclass(frozen=True, slots=True)
class MonthSeen:
    """A month as it stands: its rows, and those of them that a hold keeps."""

    rows: months.Keys
    held: months.Keys


def look_at_month(entry: Entry, name: str, now: datetime) -> MonthSeen | None:
    """None if another run dropped it."""
    try:
        with transaction.atomic():
            rows = months.keys_in(entry, name)
            return MonthSeen(rows, months.held_in(entry, name, now))
    except ProgrammingError as error:
        if isinstance(error.__cause__, UndefinedTable):
            return None
        raise


def digest_of_rows(entry: Entry, rule: Rule, now: datetime) -> tuple[int, str]:
    """How many rows are due, and a sum over hashes of their keys: needs no order and no memory."""
    hashed = Func(
        Cast(F("pk"), TextField()),
        Value(0, BigIntegerField()),
        function="hashtextextended",
        output_field=BigIntegerField(),
    )
    found = (
        enforcement.due_rows(entry, rule, now)
        .order_by()
        .aggregate(
            n=Count("pk"), total=Sum(Cast(hashed, DecimalField(max_digits=40, decimal_places=0)))
        )
    )
    return int(found["n"]), f"{found['n']} {found['total'] or 0}"


def why_unusual(plan: RulePlan, now: datetime) -> str:
    """Why the night should not run this by itself; '' when it is like other nights.

    A wrong clock, or a rule that someone shortened by mistake, must not empty the house. What a
    released hold lets go is no sign of either: the rows that stood aside for it, all of them at
    once perhaps, and what a rule had to leave to it.
    """
    if plan.rule.removal == Removal.RELEASED_ROWS and not has_lapsed(plan.rule, now):
        return ""
    if (why := why_unlike_last(plan, now)) or plan.due <= ALWAYS_USUAL:
        return why
    due = plan.companies or {"": plan.due}
    reasons = (why_number_unusual(plan, each, due[each], now) for each in due)
    return next(filter(None, reasons), "")


def why_unlike_last(plan: RulePlan, now: datetime) -> str:
    """The same beside the rule's last run: another rule since, more months than one, or a year."""
    last = ran(plan.rule).order_by("-started_at").first()
    if last is None:
        return ""
    on = f"{last.started_at:%Y-%m-%d}"
    if has_changed(plan, last) and (over := count_over(plan, now)) > ALWAYS_USUAL:
        return f"{over} rows, held or not, are over; the rule is another one than on {on}"
    if plan.due > ALWAYS_USUAL and (more := count_months_since(plan, last)) > MONTHS_A_NIGHT:
        return f"{plan.due} rows are due, of {more} months that ended since {on}"
    if now > last.started_at + NEW_YEARS_NIGHTS:
        for company in plan.companies:
            if (due := count_years_since(plan, company, last, now)) > ALWAYS_USUAL:
                return f"{due} rows of {company} are due, of a year that ended since {on}"
    return ""


def why_number_unusual(plan: RulePlan, company: str, due: int, now: datetime) -> str:
    """The same of one company's rows, by their number alone; of all where the rule knows none."""
    if due <= ALWAYS_USUAL:
        return ""
    nights = nights_of(plan.rule, now)
    if not plan.companies:
        of, size, recent = Q(), rows_of(plan.entry), [night.removed for night in nights]
    else:
        of = enforcement.of_company(plan.rule, company)
        size = model_of(plan.entry)._base_manager.filter(of).count()
        recent = [night.companies.get(company, 0) for night in nights]
    if period_for(plan.rule, company).from_year_end:
        recent = []  # A year's rows fall due in one night: those before it say nothing of them.
    size = max(due, size)
    if not is_unusual(due, of=size, recent=recent):
        return ""
    released = count_released(plan, now, of=of)
    if not is_unusual(due - released, of=size - released, recent=recent):
        return ""
    most = max(recent, default=0)
    whose = f" of {company or 'other companies'}" if plan.companies else ""
    held = f" ({released} of them a released hold had kept)" if released else ""
    return f"{due} rows{whose} are due{held}; the most in {len(recent)} recent nights was {most}"


def has_changed(plan: RulePlan, last: RetentionRun) -> bool:
    """Whether the rule was another one then.

    A run from before that was noted tells it by its cutoff, which no company's period is in; and
    only a night's, since a plan's cutoff is of the moment when it was made.
    """
    if last.version:
        return last.version != enforcement.rule_version(plan.entry, plan.rule)
    night = ran(plan.rule).filter(actor=THE_NIGHT).order_by("-started_at").first()
    if night is None or entity_periods(plan.rule):
        return True
    return plan.rule.period.cutoff(night.started_at) != night.cutoff


def count_over(plan: RulePlan, now: datetime) -> int:
    """Rows whose period is over, also those that a hold keeps until its release."""
    if plan.rule.removal == Removal.PARTITIONS:
        over = months.over_months(plan.entry, plan.rule, now)
        return sum(months.about_rows(name) for name, _month in over)
    return enforcement.over_rows(plan.entry, plan.rule, now).order_by().count()


def count_months_since(plan: RulePlan, last: RetentionRun) -> int:
    """How many of the due months were not over yet when the rule last ran."""
    if plan.rule.removal != Removal.PARTITIONS:
        return 0
    over = {name for name, _month in months.over_months(plan.entry, plan.rule, last.started_at)}
    return len(set(plan.months) - over)


def count_years_since(plan: RulePlan, company: str, last: RetentionRun, now: datetime) -> int:
    """How many due rows of a company `+year-end` were not over yet when the rule last ran."""
    entry, rule = plan.entry, plan.rule
    if not period_for(rule, company).from_year_end:
        return 0
    due = enforcement.due_rows(entry, rule, now).filter(enforcement.of_company(rule, company))
    return due.exclude(enforcement.is_over(entry, rule, last.started_at)).order_by().count()


def has_lapsed(rule: Rule, now: datetime) -> bool:
    """Whether a hold that nobody approved in time ended since the rule last ran: by the clock."""
    last = ran(rule).aggregate(at=Max("started_at"))["at"]
    lapsed = LegalHold.objects.filter(
        approved_at__isnull=True, released_at__isnull=True, placed_at__lte=now - HOLD_UNAPPROVED
    )
    if last is not None:
        lapsed = lapsed.filter(placed_at__gt=last - HOLD_UNAPPROVED)
    return lapsed.exists()


def ran(rule: Rule) -> QuerySet[RetentionRun]:
    """Its runs that came to their end, whoever began them."""
    return RetentionRun.objects.filter(rule=rule.name, refused="", duration__isnull=False)


def nights_of(rule: Rule, now: datetime) -> QuerySet[RetentionRun]:
    return ran(rule).filter(actor=THE_NIGHT, started_at__gt=now - DAYS_COMPARED)


def count_released(plan: RulePlan, now: datetime, *, of: Q) -> int:
    """Rows that were over when the rule last ran at night, and stayed for a hold released since.

    Nothing that fell due after that night is among them, however far the clock jumped.
    """
    entry, rule = plan.entry, plan.rule
    last = nights_of(rule, now).order_by("-started_at").first()
    if last is None:
        return 0
    released = holding.holds_released(after=last.started_at, now=now)
    conditions = holding.conditions(entry, released)
    if not conditions:
        return 0
    if rule.removal == Removal.PARTITIONS:
        over = {name for name, _month in months.over_months(entry, rule, last.started_at)}
        return sum(
            months.count_released(entry, each, released, now)
            for each in plan.months
            if each in over
        )
    over_then = enforcement.over_rows(entry, rule, last.started_at).filter(reduce(or_, conditions))
    due_now = enforcement.due_rows(entry, rule, now).filter(of)
    return due_now.filter(pk__in=over_then.order_by().values("pk")).order_by().count()


def rows_of(entry: Entry) -> int:
    """About how many rows the table has; counted where that costs little."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(sum(GREATEST(c.reltuples, 0)), 0)::bigint FROM pg_class c "
            "WHERE c.relkind = 'r' AND (c.oid = %(table)s::regclass OR c.oid IN "
            "(SELECT inhrelid FROM pg_inherits WHERE inhparent = %(table)s::regclass))",
            {"table": model_of(entry)._meta.db_table},
        )
        estimate = int(cursor.fetchone()[0])
    return estimate if estimate > COUNTED_ROWS else model_of(entry)._base_manager.count()
