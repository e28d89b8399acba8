"""One run of one rule: an advisory lock, then small batches or whole months, a row that says so.

Killed at any line, the next run takes up what is left: every batch is its own transaction, and a
month is detached, then dropped, each by itself. Two runs of a rule at once: the second steps back.
"""

import functools
import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Count, DateField, DateTimeField, Exists, F, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.querysets import address_changes_expired
from consent.models import ConsentDetail
from foundation.partitions import is_guarded
from foundation.roles import APP
from retention import holding, months
from retention.asking import request_deletion
from retention.entities import entity_periods
from retention.entries import Entry, Removal, Rule
from retention.erasure import delete_rows, lock_person, sweep
from retention.models import (
    DeletionRequest,
    Destruction,
    PhysicalItem,
    RetentionRun,
    Scope,
    Source,
)
from retention.patience import StillInUse, timed
from retention.policy import Period
from retention.schedule import model_of

MICROSECOND = timedelta(microseconds=1)
# Each takes a dozen statements, and all stay locked until the batch commits.
ACCOUNTS_AT_ONCE = 50


@contextmanager
def rule_lock(name: str) -> Iterator[bool]:
    """Whether this process may run the rule now; a killed process's lock dies with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('retention'), hashtext(%s))", [name])
        got = bool(cursor.fetchone()[0])
    try:
        yield got
    finally:
        if got:
            unlock(name)


def unlock(name: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('retention'), hashtext(%s))", [name])
    except DatabaseError:
        connection.close()  # it is broken, and its lock went with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a run may remove at most. `confirm` raises, inside the lock, unless it still holds."""

    rows: int
    months: Collection[str]
    confirm: Callable[[], None]
    # Rows per month, as the plan found them.
    counted: Mapping[str, int] = field(default_factory=dict)


def run_rule(
    entry: Entry,
    rule: Rule,
    *,
    now: datetime,
    actor: str,
    batch: int,
    started_at: datetime | None = None,
    bound: Bound | None = None,
    counted: Mapping[str, int] | None = None,
    companies: Mapping[str, int] | None = None,
) -> RetentionRun | None:
    """The run's row, or None when another process has this rule in hand.

    `now` decides what is due. A run under a plan has the plan's moment there, and began later.
    `companies` are the rows that were due of each, for the nights to come to compare with.
    """
    with rule_lock(rule.name) as got:
        if not got:
            return None
        if bound is not None:
            bound.confirm()
        began = time.monotonic()
        run = RetentionRun(
            rule=rule.name,
            actor=actor,
            cutoff=rule.period.cutoff(now),
            started_at=started_at or now,
            version=rule_version(entry, rule),
            companies=dict(companies or {}),
        )
        run.save(force_insert=True)
        try:
            if rule.removal == Removal.PARTITIONS:
                only, rows = (None, counted) if bound is None else (bound.months, bound.counted)
                months.drop_months(entry, rule, run, now=now, only=only, counted=rows)
            else:
                remove_batches(entry, rule, run, now=now, batch=batch, bound=bound)
        except StillInUse as stopped:
            run.refused = str(stopped)  # on the list of what a person must look at
            end_run(run, began)
            raise
        end_run(run, began)
        return run


def end_run(run: RetentionRun, began: float) -> None:
    """One that was killed or failed has no duration for ever."""
    run.duration = timedelta(seconds=time.monotonic() - began)
    run.save(update_fields=["duration", "longest_batch", "refused"])


def refuse_rule(
    rule: Rule, *, why: str, now: datetime, actor: str, started_at: datetime | None = None
) -> RetentionRun:
    """A run that removed nothing, because what is due is far from what is usual."""
    run = RetentionRun(
        rule=rule.name,
        actor=actor,
        cutoff=rule.period.cutoff(now),
        started_at=started_at or now,
        duration=timedelta(),
        refused=why,
    )
    run.save(force_insert=True)
    return run


