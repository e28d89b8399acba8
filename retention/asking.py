"""Asking for a deletion: by the customer, by staff for them, by the schedule; and taking it back.

Nothing goes here but mail and sign-ins, which stop at once. What goes later is written down as a
row with its steps; `retention.deleting` works through them. The web process may add such rows and
move them on by functions of the database, each of which checks where the request stands: it can
finish none, take none back whose day has come, begin none on the word of staff without two checks,
and move no day on which one is due.

What the database cannot know is who asks. That a customer is signed in, that a link came from their
mail, which member of staff looked: all that is the word of the web process, which may add a request
that begins at once for any customer. Who has taken over that process can ask for deletions.
"""

import uuid
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import signals
from accounts.models import Session, User
from accounts.zones import zone_named
from foundation.tenants import as_tenant
from messaging.models import ListUpload
from messaging.outbox import wake_after_commit
from retention import emails, erasure
from retention.models import DeletionRequest, Export, Scope, Source
from retention.parts import PERIODS, span
from retention.policy import ANSWER, WAY_BACK
from retention.tokens import Purpose, read_reference, token_fits

SESSION = Session._meta.label
State = DeletionRequest.State


class StaffStaysError(Exception):
    """A member of staff cannot be erased before they have left the staff."""


class TooLateError(Exception):
    """The time to take it back, or to confirm it, is over."""


class SamePersonError(Exception):
    """Two members of staff look at who is asking, never one twice."""


@transaction.atomic
def request_deletion(
    person_id: uuid.UUID,
    *,
    source: Source,
    actor: str,
    now: datetime,
    scope: Scope = Scope.EVERYTHING,
    contact_list_id: uuid.UUID | None = None,
    since: date | None = None,
    until: date | None = None,
    wait: bool = False,
    asked_at: datetime | None = None,
    due_by_law: date | None = None,
    reference: uuid.UUID | None = None,
    covers_from: datetime | None = None,
    covers_before: datetime | None = None,
) -> DeletionRequest:
    """From the commit on nothing optional goes out and every sign-in is over; the rest follows.

    With `wait` the work begins after `WAY_BACK`, and until then it can be taken back; what staff
    begin waits from the confirmation on. A part of the data (`scope`) goes without touching mail
    or sign-ins, and never waits. Asking twice is one request. Where
    the customer asks again, one that waits begins now if asked for without waiting, and one that
    staff began is confirmed; by anybody else it stays as it is.
    The account is locked first, as by the hand-over of a message, so a mail either went before or
    does not go. A `reference` is that of a deletion which the journal holds already: it is done
    once more, after a restore, for the moments (`covers_…`) that it was about.

    What the desk had before was `asked_at` then, and is due as that is, `due_by_law`; the customer
    has a month to confirm it all the same.

    A period that is open, or ends ahead, ends on the day of asking: who asks again on a later day,
    while a hold keeps this one open, asks for what has come since.
    """
    user = User.objects.select_for_update().get(pk=person_id)
    if user.is_staff or user.is_superuser:
        raise StaffStaysError
    whole = scope == Scope.EVERYTHING
    if wait and not whole:
        raise ValueError("a part of the data does not wait")
    if scope in PERIODS and reference is None:
        today = day_of(user, now)
        until = min(until or today, today)
    part = {"contact_list_id": contact_list_id, "since": since, "until": until}
    begins = now + WAY_BACK if wait else now
    already = None if reference else find_open(person_id, scope, **part)
    if already is not None:
        # Nobody but the customer confirms anything, or shortens what a customer asked for.
        if source == Source.CUSTOMER:
            move_on(already, user, by="anew", begins=begins, now=now)
        return already
    state = State.REQUESTED
    if source == Source.STAFF:
        state = State.UNCONFIRMED
    elif wait:
        state = State.SCHEDULED
    request = DeletionRequest(
        person_id=person_id,
        scope=scope,
        source=source,
        actor=actor,
        state=state,
        requested_at=asked_at or now,
        due_on=ANSWER.end(day_of(user, now)),
        due_by_law=due_by_law,
        begins_at=None if state == State.UNCONFIRMED and not wait else begins,
        covers_from=covers_from,
        covers_before=covers_before,
        **part,
        **({"reference": reference} if reference else {}),
    )
    if scope in PERIODS:
        request.covers_from, request.covers_before = span(request, person_id)
    ended = 0
    if whole and state != State.UNCONFIRMED:
        ended, request.deactivated = stop_account(user, waits=wait, now=now)
    request.save(force_insert=True)
    make_steps(request, ended=ended, journaled_at=now if reference else None)
    if state == State.SCHEDULED:
        emails.send_deletion_scheduled(user, request)
    if state == State.REQUESTED:
        wake_after_commit("retention.tasks.run_deletions")
    return request


