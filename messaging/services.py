"""What changes a mailing. Admin, tasks and tests call these; every one may be called twice."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from messaging import (
    announcing,
    audience,
    campaigning,
    checklist,
    segments,
    stopping,
    taking_back,
)
from messaging.models import Campaign, Mailing, Message, ServiceAnnouncement
from messaging.outbox import put_account_mail, wake_after_commit, wake_sender
from messaging.policy import Lane
from messaging.refusals import NotAllowed, Unfit, WrongState
from messaging.rendering import render_preview
from messaging.sender import deliver_pending
from messaging.sending.claims import withhold_cancelled

logger = logging.getLogger(__name__)
State = Mailing.State
_KINDS: tuple[type[Campaign | ServiceAnnouncement], ...] = (Campaign, ServiceAnnouncement)

__all__ = [
    "Progress",
    "WrongState",
    "approve",
    "audience_preview",
    "cancel",
    "deliver_pending",
    "edited",
    "pause",
    "progress",
    "resume",
    "run_mailings",
    "send_test",
    "start",
    "version_of",
]


def _move(
    mailing: Mailing,
    *,
    to: Mailing.State,
    allowed: tuple[Mailing.State, ...],
    **changes: object,
) -> bool:
    """One guarded step; False when the mailing is already there."""
    model = type(mailing)
    moved = model.objects.filter(pk=mailing.pk, state__in=allowed).update(state=to, **changes)
    mailing.refresh_from_db()
    if moved:
        return True
    if mailing.state == to:
        return False
    raise WrongState(
        _("This is not possible now: the mailing is in the state “%(state)s”.")
        % {"state": mailing.get_state_display()}
    )


@transaction.atomic
def approve(mailing: Mailing, *, actor: User, now: datetime, read: str | None = None) -> None:
    """Both texts have been read and may go out. Any later edit takes this back.

    `read` names the words that were read (`version_of`); without it, those of the object given.
    An announcement needs another than its writers, and words that do not advertise. The row is
    held, so that what is looked at here is what is approved.
    """
    read = version_of(mailing) if read is None else read
    _hold(mailing)
    if version_of(mailing) != read:
        raise WrongState(_("The text has changed since you read it. Read it again."))
    if mailing.state == State.DRAFT:
        if isinstance(mailing, ServiceAnnouncement):
            announcing.check_approval(mailing, actor=actor)
        if isinstance(mailing, Campaign):
            campaigning.check_approval(mailing, now=now)
        campaigning.check_moment(mailing, now=now)
        checklist.refuse_unfinished(mailing)
    _move(mailing, to=State.APPROVED, allowed=(State.DRAFT,), approved_by=actor, approved_at=now)


def version_of(mailing: Mailing) -> str:
    """Names the words that stand there: each edit has a moment of its own."""
    return mailing.edited_at.isoformat() if mailing.edited_at else ""


def edited(mailing: Mailing, *, actor: User, now: datetime) -> None:
    """Somebody changes it: what was approved is no longer what will stand there.

    Called before the new words are written, which the database refuses on an approved row. Leaves
    the texts of `mailing` alone: they may be new and not yet saved.
    """
    type(mailing).objects.filter(pk=mailing.pk, state__in=(State.DRAFT, State.APPROVED)).update(
        state=State.DRAFT, approved_by=None, approved_at=None, edited_by=actor, edited_at=now
    )
    mailing.refresh_from_db(
        fields=["state", "approved_by", "approved_at", "edited_by", "edited_at"]
    )
    if isinstance(mailing, ServiceAnnouncement):
        mailing.refresh_from_db(fields=["writers"])


def _hold(mailing: Mailing) -> None:
    """The row as it stands, locked until the transaction ends."""
    type(mailing).objects.select_for_update(of=("self",)).get(pk=mailing.pk)
    mailing.refresh_from_db()


@transaction.atomic
def start(mailing: Mailing, *, actor: User | None, now: datetime) -> None:
    """Send now. The audience is resolved as of this moment, by the sender."""
    _hold(mailing)
    if mailing.state == State.APPROVED:
        _look_again(mailing)
    if mailing.state == State.APPROVED and isinstance(mailing, Campaign) and actor is not None:
        campaigning.check_start(mailing, now=now)
    if _move(mailing, to=State.SENDING, allowed=(State.APPROVED,), resolved_at=now):
        _wake_mailings()


def _look_again(mailing: Mailing) -> None:
    """What was approved is still fit to go out; or `Unfit` or `NotAllowed`."""
    checklist.refuse_missing_pictures(mailing)
    if isinstance(mailing, ServiceAnnouncement):
        announcing.check_start(mailing)


@transaction.atomic
def pause(mailing: Mailing, *, actor: User, now: datetime) -> None:
    """Nothing more is handed over until resumed; asked at each hand-over."""
    _move(mailing, to=State.PAUSED, allowed=(State.SENDING,))


@transaction.atomic
def resume(mailing: Mailing, *, actor: User, now: datetime) -> None:
    """Goes on where it stood; nobody gets it twice."""
    mailing.refresh_from_db(fields=["stop_reason"])
    if mailing.stop_reason:
        stopping.accept_what_came_back(mailing)
    if _move(mailing, to=State.SENDING, allowed=(State.PAUSED,), stop_reason=""):
        _wake_mailings()
        wake_sender(_lane(mailing))


@transaction.atomic
def cancel(mailing: Mailing, *, actor: User, now: datetime) -> None:
    """What has not been handed over never is, and is shown as withheld.

    Only the state changes here, so that every worker sees it at once however much is queued; the
    rows follow in the next round.
    """
    if isinstance(mailing, ServiceAnnouncement) and mailing.is_standing:
        raise WrongState(_("A standing text is never sent itself, only a copy of it."))
    if _move(
        mailing,
        to=State.CANCELLED,
        allowed=(State.DRAFT, State.APPROVED, State.SENDING, State.PAUSED),
        finished_at=now,
    ):
        _wake_mailings()


def send_test(mailing: Mailing, *, to: User, now: datetime) -> None:
    """Both languages to a member of staff, as account mail: nobody else sees it."""
    for language in ("nb", "en"):
        rendered = render_preview(mailing, language)
        put_account_mail(
            to=to.email,
            person_id=to.pk,
            purpose="test",
            language=language,
            subject=_("Test: %(subject)s") % {"subject": rendered.subject},
            text=rendered.text,
            html=rendered.html,
            now=now,
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a mailing is; `waiting` includes what is being handed over this moment."""

    total: int = 0
    sent: int = 0
    withheld: int = 0
    failed: int = 0
    in_doubt: int = 0
    waiting: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


