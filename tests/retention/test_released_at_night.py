"""What a hold kept goes the night after its release, and a wrong clock empties nothing by it."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import translation

from accounts.models import Invoice, User
from foundation.ids import uuid7_from
from foundation.partitions import ensure_partitions
from foundation.roles import KEEPER, as_role
from messaging.models import MessageContent, Report
from retention import policy
from retention.holds import place_hold, release_hold
from retention.models import HeldRow, LegalHold, RetentionRun
from retention.months import months_of
from retention.policy import (
    ALWAYS_USUAL,
    HOLD_UNAPPROVED,
    STOOD_STILL,
    THE_NIGHT,
    parse_legal_entities,
)
from retention.schedule import RULES
from retention.services import enforce
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db

LAST_NIGHT = datetime(2027, 3, 1, 2, 15, tzinfo=UTC)
NIGHT = LAST_NIGHT + timedelta(days=1)
NOON = LAST_NIGHT + timedelta(hours=10)
MANY = ALWAYS_USUAL + 1
OLD = datetime(2019, 6, 15, 12, tzinfo=UTC)
HUNDRED_DAYS = timedelta(days=100)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def hold(now: datetime = LAST_NIGHT - timedelta(days=1), **what: Any) -> LegalHold:
    review_on = (now + HUNDRED_DAYS).date()
    return place_hold(
        reason="Case", reference="24-1", review_on=review_on, actor=make_staff(), now=now, **what
    )


def release(placed: LegalHold, now: datetime = NOON) -> None:
    release_hold(placed.pk, reason="settled", actor=make_staff(), now=now)


def night(rule: str, now: datetime = NIGHT) -> RetentionRun:
    with as_role(KEEPER):
        (run,) = enforce(now, THE_NIGHT, only=[rule], guarded=True)
        run.refresh_from_db()
    return run


def nights_before(rule: str, *, at: datetime = LAST_NIGHT, removed: int = 0) -> None:
    """Nights that ran, and found nothing that they might remove."""
    with as_role(KEEPER):
        RetentionRun.objects.create(
            rule=rule,
            actor=THE_NIGHT,
            cutoff=RULES[rule][1].period.cutoff(at),
            removed=removed,
            started_at=at,
            duration=timedelta(seconds=1),
        )


def set_aside(owner: User, number: int = MANY) -> None:
    with as_role(KEEPER):
        HeldRow.objects.bulk_create(
            HeldRow(
                model="messaging.MessageRecord",
                key=uuid.uuid4(),
                customer_id=owner.pk,
                dated=OLD,
                row={},
                copied_at=LAST_NIGHT,
            )
            for _ in range(number)
        )


def reports(owner: User, number: int, at: datetime = OLD) -> None:
    with as_role(KEEPER):
        first = Report._base_manager.count()
        Report._base_manager.bulk_create(
            Report(customer=owner, report_id=first + each, report_name="x", date=at, content={})
            for each in range(number)
        )


def aside() -> int:
    with as_role(KEEPER):
        return HeldRow.objects.count()


def left() -> int:
    with as_role(KEEPER):
        return Report._base_manager.count()


# --- rows that stood aside -----------------------------------------------------------------------


def test_all_that_stood_aside_goes_the_night_after_the_release() -> None:
    person = make_customer()
    placed = hold(customer_id=person.pk)
    set_aside(person)
    assert (night("held_rows", LAST_NIGHT).removed, aside()) == (0, MANY)
    release(placed)
    run = night("held_rows")
    assert (run.refused, run.removed) == ("", MANY)
    assert RetentionRun.objects.refused_since() == []


def test_it_goes_as_well_when_the_hold_lapsed_or_no_longer_says_whom_it_was_about() -> None:
    """Nothing but a hold keeps it here, and none is in force: there is no night to compare with."""
    set_aside(make_customer())
    nights_before("held_rows")
    assert night("held_rows").removed == MANY


@pytest.mark.parametrize("jump", [-timedelta(days=2), STOOD_STILL + timedelta(days=1)])
def test_under_a_clock_that_cannot_be_right_it_stays(jump: timedelta) -> None:
    nights_before("held_rows")
    set_aside(make_customer())
    assert "the clock says" in night("held_rows", LAST_NIGHT + jump).refused
    assert aside() == MANY


# --- what a rule had to leave --------------------------------------------------------------------


def test_what_a_released_hold_kept_of_a_table_goes_by_itself() -> None:
    person = make_customer()
    placed = hold(customer_id=person.pk)
    reports(person, MANY)
    assert (night("reports", LAST_NIGHT).removed, left()) == (0, MANY)
    release(placed)
    run = night("reports")
    assert (run.refused, run.removed) == ("", MANY)


def test_a_night_that_was_refused_for_something_else_forgets_no_release() -> None:
    person = make_customer()
    placed = hold(customer_id=person.pk)
    reports(person, MANY)
    nights_before("reports")
    release(placed)
    with as_role(KEEPER):
        RetentionRun.objects.create(
            rule="reports", actor=THE_NIGHT, cutoff=OLD, started_at=NIGHT - timedelta(hours=5),
            duration=timedelta(), refused="x",
        )  # fmt: skip
    assert night("reports").removed == MANY


@pytest.mark.parametrize(
    "what", ["never held", "another's", "released before", "blanked", "lapsed"]
)
def test_what_no_release_explains_waits_for_a_person(what: str) -> None:
    person = make_customer()
    reports(person, MANY)
    if what == "another's":
        release(hold(customer_id=make_customer().pk))
    elif what == "released before":
        release(hold(customer_id=person.pk), LAST_NIGHT - timedelta(seconds=1))
    elif what == "blanked":
        placed = hold(customer_id=person.pk, data_class="content")
        release(placed)
        with as_role(KEEPER):
            LegalHold.objects.filter(pk=placed.pk).update(customer_id=None, reason="")
    elif what == "lapsed":
        hold(customer_id=person.pk, now=LAST_NIGHT - timedelta(days=2))
    nights_before("reports")
    run = night("reports", NIGHT + timedelta(days=2))
    assert "21 rows are due" in run.refused
    assert (run.removed, left()) == (0, MANY)


def test_a_clock_that_jumped_finds_more_due_than_the_hold_had_kept() -> None:
    """Also where a whole class was held: only what was over the last night is explained."""
    person = make_customer()
    placed = hold(data_class="content")
    reports(person, MANY)
    in_a_fortnight = policy.REPORTS.cutoff(LAST_NIGHT) + timedelta(days=7)
    reports(person, MANY, in_a_fortnight)
    assert night("reports", LAST_NIGHT).removed == 0
    release(placed)
    run = night("reports", LAST_NIGHT + timedelta(days=14))
    assert run.refused.startswith("42 rows are due (21 of them a released hold had kept)")
    assert left() == 2 * MANY
    assert night("reports").removed == MANY


def test_a_rule_that_was_shortened_since_is_looked_at_by_a_person() -> None:
    person = make_customer()
    placed = hold(data_class="content")
    reports(person, MANY)
    nights_before("reports")
    with as_role(KEEPER):
        RetentionRun.objects.update(cutoff=OLD - timedelta(days=1))
    release(placed)
    assert night("reports").refused


def test_a_rule_that_became_another_one_under_a_hold_waits_for_a_person_before_and_after(
    settings: LazySettings,
) -> None:
    """Else a night that may remove nothing would let the mistake pass for the rule."""
    settings.LEGAL_ENTITIES = parse_legal_entities("no=60+year-end")
    Invoice.objects.bulk_create(
        Invoice(
            invoice_number=uuid.uuid4().hex,
            billed_to="Ola",
            amount=1,
            currency="NOK",
            date=OLD,
            settled_on=LAST_NIGHT.date() - timedelta(days=300),
            legal_entity="no",
        )
        for _ in range(MANY)
    )
    placed = hold(data_class="billing", now=LAST_NIGHT - timedelta(hours=1))
    assert night("invoices", LAST_NIGHT).refused == ""
    settings.LEGAL_ENTITIES = parse_legal_entities("no=6")
    other = "21 rows, held or not, are over; the rule is another one than on 2027-03-01"
    assert night("invoices").refused == other
    release(placed, NIGHT + timedelta(hours=10))
    run = night("invoices", NIGHT + timedelta(days=1))
    assert (run.refused, run.removed) == (other, 0)


# --- months --------------------------------------------------------------------------------------

HELD_MONTHS = [datetime(2015, month, 1, tzinfo=UTC) for month in range(1, 7)]
LIVE_MONTH = datetime(2015, 11, 1, tzinfo=UTC)
BY_MONTH = datetime(2015, 11, 20, 2, 15, tzinfo=UTC)


@pytest.fixture
def six_held_months_and_one_live() -> Iterator[None]:
    table = MessageContent._meta.db_table
    with as_role(KEEPER):
        for month in (*HELD_MONTHS, LIVE_MONTH):
            ensure_partitions(table, month, month)
            for number in range(5):
                key = uuid7_from(month, str(number), "m")
                MessageContent.objects.create(id=key, customer_id=uuid.uuid4(), body="Hei")
    yield
    with as_role(KEEPER), connection.cursor() as cursor:
        for name, month in months_of(table):
            if month <= LIVE_MONTH:
                cursor.execute(f"DROP TABLE {name}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("six_held_months_and_one_live")
@pytest.mark.parametrize("released", [True, False])
def test_months_that_a_released_hold_kept_go_and_others_need_a_person(released: bool) -> None:
    yesterday = BY_MONTH - timedelta(days=1)
    if released:
        placed = hold(data_class="content", now=yesterday - timedelta(days=1))
        assert night("message_content", yesterday).removed == 0
        release(placed, yesterday + timedelta(hours=9))
    else:
        nights_before("message_content", at=yesterday)
    run = night("message_content", BY_MONTH)
    if released:
        assert (run.refused, run.removed, len(run.partitions)) == ("", 30, len(HELD_MONTHS))
    else:
        assert run.refused.startswith("30 rows are due; ")


def test_what_stood_aside_for_a_hold_that_only_lapsed_is_compared() -> None:
    """The clock alone ended it."""
    person = make_customer()
    hold(customer_id=person.pk, now=LAST_NIGHT - HOLD_UNAPPROVED + timedelta(hours=1))
    set_aside(person)
    assert (night("held_rows", LAST_NIGHT).removed, aside()) == (0, MANY)
    assert "rows are due" in night("held_rows").refused
    assert aside() == MANY
