"""Requests about personal data: registered, checked, answered, refused, passed on, in time.

GDPR art. 12 (3): answered within a month of receipt; once, and told with the reason within that
month, two months more. The month does not stop while we find out who is asking. Art. 12 (4): who is
refused learns why, and where to complain. What the law counts is held by a trigger
(retention/0010_desk).

Somebody who is no customer of ours but stands in a customer's list says whose list that is; their
request is passed on to its owner (art. 28 (3) (e)). No list is searched for them, for nobody here
has a right to look across customers' lists.
"""

import uuid
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import SupportEntry, SupportQuestion, User
from accounts.services import is_staying
from accounts.zones import zone_named
from retention.asking import StaffStaysError, request_for_customer, staff_name
from retention.desk import emails
from retention.models import PrivacyRequest
from retention.policy import ANSWER, ANSWER_EXTENDED

Kind = PrivacyRequest.Kind
Source = PrivacyRequest.Source
State = PrivacyRequest.State
Ground = PrivacyRequest.Ground
# How we know who is asking, where they were signed in when they asked.
SIGNED_IN = "signed-in"
OF_THEMSELVES = (Source.PAGE, Source.ACCESS_LOG, Source.QUESTION)


class AnswerRefused(Exception):
    """Why this cannot be done with the request now."""


def open_request(
    *,
    kind: str,
    person: User | None = None,
    name: str = "",
    email: str = "",
    text: str,
    source: str,
    actor: str,
    now: datetime,
    access_event_id: uuid.UUID | None = None,
    list_owner: str = "",
    language: str = "",
    form: uuid.UUID | None = None,
    received_at: datetime | None = None,
    received_on: date | None = None,
) -> PrivacyRequest:
    """A new request, due a month later by the calendar of whoever asks. It is confirmed by mail.

    The month counts from when it reached us, which of a letter or a question was before `now`: of a
    letter staff name the day, `received_on`.

    The same form, or an objection to the same look at somebody's data, is one request. A customer
    who asks on a page of ours was signed in, and so is who they say.
    """
    form = form or uuid.uuid4()
    if already := opened_already(form, access_event_id):
        return already
    request = new_request(
        kind=kind,
        person=person,
        name=name,
        email=email,
        text=text,
        source=source,
        actor=actor,
        received_at=received_at or now,
        received_on=received_on,
        access_event_id=access_event_id,
        list_owner=list_owner,
        language=language,
        form=form,
    )
    try:
        with transaction.atomic():
            if person is not None and not is_staying(person.pk):
                raise AnswerRefused(_("This account is being deleted."))
            request.save(force_insert=True)
            emails.send_request_received(request)
    except IntegrityError:
        if already := opened_already(form, access_event_id):
            return already
        raise
    return request


def new_request(
    *,
    person: User | None,
    name: str,
    email: str,
    source: str,
    actor: str,
    received_at: datetime,
    received_on: date | None = None,
    list_owner: str,
    language: str,
    **fields: Any,
) -> PrivacyRequest:
    """As it will be written, with the day on which it is due; told to nobody yet."""
    zone = zone_named(person.timezone) if person else None
    day = received_on or timezone.localdate(received_at, timezone=zone)
    request = PrivacyRequest(
        source=source,
        person_id=person.pk if person else None,
        name="" if person else name,
        email="" if person else email,
        language=language or (person.language if person else "") or settings.LANGUAGE_CODE,
        legal_entity=person.legal_entity if person else "",
        actor=actor,
        received_at=received_at,
        received_on=day,
        due_on=ANSWER.end(day),
        list_owner="" if person else list_owner,
        **fields,
    )
    if person is not None and source in OF_THEMSELVES:
        request.identity_how, request.identity_by = SIGNED_IN, "self"
        request.identity_at = received_at
    return request


