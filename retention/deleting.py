"""Doing what a deletion request asks for: its steps, batch by batch, and their end.

Work is rows. A task or a command only claims what is open and finishes it, so a lost broker, a
killed worker and a second worker change nothing about the outcome.
"""

import enum
import logging
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F

from accounts.counts import forget_counts
from accounts.models import User
from consent.counts import forget_calls
from consent.webhooks.feed import announce_erasure
from foundation import standstill
from foundation.saying import is_time_to_say
from retention import emails, erasure
from retention.asking import SESSION, make_steps, stop_account
from retention.burying import batch_size
from retention.clock import why_clock_unsettled
from retention.holding import hold_lock, holds_now
from retention.journal import deeds
from retention.journal.keeping import write_erasure, write_partial_erasure
from retention.models import DeletionRequest, DeletionStep, Scope
from retention.parts import COPIES, PROFILE, kept_after_part, packed_copies
from retention.policy import ERASE_BATCH
from retention.schedule import ENTRIES, personal_entries
from retention.staying import at_its_end, kept_after_erasure, kept_as_recorded
from retention.whose import Person

logger = logging.getLogger(__name__)
State = DeletionRequest.State
# A transaction begins another batch until so many batches' worth of rows have gone in it.
TOGETHER = 2


class Progress(enum.Enum):
    """Where a step stands after a batch."""

    DONE = enum.auto()
    MORE = enum.auto()
    # What is left of it is kept by a legal hold; once that is released the step goes on.
    HELD = enum.auto()


def run_deletions(now: datetime, *, batch: int = ERASE_BATCH) -> int:
    """Take up every open request where it was left; how many were finished.

    None in standstill: what is not in the journal must not be gone.
    """
    if standstill.why(pages=True):
        return 0
    begin_scheduled(now)
    deeds.take_up(now)
    finished = 0
    for request in DeletionRequest.objects.open():
        try:
            finished += execute_deletion(request, now=now, batch=batch)
        except Exception:
            logger.exception("deletion %s stopped; the next round takes it up", request.reference)
    return finished


def begin_scheduled(now: datetime) -> None:
    """Those whose day has come: from now on nothing takes them back.

    None under a clock that may have jumped: whoever has days to think it over has them.
    """
    ready = list(DeletionRequest.objects.ready_to_begin(now))
    if ready and (doubt := why_clock_unsettled(now)):
        if is_time_to_say("deletions-do-not-begin"):
            logger.error("%d deletions whose day has come did not begin: %s", len(ready), doubt)
        return
    for request in ready:
        try:
            begin(request, now=now)
        except Exception:
            logger.exception("deletion %s did not begin; the next round tries", request.reference)


@transaction.atomic
def begin(request: DeletionRequest, *, now: datetime) -> None:
    user = User.objects.select_for_update().filter(pk=request.person_id).first()
    if user is not None and (user.is_staff or user.is_superuser):
        logger.error("deletion %s is of somebody who is staff by now", request.reference)
        return
    ready = DeletionRequest.objects.ready_to_begin(now).filter(pk=request.pk)
    if not ready.update(state=State.REQUESTED):
        return  # another worker, or taken back a moment ago
    if user is not None:
        stop_for(request, user, now=now)


def stop_for(request: DeletionRequest, user: User, *, now: datetime) -> None:
    """It begins: mail to somebody who leaves stops, and no sign-in of theirs stands."""
    if request.scope == Scope.EVERYTHING:
        ended, _stopped = stop_account(user, waits=False, now=now)
        request.steps.filter(name=SESSION).update(removed=F("removed") + ended)


@dataclass
class Together:
    """What one transaction has done so far, with the account's row and no hold placed meanwhile."""

    person: Person
    is_free: bool
    is_silent: bool = False
    rows: int = 0
    # Classes with nothing left of the person, as seen under the lock of the account's row.
    emptied: set[str] = field(default_factory=set)
    # What is to be written of the steps, at once: a statement costs as much as a small class.
    gone: dict[uuid.UUID, erasure.Gone] = field(default_factory=dict)
    finished: dict[uuid.UUID, datetime] = field(default_factory=dict)

    def note(self, step: DeletionStep, gone: erasure.Gone) -> None:
        self.gone[step.pk] = self.gone.get(step.pk, erasure.Gone(0)) + gone
        self.rows += gone.rows

    def finish(self, step: DeletionStep, now: datetime) -> None:
        self.finished[step.pk] = now
        self.emptied.add(step.name)

    def is_waiting(self, steps: Iterable[DeletionStep], *, but: DeletionStep) -> bool:
        """Whether one of them but the last is not done."""
        return any(step.pk not in self.finished for step in steps if step is not but)

    def save_steps(self) -> None:
        steps = list({**self.gone, **self.finished})
        if not steps:
            return
        gone = [self.gone.get(step, erasure.Gone(0)) for step in steps]
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE retention_deletionstep s SET removed = removed + rows, "
                "blanked = s.blanked + u.blanked, finished_at = at "
                "FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::timestamptz[]) "
                "AS u (step, rows, blanked, at) WHERE s.id = step",
                [
                    steps,
                    [each.rows for each in gone],
                    [each.blanked for each in gone],
                    [self.finished.get(step) for step in steps],
                ],
            )
        self.gone.clear()
        self.finished.clear()


