"""Both sides of every rule's boundary, with batches of two."""

import os
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation
from django.conf import LazySettings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from accounts.models import Invoice, PersonalToken, Session, Transaction, User
from accounts.services import reactivate_account
from clicksend_portal.models import PageCount, PromiseDay, PromiseReading
from consent import services as consent
from consent.models import (
    ConsentDetail,
    Delivery,
    Preference,
    ReferenceText,
    ReferenceUse,
    Source,
    Suppression,
    Takedown,
    Webhook,
)
from foundation.roles import APP, as_role
from messaging.models import (
    ListUpload,
    Message,
    OwnDeed,
    Report,
    SuppressionComparison,
    Tombstone,
    UploadPart,
)
from messaging.outbox import put_account_mail
from retention.entries import Removal
from retention.models import (
    DeclaredAccess,
    DeletionRequest,
    DeletionStep,
    Destruction,
    Export,
    ExportPart,
    LegalHold,
    PhysicalItem,
    Processor,
    RetentionRun,
    deletion,
)
from retention.policy import parse_legal_entities
from retention.returning import ask_to_return
from retention.schedule import RULES
from retention.services import (
    enforce,
    plan,
    request_deletion,
    request_for_customer,
    run_deletions,
)
from tests.factories import make_customer, make_staff, topic
from tests.retention import test_months, test_months_held
from tests.retention.boundaries import (
    MORE_BOUNDARIES,
    Boundary,
    boundary_of,
    make_declared,
    make_own_deed,
    make_processor,
    make_tombstone,
    make_use,
    rules_bounded_in,
)
from tests.retention.life import fill

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("keeper")]

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


def make_orphan_invoice(day: date) -> Invoice:
    invoice = make_invoice(None)
    invoice.date = day
    invoice.save(update_fields=["date"])
    return invoice


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


def make_former_staff(at: datetime) -> User:
    return make_customer(is_active=False, deactivated_at=at)


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


def make_transaction(ended: date | None) -> Transaction:
    return Transaction.objects.create(
        transaction_id=uuid.uuid4().hex,
        kind="charge",
        amount=1,
        currency="NOK",
        date=date(2010, 1, 1),
        ended_on=ended,
    )


def make_orphan_transaction(day: date) -> Transaction:
    transaction = make_transaction(None)
    transaction.date = day
    transaction.save(update_fields=["date"])
    return transaction


def make_upload(at: datetime) -> ListUpload:
    upload = ListUpload.objects.create(customer=make_customer(), file_name="a.csv", made_at=at)
    UploadPart.objects.create(
        upload=upload, customer_id=upload.customer_id, number=0, data=b"+4740000001"
    )
    return upload


def make_report(at: datetime) -> Report:
    return Report.objects.create(
        customer=make_customer(), report_id=1, report_name="x", date=at, content={}
    )


def make_export(at: datetime) -> Export:
    export = Export.objects.create(
        customer=make_customer(), actor="self", language="nb", requested_at=at
    )
    ExportPart.objects.create(export=export, customer_id=export.customer_id, number=0, data=b"x")
    return export


def make_hold(released: datetime | None, **fields: Any) -> LegalHold:
    """In force where it was never released: it keeps nothing but itself from these rules."""
    values = {
        "customer_id": uuid.uuid4(),
        "placed_at": days_before(5000),
        "approved_at": days_before(4999),
        "released_at": released,
    }
    return LegalHold.objects.create(
        reason="x", reference="x", review_on=date(2027, 3, 1), **(values | fields)
    )


def make_lapsed_hold(placed: datetime, **fields: Any) -> LegalHold:
    return make_hold(None, placed_at=placed, approved_at=None, **fields)


def make_destruction(on: date | None) -> Destruction:
    """Of an item that is signed for by two; on no day: by one."""
    day = on or date(2012, 1, 1)
    item = PhysicalItem.objects.create(
        name="x",
        kind="paper",
        serial=uuid.uuid4().hex,
        place="x",
        contains="x",
        kept_since=date(2010, 1, 1),
        due_on=date(2011, 1, 1),
    )
    done: Destruction = Destruction.objects.create(
        item=item,
        method="destroy",
        tool="x",
        place="x",
        destroyed_on=day,
        verified_how="x",
        performed_by="x",
        signed_by=make_staff(),
        signed_at=NOW,
    )
    if on is not None:
        done.verified_by, done.countersigned_by, done.countersigned_at = "y", make_staff(), NOW
        done.save()
    return done


