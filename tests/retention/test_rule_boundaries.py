"""Both sides of every rule's boundary, with batches of two."""

import os
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from accounts.models import Invoice, PersonalToken, Session, User
from clicksend_portal.models import PageCount, PromiseDay, PromiseReading
from consent import services as consent
from consent.models import ConsentDetail, Delivery, Preference, Source, Suppression, Webhook
from foundation.roles import APP, as_role
from messaging.models import Message, SuppressionComparison
from messaging.outbox import put_account_mail
from retention.models import DeletionRequest, DeletionStep, RetentionRun
from retention.schedule import RULES
from retention.services import enforce, plan
from tests.factories import make_customer, make_staff, topic
from tests.retention.life import fill

pytestmark = pytest.mark.usefixtures("keeper")

NOW = datetime(2027, 2, 28, 2, 15, tzinfo=UTC)
SECOND = timedelta(microseconds=1)


def days_before(days: int) -> datetime:
    return NOW - timedelta(days=days)


def make_invoice(settled: date | None) -> Invoice:
    return Invoice.objects.create(
        invoice_number=uuid.uuid4().hex,
        billed_to="Ola",
        amount=1,
        currency="NOK",
        date=date(2010, 1, 1),
        settled_on=settled,
    )


def make_session(expires: datetime) -> Session:
    return Session.objects.create(
        session_key=uuid.uuid4().hex, session_data="", expire_date=expires
    )


def make_link(created: datetime) -> EmailConfirmation:
    address = EmailAddress.objects.create(
        user=make_customer(), email=f"{uuid.uuid4()}@example.test", verified=True
    )
    return EmailConfirmation.objects.create(
        email_address=address, created=created, key=uuid.uuid4().hex
    )


def make_pending(since: datetime) -> EmailAddress:
    address = EmailAddress.objects.create(
        user=make_customer(), email=f"{uuid.uuid4()}@example.test"
    )
    EmailConfirmation.objects.create(email_address=address, created=since, key=uuid.uuid4().hex)
    return address


def make_log(at: datetime) -> LogEntry:
    return LogEntry.objects.create(
        user=make_staff(),
        action_time=at,
        content_type=ContentType.objects.get_for_model(User),
        object_repr="x",
        action_flag=CHANGE,
    )


def make_request(finished: datetime | None) -> DeletionRequest:
    request = DeletionRequest.objects.create(
        person_id=None if finished else uuid.uuid4(),
        source="customer",
        actor="self",
        state="finished" if finished else "requested",
        requested_at=days_before(5000),
        finished_at=finished,
    )
    DeletionStep.objects.create(request=request, position=0, name="accounts.User")
    return request


def make_run(at: datetime) -> RetentionRun:
    return RetentionRun.objects.create(rule="x", actor="beat", cutoff=at, started_at=at)


def make_unconfirmed(at: datetime) -> User:
    person = make_customer(email_confirmed_at=None, signed_up_at=at)
    with as_role(APP):
        fill(person)
    return person


def make_reading(at: datetime) -> PromiseReading:
    return PromiseReading.objects.create(
        promise="seven-years", state="kept", evidence="measured", measured_at=at
    )


def make_token(expires: datetime) -> PersonalToken:
    return PersonalToken.objects.create(
        user=make_customer(), name="x", scopes=[], digest=os.urandom(32), expires_at=expires
    )


def make_delivery(finished: datetime | None) -> Delivery:
    webhook = Webhook.objects.create(name=uuid.uuid4().hex, url="https://crm.example.test/")
    return Delivery.objects.create(
        webhook=webhook,
        event_id=uuid.uuid4(),
        body="{}",
        state="delivered" if finished else "waiting",
        not_before=days_before(5000),
        made_at=days_before(5000),
        finished_at=finished,
    )


def make_comparison(at: datetime) -> SuppressionComparison:
    return SuppressionComparison.objects.create(compared_at=at, provider="postmark")