def open_from_question(
    question: SupportQuestion, *, kind: str, actor: User, now: datetime
) -> PrivacyRequest:
    """What somebody asked us as a question is a request about their data. Twice is once.

    The question stays in its thread. Who was signed in when they asked is who they say.
    """
    said = question.entries.filter(kind=SupportEntry.Kind.QUESTION).values_list("text", flat=True)
    return open_request(
        kind=kind,
        person=question.customer,
        name=question.name,
        email=question.email,
        text="\n\n".join(said),
        source=Source.QUESTION,
        actor=staff_name(actor),
        now=now,
        language=question.language,
        form=question.pk,
        received_at=question.asked_at,
    )


def opened_already(form: uuid.UUID, access_event_id: uuid.UUID | None) -> PrivacyRequest | None:
    found: PrivacyRequest | None = PrivacyRequest.objects.filter(form=form).first()
    if found is None and access_event_id is not None:
        found = PrivacyRequest.objects.filter(access_event_id=access_event_id).first()
    return found


def lock_open(request: PrivacyRequest) -> PrivacyRequest:
    found: PrivacyRequest = PrivacyRequest.objects.select_for_update().get(pk=request.pk)
    if found.state != State.OPEN:
        raise AnswerRefused(_("This request is closed."))
    return found


@transaction.atomic
def take_request(request: PrivacyRequest, *, actor: User) -> None:
    """Whoever takes it handles it; another may take it over."""
    found = lock_open(request)
    refuse_own(found, actor)
    found.assigned_to = actor
    found.save(update_fields=["assigned_to"])


@transaction.atomic
def check_identity(request: PrivacyRequest, *, how: str, actor: User, now: datetime) -> None:
    """Art. 12 (6): how staff made sure of who is asking. Once; it stands."""
    found = lock_open(request)
    refuse_own(found, actor)
    if found.identity_at is not None:
        raise AnswerRefused(_("Who is asking has been checked already."))
    found.identity_how, found.identity_by, found.identity_at = how, staff_name(actor), now
    found.save(update_fields=["identity_how", "identity_by", "identity_at"])


@transaction.atomic
def extend_request(request: PrivacyRequest, *, because: str, actor: User, now: datetime) -> None:
    """Two months more, for what is complex; the reason is told at once, within the first month."""
    found = lock_open(request)
    refuse_own(found, actor)
    if found.extended_at is not None:
        raise AnswerRefused(_("It has been extended once already, which is all the law allows."))
    if day_of(found, now) > found.due_on:
        raise AnswerRefused(_("The month is over: it can no longer be extended."))
    found.extended_at, found.extended_because = now, because
    found.due_on = ANSWER_EXTENDED.end(found.received_on)
    found.save(update_fields=["extended_at", "extended_because", "due_on"])
    emails.send_request_extended(found)


@transaction.atomic
def answer_request(request: PrivacyRequest, *, text: str, actor: User, now: datetime) -> None:
    """Done as asked, in words; nobody is answered whom we do not know."""
    found = lock_open(request)
    refuse_own(found, actor)
    if found.identity_at is None:
        raise AnswerRefused(_("Record first how you made sure of who is asking."))
    close(found, State.ANSWERED, text, actor=actor, now=now)
    emails.send_request_answered(found)


@transaction.atomic
def refuse_request(
    request: PrivacyRequest, *, ground: str, text: str, actor: User, now: datetime
) -> None:
    """Art. 12 (4): with the reason, the supervisory authority and the courts named."""
    found = lock_open(request)
    refuse_own(found, actor)
    if found.identity_at is None and ground not in (Ground.UNIDENTIFIED, Ground.EXCESSIVE):
        raise AnswerRefused(_("Record first how you made sure of who is asking."))
    found.ground = ground
    close(found, State.REFUSED, text, actor=actor, now=now)
    emails.send_request_refused(found)