def progress(mailing: Mailing) -> Progress:
    """Counted from the outbox itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, reason, count(*) FROM messaging_message WHERE mailing_id = %s "
            "GROUP BY state, reason ORDER BY count(*) DESC",
            [mailing.pk],
        )
        rows: list[tuple[str, str, int]] = cursor.fetchall()
    if mailing.state == State.CANCELLED:
        # What waits there waits only to be marked as withheld.
        rows = [
            (Message.State.WITHHELD, "cancelled", number)
            if state == Message.State.QUEUED
            else (state, reason, number)
            for state, reason, number in rows
        ]

    def count(*states: Message.State) -> int:
        return sum(number for state, _reason, number in rows if state in states)

    reasons: Counter[str] = Counter()
    for state, reason, number in rows:
        if state == Message.State.WITHHELD:
            reasons[reason] += number
    return Progress(
        total=sum(number for _state, _reason, number in rows),
        sent=count(Message.State.SENT),
        withheld=count(Message.State.WITHHELD),
        failed=count(Message.State.FAILED),
        in_doubt=count(Message.State.IN_DOUBT),
        waiting=count(Message.State.QUEUED, Message.State.CLAIMED, Message.State.HANDING),
        reasons=dict(reasons),
    )


def audience_preview(mailing: Mailing, *, now: datetime) -> dict[str, int]:
    """Whom it would reach now, and how many not, by reason, before anything is sent."""
    if isinstance(mailing, Campaign):
        counted = audience.preview_campaign(mailing.topic_id, now=now, segment=mailing.segment)
        return counted if mailing.segment is None else segments.shown_preview(counted)
    return audience.preview_announcement()


def run_mailings(*, now: datetime) -> None:
    """Start what is timed for now, resolve audiences, finish what is done. The sender's round.

    Whatever is wrong with one mailing holds up no other; the next round tries it again.
    """
    for mailing in (each for model in _KINDS for each in model.objects.due(now)):
        with _apart(mailing):
            _start_by_itself(mailing, now=now)
    _stop_those_over_threshold(now=now)
    while withhold_cancelled(now=now):
        _stop_those_over_threshold(now=now)
    for mailing in _running():
        with _apart(mailing):
            meanwhile = partial(_stop_those_over_threshold, now=now)
            if not mailing.resolved and audience.resolve(mailing, now=now, between=meanwhile):
                wake_sender(_lane(mailing))
            finish_if_done(mailing, now=now)


def _start_by_itself(mailing: Mailing, *, now: datetime) -> None:
    try:
        start(mailing, actor=None, now=now)
    except (NotAllowed, Unfit):
        taking_back.take_back(mailing, look=_look_again)
    except WrongState:
        # Edited or cancelled in this very moment: then it is no longer due.
        return


def _stop_those_over_threshold(*, now: datetime) -> None:
    for mailing in _running():
        with _apart(mailing):
            stopping.stop_if_over_threshold(mailing, now=now)


def _running() -> list[Mailing]:
    return [mailing for model in _KINDS for mailing in model.objects.running()]


@contextmanager
def _apart(mailing: Mailing) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 -- one mailing's trouble is not the others'
        # Not its words: a database quotes the row it refuses.
        logger.error("mailing %s was passed over: %s", mailing.pk, type(error).__name__)


def finish_if_done(mailing: Mailing, *, now: datetime) -> None:
    """Finished means: resolved, and nothing of it unsent any more."""
    if Message.objects.of_mailing(mailing.pk).unfinished().exists():
        return
    type(mailing).objects.filter(pk=mailing.pk, state=State.SENDING, resolved=True).update(
        state=State.FINISHED, finished_at=now
    )


def _lane(mailing: Mailing) -> Lane:
    return Lane.CAMPAIGNS if isinstance(mailing, Campaign) else Lane.URGENT


def _wake_mailings() -> None:
    wake_after_commit("messaging.tasks.run_mailings")
