"""What changes: enforcing the schedule, and deleting a person who asks for it.

Work is rows. A task or a command only claims what is open and finishes it, so a lost broker, a
killed worker and a second worker change nothing about the outcome.
"""

import logging
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import F

from accounts.models import Session, User
from consent.webhooks.feed import announce_erasure
from foundation import standstill
from foundation.calendar import months_later
from foundation.partitions import MONTHS_AHEAD
from foundation.partitions import ensure_partitions as make_partitions
from messaging.outbox import wake_after_commit
from retention import emails, enforcement, erasure, planning
from retention.entries import Entry, Removal, Rule
from retention.holdings import Kept, kept_after_erasure
from retention.journal.keeping import write_erasure
from retention.models import DeletionRequest, DeletionStep, RetentionRun, Source
from retention.policy import BATCH_SIZE
from retention.schedule import ENTRIES, RULES, model_of

logger = logging.getLogger(__name__)

# --- the schedule --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """One rule as it stands: what would go now, and when it last ran."""

    entry: Entry
    rule: Rule
    cutoff: datetime
    due: int
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
    and so is every rule under a clock that cannot be right.
    """
    runs: list[RetentionRun] = []
    failures: list[Exception] = []
    for name, (entry, rule) in RULES.items():
        if only and name not in only:
            continue
        try:
            if guarded and (refused := refuse_unusual(entry, rule, now=now, actor=actor)):
                runs.append(refused)
                continue
            run = enforcement.run_rule(entry, rule, now=now, actor=actor, batch=batch)
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
    differs by then is left; the others run, and `PlanDiffers` is raised at the end.
    """
    plan_then = planning.confirm_plan(digest, now=now, only=only)
    runs: list[RetentionRun] = []
    failures: list[Exception] = []
    for planned in plan_then.rules:
        bound = enforcement.Bound(
            rows=planned.due,
            months=planned.months,
            confirm=partial(planning.confirm_rule, planned, plan_then.made_at),
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


def refuse_unusual(entry: Entry, rule: Rule, *, now: datetime, actor: str) -> RetentionRun | None:
    """The row that says why the night leaves this rule to a person; None when it may run.

    A refusal because of the clock is dated just after the newest run, not by the clock in doubt:
    else one of a far future would stand above every run to come.
    """
    at = now
    moments = RetentionRun.objects.newest_moments()
    if (why := planning.why_clock_doubtful(now)) and moments:
        at = moments[0] + enforcement.MICROSECOND
    else:
        why = planning.why_unusual(planning.plan_rule(entry, rule, now), now)
    if not why:
        return None
    logger.error("retention rule %s was not run: %s", rule.name, why)
    return enforcement.refuse_rule(rule, why=why, now=now, actor=actor, started_at=at)


def ensure_partitions(now: datetime) -> int:
    """A year of months ahead for every table that drops by month; how many were made."""
    return sum(
        make_partitions(model_of(entry)._meta.db_table, now, months_later(now, MONTHS_AHEAD))
        for entry, rule in RULES.values()
        if rule.removal == Removal.PARTITIONS
    )


# --- deletion ------------------------------------------------------------------------------------


class StaffStaysError(Exception):
    """A member of staff cannot be erased before they have left the staff."""


@transaction.atomic
def request_deletion(
    person_id: uuid.UUID,
    *,
    source: Source,
    actor: str,
    now: datetime,
    reference: uuid.UUID | None = None,
) -> DeletionRequest:
    """From the commit on nothing optional goes out and every sign-in is over; the rest follows.

    Asking twice is one request. The account is locked first, as by the hand-over of a message, so
    a mail either went before or does not go. A `reference` is that of a deletion which the journal
    holds already: it is done once more, after a restore.
    """
    user = User.objects.select_for_update().get(pk=person_id)
    if user.is_staff or user.is_superuser:
        raise StaffStaysError
    already: DeletionRequest | None = (
        DeletionRequest.objects.open().filter(person_id=person_id).first()
    )
    if already is not None:
        return already
    User.objects.filter(pk=person_id).update(is_active=False)
    sessions = Session.objects.filter(user_id=person_id)
    # Counted here for the confirmation: they end now, before the step of their class.
    removed = {Session._meta.label: sessions.count()}
    sessions.delete()
    kept = kept_after_erasure(person_id, now=now)
    request = DeletionRequest(
        person_id=person_id,
        source=source,
        actor=actor,
        requested_at=now,
        kept=[each.as_json() for each in kept],
        **({"reference": reference} if reference else {}),
    )
    request.save(force_insert=True)
    DeletionStep.objects.bulk_create(
        DeletionStep(
            request=request,
            position=position,
            name=name,
            removed=removed.get(name, 0),
            finished_at=now if reference and name == erasure.JOURNAL else None,
        )
        for position, name in enumerate(erasure.step_names())
    )
    wake_after_commit("retention.tasks.run_deletions")
    return request


def run_deletions(now: datetime, *, batch: int = BATCH_SIZE) -> int:
    """Take up every open request where it was left; how many were finished.

    None in standstill: what is not in the journal must not be gone.
    """
    if standstill.why(pages=True):
        return 0
    finished = 0
    for request in DeletionRequest.objects.open():
        try:
            execute_deletion(request, now=now, batch=batch)
        except Exception:
            logger.exception("deletion %s stopped; the next round takes it up", request.reference)
        else:
            finished += 1
    return finished


def execute_deletion(request: DeletionRequest, *, now: datetime, batch: int = BATCH_SIZE) -> None:
    """Every step that is not done, batch by batch, each batch its own transaction."""
    for step in request.steps.filter(finished_at__isnull=True):
        while not run_batch(request, step.pk, now=now, batch=batch):
            pass
    request.refresh_from_db()


@transaction.atomic
def run_batch(request: DeletionRequest, step_id: uuid.UUID, *, now: datetime, batch: int) -> bool:
    """Whether the step is done. Another worker at the same step waits for the account's row."""
    if request.person_id is None:
        return True
    person = erasure.lock_person(request.person_id)
    step = DeletionStep.objects.select_for_update().get(pk=step_id)
    if step.finished_at is not None:
        return True
    if step.name == erasure.JOURNAL:
        addresses = [] if person.user is None else [person.user.email]
        place = write_erasure(request.reference, person.id, addresses, now=now)
        DeletionRequest.objects.filter(pk=request.pk).update(
            journal_position=place.position, journal_chain=place.chain
        )
        DeletionStep.objects.filter(pk=step_id).update(finished_at=now)
        return True
    if step.name == erasure.ACCOUNT:
        finish_deletion(request, person, now=now)
        return True
    gone = erasure.erase_batch(step.name, person, limit=batch, now=now)
    done = gone.rows < batch
    DeletionStep.objects.filter(pk=step_id).update(
        removed=F("removed") + gone.rows,
        blanked=F("blanked") + gone.blanked,
        finished_at=now if done else None,
    )
    return done


def finish_deletion(request: DeletionRequest, person: erasure.Person, *, now: datetime) -> None:
    """The last step: what slipped in meanwhile, account, proof and mail, all of it or nothing."""
    request.announcement, request.announced = announce_erasure(person.id, request.reference, now)
    for name, gone in erasure.sweep(person, now=now).items():
        request.steps.filter(name=name).update(
            removed=F("removed") + gone.rows,
            blanked=F("blanked") + gone.blanked,
            finished_at=now,
        )
    request.removed = dict(request.steps.filter(removed__gt=0).values_list("name", "removed"))
    # With the columns as the schedule has them today: a class may have another name tomorrow.
    request.blanked = {
        name: {"count": count, "fields": list(ENTRIES[name].blanked)}
        for name, count in request.steps.filter(blanked__gt=0).values_list("name", "blanked")
    }
    request.state = DeletionRequest.State.FINISHED
    request.finished_at = now
    request.person_id = None
    request.save(
        update_fields=[
            "removed",
            "blanked",
            "state",
            "finished_at",
            "person_id",
            "announcement",
            "announced",
        ]
    )
    if person.user is not None and request.source != Source.REPLAY:
        emails.send_deletion_confirmed(
            person.user,
            removed=request.removed,
            blanked=request.blanked,
            kept=[Kept.from_json(row) for row in request.kept],
            reference=request.reference,
        )