# Per rule: what makes a row, clocks that are over, and clocks that are not.
BOUNDARIES: dict[str, tuple[Callable[[Any], Model], list[Any], list[Any]]] = {
    "invoices": (
        make_invoice,
        [date(2020, 2, 29), date(2020, 2, 28), date(2012, 1, 1)],
        [date(2020, 3, 1), date(2027, 2, 1), None],
    ),
    "sessions": (
        make_session,
        [days_before(1), days_before(2), days_before(300)],
        [days_before(1) + SECOND, NOW, NOW + timedelta(days=14)],
    ),
    "confirmation_links": (
        make_link,
        [days_before(7), days_before(8), days_before(300)],
        [days_before(7) + SECOND, NOW],
    ),
    "pending_addresses": (
        make_pending,
        [days_before(7), days_before(8), days_before(300)],
        [days_before(7) + SECOND, NOW],
    ),
    "staff_log": (
        make_log,
        [
            datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(2026, 1, 28, tzinfo=UTC),
            days_before(2000),
        ],
        [datetime(2026, 2, 1, tzinfo=UTC), NOW],
    ),
    "unconfirmed_accounts": (
        make_unconfirmed,
        [days_before(7), days_before(8), days_before(300)],
        [days_before(7) + SECOND, NOW],
    ),
    "deletion_requests": (
        make_request,
        [datetime(2024, 2, 29, 23, 59, tzinfo=UTC), days_before(2000), days_before(3000)],
        [datetime(2024, 3, 1, tzinfo=UTC), NOW, None],
    ),
    "retention_runs": (
        make_run,
        [datetime(2024, 2, 29, 23, 59, tzinfo=UTC), days_before(2000), days_before(3000)],
        [datetime(2024, 3, 1, tzinfo=UTC), NOW],
    ),
    "readings": (
        make_reading,
        [datetime(2026, 1, 31, 23, 59, tzinfo=UTC), days_before(500), days_before(600)],
        [datetime(2026, 2, 1, tzinfo=UTC), NOW],
    ),
    "promise_days": (
        lambda day: PromiseDay.objects.create(day=day),
        [date(2024, 2, 29), date(2024, 2, 28), date(2020, 1, 1)],
        [date(2024, 3, 1), NOW.date()],
    ),
    "access_tokens": (
        make_token,
        [days_before(1), days_before(2), days_before(300)],
        [days_before(1) + SECOND, NOW, NOW + timedelta(days=365)],
    ),
    "webhook_deliveries": (
        make_delivery,
        [datetime(2027, 1, 31, 23, 59, tzinfo=UTC), days_before(60), days_before(600)],
        [datetime(2027, 2, 1, tzinfo=UTC), NOW, None],
    ),
    "suppression_comparisons": (
        make_comparison,
        [datetime(2026, 1, 31, 23, 59, tzinfo=UTC), days_before(500), days_before(600)],
        [datetime(2026, 2, 1, tzinfo=UTC), NOW],
    ),
    "page_counts": (
        lambda day: PageCount.objects.create(page="home", day=day),
        [date(2025, 1, 31), date(2025, 1, 28), date(2020, 1, 1)],
        [date(2025, 2, 1), NOW.date()],
    ),
}
BY_MONTH = {"outbox", "provider_events"}
ELSEWHERE = BY_MONTH | {"superseded_choices", "mail_to_nobody"}


def test_every_rule_has_its_boundary_tested() -> None:
    assert set(BOUNDARIES) | ELSEWHERE == set(RULES)


@pytest.mark.parametrize("name", BOUNDARIES)
def test_what_is_over_goes_and_what_is_not_stays(name: str) -> None:
    make, over, lasting = BOUNDARIES[name]
    doomed = [make(clock) for clock in over]
    spared = [make(clock) for clock in lasting]
    assert {state.rule.name: state.due for state in plan(NOW)}[name] == len(doomed)

    (run,) = enforce(NOW, "test", only=[name], batch=2)

    kind = type(doomed[0])
    assert not kind._base_manager.filter(pk__in=[row.pk for row in doomed]).exists()
    assert kind._base_manager.filter(pk__in=[row.pk for row in spared]).count() == len(spared)
    run.refresh_from_db()
    assert run.removed == len(doomed)
    assert (run.rule, run.actor, run.started_at) == (name, "test", NOW)
    assert run.duration is not None
    (again,) = enforce(NOW, "test", only=[name], batch=2)
    assert again.removed == 0