def request_for_customer(
    person_id: uuid.UUID,
    *,
    actor: User,
    now: datetime,
    scope: Scope = Scope.EVERYTHING,
    contact_list_id: uuid.UUID | None = None,
    since: date | None = None,
    until: date | None = None,
    wait: bool = False,
    asked_at: datetime | None = None,
    due_by_law: date | None = None,
) -> DeletionRequest:
    """Staff begin it for somebody who asked them; nothing happens to the account by that.

    It runs once the customer uses the link sent to the confirmed address, or once two members of
    staff have recorded how they checked who was asking.
    """
    with transaction.atomic():
        request = request_deletion(
            person_id,
            source=Source.STAFF,
            actor=staff_name(actor),
            now=now,
            scope=scope,
            contact_list_id=contact_list_id,
            since=since,
            until=until,
            wait=wait,
            asked_at=asked_at,
            due_by_law=due_by_law,
        )
        user = User.objects.get(pk=person_id)
        if request.state == State.UNCONFIRMED and user.is_confirmed:
            emails.send_deletion_to_confirm(user, request, now=now)
    return request


def find_open(
    person_id: uuid.UUID, scope: Scope, **part: date | uuid.UUID | None
) -> DeletionRequest | None:
    """A request under way that covers the same; one for everything that has begun covers all."""
    everything = Q(scope=Scope.EVERYTHING, state=State.REQUESTED)
    found = DeletionRequest.objects.filter(
        everything | Q(scope=scope, **part), person_id=person_id
    ).order_by()
    return min(found, key=lambda each: each.scope != Scope.EVERYTHING, default=None)


def day_of(user: User, now: datetime) -> date:
    """The customer's day: the law counts a month from the day on which they asked."""
    return timezone.localdate(now, timezone=zone_named(user.timezone))


def stop_account(user: User, *, waits: bool, now: datetime) -> tuple[int, bool]:
    """Mail stops and every sign-in is over; who may change their mind may sign in anew.

    How many sign-ins ended, and whether the account was active until now.
    """
    ended, _classes = Session.objects.filter(user_id=user.pk).delete()
    if not waits:
        User.objects.filter(pk=user.pk).update(is_active=False)
        end_work(user, now=now)
        return ended, False
    stopped = User.objects.filter(pk=user.pk, deactivated_at=None).update(deactivated_at=now)
    return ended, bool(stopped)


def end_work(user: User, *, now: datetime) -> None:
    """Nothing is read in or packed any more for who leaves. The account is locked, so no worker is
    in the middle of a batch (`accounts.services.is_staying`)."""
    over = {"state": "failed", "finished_at": now}
    with as_tenant(user.pk):
        uploads = ListUpload.objects.filter(customer_id=user.pk, state=ListUpload.State.RUNNING)
        uploads.update(**over)
        wishes = [Export.State.REQUESTED, Export.State.RUNNING]
        Export.objects.filter(customer_id=user.pk, state__in=wishes).update(**over)