def execute_deletion(
    request: DeletionRequest, *, now: datetime, batch: int = ERASE_BATCH, silent: bool = False
) -> bool:
    """Every step that is not done, some batches a transaction; whether the request is done.

    The last step of a request stands for the whole: it comes once all others are done. `silent`
    writes no confirmation of what is done now: it was confirmed when it was done before.
    """
    steps = request.steps.values_list("name", "pk", "finished_at")
    if not {name for name, _pk, _at in steps} >= set(erasure.step_names(Scope(request.scope))):
        make_steps(request)  # a class that the schedule has got since
        steps = steps.all()
    for name, pk, finished_at in steps:
        if name == erasure.JOURNAL and finished_at is None:
            run_batch(request, pk, now=now, batch=batch, silent=silent)
    held: set[uuid.UUID] = set()
    while run_together(request, held, now=now, batch=batch, silent=silent):
        pass
    if not request.is_finished:
        request.refresh_from_db()  # or another worker did the rest
    if held and not request.is_finished:
        note_held(request, held, now=now)
    return request.is_finished


def note_held(request: DeletionRequest, held: set[uuid.UUID], *, now: datetime) -> None:
    """A hold, and nothing else, keeps it open: the last step waits for those that are held."""
    last = erasure.step_names(Scope(request.scope))[-1]
    waiting = request.steps.filter(finished_at__isnull=True).exclude(pk__in=held)
    if not waiting.exclude(name=last).exists():
        request.held_at = now
        request.save(update_fields=["held_at"])


@transaction.atomic
def run_together(
    request: DeletionRequest,
    held: set[uuid.UUID],
    *,
    now: datetime,
    batch: int,
    silent: bool = False,
) -> bool:
    """One transaction of batches, of as many classes as it has room for; whether there is more.

    Most customers are gone in one: then nothing slips in between two steps, and no row that went is
    walked past again. A kill costs what the transaction did, which the next one does anew. Steps
    that a hold keeps open are added to `held`, for this time.
    """
    if request.person_id is None:
        return False
    together = take_up(request.person_id, now=now, silent=silent)
    names = erasure.step_names(Scope(request.scope))
    steps = list(request.steps.filter(finished_at__isnull=True))
    steps.sort(key=lambda step: names.index(step.name) if step.name in names else 0)
    if request.scope == Scope.EVERYTHING:
        present = pass_over_empty(steps, together, now=now)
        if go_at_once(together.person, present, batch):
            batch = erasure.ALL_AT_ONCE
    for step in steps:
        if step.pk in held or step.pk in together.finished:
            continue
        if step.name == names[-1] and together.is_waiting(steps, but=step):
            break
        progress = Progress.MORE
        while progress == Progress.MORE:
            if together.rows >= TOGETHER * batch:
                together.save_steps()
                return True
            progress = run_step(request, step, together, now=now, batch=batch)
        if progress == Progress.HELD:
            held.add(step.pk)
    end_together(request, together, now=now)
    return False


@transaction.atomic
def run_batch(
    request: DeletionRequest,
    step_id: uuid.UUID,
    *,
    now: datetime,
    batch: int,
    silent: bool = False,
) -> Progress:
    """One batch of one step in a transaction of its own."""
    if request.person_id is None:
        return Progress.DONE
    together = take_up(request.person_id, now=now, silent=silent)
    step = DeletionStep.objects.get(pk=step_id)
    if step.finished_at is not None:
        return Progress.DONE
    progress = run_step(request, step, together, now=now, batch=batch)
    end_together(request, together, now=now)
    return progress