def rule_version(entry: Entry, rule: Rule) -> str:
    """Changes when anything about the rule does that decides what goes."""
    periods = sorted(entity_periods(rule).items())
    told = (
        f"{entry.model} {rule.name} {rule.clock} {rule.period} {rule.removal} {rule.only} {periods}"
    )
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def remove_batches(
    entry: Entry, rule: Rule, run: RetentionRun, *, now: datetime, batch: int, bound: Bound | None
) -> None:
    remove = REMOVALS[rule.removal]

    def number() -> int:
        return batch if bound is None else min(batch, bound.rows - run.removed)

    while (limit := number()) > 0 and remove_batch(
        run, functools.partial(remove, entry, rule, now, limit)
    ):
        pass


def remove_batch(run: RetentionRun, remove: Callable[[], int]) -> int:
    """One transaction: the rows go and the run's count says so.

    Nobody places a hold meanwhile; those placed before are read inside.
    """
    with timed(run), transaction.atomic():
        holding.hold_lock(shared=True)
        removed = remove()
        if removed:
            RetentionRun.objects.filter(pk=run.pk).update(removed=F("removed") + removed)
            run.removed += removed
    return removed


# --- what is due ---------------------------------------------------------------------------------


def due_rows(entry: Entry, rule: Rule, now: datetime) -> QuerySet[Any]:
    """Rows whose period is over and that no hold names; none whose clock has not started."""
    return holding.exclude_held(entry, over_rows(entry, rule, now), now=now)


def over_rows(entry: Entry, rule: Rule, now: datetime) -> QuerySet[Any]:
    """Rows whose period is over, held or not."""
    model = model_of(entry)
    cutoff = rule.period.cutoff(now)
    rows: QuerySet[Any] = model._base_manager.all()
    if rule.removal == Removal.RELEASED_ROWS:
        return rows
    if rule.removal == Removal.MAIL_TO_NOBODY:
        owner = User.objects.filter(pk=OuterRef("person_id"))
        return rows.filter(~Exists(owner), person_id__isnull=False)
    if rule.removal == Removal.SUPERSEDED_CHOICES:
        newer = ConsentDetail.objects.filter(
            person_id=OuterRef("person_id"),
            topic_id=OuterRef("topic_id"),
            version__gt=OuterRef("version"),
            at__lte=cutoff,
        ).exclude(state=OuterRef("state"))
        taken_back = ConsentDetail.objects.filter(
            person_id=OuterRef("person_id"),
            topic_id=OuterRef("topic_id"),
            version=OuterRef("version") + 1,
            undone=True,
        )
        newer = newer.filter(~Exists(taken_back))
        return rows.filter(Exists(newer), at__lte=cutoff)
    if rule.removal == Removal.PENDING_ADDRESSES:
        return address_changes_expired(now)
    if rule.only is not None:
        rows = rows.filter(rule.only)
    if rule.removal == Removal.BY_REQUEST:
        # Who leaves already keeps the days they were given to take it back.
        asked = DeletionRequest.objects.under_way().filter(scope=Scope.EVERYTHING)
        rows = rows.filter(~Exists(asked.filter(person_id=OuterRef("pk"))))
    return rows.filter(is_over(entry, rule, now))


def is_over(entry: Entry, rule: Rule, now: datetime) -> Q:
    """Its clock started long enough ago, by the law of the company where the rule knows one."""
    clock = model_of(entry)._meta.get_field(rule.clock)
    is_date = isinstance(clock, DateField) and not isinstance(clock, DateTimeField)

    def started_by(period: Period) -> Q:
        cutoff = period.cutoff(now)
        return Q(**{f"{rule.clock}__lte": cutoff.date() if is_date else cutoff})

    periods = entity_periods(rule)
    if not periods:
        return started_by(rule.period)
    over = of_company(rule, "") & started_by(rule.period)
    for name, period in periods.items():
        over |= of_company(rule, name) & started_by(period)
    return over


def of_company(rule: Rule, company: str) -> Q:
    """The rows of a company with a period of its own; of '' those of all others."""
    if company:
        return Q(**{rule.entity: company})
    return ~Q(**{f"{rule.entity}__in": list(entity_periods(rule))})


def by_company(rule: Rule, rows: QuerySet[Any]) -> dict[str, int]:
    """How many of these rows are of each company with a period of its own; of '' the others."""
    own = entity_periods(rule)
    found = dict.fromkeys(("", *own), 0)
    for name, number in rows.order_by().values_list(rule.entity).annotate(Count("pk")):
        found[name if name in own else ""] += number
    return found


