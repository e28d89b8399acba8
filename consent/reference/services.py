"""What staff and customers do in the reference program. Pages, admin, API and tasks call these.

The database keeps what must hold whoever asks (migration consent.0008): a use is planned and
published only where its activity is granted, in words both sides approved, and a no opens the
takedowns in its own statement. Each transaction here takes the grant first, as an opt-out does, so
that none of them ever makes an opt-out wait in a circle.
"""

import uuid
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Max, QuerySet

from accounts.models import User
from consent.models import (
    CallLimit,
    ReferenceText,
    ReferenceUse,
    SalesCall,
    Source,
    Takedown,
    Topic,
)
from consent.reference import mails
from consent.reference.errors import (
    AlreadyDecidedError,
    CallLimitError,
    NotApprovedError,
    NotGrantedError,
    ReferenceProgramError,
    refusals,
)
from consent.reference.words import SALES_CALL
from consent.services import SELF, Shown, record_opt_out
from foundation.redaction import without_ips

__all__ = [
    "SALES_CALL",
    "AlreadyDecidedError",
    "CallLimitError",
    "NotApprovedError",
    "NotGrantedError",
    "ReferenceProgramError",
    "answer_call",
    "approve_text",
    "ask_for_call",
    "decline_text",
    "expire_calls",
    "leave_program",
    "plan_use",
    "publish_use",
    "record_call_made",
    "record_removal",
    "reference_topics",
    "set_call_limit",
    "withdraw_use",
    "write_text",
]


def reference_topics() -> list[uuid.UUID]:
    """Every activity, for "everything off"; retired ones too."""
    return list(Topic.objects.filter(kind=Topic.Kind.REFERENCE).values_list("id", flat=True))


def leave_program(
    person_id: uuid.UUID,
    *,
    source: Source,
    actor: str = SELF,
    now: datetime,
    shown: Shown,
    reason: str = "",
) -> list[uuid.UUID]:
    """A no to every activity at once; the topics that changed. The takedowns open by themselves."""
    return record_opt_out(
        person_id,
        reference_topics(),
        source=source,
        actor=actor,
        now=now,
        shown=shown,
        reason=reason,
        received_at=now,
    )


def plan_use(
    person: User,
    topic: Topic,
    *,
    place: str,
    title: str,
    url: str = "",
    copies: str = "",
    responsible: User | None,
    now: datetime,
) -> ReferenceUse:
    """Prepare one use of a granted activity; nothing of it is shown yet.

    The title stands for good, for the customer approves it with the words.
    """
    with refusals(), transaction.atomic():
        _hold_grant(person.pk, topic.pk)
        return ReferenceUse.objects.create(
            person=person,
            topic=topic,
            place=place,
            title=without_ips(title)[:150],
            url=url,
            copies=without_ips(copies)[:300],
            responsible=responsible,
            planned_at=now,
        )


def write_text(
    use: ReferenceUse,
    *,
    nb: str,
    en: str,
    by_customer: bool,
    actor: str,
    remark: str = "",
    now: datetime,
) -> ReferenceText:
    """The next version of the words. Whoever writes approves what they wrote; the other is asked.

    What is published stays in the words last approved by both until the new ones are.
    """
    if not (nb.strip() or en.strip()):
        raise NotApprovedError("no words")
    with refusals(), transaction.atomic():
        person = _person_of(use)
        _hold_grant(person.pk, use.topic_id)
        _hold_use(use)
        latest = use.texts.aggregate(latest=Max("version"))["latest"] or 0
        text = ReferenceText.objects.create(
            use=use,
            version=latest + 1,
            text_nb=nb.strip(),
            text_en=en.strip(),
            by_customer=by_customer,
            written_by=actor,
            written_at=now,
            remark=without_ips(remark.strip())[:300],
            customer_approved_at=now if by_customer else None,
            staff_approved_at=None if by_customer else now,
            staff_approved_by="" if by_customer else actor,
        )
        if not by_customer:
            mails.send_words_waiting(person, use)
    return text


