"""Rows at both sides of the rules about questions, references, staff and the privacy desk.

Made by the role that makes them in life, for the doors of the database let in no other.
"""

import functools
import os
import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import ModuleType
from typing import Any

from django.db.models import Model

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
from consent.models import ReferenceUse, SalesCall
from foundation.roles import APP, OWNER, as_role
from messaging.models import DeidentifiedStretch, OwnDeed, Tombstone
from retention.models import (
    Breach,
    DeclaredAccess,
    PrivacyRequest,
    Processor,
    PromiseAlert,
    RetentionRun,
)
from tests.factories import make_customer, make_staff, topic

LONG_AGO = datetime(2012, 1, 1, tzinfo=UTC)
# So long before a clock ran out its row was made.
A_DAY = timedelta(days=1)


def boundary_of[**P](*rules: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """The test is about both sides of these rules; with none named, of its parameter `rule`.

    It fails where it ran one of them not at all, so naming a rule here excuses nothing.
    """

    def decorate(test: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(test)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            test(*args, **kwargs)
            for rule in rules or (kwargs["rule"],):
                assert RetentionRun.objects.filter(rule=rule).exists(), f"{rule} never ran"

        run.bounds = rules  # type: ignore[attr-defined]
        return run

    return decorate


def rules_bounded_in(module: ModuleType) -> set[str]:
    """What the tests of a module say they run both sides of."""
    found: set[str] = set()
    for test in vars(module).values():
        if (bounds := getattr(test, "bounds", None)) is not None:
            marks = getattr(test, "pytestmark", ())
            (each,) = [mark.args[1] for mark in marks if mark.name == "parametrize"] or [()]
            found.update(bounds or each)
    return found


def colleague() -> User:
    """One for all of them: there may be but few."""
    found: User | None = User.objects.filter(is_staff=True).order_by("pk").first()
    return found or make_staff()


def make_question(closed: datetime | None) -> SupportQuestion:
    question: SupportQuestion = SupportQuestion.objects.create(
        email="ola@example.test",
        topic="other",
        channel="email",
        language="nb",
        state="closed" if closed else "answered",
        asked_at=LONG_AGO,
        moved_at=LONG_AGO,
        closed_at=closed,
    )
    SupportEntry.objects.create(question=question, kind="question", text="x", at=LONG_AGO)
    return question


def make_call(asked: datetime) -> SalesCall:
    person = make_customer(yes=("reference_sales_call",), now=asked)
    call: SalesCall = SalesCall.objects.create(
        person=person,
        about="x",
        with_whom="x",
        asked_at=asked,
        answer_until=asked + A_DAY,
    )
    return call


def make_use(removed: datetime | None) -> ReferenceUse:
    """Planned; dropped on that day if one is named."""
    person = make_customer(yes=("reference_name",), now=LONG_AGO)
    use: ReferenceUse = ReferenceUse.objects.create(
        person=person,
        topic=topic("reference_name"),
        place="website",
        title="x",
        url="https://www.example.test/",
        planned_at=LONG_AGO,
    )
    if removed is not None:
        use.state, use.removed_at = ReferenceUse.State.REMOVED, removed
        use.save(update_fields=["state", "removed_at"])
    return use


def make_access_event(at: datetime) -> AccessEvent:
    person = make_customer()
    with as_role(APP):
        event: AccessEvent = AccessEvent.objects.create(
            person_id=person.pk,
            actor="staff:x",
            role="support",
            what="search",
            basis="reason",
            at=at,
            salt=secrets.token_bytes(16),
        )
    return event


def make_grant(until: datetime) -> AccessGrant:
    grant: AccessGrant = AccessGrant.objects.create(
        staff=colleague(),
        person=make_customer(),
        basis="question",
        reference="x",
        opened_at=until - timedelta(minutes=30),
        until=until,
    )
    return grant


def make_look_up(at: datetime) -> LookUp:
    made: LookUp = LookUp.objects.create(staff=colleague(), by=LookUp.By.KEY, found=False, at=at)
    return made


def make_alarm(day: date) -> AccessAlarm:
    made: AccessAlarm = AccessAlarm.objects.create(staff=colleague(), day=day, number=9, usual=1)
    return made


def make_confirmation(at: datetime) -> StaffConfirmation:
    person = make_customer()
    with as_role(OWNER):
        made: StaffConfirmation = StaffConfirmation.objects.create(
            person=person, roles=["support"], confirmed_at=at
        )
    return made


def make_invitation(expires: datetime) -> StaffInvitation:
    with as_role(OWNER):
        made: StaffInvitation = StaffInvitation.objects.create(
            email=f"{uuid.uuid4()}@example.test",
            roles=["support"],
            invited_at=expires - A_DAY,
            expires_at=expires,
        )
    return made


def make_privacy_request(closed: datetime | None) -> PrivacyRequest:
    request: PrivacyRequest = PrivacyRequest.objects.create(
        kind="access",
        source="staff",
        name="Ola",
        text="x",
        language="nb",
        actor="staff:x",
        received_at=LONG_AGO,
        received_on=LONG_AGO.date(),
        due_on=LONG_AGO.date() + timedelta(days=28),
        identity_at=LONG_AGO,
    )
    if closed is not None:
        request.state, request.closed_at = PrivacyRequest.State.ANSWERED, closed
        request.answer, request.answered_by = "x", "staff:x"
        request.save()
    return request


def make_breach(closed: datetime | None) -> Breach:
    breach: Breach = Breach.objects.create(
        title="x",
        what_happened="x",
        availability=True,
        aware_at=LONG_AGO,
        registered_at=LONG_AGO,
        risk="unlikely",
        measures="x",
        not_notified_because="x",
        people_untold="no_high_risk",
        closed_at=closed,
    )
    return breach


def make_processor(until: date | None) -> Processor:
    processor: Processor = Processor.objects.create(
        name="x",
        country="NO",
        transfer="none",
        agreement_on=LONG_AGO.date(),
        since=LONG_AGO.date(),
        until=until,
        confirmed_on=LONG_AGO.date(),
    )
    return processor


def make_declared(until: date | None, **fields: Any) -> DeclaredAccess:
    declared: DeclaredAccess = DeclaredAccess.objects.create(
        what="host",
        people=2,
        since=LONG_AGO.date(),
        until=until,
        confirmed_on=LONG_AGO.date(),
        **fields,
    )
    return declared


def make_alert(over: datetime | None) -> PromiseAlert:
    alert: PromiseAlert = PromiseAlert.objects.create(
        promise=uuid.uuid4().hex, state="broken", turned_at=LONG_AGO, told="", over_at=over
    )
    return alert


def make_tombstone(kind: Tombstone.Kind) -> Callable[[datetime], Tombstone]:
    def make(at: datetime) -> Tombstone:
        made: Tombstone = Tombstone.objects.create(
            customer=make_customer(), kind=kind, digest=os.urandom(32), made_at=at
        )
        return made

    return make


def make_stretch(before: datetime) -> DeidentifiedStretch:
    made: DeidentifiedStretch = DeidentifiedStretch.objects.create(
        customer=make_customer(), before=before, made_at=LONG_AGO
    )
    return made


def make_own_deed(journaled: datetime | None) -> OwnDeed:
    made: OwnDeed = OwnDeed.objects.create(
        customer=make_customer(),
        what=OwnDeed.What.LIST,
        key=1,
        digests=os.urandom(32),
        done_at=LONG_AGO,
        journal_position=None if journaled is None else 7,
        journaled_at=journaled,
    )
    return made


def last_of(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 23, 59, 59, 999999, tzinfo=UTC)


def first_of(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


# By the length of the period, at 28 February 2027: what is over, and what is not.
type Clocks = tuple[list[Any], list[Any]]
THIRTEEN_MONTHS: Clocks = [last_of(2026, 1, 31), LONG_AGO, LONG_AGO], [first_of(2026, 2, 1)]
FOUR_MONTHS: Clocks = [last_of(2026, 10, 31), LONG_AGO, LONG_AGO], [first_of(2026, 11, 1)]
TWO_YEARS: Clocks = [last_of(2025, 2, 28), LONG_AGO, LONG_AGO], [first_of(2025, 3, 1)]
THREE_YEARS: Clocks = [last_of(2024, 2, 29), LONG_AGO, LONG_AGO], [first_of(2024, 3, 1)]
SEVEN_YEARS: Clocks = [last_of(2020, 2, 29), LONG_AGO, LONG_AGO], [first_of(2020, 3, 1)]
THREE_YEARS_OF_DAYS: Clocks = (
    [date(2024, 2, 29), date(2024, 2, 28), date(2012, 1, 2)],
    [date(2024, 3, 1)],
)


def open_too(clocks: Clocks) -> Clocks:
    """A clock that has not started never runs out."""
    over, lasting = clocks
    return over, [*lasting, None]


type Boundary = tuple[Callable[[Any], Model], list[Any], list[Any]]
MORE_BOUNDARIES: dict[str, Boundary] = {
    "support_questions": (make_question, *open_too(TWO_YEARS)),
    "sales_calls": (make_call, *THREE_YEARS),
    "reference_uses": (make_use, *open_too(THREE_YEARS)),
    "access_events": (
        make_access_event,
        [last_of(2020, 2, 29), LONG_AGO, LONG_AGO],
        [first_of(2020, 3, 1)],
    ),
    "access_grants": (make_grant, *THIRTEEN_MONTHS),
    "look_ups": (make_look_up, *THIRTEEN_MONTHS),
    "access_alarms": (make_alarm, *THREE_YEARS_OF_DAYS),
    "staff_confirmations": (make_confirmation, *THREE_YEARS),
    "staff_invitations": (make_invitation, *THIRTEEN_MONTHS),
    "privacy_requests": (make_privacy_request, *open_too(THREE_YEARS)),
    "breaches": (make_breach, *open_too(THREE_YEARS)),
    "declared_accesses": (make_declared, *open_too(THREE_YEARS_OF_DAYS)),
    "processors": (make_processor, *open_too(THREE_YEARS_OF_DAYS)),
    "promise_alerts": (make_alert, *open_too(THIRTEEN_MONTHS)),
    "message_tombstones": (make_tombstone(Tombstone.Kind.MESSAGE), *SEVEN_YEARS),
    "deidentified_stretches": (make_stretch, *FOUR_MONTHS),
    "report_tombstones": (make_tombstone(Tombstone.Kind.REPORT), *TWO_YEARS),
}