def count_due(entry: Entry, rule: Rule, now: datetime) -> int | None:
    """About how many; None where the role we work under sees one customer's rows at a time."""
    if rule.removal == Removal.PARTITIONS:
        return sum(months.about_rows(name) for name in months.due_months(entry, rule, now))
    if not sees_all(entry):
        return None
    return due_rows(entry, rule, now).order_by().count()


def sees_all(entry: Entry) -> bool:
    """Whether row-level security hides nothing of the table from us."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0] != APP or not is_guarded(model_of(entry)._meta.db_table)


# --- batches -------------------------------------------------------------------------------------


def delete_due(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    """Rows that somebody holds at the moment are left to the next night."""
    model = model_of(entry)
    rows = due_rows(entry, rule, now).select_for_update(skip_locked=True, of=("self",))
    keys = list(rows.order_by().values_list("pk", flat=True)[:batch])
    counts: dict[str, int] = model._base_manager.filter(pk__in=keys).delete()[1]
    return counts.get(entry.model, 0)


def delete_mail_to_nobody(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    return delete_rows(due_rows(entry, rule, now), batch)


def remove_superseded(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    """Nobody holds the right to delete these; the function looks again at what it is named.

    The oldest first: a choice is known to be superseded by those after it.
    """
    before = rule.period.cutoff(now) + MICROSECOND
    due = due_rows(entry, rule, now).order_by("at", "version")
    keys = list(due.values_list("pk", flat=True)[:batch])
    with connection.cursor() as cursor:
        cursor.execute("SELECT retention_remove_superseded(%s, %s)", [keys, before])
        return int(cursor.fetchone()[0])


def remove_access_events(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    """Nobody holds the right to delete these; the function looks again at what it is named."""
    before = rule.period.cutoff(now) + MICROSECOND
    keys = list(due_rows(entry, rule, now).order_by("at").values_list("pk", flat=True)[:batch])
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_expire_access_events(%s, %s)", [keys, before])
        return int(cursor.fetchone()[0])


def remove_certificates(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    """The item that was destroyed goes with the certificate that says so, or both are held."""
    due = due_rows(entry, rule, now).select_for_update(skip_locked=True, of=("self",))
    found = dict(due.order_by().values_list("pk", "item_id")[:batch])
    Destruction.objects.filter(pk__in=found).delete()
    PhysicalItem.objects.filter(pk__in=found.values()).delete()
    return len(found)


def remove_accounts(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    """Accounts with all they have. One confirmed in this very moment is locked, seen, and stays."""
    removed = 0
    number = min(batch, ACCOUNTS_AT_ONCE)
    for person_id in list(due_rows(entry, rule, now).values_list("pk", flat=True)[:number]):
        person = lock_person(person_id)
        if due_rows(entry, rule, now).filter(pk=person_id).exists():
            # One that stays for a held mail to its address is not taken up again in this run.
            removed += sweep(person, now=now)[entry.model].rows
    return removed


def request_deletions(entry: Entry, rule: Rule, now: datetime, batch: int) -> int:
    """A deletion as the customer would ask for it: with steps, journal, receipt and mail."""
    asked = 0
    number = min(batch, ACCOUNTS_AT_ONCE)
    for person_id in list(due_rows(entry, rule, now).values_list("pk", flat=True)[:number]):
        lock_person(person_id)
        # One who came back in this very moment is locked, seen, and stays.
        if due_rows(entry, rule, now).filter(pk=person_id).exists():
            request_deletion(person_id, source=Source.SCHEDULE, actor=rule.name, now=now)
            asked += 1
    return asked


REMOVALS: dict[Removal, Callable[[Entry, Rule, datetime, int], int]] = {
    Removal.BATCHES: delete_due,
    Removal.PENDING_ADDRESSES: delete_due,
    Removal.SUPERSEDED_CHOICES: remove_superseded,
    Removal.WHOLE_ACCOUNTS: remove_accounts,
    Removal.MAIL_TO_NOBODY: delete_mail_to_nobody,
    Removal.RELEASED_ROWS: delete_due,
    Removal.ACCESS_EVENTS: remove_access_events,
    Removal.CERTIFICATES: remove_certificates,
    Removal.BY_REQUEST: request_deletions,
}
