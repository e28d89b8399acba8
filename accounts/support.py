"""Questions to us: asked, answered through the channel the asker chose, closed.

"… svarer vi via e-post eller telefon, i samsvar med brukerens ønsker" (policy, "Kundeservice"): an
answer goes the way that was wished or not at all (`your-channel`); a trigger holds it.
"""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import emails
from accounts.models import SupportChannel, SupportEntry, SupportQuestion, User
from accounts.policy import ANSWERED_FOR

State = SupportQuestion.State
Kind = SupportEntry.Kind


class WrongChannelError(Exception):
    """The asker wants to be answered the other way."""


class ClosedError(Exception):
    """The question is closed; its asker may ask anew."""


@transaction.atomic
def ask(
    *,
    customer: User | None,
    name: str = "",
    email: str = "",
    phone: str = "",
    topic: str,
    channel: str,
    call_when: str = "",
    text: str,
    language: str,
    form: uuid.UUID,
    now: datetime,
) -> SupportQuestion:
    """A new thread. The same form sent twice is one question, and one confirmation."""
    if already := asked_by_form(form):
        return already
    question = SupportQuestion(
        customer=customer,
        name="" if customer else name,
        email="" if customer else email,
        phone=phone,
        topic=topic,
        channel=channel,
        call_when=call_when if channel == SupportChannel.PHONE else "",
        language=language,
        asked_at=now,
        moved_at=now,
    )
    try:
        with transaction.atomic():
            question.save(force_insert=True)
            write_entry(question, Kind.QUESTION, text, by=customer, form=form, now=now)
    except IntegrityError:
        if already := asked_by_form(form):
            return already
        raise
    emails.send_question_received(question)
    return question


def asked_by_form(form: uuid.UUID) -> SupportQuestion | None:
    found: SupportQuestion | None = SupportQuestion.objects.filter(entries__form=form).first()
    return found


def write_entry(
    question: SupportQuestion,
    kind: str,
    text: str,
    *,
    by: User | None,
    form: uuid.UUID,
    now: datetime,
) -> bool:
    """Whether it is new; one of the same form stands already otherwise."""
    _entry, new = SupportEntry.objects.get_or_create(
        form=form,
        defaults={"question": question, "kind": kind, "text": text, "written_by": by, "at": now},
    )
    return new


@transaction.atomic
def add(question: SupportQuestion, *, text: str, form: uuid.UUID, now: datetime) -> None:
    """The asker says more; the question waits for us again, or still since when it did."""
    question = lock(question)
    if question.state == State.CLOSED:
        raise ClosedError
    if write_entry(question, Kind.QUESTION, text, by=question.customer, form=form, now=now):
        move(question, State.OPEN, now=question.moved_at if is_open(question) else now)


@transaction.atomic
def answer_by_email(
    question: SupportQuestion, *, text: str, actor: User, form: uuid.UUID, now: datetime
) -> None:
    """The answer goes to the address of the account, or to the one a stranger gave."""
    question = lock(question)
    refuse_other_channel(question, SupportChannel.EMAIL)
    if write_entry(question, Kind.ANSWER, text, by=actor, form=form, now=now):
        move(question, State.ANSWERED, actor=actor, now=now)
        emails.send_question_answered(question, text)


@transaction.atomic
def note_call(
    question: SupportQuestion, *, text: str, actor: User, form: uuid.UUID, now: datetime
) -> None:
    """What was said on the phone, for both sides to read."""
    question = lock(question)
    refuse_other_channel(question, SupportChannel.PHONE)
    if write_entry(question, Kind.CALL, text, by=actor, form=form, now=now):
        move(question, State.ANSWERED, actor=actor, now=now)


@transaction.atomic
def note_no_answer(
    question: SupportQuestion, *, actor: User, form: uuid.UUID, now: datetime
) -> None:
    """We called and reached nobody: said in the thread, and the question waits for us as before."""
    question = lock(question)
    refuse_other_channel(question, SupportChannel.PHONE)
    with translation.override(question.language or settings.LANGUAGE_CODE):
        text = _("We called and reached nobody. We try again.")
    if write_entry(question, Kind.ATTEMPT, text, by=actor, form=form, now=now):
        # Since when it waits stays: an attempt is no answer.
        move(question, question.state, actor=actor, now=question.moved_at)


def is_open(question: SupportQuestion) -> bool:
    return bool(question.state == State.OPEN)


def refuse_other_channel(question: SupportQuestion, channel: SupportChannel) -> None:
    if question.state == State.CLOSED:
        raise ClosedError
    if question.channel != channel:
        raise WrongChannelError


def assign(question: SupportQuestion, *, actor: User) -> None:
    """Whoever takes it is the one who answers; another may take it over."""
    SupportQuestion.objects.filter(pk=question.pk).update(assigned_to=actor)


def close(question: SupportQuestion, *, now: datetime) -> None:
    """By either side. Closing twice keeps the first moment: the clock of its rule starts there."""
    SupportQuestion.objects.filter(pk=question.pk).exclude(state=State.CLOSED).update(
        state=State.CLOSED, closed_at=now
    )


def close_answered(now: datetime) -> int:
    """Answered, and nobody said more for a month: over. How many were closed."""
    return SupportQuestion.objects.filter(
        state=State.ANSWERED, moved_at__lte=now - ANSWERED_FOR
    ).update(state=State.CLOSED, closed_at=now)


def lock(question: SupportQuestion) -> SupportQuestion:
    found: SupportQuestion = SupportQuestion.objects.select_for_update().get(pk=question.pk)
    return found


def move(
    question: SupportQuestion, state: str, *, now: datetime, actor: User | None = None
) -> None:
    question.state, question.moved_at = state, now
    if actor is not None and question.assigned_to_id is None:
        question.assigned_to = actor
    question.save(update_fields=["state", "moved_at", "assigned_to"])
