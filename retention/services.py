"""What changes: enforcing the schedule here, deleting a person in `retention.deleting`.

Pages, admin, commands and tasks call what this module names.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from foundation import standstill
from foundation.calendar import months_later
from foundation.partitions import MONTHS_AHEAD
from foundation.partitions import ensure_partitions as make_partitions
from retention import enforcement, planning
from retention.asking import (
    SamePersonError,
    StaffStaysError,
    TooLateError,
    begins_if_confirmed,
    confirm_deletion,
    find_by_link,
    record_identity_check,
    request_deletion,
    request_for_customer,
    withdraw_deletion,
)
from retention.clock import why_clock_doubtful
from retention.deleting import execute_deletion, run_batch, run_deletions, stop_for
from retention.entries import Entry, Removal, Rule
from retention.models import RetentionRun
from retention.policy import BATCH_SIZE
from retention.schedule import RULES, model_of
from retention.watching import watch_deletions

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """One rule as it stands: what would go now, and when it last ran."""

    entry: Entry
    rule: Rule
    cutoff: datetime
    # None where the role that asks sees one customer's rows at a time.
    due: int | None
    last_run: RetentionRun | None


def plan(now: datetime) -> list[RuleState]:
    """What each rule would remove now. Changes nothing."""
    last = RetentionRun.objects.newest_per_rule()
    return [
        RuleState(
            entry=entry,
            rule=rule,
            cutoff=rule.period.cutoff(now),
            due=enforcement.count_due(entry, rule, now),
            last_run=last.get(rule.name),
        )
        for entry, rule in RULES.values()
    ]


def enforce(
    now: datetime,
    actor: str,
    *,
    only: Collection[str] = (),
    batch: int = BATCH_SIZE,
    guarded: bool = False,
) -> list[RetentionRun]:
    """Run every rule (or those named), each for itself: one that fails stops no other.

    A rule that another process has in hand is left to it. The first failure is raised at the end.
    `guarded`, as at night, a rule under which far more is due than usual is refused, with an alarm,
    and so is every rule under a clock that cannot be right. None runs in standstill: a hold that
    was placed after the backup is known to the journal alone.
    """
    if standstill.why(pages=True):
        return []
    runs: list[RetentionRun] = []
    failures: list[Exception] = []
    for name, (entry, rule) in RULES.items():
        if only and name not in only:
            continue
        try:
            planned = planning.plan_rule(entry, rule, now) if needs_plan(rule, guarded) else None
            if planned and guarded and (refused := refuse_unusual(planned, now=now, actor=actor)):
                runs.append(refused)
                continue
            run = enforcement.run_rule(
                entry,
                rule,
                now=now,
                actor=actor,
                batch=batch,
                counted=planned.counted if planned else None,
                companies=planned.companies if planned else None,
            )
        except Exception as failure:
            logger.exception("retention rule %s failed", name)
            failures.append(failure)
            continue
        if run is not None:
            logger.info("retention rule %s removed %d rows", name, run.removed)
            runs.append(run)
    if failures:
        raise failures[0]
    return runs


def enforce_plan(
    digest: str, *, actor: str, now: datetime, only: Collection[str] = ()
) -> list[RetentionRun]:
    """What a person has read is what goes: the same rules, cutoffs, months and rows, or nothing.

    Each rule is looked at once more under its lock, and removes no more than was planned. One that
    differs by then is left; the others run, and `PlanDiffers` is raised at the end. None runs in
    standstill.
    """
    if standstill.why(pages=True):
        return []
    plan_then = planning.confirm_plan(digest, now=now, only=only)
    runs: list[RetentionRun] = []
    failures: list[Exception] = []
    for planned in plan_then.rules:
        bound = enforcement.Bound(
            rows=planned.due,
            months=planned.months,
            confirm=partial(planning.confirm_rule, planned, plan_then.made_at),
            counted=planned.counted,
        )
        try:
            run = enforcement.run_rule(
                planned.entry,
                planned.rule,
                now=plan_then.made_at,
                started_at=now,
                actor=actor,
                batch=BATCH_SIZE,
                bound=bound,
            )
        except Exception as failure:
            logger.exception("retention rule %s failed", planned.rule.name)
            failures.append(failure)
            continue
        if run is not None:
            runs.append(run)
    if failures:
        raise failures[0]
    return runs


def needs_plan(rule: Rule, guarded: bool) -> bool:
    """Months are counted beforehand, while they still stand; at night every rule is."""
    return guarded or rule.removal == Removal.PARTITIONS


def refuse_unusual(planned: planning.RulePlan, *, now: datetime, actor: str) -> RetentionRun | None:
    """The row that says why the night leaves this rule to a person; None when it may run.

    A refusal because of the clock is dated just after the newest run, not by the clock in doubt:
    else one of a far future would stand above every run to come.
    """
    at = now
    moments = RetentionRun.objects.newest_moments()
    if (why := why_clock_doubtful(now)) and moments:
        at = moments[0] + enforcement.MICROSECOND
    else:
        why = planning.why_unusual(planned, now)
    if not why:
        return None
    logger.error("retention rule %s was not run: %s", planned.rule.name, why)
    return enforcement.refuse_rule(planned.rule, why=why, now=now, actor=actor, started_at=at)


def ensure_partitions(now: datetime) -> int:
    """A year of months ahead for every table that drops by month; how many were made."""
    return sum(
        make_partitions(model_of(entry)._meta.db_table, now, months_later(now, MONTHS_AHEAD))
        for entry, rule in RULES.values()
        if rule.removal == Removal.PARTITIONS
    )


__all__ = [
    "RuleState",
    "SamePersonError",
    "StaffStaysError",
    "TooLateError",
    "begins_if_confirmed",
    "confirm_deletion",
    "enforce",
    "enforce_plan",
    "ensure_partitions",
    "execute_deletion",
    "find_by_link",
    "plan",
    "record_identity_check",
    "refuse_unusual",
    "request_deletion",
    "request_for_customer",
    "run_batch",
    "run_deletions",
    "stop_for",
    "watch_deletions",
    "withdraw_deletion",
]