def make_steps(
    request: DeletionRequest, *, ended: int = 0, journaled_at: datetime | None = None
) -> None:
    """One row per class; those that are there already stay. `ended` sign-ins went before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO retention_deletionstep "
            "(request_id, position, name, removed, blanked, finished_at) "
            "SELECT %s, place - 1, name, CASE name WHEN %s THEN %s ELSE 0 END, 0, "
            "CASE name WHEN %s THEN %s::timestamptz END "
            "FROM unnest(%s::text[]) WITH ORDINALITY AS steps (name, place) "
            "ON CONFLICT DO NOTHING",
            [
                request.pk,
                SESSION,
                ended,
                erasure.JOURNAL,
                journaled_at,
                erasure.step_names(Scope(request.scope)),
            ],
        )


def move_on(
    request: DeletionRequest, user: User, *, by: str, begins: datetime, now: datetime
) -> None:
    """Confirmed, or no longer to wait: where it was unconfirmed, mail and sign-ins stop now.

    `by` says on whose word: `checked`, `confirmed` or `anew` (migrations 0007,
    0016). `TooLateError`, and nothing is changed, where it was taken back or lapsed a moment ago.
    """
    waits = begins > now
    # A day that is set already is not put off by asking again.
    if request.state == State.REQUESTED or (request.state == State.SCHEDULED and waits):
        return
    ended, deactivated = 0, request.deactivated
    if request.scope == Scope.EVERYTHING:
        ended, stopped = stop_account(user, waits=waits, now=now)
        deactivated = deactivated or stopped
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT retention_move_on(%s, %s, %s, %s, %s, %s)",
            [request.pk, by, begins, waits, deactivated, ended],
        )
        if not cursor.fetchone()[0]:
            raise TooLateError
    request.refresh_from_db()
    if request.state == State.SCHEDULED:
        emails.send_deletion_scheduled(user, request)
    wake_after_commit("retention.tasks.run_deletions")


@transaction.atomic
def withdraw_deletion(reference: uuid.UUID, *, actor: str, now: datetime) -> DeletionRequest:
    """Taken back in time: the account is as it was, and a mail says so. Twice is once.

    `TooLateError` once the work may have begun. What this request had deactivated comes back, what
    the customer had deactivated before stays so.
    """
    request: DeletionRequest = DeletionRequest.objects.get(reference=reference)
    if request.state == State.WITHDRAWN:
        return request
    user = User.objects.select_for_update().filter(pk=request.person_id).first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT retention_withdraw(%s, %s)", [request.pk, now])
        if not cursor.fetchone()[0]:
            raise TooLateError
    was_scheduled = request.state == State.SCHEDULED
    request.refresh_from_db()
    if user is not None and was_scheduled:
        if request.deactivated and User.objects.filter(
            pk=user.pk, deactivated_at__isnull=False
        ).update(deactivated_at=None):
            user.deactivated_at = None
            signals.account_reactivated.send(sender=User, user=user, now=now)
        emails.send_deletion_withdrawn(user, request)
    return request


def begins_if_confirmed(request: DeletionRequest, *, now: datetime) -> datetime | None:
    """When one that staff began would begin, confirmed now; None for at once.

    The days to think it over count from the confirmation, however long that took.
    """
    return None if request.begins_at is None else now + WAY_BACK


@transaction.atomic
def confirm_deletion(reference: uuid.UUID, *, now: datetime) -> DeletionRequest:
    """The reader of the confirmed address agreed to what staff began. Twice is once."""
    request: DeletionRequest = DeletionRequest.objects.get(reference=reference)
    if request.state in (State.REQUESTED, State.SCHEDULED):
        return request
    user = User.objects.select_for_update().filter(pk=request.person_id).first()
    if user is None or request.state != State.UNCONFIRMED:
        raise TooLateError
    if user.is_staff or user.is_superuser:
        raise StaffStaysError
    begins = begins_if_confirmed(request, now=now) or now
    move_on(request, user, by="confirmed", begins=begins, now=now)
    return request


@transaction.atomic
def record_identity_check(
    request: DeletionRequest, *, actor: User, note: str, now: datetime
) -> DeletionRequest:
    """One member of staff looked at who was asking; with the second one it runs.

    `note` says how it was checked. The second must be somebody else: `SamePersonError`.
    """
    user = User.objects.select_for_update().filter(pk=request.person_id).first()
    if user is None:
        raise TooLateError
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT retention_check_identity(%s, %s, %s)",
            [request.pk, staff_name(actor), note],
        )
        outcome = cursor.fetchone()[0]
    if outcome == "same":
        raise SamePersonError
    if outcome == "late":
        raise TooLateError
    request.refresh_from_db()
    if outcome == "second":
        if user.is_staff or user.is_superuser:
            raise StaffStaysError
        begins = begins_if_confirmed(request, now=now) or now
        move_on(request, user, by="checked", begins=begins, now=now)
    return request


def staff_name(user: User) -> str:
    """Who acted, by key: a name would outlive their own leaving."""
    return f"staff:{user.pk}"


def find_by_link(token: str, purpose: Purpose) -> DeletionRequest | None:
    """The request a link of a mail is about, for the reader of the address it went to.

    None for a link that is not ours, or went to an address that is no longer the account's.
    """
    reference = read_reference(token)
    if reference is None:
        return None
    found: DeletionRequest | None = DeletionRequest.objects.filter(reference=reference).first()
    if found is None or found.person_id is None:
        return None
    owner = User.objects.filter(pk=found.person_id).first()
    if owner is None or not token_fits(token, purpose, found.reference, owner.address):
        return None
    return found


__all__ = [
    "SamePersonError",
    "StaffStaysError",
    "TooLateError",
    "begins_if_confirmed",
    "confirm_deletion",
    "find_by_link",
    "record_identity_check",
    "request_deletion",
    "request_for_customer",
    "withdraw_deletion",
]