def take_up(person_id: uuid.UUID, *, now: datetime, silent: bool = False) -> Together:
    """For the rest of the transaction nobody else works at this person's deletion, and nobody
    places a hold: where none is in force, none has to be looked for.
    """
    hold_lock(shared=True)
    person = erasure.lock_person(person_id)
    return Together(person, is_free=not holds_now(now), is_silent=silent)


def end_together(request: DeletionRequest, together: Together, *, now: datetime) -> None:
    """Save what was done; a part is over with the last of its steps.

    Whoever finished none has nothing to end: another worker has.
    """
    is_last = bool(together.finished) and request.scope != Scope.EVERYTHING
    together.save_steps()
    if is_last and not request.steps.filter(finished_at__isnull=True).exists():
        finish_part(request, together.person, now=now, silent=together.is_silent)


def run_step(
    request: DeletionRequest,
    step: DeletionStep,
    together: Together,
    *,
    now: datetime,
    batch: int,
) -> Progress:
    """One batch of a step, inside the transaction that `together` is of."""
    person, is_free = together.person, together.is_free
    if step.name == erasure.JOURNAL:
        write_down(request, person, now=now)
        progress = Progress.DONE
    elif step.name == erasure.ACCOUNT and request.scope == Scope.EVERYTHING:
        if not is_free and erasure.is_held(request, step.name, person, now=now):
            return Progress.HELD
        together.save_steps()
        finish_deletion(request, together, now=now)
        return Progress.DONE
    else:
        progress, gone = erase_class(request, step.name, together, now=now, batch=batch)
        together.note(step, gone)
    if progress == Progress.DONE:
        together.finish(step, now)
    return progress


def erase_class(
    request: DeletionRequest, name: str, together: Together, *, now: datetime, batch: int
) -> tuple[Progress, erasure.Gone]:
    """At most so many rows of a class, after those that were written meanwhile and hang on them."""
    person, is_free = together.person, together.is_free
    batch = batch_size(request, name, batch)

    def erase(name: str) -> erasure.Gone:
        if request.scope == Scope.EVERYTHING:
            return erasure.erase_batch(name, person, limit=batch, now=now, is_free=is_free)
        return erasure.erase_part(request, name, person, limit=batch, now=now)

    for leaning in erasure.HANGS_ON.get(name, ()):
        if leaning in together.emptied:
            continue
        if late := erase(leaning).rows:
            request.steps.filter(name=leaning).update(removed=F("removed") + late)
            together.rows += late
        if late >= batch:
            return Progress.MORE, erasure.Gone(0)
    gone = erase(name)
    if gone.rows >= batch:
        return Progress.MORE, gone
    if not is_free and erasure.is_held(request, name, person, now=now):
        return Progress.HELD, gone
    return Progress.DONE, gone


def go_at_once(person: Person, names: Collection[str], batch: int) -> bool:
    """Whether all that is left hardly takes more than a transaction may: then each class goes as it
    is found, and none is asked how much there is of it."""
    room = (TOGETHER + 1) * batch
    return (
        batch >= erasure.WORTH_GUESSING
        and erasure.guessed_of(person, names) * erasure.MARGIN <= room
    )


def pass_over_empty(
    steps: list[DeletionStep], together: Together, *, now: datetime
) -> Collection[str]:
    """Classes with nothing of the person are done at once: each step costs some statements.

    What comes into them meanwhile is taken by the last step. Returned are the others.
    """
    under_way = {step.name: step for step in steps}
    done = set(erasure.step_names()) - under_way.keys()
    present = erasure.classes_with_rows(together.person, besides=done)
    for entry in personal_entries():
        if entry.model in under_way and entry.model not in present:
            together.finish(under_way[entry.model], now)
    return present & under_way.keys()


def write_down(request: DeletionRequest, person: Person, *, now: datetime) -> None:
    """Into the journal before anything goes; and what will stay, as it is known on this day."""
    if request.scope == Scope.EVERYTHING:
        addresses = [] if person.user is None else [person.user.email]
        place = write_erasure(request.reference, person.id, addresses, now=now)
    else:
        place = write_partial_erasure(request, now=now)
    request.journal_position, request.journal_chain = place.position, place.chain
    look_what_stays(request, person, now=now)
    request.save(update_fields=["kept", "journal_position", "journal_chain"])


def look_what_stays(request: DeletionRequest, person: Person, *, now: datetime) -> None:
    """Before anything goes: afterwards nothing leads to it any more."""
    if request.scope == Scope.EVERYTHING:
        kept = kept_after_erasure(person, now=now)
    else:
        kept = kept_after_part(request, person.id, now=now)
    request.kept = [each.as_json() for each in kept]