def approve_text(text: ReferenceText, *, by_customer: bool, actor: str, now: datetime) -> None:
    """One side says yes to the newest version; twice is once."""
    with refusals(), transaction.atomic():
        # The account before the words, as an erasure does.
        _hold_grant(_person_of(text.use).pk, text.use.topic_id)
        _hold_use(text.use)
        standing = _newest(text)
        if standing.customer_declined_at is not None:
            raise AlreadyDecidedError("the customer declined these words")
        if by_customer and standing.customer_approved_at is None:
            standing.customer_approved_at = now
        elif not by_customer and standing.staff_approved_at is None:
            standing.staff_approved_at, standing.staff_approved_by = now, actor
        standing.save(
            update_fields=["customer_approved_at", "staff_approved_at", "staff_approved_by"]
        )
    text.refresh_from_db()


def decline_text(text: ReferenceText, *, remark: str = "", now: datetime) -> None:
    """The customer says no to the newest version, as long as they have not approved it."""
    with refusals(), transaction.atomic():
        standing = _newest(text)
        if standing.customer_approved_at is not None:
            raise AlreadyDecidedError("the customer approved these words")
        if standing.customer_declined_at is None:
            standing.customer_declined_at = now
            standing.remark = without_ips(remark.strip())[:300] or standing.remark
            standing.save(update_fields=["customer_declined_at", "remark"])
    text.refresh_from_db()


def publish_use(use: ReferenceUse, *, actor: str, now: datetime) -> None:
    """From now on it is shown; twice is once. The customer is told.

    `actor` stands in admin's own history of the use.
    """
    with refusals(), transaction.atomic():
        person = _person_of(use)
        _hold_grant(person.pk, use.topic_id)
        published = ReferenceUse.objects.filter(pk=use.pk, state=ReferenceUse.State.PLANNED).update(
            state=ReferenceUse.State.PUBLISHED, published_at=now
        )
        use.refresh_from_db()
        if published:
            mails.send_published(person, use)
        elif use.state != ReferenceUse.State.PUBLISHED:
            raise AlreadyDecidedError("it was taken down")


def withdraw_use(use: ReferenceUse, *, now: datetime) -> None:
    """One use ends though its activity stays granted: planned, it is dropped; published, it is
    taken down like any other. By its customer or by staff; twice is once."""
    state = ReferenceUse.State
    with refusals(), transaction.atomic():
        rows = ReferenceUse.objects.filter(pk=use.pk)
        rows.filter(state=state.PLANNED).update(state=state.REMOVED, removed_at=now)
        rows.filter(state=state.PUBLISHED).update(state=state.TAKING_DOWN)
    use.refresh_from_db()


def record_removal(takedown: Takedown, *, checked: str, actor: str, now: datetime) -> bool:
    """It is gone: what was looked at, when and by whom. Whether this closed it; twice is once.

    Once nothing of theirs is left to take down, the customer gets one mail with all of it.
    """
    if not checked.strip():
        raise ReferenceProgramError("say what was checked")
    with refusals(), transaction.atomic():
        # Before the rest, as an erasure does; and the last two of somebody, closed at one moment,
        # would else each see the other open.
        person = User.objects.select_for_update(no_key=True).filter(pk=takedown.use.person_id)
        reader = person.first()
        closed = Takedown.objects.filter(pk=takedown.pk, closed_at=None).update(
            checked=without_ips(checked.strip())[:300],
            checked_at=now,
            checked_by=actor,
            closed_at=now,
        )
        takedown.refresh_from_db()
        if closed and reader is not None:
            _tell_all_is_gone(reader, now=now)
    return bool(closed)


def _tell_all_is_gone(person: User, *, now: datetime) -> None:
    theirs = Takedown.objects.filter(use__person_id=person.pk)
    if theirs.filter(closed_at=None).exists():
        return
    untold = theirs.filter(told_at=None).select_related("use__topic").order_by("closed_at")
    if gone := list(untold):
        mails.send_all_is_gone(person, gone)
        theirs.filter(pk__in=[each.pk for each in gone]).update(told_at=now)