def test_an_unconfirmed_account_goes_with_all_its_rows_and_leaves_no_fingerprint() -> None:
    person = make_unconfirmed(days_before(7))
    enforce(NOW, "test", only=["unconfirmed_accounts"])
    for rows in (
        ConsentDetail.objects.filter(person_id=person.pk),
        Message.objects.filter(person_id=person.pk),
        Message.objects.filter(to_address__iexact=person.email),
        Preference.objects.filter(person_id=person.pk),
        Session.objects.filter(user_id=person.pk),
        Suppression.objects.all(),
    ):
        assert not rows.exists()


def test_customers_and_staff_of_many_years_stay() -> None:
    old = datetime(2009, 5, 1, tzinfo=UTC)
    customer = make_customer(signed_up_at=old, email_confirmed_at=old)
    gone_quiet = make_customer(signed_up_at=old, email_confirmed_at=old, deactivated_at=old)
    staff = make_staff(signed_up_at=old, email_confirmed_at=None)
    enforce(NOW, "test", only=set(RULES) - BY_MONTH)
    kept = User.objects.filter(pk__in=[customer.pk, gone_quiet.pk, staff.pk])
    assert kept.count() == 3


def test_a_change_of_address_whose_link_is_gone_goes_too() -> None:
    address = make_pending(days_before(0))
    EmailConfirmation.objects.filter(email_address=address).delete()
    enforce(NOW, "test", only=["pending_addresses"])
    assert not EmailAddress.objects.filter(pk=address.pk).exists()


# --- choices -------------------------------------------------------------------------------------


def choose(person: User, at: datetime, yes: bool) -> None:
    answers = {topic().pk: yes}
    consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=at)


@pytest.mark.parametrize(
    ("superseded_at", "stays"),
    [
        (datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC), False),
        (datetime(2024, 3, 1, tzinfo=UTC), True),
    ],
)
def test_a_choice_goes_three_years_after_the_one_that_replaced_it(
    superseded_at: datetime, stays: bool
) -> None:
    person = make_customer()
    choose(person, datetime(2012, 1, 1, tzinfo=UTC), yes=True)
    choose(person, superseded_at, yes=False)
    (run,) = enforce(NOW, "test", only=["superseded_choices"], batch=2)
    assert ConsentDetail.objects.of(person.pk).filter(version=1).exists() == stays
    assert ConsentDetail.objects.of(person.pk).filter(version=2).exists()
    assert run.removed == (0 if stays else 1)


def test_many_superseded_choices_go_in_batches() -> None:
    person = make_customer()
    for day in range(1, 6):
        choose(person, datetime(2013, 1, day, tzinfo=UTC), yes=bool(day % 2))
    assert {s.rule.name: s.due for s in plan(NOW)}["superseded_choices"] == 4
    (run,) = enforce(NOW, "test", only=["superseded_choices"], batch=2)
    assert run.removed == 4
    assert [detail.version for detail in ConsentDetail.objects.of(person.pk)] == [5]


def test_a_standing_refusal_never_runs_out() -> None:
    person = make_customer()
    choose(person, datetime(2001, 1, 1, tzinfo=UTC), yes=False)
    enforce(datetime(2090, 1, 1, tzinfo=UTC), "test", only=set(RULES) - BY_MONTH)
    assert Preference.objects.of(person.pk).get().state == "refused"
    assert ConsentDetail.objects.of(person.pk).count() == 1


# --- mail to nobody ------------------------------------------------------------------------------


def test_mail_to_people_who_are_gone_goes_and_other_mail_stays() -> None:
    person = make_customer()
    for each in (person.pk, None, uuid.uuid4(), uuid.uuid4(), uuid.uuid4()):
        put_account_mail(
            to="a@example.test",
            person_id=each,
            purpose="x",
            language="nb",
            subject="",
            text="",
            html="",
            now=NOW,
        )
    (run,) = enforce(NOW, "test", only=["mail_to_nobody"], batch=2)
    assert run.removed == 3
    assert {message.person_id for message in Message.objects.all()} == {person.pk, None}
