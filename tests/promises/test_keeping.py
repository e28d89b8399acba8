"""What is asked for, how long billing records stay, how soon a deletion is done."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django import forms
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import Invoice, Session, User
from clicksend_portal.promises.promise import State
from clicksend_portal.promises.readings import keeping
from clicksend_portal.promises.readings.keeping import DELETED_WITHIN, tell_erased
from clicksend_portal.promises.registry import BY_ID
from clicksend_portal.promises.services import take_reading
from consent.forms import SignupForm
from foundation.roles import KEEPER, as_role
from retention.models import DeletionRequest, LegalHold
from retention.policy import parse_legal_entities
from tests.factories import make_customer
from tests.promises.looks import handed_message, read

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
# After the night's run, which comes at 02:15 UTC.
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def invoice(settled_on: date | None, customer: User | None = None) -> None:
    Invoice.objects.create(
        invoice_number=f"{settled_on}",
        billed_to="Kari Nordmann",
        amount=Decimal(100),
        currency="NOK",
        date=date(2012, 1, 1),
        settled_on=settled_on,
        customer=customer,
    )


@pytest.mark.parametrize(
    ("settled_on", "state"),
    [
        (date(2019, 11, 23), State.KEPT),  # 7 years tomorrow
        (date(2019, 11, 22), State.KEPT),  # 7 years today: goes with the night's run
        (date(2019, 11, 21), State.BROKEN),  # should have gone yesterday
    ],
)
def test_a_billing_record_past_its_date_breaks_the_promise(settled_on: date, state: State) -> None:
    invoice(settled_on)
    assert read("seven-years", now=NOW).state == state


def test_a_record_whose_transaction_has_not_ended_has_no_clock() -> None:
    invoice(None, make_customer())
    reading = read("seven-years", now=NOW)
    assert reading.state == State.KEPT
    assert reading.value["oldest"] is None


def test_an_open_bill_that_outlived_its_account_and_its_seven_years_breaks_the_promise() -> None:
    invoice(None)
    assert read("seven-years", now=NOW).state == State.BROKEN


def deletion(*, asked: timedelta, took: timedelta | None) -> None:
    requested_at = NOW - asked
    done = (
        {
            "state": "finished",
            "finished_at": requested_at + took,
            "person_id": None,
        }
        if took is not None
        else {"person_id": make_customer().pk}
    )
    with as_role(KEEPER):
        DeletionRequest.objects.create(
            source="customer", actor="self", requested_at=requested_at, **done
        )


def test_deletions_are_timed_and_few_are_not_counted_out_loud() -> None:
    for minutes in (1, 2, 9):
        deletion(asked=timedelta(days=2), took=timedelta(minutes=minutes))
    reading = read("erased-on-request", now=NOW)
    assert reading.state == State.KEPT
    assert reading.value == {
        "days": 30,
        "requests": None,
        "median_seconds": 120.0,
        "late": 0,
        "held": 0,
    }


@pytest.mark.parametrize(
    ("asked", "took", "state"),
    [
        (DELETED_WITHIN - timedelta(minutes=1), None, State.KEPT),
        (DELETED_WITHIN + timedelta(minutes=1), None, State.BROKEN),
        (timedelta(days=9), DELETED_WITHIN + timedelta(minutes=1), State.BROKEN),
        (timedelta(days=40), DELETED_WITHIN + timedelta(minutes=1), State.KEPT),
        (timedelta(days=40), None, State.BROKEN),
    ],
)
def test_a_late_deletion_breaks_the_promise(
    asked: timedelta, took: timedelta | None, state: State
) -> None:
    deletion(asked=asked, took=took)
    assert read("erased-on-request", now=NOW).state == state


@pytest.mark.parametrize(
    ("noted", "took", "state"),
    [
        (timedelta(minutes=1), None, State.KEPT),
        (DELETED_WITHIN + timedelta(minutes=1), None, State.BROKEN),  # released, and nothing moves
        (timedelta(hours=1), timedelta(days=9), State.KEPT),
    ],
    ids=["held", "stands still", "released and done"],
)
def test_what_only_a_hold_keeps_open_is_not_late_and_is_told(
    noted: timedelta, took: timedelta | None, state: State
) -> None:
    deletion(asked=timedelta(days=9), took=took)
    with as_role(KEEPER):
        DeletionRequest.objects.update(held_at=NOW - noted)
    reading = read("erased-on-request", now=NOW)
    assert reading.state == state
    with translation.override("en"):
        told = "Held back for a dispute or an authority" in tell_erased(reading.value)
    assert told == (took is None and state == State.KEPT)


def test_the_sign_up_form_says_why_and_answers_nothing_beforehand() -> None:
    reading = read("explicit-ask", now=timezone.now())
    assert reading.state == State.KEPT, reading.value
    assert reading.value["topics"] == 3


class Nosy(SignupForm):
    birthday = forms.DateField()


class Pushy(SignupForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.initial["topic_newsletter"] = "yes"


class Presuming(SignupForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["topic_newsletter"].required = False


@pytest.mark.parametrize("form", [Nosy, Pushy, Presuming], ids=lambda form: form.__name__)
def test_a_form_that_asks_too_much_or_answers_for_the_reader_breaks_the_promise(
    form: type[SignupForm], settings: LazySettings
) -> None:
    settings.ACCOUNT_FORMS = {"signup": f"{form.__module__}.{form.__qualname__}"}
    assert read("explicit-ask", now=timezone.now()).state == State.BROKEN


# --- the oldest row under each rule --------------------------------------------------------------


def oldest() -> dict[str, dict[str, object]]:
    value = read("gone-when-needless", now=NOW).value
    return {each["rule"]: each for each in value["oldest"]}


def detail(language: str = "en") -> str:
    with translation.override(language):
        return keeping.tell_oldest(read("gone-when-needless", now=NOW).value)


def test_the_oldest_row_under_each_rule_stands_beside_its_limit(client: Client) -> None:
    for day in range(1, 6):
        invoice(date(2021, 10, 20 + day))
    assert oldest()["invoices"] == {
        "rule": "invoices",
        "unit": "months",
        "age": 61,
        "limit": 84,
        "late": 0,
    }
    told = detail()
    assert "Invoices" in told
    assert "5 years 1 month" in told
    assert "7 years" in told
    assert "2021" not in told
    take_reading(BY_ID["gone-when-needless"], now=timezone.now())
    page = client.get(reverse("promise", args=["gone-when-needless"])).content.decode()
    assert "<details>" in page


def test_the_limit_of_a_company_stands_beside_that_of_the_rule(settings: LazySettings) -> None:
    for day in range(1, 6):
        invoice(date(2021, 10, 20 + day))
    assert "Company" not in detail()
    settings.LEGAL_ENTITIES = parse_legal_entities("no=60+year-end,au=36")
    company = "7 years. Company au: 3 years. Company no: 5 years from the end of"
    assert company in detail()
    assert "7 år. Selskapet au: 3 år." in detail("nb")


@pytest.mark.parametrize(("rows", "age"), [(4, None), (5, 61)])
def test_of_few_rows_no_age_is_told(rows: int, age: int | None) -> None:
    for day in range(rows):
        invoice(date(2021, 10, 21 + day))
    assert oldest()["invoices"]["age"] == age
    assert ("too few to say" in detail()) == (age is None)


@pytest.mark.parametrize(("rows", "late", "said"), [(1, None, "fewer than 5"), (5, 5, ">5<")])
def test_what_is_late_is_told_and_small_numbers_of_it_are_not(
    rows: int, late: int | None, said: str
) -> None:
    for day in range(rows):
        invoice(date(2019, 11, 1 + day))
    assert oldest()["invoices"]["late"] == late
    assert said in detail()


def test_a_rule_of_days_is_told_in_days_and_a_clock_ahead_as_none() -> None:
    for number in range(5):
        Session.objects.create(
            session_key=f"s{number}", expire_date=NOW + timedelta(days=9), session_data=""
        )
    assert oldest()["sessions"] == {
        "rule": "sessions",
        "unit": "days",
        "age": 0,
        "limit": 1,
        "late": 0,
    }
    Session.objects.filter(session_key="s0").update(expire_date=NOW - timedelta(hours=25))
    assert oldest()["sessions"]["age"] == 1


def test_a_table_by_months_is_told_by_its_oldest_month() -> None:
    handed_message(make_customer(), at=NOW - timedelta(days=33))
    told = oldest()["outbox"]
    assert (told["age"], told["limit"], told["unit"]) == (1, 13, "months")


def test_a_reading_of_an_older_version_has_no_such_table() -> None:
    assert keeping.tell_oldest({"tables": 3}) == ""
    gone = {"rule": "gone", "unit": "days", "age": 1, "limit": 2, "late": 0}
    assert keeping.tell_oldest({"oldest": [gone]}) == ""


def test_held_rows_do_not_make_few_rows_enough_to_tell_an_age() -> None:
    held = make_customer()
    for day in range(5):
        invoice(date(2021, 10, 1 + day), held)
    invoice(date(2021, 10, 21))
    assert oldest()["invoices"]["age"] == 61
    with as_role(KEEPER):
        LegalHold.objects.create(
            reason="Case",
            reference="24-1",
            review_on=NOW.date(),
            placed_at=NOW,
            customer_id=held.pk,
        )
    assert oldest()["invoices"]["age"] is None