def ask_for_call(
    person: User,
    *,
    about: str,
    with_whom: str,
    staff: User | None,
    answer_until: datetime,
    now: datetime,
) -> SalesCall:
    """Ask somebody for one call. Refused beyond the number a year they set, and without a grant."""
    with refusals(), transaction.atomic():
        _hold_grant(person.pk, Topic.objects.get(slug=SALES_CALL).pk)
        _expire(SalesCall.objects.filter(person=person), now=now)
        call = SalesCall.objects.create(
            person=person,
            asked_by=staff,
            about=without_ips(about.strip())[:300],
            with_whom=without_ips(with_whom.strip())[:150],
            asked_at=now,
            answer_until=answer_until,
        )
        mails.send_call_request(person, call)
    return call


def answer_call(call: SalesCall, *, accept: bool, now: datetime) -> None:
    """The customer's answer to one request; a yes may become a no, never the other way."""
    answer = SalesCall.Answer
    with refusals(), transaction.atomic():
        if accept:
            _hold_grant(call.person_id, Topic.objects.get(slug=SALES_CALL).pk)
        from_ = (answer.OPEN,) if accept else (answer.OPEN, answer.ACCEPTED)
        rows = SalesCall.objects.filter(pk=call.pk, answer__in=from_, made_at=None)
        if accept:
            rows = rows.filter(answer_until__gte=now)
        new = answer.ACCEPTED if accept else answer.DECLINED
        changed = rows.update(answer=new, answered_at=now)
        call.refresh_from_db()
        if not changed and call.answer != new:
            raise AlreadyDecidedError(call.answer)


def record_call_made(call: SalesCall, *, now: datetime) -> None:
    """The accepted call took place; only one that is still accepted may."""
    made = SalesCall.objects.filter(
        pk=call.pk, answer=SalesCall.Answer.ACCEPTED, made_at=None
    ).update(made_at=now)
    call.refresh_from_db()
    if not made and call.made_at is None:
        raise AlreadyDecidedError(call.answer)


def expire_calls(*, now: datetime) -> int:
    """Requests nobody answered in time; no answer is a no."""
    return _expire(SalesCall.objects.all(), now=now)


def _expire(calls: QuerySet[SalesCall], *, now: datetime) -> int:
    rows = calls.filter(answer=SalesCall.Answer.OPEN, answer_until__lt=now)
    return int(rows.update(answer=SalesCall.Answer.EXPIRED, answered_at=F("answer_until")))


def set_call_limit(person: User, a_year: int) -> None:
    """How many requests a year the customer wants at most."""
    CallLimit.objects.update_or_create(person=person, defaults={"a_year": a_year})


def _person_of(use: ReferenceUse) -> User:
    person: User | None = User.objects.filter(pk=use.person_id).first()
    if person is None:
        raise NotGrantedError("erased")
    return person


def _hold_use(use: ReferenceUse) -> None:
    """It is not over, and stays as it is until the end of the transaction."""
    state = ReferenceUse.State
    rows = ReferenceUse.objects.filter(pk=use.pk, state__in=(state.PLANNED, state.PUBLISHED))
    if rows.select_for_update(no_key=True).first() is None:
        raise AlreadyDecidedError("it was taken down")


def _newest(text: ReferenceText) -> ReferenceText:
    """The version as it stands, locked; a newer one makes it the past."""
    standing = ReferenceText.objects.select_for_update(of=("self",)).get(pk=text.pk)
    if ReferenceText.objects.filter(use_id=text.use_id, version__gt=standing.version).exists():
        raise AlreadyDecidedError("there is a newer version")
    return standing


def _hold_grant(person_id: uuid.UUID, topic_id: uuid.UUID) -> None:
    """The grant stays as it is until the end of the transaction; refused where there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_hold_grant(%s, %s)", [person_id, topic_id])
        if not cursor.fetchone()[0]:
            raise NotGrantedError("not granted")