# Per rule: what makes a row, clocks that are over, and clocks that are not.
BOUNDARIES: dict[str, Boundary] = MORE_BOUNDARIES | {
    "invoices": (
        make_invoice,
        [date(2020, 2, 29), date(2020, 2, 28), date(2012, 1, 1)],
        [date(2020, 3, 1), date(2027, 2, 1), None],
    ),
    "open_invoices_of_nobody": (
        make_orphan_invoice,
        [date(2020, 2, 29), date(2020, 2, 28), date(2012, 1, 1)],
        [date(2020, 3, 1), date(2027, 2, 1)],
    ),
    "open_transactions_of_nobody": (
        make_orphan_transaction,
        [date(2020, 2, 29), date(2020, 2, 28), date(2012, 1, 1)],
        [date(2020, 3, 1), date(2027, 2, 1)],
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
    "former_staff": (
        make_former_staff,
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
    "transactions": (
        make_transaction,
        [date(2020, 2, 29), date(2020, 2, 28), date(2012, 1, 1)],
        [date(2020, 3, 1), date(2027, 2, 1), None],
    ),
    "list_uploads": (
        make_upload,
        [days_before(30), days_before(31), days_before(300)],
        [days_before(30) + SECOND, NOW],
    ),
    "own_deeds": (
        make_own_deed,
        [days_before(2), days_before(3), days_before(300)],
        [days_before(2) + SECOND, NOW, None],
    ),
    "unconfirmed_uploads": (
        make_upload,
        [days_before(2), days_before(3), days_before(20)],
        [days_before(2) + SECOND, NOW],
    ),
    "reports": (
        make_report,
        [datetime(2025, 2, 28, 23, 59, tzinfo=UTC), days_before(800), days_before(3000)],
        [datetime(2025, 3, 1, tzinfo=UTC), NOW],
    ),
    "exports": (
        make_export,
        [days_before(8), days_before(9), days_before(300)],
        [days_before(8) + SECOND, NOW],
    ),
    "legal_holds": (
        make_hold,
        [datetime(2024, 2, 29, 23, 59, tzinfo=UTC), days_before(2000), days_before(3000)],
        [datetime(2024, 3, 1, tzinfo=UTC), NOW, None],
    ),
    "lapsed_holds": (
        make_lapsed_hold,
        [datetime(2024, 2, 29, 23, 59, tzinfo=UTC), days_before(2000), days_before(3000)],
        [datetime(2024, 3, 1, tzinfo=UTC), NOW],
    ),
    "destructions": (
        make_destruction,
        [date(2024, 2, 29), date(2024, 2, 28), date(2012, 1, 1)],
        [date(2024, 3, 1), NOW.date(), None],
    ),
    "page_counts": (
        lambda day: PageCount.objects.create(page="home", day=day),
        [date(2025, 1, 31), date(2025, 1, 28), date(2020, 1, 1)],
        [date(2025, 2, 1), NOW.date()],
    ),
}
BY_MONTH = {name for name, (_entry, rule) in RULES.items() if rule.removal == Removal.PARTITIONS}


# The database lets none of these go that is not old by its own clock too, so the day is a past one.
OWN_DAYS = {"access_events": datetime(2023, 2, 28, 2, 15, tzinfo=UTC)}


def test_every_rule_has_its_boundary_tested() -> None:
    """Here, or by a test that says so (`boundary_of`) and is held to have run the rule."""
    elsewhere = set().union(
        *map(rules_bounded_in, (test_months, test_months_held, sys.modules[__name__]))
    )
    assert set(BOUNDARIES) | elsewhere == set(RULES)
    assert not set(BOUNDARIES) & elsewhere


@pytest.mark.parametrize("name", BOUNDARIES)
def test_what_is_over_goes_and_what_is_not_stays(name: str) -> None:
    make, over, lasting = BOUNDARIES[name]
    now = OWN_DAYS.get(name, NOW)
    doomed = [make(clock) for clock in over]
    spared = [make(clock) for clock in lasting]
    assert {state.rule.name: state.due for state in plan(now)}[name] == len(doomed)

    (run,) = enforce(now, "test", only=[name], batch=2)

    kind = type(doomed[0])
    assert not kind._base_manager.filter(pk__in=[row.pk for row in doomed]).exists()
    assert kind._base_manager.filter(pk__in=[row.pk for row in spared]).count() == len(spared)
    run.refresh_from_db()
    assert run.removed == len(doomed)
    assert (run.rule, run.actor, run.started_at) == (name, "test", now)
    assert run.duration is not None
    (again,) = enforce(now, "test", only=[name], batch=2)
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


def test_a_lapsed_hold_on_one_of_them_stops_neither_that_one_nor_the_others() -> None:
    people = [make_unconfirmed(days_before(days)) for days in (7, 8, 9)]
    make_lapsed_hold(days_before(3), customer_id=people[1].pk)
    (run,) = enforce(NOW, "test", only=["unconfirmed_accounts"])
    assert run.removed == 3
    assert not User.objects.filter(pk__in=[each.pk for each in people]).exists()


def test_a_hold_that_somebody_approved_never_ages_until_it_is_released() -> None:
    standing = make_hold(None)
    enforce(NOW, "test", only=["legal_holds", "lapsed_holds"])
    assert LegalHold.objects.get() == standing


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


def test_an_item_goes_with_the_certificate_of_its_destruction() -> None:
    gone, kept = make_destruction(date(2012, 1, 1)), make_destruction(date(2027, 1, 1))
    enforce(NOW, "test", only=["destructions"], batch=2)
    assert list(PhysicalItem.objects.values_list("pk", flat=True)) == [kept.item_id]
    assert gone.item_id != kept.item_id


@pytest.mark.parametrize("make", [make_invoice, make_transaction])
def test_an_old_open_bill_stays_while_its_customer_is_there(
    make: Callable[[date | None], Model],
) -> None:
    """And one that has ended goes by its end, not by its date."""
    owned, ended, orphan = make(None), make(date(2026, 1, 1)), make(None)
    type(owned)._base_manager.filter(pk=owned.pk).update(customer=make_customer())
    enforce(NOW, "test", only=["open_invoices_of_nobody", "open_transactions_of_nobody"])
    left = set(type(owned)._base_manager.values_list("pk", flat=True))
    assert left == {owned.pk, ended.pk}
    assert orphan.pk not in left


def test_a_file_that_is_read_or_was_read_is_no_unconfirmed_one() -> None:
    uploads = [make_upload(days_before(3)) for _ in range(3)]
    for upload, state in zip(uploads, ("uploaded", "running", "finished"), strict=True):
        ListUpload.objects.filter(pk=upload.pk).update(state=state)
    enforce(NOW, "test", only=["unconfirmed_uploads"])
    assert set(ListUpload.objects.values_list("pk", flat=True)) == {u.pk for u in uploads[1:]}
    assert UploadPart.objects.count() == 2


def test_what_waits_to_be_done_again_stays_however_old_it_is() -> None:
    waiting, _done = (make_own_deed(datetime(2012, 1, 1, tzinfo=UTC)) for _ in range(2))
    OwnDeed.objects.filter(pk=waiting.pk).update(waits=True)
    enforce(NOW, "test", only=["own_deeds"])
    assert OwnDeed.objects.get() == waiting


def test_a_company_stays_declared_while_an_access_of_its_people_is() -> None:
    """And both go in one night, or in two: what refers to it first."""
    ended = date(2012, 6, 1)
    kept, gone = make_processor(ended), make_processor(ended)
    lasting = make_declared(None, processor=kept)
    make_declared(ended, processor=gone)
    enforce(NOW, "test", only=["processors"])
    assert Processor.objects.count() == 2
    enforce(NOW, "test", only=["declared_accesses"])
    enforce(NOW, "test", only=["processors"])
    assert list(Processor.objects.all()) == [kept]
    assert list(DeclaredAccess.objects.all()) == [lasting]


def test_a_use_goes_with_its_words_and_the_proof_that_it_came_down() -> None:
    use = make_use(None)
    assert use.person_id is not None
    with as_role(APP):
        text = ReferenceText.objects.create(use=use, version=1, text_nb="x", written_by="self")
        approved = dict.fromkeys(("staff_approved_at", "customer_approved_at"), days_before(2000))
        ReferenceText.objects.filter(pk=text.pk).update(**approved)
        ReferenceUse.objects.filter(pk=use.pk).update(state="published")
        consent.record_opt_out(
            use.person_id, [use.topic_id], source=Source.PREFERENCES, now=days_before(2000)
        )
        Takedown.objects.filter(use=use).update(
            checked="absent 200",
            checked_at=days_before(1999),
            checked_by="check",
            closed_at=days_before(1999),
        )
    use.refresh_from_db()
    assert (use.state, use.removed_at) == ("removed", days_before(1999))
    (run,) = enforce(NOW, "test", only=["reference_uses"])
    assert run.removed == 1
    assert not ReferenceUse.objects.exists()
    assert not ReferenceText.objects.exists()
    assert not Takedown.objects.exists()


def test_that_a_list_or_a_contact_was_deleted_never_runs_out() -> None:
    kinds = (Tombstone.Kind.LIST, Tombstone.Kind.CONTACT)
    rows = [make_tombstone(kind)(datetime(2001, 1, 1, tzinfo=UTC)) for kind in kinds]
    enforce(NOW, "test", only=["message_tombstones", "report_tombstones"])
    assert Tombstone.objects.count() == len(rows)


# --- companies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [make_invoice, make_transaction])
def test_a_company_keeps_billing_records_as_its_own_law_says(
    make: Callable[[date], Model], settings: LazySettings
) -> None:
    """Norway: 5 years from the end of the year; another: 84 months; one not named: 7 years."""
    settings.LEGAL_ENTITIES = parse_legal_entities("no=60+year-end,au=36")
    rule = "invoices" if make is make_invoice else "transactions"
    kind = Invoice if make is make_invoice else Transaction

    def of(entity: str, ended: date) -> Any:
        row = make(ended)
        kind._base_manager.filter(pk=row.pk).update(legal_entity=entity)
        return row.pk

    over = [
        of("no", date(2021, 12, 31)),
        of("no", date(2021, 1, 1)),
        of("au", date(2024, 2, 29)),
        of("", date(2020, 2, 29)),
        of("us", date(2020, 2, 29)),
    ]
    lasting = [
        of("no", date(2022, 1, 1)),
        of("au", date(2024, 3, 1)),
        of("", date(2020, 3, 1)),
        of("us", date(2022, 1, 1)),
    ]
    last_of_the_year = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    enforce(last_of_the_year, "test", only=[rule], batch=2)
    assert not set(over[:2]) - set(kind._base_manager.values_list("pk", flat=True))
    enforce(NOW, "test", only=[rule], batch=2)
    assert set(kind._base_manager.values_list("pk", flat=True)) == set(lasting)


# --- accounts that were left ---------------------------------------------------------------------

TWO_YEARS_AGO = datetime(2025, 2, 28, 23, 59, tzinfo=UTC)


def left(deactivated: datetime | None, **fields: Any) -> User:
    return make_customer(deactivated_at=deactivated, **fields)


def test_who_deactivated_two_years_ago_is_asked_once_and_nobody_else() -> None:
    gone = left(TWO_YEARS_AGO, language="en")
    left(datetime(2025, 3, 1, tzinfo=UTC))
    left(None)
    left(TWO_YEARS_AGO, is_staff=True)
    left(TWO_YEARS_AGO, is_active=False)
    assert ask_to_return(NOW) == 1
    assert ask_to_return(NOW) == 0
    mail = Message.objects.get()
    assert (mail.person_id, mail.kind, mail.purpose) == (gone.pk, "account", "still_wanted")
    assert "29 April 2027" in mail.text
    assert "/login/" in mail.text


def test_nobody_is_asked_under_a_clock_that_cannot_be_right() -> None:
    left(TWO_YEARS_AGO)
    RetentionRun.objects.create(
        rule="x", actor="beat", cutoff=NOW, started_at=days_before(41), duration=timedelta(1)
    )
    assert ask_to_return(NOW) == 0


@boundary_of("deactivated_accounts")
def test_an_account_is_deleted_sixty_days_after_it_was_asked_unless_its_owner_returned() -> None:
    people = [left(TWO_YEARS_AGO, asked_to_return_at=days_before(60)) for _ in range(3)]
    spared = [left(TWO_YEARS_AGO, asked_to_return_at=days_before(60) + SECOND), left(TWO_YEARS_AGO)]
    back = left(TWO_YEARS_AGO, asked_to_return_at=days_before(60))
    reactivate_account(back, now=NOW)
    (run,) = enforce(NOW, "test", only=["deactivated_accounts"], batch=2)
    assert run.removed == 3
    wishes = DeletionRequest.objects.all()
    assert {wish.person_id for wish in wishes} == {person.pk for person in people}
    assert {(wish.source, wish.state) for wish in wishes} == {("schedule", "requested")}
    run_deletions(NOW)
    assert set(User.objects.values_list("pk", flat=True)) == {
        back.pk,
        *(person.pk for person in spared),
    }
    (run,) = enforce(NOW, "test", only=["deactivated_accounts"], batch=2)
    assert run.removed == 0


def test_who_asked_to_leave_in_fourteen_days_has_them_although_their_time_to_return_is_over() -> (
    None
):
    person = left(TWO_YEARS_AGO, asked_to_return_at=days_before(60))
    wish = request_deletion(
        person.pk, source=deletion.Source.CUSTOMER, actor="self", now=days_before(2), wait=True
    )
    begins = wish.begins_at
    (run,) = enforce(NOW, "test", only=["deactivated_accounts"])
    assert run.removed == 0
    request_deletion(person.pk, source=deletion.Source.SCHEDULE, actor="test", now=NOW)
    wish.refresh_from_db()
    assert (wish.state, wish.begins_at) == ("scheduled", begins)


def test_what_staff_began_is_not_confirmed_by_a_rule() -> None:
    person = left(TWO_YEARS_AGO, asked_to_return_at=days_before(60))
    wish = request_for_customer(person.pk, actor=make_staff(), now=days_before(2))
    (run,) = enforce(NOW, "test", only=["deactivated_accounts"])
    wish.refresh_from_db()
    assert (run.removed, wish.state) == (0, "unconfirmed")


# --- choices -------------------------------------------------------------------------------------


def choose(person: User, at: datetime, yes: bool) -> None:
    answers = {topic().pk: yes}
    consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=at)


@boundary_of("superseded_choices")
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


@boundary_of("mail_to_nobody")
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
