"""What a customer has to do with us: questions, references, looks by staff, requests about privacy;
and, of somebody who was once a colleague, what staff accounts leave."""

import os
import secrets
from datetime import datetime, timedelta

from accounts.models import (
    AccessAlarm,
    AccessEvent,
    AccessGrant,
    LookUp,
    StaffConfirmation,
    StaffInvitation,
    SupportEntry,
    SupportQuestion,
    User,
)
from consent import services as consent
from consent.models import CallLimit, ReferenceText, ReferenceUse, SalesCall, Source
from foundation.roles import APP, KEEPER, OWNER, as_role
from messaging.models import DeidentifiedStretch, OwnDeed, Tombstone
from retention.models import PrivacyRequest
from tests.factories import make_staff, topic

# Rows an erasure deals with of somebody who has all of it, by class.
DEALINGS = {
    "accounts.SupportEntry": 2,
    "accounts.SupportQuestion": 1,
    "accounts.AccessEvent": 2,
    "accounts.AccessGrant": 1,
    "accounts.LookUp": 1,
    "accounts.AccessAlarm": 1,
    "accounts.StaffConfirmation": 1,
    "accounts.StaffInvitation": 1,
    "consent.SalesCall": 1,
    "consent.CallLimit": 1,
    "consent.ReferenceText": 2,
    "consent.ReferenceUse": 2,
    "messaging.DeidentifiedStretch": 1,
    "messaging.OwnDeed": 2,
    "messaging.Tombstone": 2,
    "retention.PrivacyRequest": 1,
}
# The activities they take part in, each with its choice and its event.
ACTIVITIES = ("reference_name", "reference_quote", "reference_sales_call")


def give_dealings(person: User, *, now: datetime) -> None:
    """A row or two in each of these tables. References are of those alone who have confirmed."""
    colleague = User.objects.filter(is_staff=True).first() or make_staff()
    with as_role(APP):
        give_question(person, colleague, now=now)
        give_looks(person, colleague, now=now)
        give_request(person, colleague, now=now)
        if person.email_confirmed_at is not None:
            give_references(person, colleague, now=now)
    with as_role(OWNER):
        give_staff_rows(person, colleague, now=now)
    with as_role(KEEPER):
        for kind in (Tombstone.Kind.LIST, Tombstone.Kind.MESSAGE):
            Tombstone.objects.create(customer=person, kind=kind, digest=os.urandom(32), made_at=now)
        # Of long ago, so that whatever else they ask for is another.
        DeidentifiedStretch.objects.create(
            customer=person, before=now - timedelta(days=60), made_at=now
        )
        for what in (OwnDeed.What.LIST, OwnDeed.What.OPT_OUT):
            OwnDeed.objects.create(
                customer=person, what=what, key=1, digests=os.urandom(32), done_at=now
            )


def give_question(person: User, colleague: User, *, now: datetime) -> SupportQuestion:
    question: SupportQuestion = SupportQuestion.objects.create(
        customer=person,
        name=person.get_full_name(),
        email=person.email,
        phone=person.phone,
        topic=SupportQuestion.Topic.BILLING,
        channel="phone",
        call_when=f"Ask for {person.first_name}",
        language="nb",
        assigned_to=colleague,
        asked_at=now,
        moved_at=now,
    )
    for kind, author in (("question", None), ("call", colleague)):
        SupportEntry.objects.create(
            question=question, kind=kind, text=f"{person.last_name}, {person.phone}",
            written_by=author, at=now,
        )  # fmt: skip
    return question


def give_looks(person: User, colleague: User, *, now: datetime) -> None:
    why = {"basis": "reason", "reference": "case 7", "reason": f"A letter of {person.last_name}"}
    grant = AccessGrant.objects.create(
        staff=colleague,
        person=person,
        opened_at=now,
        until=now + timedelta(minutes=30),
        **why,
    )
    for what, key in (("profile", grant.pk), ("search", None)):
        AccessEvent.objects.create(
            person_id=person.pk,
            actor=f"staff:{colleague.pk}",
            role="support",
            what=what,
            grant_id=key,
            at=now,
            salt=secrets.token_bytes(16),
            **why,
        )


def give_request(person: User, colleague: User, *, now: datetime) -> PrivacyRequest:
    """One that is answered: it stays, and says nothing of whose it was."""
    request: PrivacyRequest = PrivacyRequest.objects.create(
        kind=PrivacyRequest.Kind.RECTIFICATION,
        source=PrivacyRequest.Source.STAFF,
        person_id=person.pk,
        name=person.get_full_name(),
        email=person.email,
        text=f"My number is {person.phone}",
        language="nb",
        actor=f"staff:{colleague.pk}",
        received_at=now,
        received_on=now.date(),
        due_on=now.date() + timedelta(days=28),
        identity_how=f"Called {person.phone}",
        identity_by=f"staff:{colleague.pk}",
        identity_at=now,
        assigned_to=colleague,
    )
    request.state = PrivacyRequest.State.ANSWERED
    request.answer = f"Corrected, {person.first_name}"
    request.answered_by = f"staff:{colleague.pk}"
    request.closed_at = now
    request.save()
    return request


def give_references(person: User, colleague: User, *, now: datetime) -> None:
    """A quote whose words wait for them, a name that is shown, a call they are asked for."""
    answers = {topic(slug).pk: True for slug in ACTIVITIES}
    consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=now)
    quote, name = (
        ReferenceUse.objects.create(
            person=person,
            topic=topic(slug),
            place=ReferenceUse.Place.WEBSITE,
            title=person.company,
            url="https://www.example.test/kunder",
            responsible=colleague,
            planned_at=now,
        )
        for slug in ACTIVITIES[:2][::-1]
    )
    for version, by_customer in ((1, False), (2, True)):
        ReferenceText.objects.create(
            use=quote,
            version=version,
            text_nb=f"«Bra», sier {person.first_name}",
            text_en=f"“Good”, says {person.first_name}",
            by_customer=by_customer,
            written_by="self" if by_customer else f"staff:{colleague.pk}",
            written_at=now,
            remark=person.last_name,
        )
    name.state = ReferenceUse.State.PUBLISHED
    name.published_at = now
    name.save(update_fields=["state", "published_at"])
    SalesCall.objects.create(
        person=person,
        asked_by=colleague,
        about=f"How {person.company} sends",
        with_whom="Somebody AS",
        asked_at=now,
        answer_until=now + timedelta(days=14),
    )
    CallLimit.objects.create(person=person, a_year=3)


def give_staff_rows(person: User, colleague: User, *, now: datetime) -> None:
    """Of the time when they were a colleague themselves."""
    LookUp.objects.create(staff=person, by=LookUp.By.EMAIL, found=True, at=now)
    AccessAlarm.objects.create(staff=person, day=now.date(), number=40, usual=3)
    StaffConfirmation.objects.create(
        person=person, roles=["support"], confirmed_by=colleague, confirmed_at=now
    )
    StaffInvitation.objects.create(
        email=person.email,
        roles=["support"],
        invited_by=colleague,
        invited_at=now,
        expires_at=now + timedelta(days=7),
        accepted_by=person,
        accepted_at=now,
    )