def finish_deletion(request: DeletionRequest, together: Together, *, now: datetime) -> None:
    """The last step: what slipped in meanwhile, account, proof and mail, all of it or nothing."""
    person = together.person
    if person.user is not None:
        forget_counts(person.user, person.addresses)
        forget_calls(person.id)
    request.announcement, request.announced = announce_erasure(person.id, request.reference, now)
    request.answers = {}
    kept = at_its_end(kept_as_recorded(request.kept), announced=request.announced, now=now)
    request.kept = [each.as_json() for each in kept]
    swept = erasure.sweep(person, now=now, emptied=together.emptied, is_free=together.is_free)
    close_steps(request, swept, now=now)
    for part in DeletionRequest.objects.filter(person_id=person.id).exclude(pk=request.pk):
        end_part(part, now=now)
    end_request(request, now=now)
    if person.user is not None and not together.is_silent:
        emails.send_deletion_confirmed(
            person.user,
            removed=request.removed,
            blanked=request.blanked,
            kept=[each for each in kept if not each.blanked],
            reference=request.reference,
        )


def close_steps(
    request: DeletionRequest, swept: Mapping[str, erasure.Gone], *, now: datetime
) -> None:
    """All of them are done; what the last one swept up counts where it belongs."""
    gone = [(name, each.rows, each.blanked) for name, each in swept.items() if each.rows]
    names, rows, blanked = zip(*gone, strict=True) if gone else ((), (), ())
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE retention_deletionstep s SET finished_at = COALESCE(s.finished_at, %s), "
            "removed = s.removed + COALESCE(u.rows, 0), "
            "blanked = s.blanked + COALESCE(u.blanked, 0) "
            "FROM retention_deletionstep o LEFT JOIN "
            "unnest(%s::text[], %s::int[], %s::int[]) AS u (name, rows, blanked) USING (name) "
            "WHERE o.id = s.id AND o.request_id = %s AND (s.finished_at IS NULL OR u.rows > 0)",
            [now, list(names), list(rows), list(blanked), request.pk],
        )


def finish_part(request: DeletionRequest, person: Person, *, now: datetime, silent: bool) -> None:
    """A part is gone: proof and mail, in the transaction of its last batch.

    An archive that was packed since the copies went holds what has gone after them. The account's
    row is locked, so no worker is in the middle of one (`accounts.services.is_staying`).
    """
    for name in COPIES:
        rows = packed_copies(request, name, person.id)
        if late := erasure.let_go(ENTRIES[name], rows, erasure.ALL_AT_ONCE, now=now).rows:
            request.steps.filter(name=name).update(removed=F("removed") + late)
    end_request(request, now=now)
    if person.user is not None and not silent:
        emails.send_part_deleted(person.user, request)


def end_part(part: DeletionRequest, *, now: datetime) -> None:
    """A request for a part, overtaken by that for everything: what it covers is gone with it. Or,
    after a restore, by a later one for the same (`retention.journal.replay`)."""
    if part.state == State.REQUESTED:
        part.steps.filter(finished_at__isnull=True).update(finished_at=now)
        part.kept = None  # what it left alone goes as well, or is told by the other
        end_request(part, now=now)
    else:
        # As it was read: one that has been confirmed meanwhile goes on.
        DeletionRequest.objects.filter(pk=part.pk, state=part.state).update(
            state=State.WITHDRAWN,
            finished_at=now,
            person_id=None,
            contact_list_id=None,
            check_note="",
        )


def end_request(request: DeletionRequest, *, now: datetime) -> None:
    """What went, by class; from now on the request names nobody."""
    steps = list(request.steps.filter(removed__gt=0).values_list("name", "removed", "blanked"))
    request.removed = {name: removed for name, removed, _blanked in steps}
    # With the columns as the schedule has them today: a class may have another name tomorrow.
    request.blanked = {
        name: {"count": blanked, "fields": blanked_fields(request, name)}
        for name, _removed, blanked in steps
        if blanked
    }
    request.state = State.FINISHED
    request.finished_at = now
    request.person_id = request.contact_list_id = None
    request.check_note = ""
    request.save(
        update_fields=[
            "removed",
            "blanked",
            "kept",
            "state",
            "finished_at",
            "person_id",
            "contact_list_id",
            "check_note",
            "announcement",
            "announced",
            "answers",
        ]
    )


def blanked_fields(request: DeletionRequest, name: str) -> list[str]:
    if request.scope == Scope.PROFILE and name == erasure.ACCOUNT:
        return list(PROFILE)
    return list(ENTRIES[name].blanked)