@transaction.atomic
def pass_on(request: PrivacyRequest, *, owner: User, text: str, actor: User, now: datetime) -> None:
    """To the customer whom the requester named as the list's owner: the controller of that list.

    Both are told. The requester learns no more than that the one they named has it now.
    """
    found = lock_open(request)
    refuse_own(found, actor)
    if found.person_id is not None:
        raise AnswerRefused(_("A customer's own request is answered, not passed on."))
    if not found.list_owner:
        raise AnswerRefused(_("Whose list it is, only they can say. Write that down first."))
    if owner.is_staff or not is_staying(owner.pk):
        raise AnswerRefused(_("No customer has this user name, address or number."))
    found.passed_to = owner.pk
    close(found, State.PASSED_ON, text, actor=actor, now=now)
    emails.send_request_to_owner(found, owner)
    emails.send_request_passed_on(found)


@transaction.atomic
def name_list_owner(request: PrivacyRequest, *, named: str, actor: User) -> None:
    """What the requester answered when asked whose list they stand in."""
    found = lock_open(request)
    refuse_own(found, actor)
    if found.person_id is not None:
        raise AnswerRefused(_("A customer's own request is answered, not passed on."))
    found.list_owner = named
    found.save(update_fields=["list_owner"])


@transaction.atomic
def start_deletion(request: PrivacyRequest, *, actor: User, now: datetime) -> uuid.UUID:
    """Of a customer who asked for it: begun as staff begin any, confirmed by the customer."""
    found = lock_open(request)
    refuse_own(found, actor)
    if found.person_id is None or found.kind != Kind.ERASURE:
        raise AnswerRefused(_("Only a customer's request for deletion leads to one."))
    try:
        deletion = request_for_customer(
            found.person_id,
            actor=actor,
            now=now,
            asked_at=asked_at(found),
            due_by_law=found.due_on,
        )
    except StaffStaysError:
        refused = _("This is a staff account. End the staff access first.")
        raise AnswerRefused(refused) from None
    with connection.cursor() as cursor:
        # One that was open already keeps no later day than this request has.
        cursor.execute("SELECT retention_hasten(%s, %s)", [deletion.pk, found.pk])
    found.deletion_reference = deletion.reference
    found.save(update_fields=["deletion_reference"])
    reference: uuid.UUID = deletion.reference
    return reference


def asked_at(request: PrivacyRequest) -> datetime:
    """When it reached us: of a letter that we entered later, the beginning of its day."""
    zone = zone_of(request)
    if timezone.localdate(request.received_at, timezone=zone) == request.received_on:
        return request.received_at
    return datetime.combine(request.received_on, time.min, zone).astimezone(UTC)


@transaction.atomic
def take_back_request(request: PrivacyRequest, *, now: datetime) -> None:
    """By who asked. Twice is once."""
    PrivacyRequest.objects.filter(pk=request.pk, state=State.OPEN).update(
        state=State.WITHDRAWN, closed_at=now
    )


def close(request: PrivacyRequest, state: str, text: str, *, actor: User, now: datetime) -> None:
    if not text.strip():
        raise AnswerRefused(_("An answer has words."))
    request.state, request.answer, request.closed_at = state, text, now
    request.answered_by = staff_name(actor)
    fields = ["state", "answer", "closed_at", "answered_by", "ground", "passed_to"]
    request.save(update_fields=fields)


def refuse_own(request: PrivacyRequest, actor: User) -> None:
    """Nobody of staff decides about their own."""
    if request.person_id == actor.pk:
        raise AnswerRefused(_("Somebody else must handle what you asked for yourself."))


def day_of(request: PrivacyRequest, now: datetime) -> date:
    """The day where whoever asked lives."""
    return timezone.localdate(now, timezone=zone_of(request))


def zone_of(request: PrivacyRequest) -> tzinfo:
    person = person_of(request)
    zone = zone_named(person.timezone) if person else None
    return zone or timezone.get_current_timezone()


def person_of(request: PrivacyRequest) -> User | None:
    if request.person_id is None:
        return None
    found: User | None = User.objects.filter(pk=request.person_id).first()
    return found
