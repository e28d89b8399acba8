"""Invoices and transactions from the platform."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import Invoice, Transaction, User
from foundation.roles import KEEPER, as_role
from retention import policy as retention
from retention.services import enforce
from tests.api.feeding import CUSTOMER, feed, wrong
from tests.factories import make_customer

pytestmark = pytest.mark.django_db
TODAY = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def kari(db: None) -> User:
    return make_customer(username="kari", platform_id=CUSTOMER, company="Kari AS")


def invoice(**fields: Any) -> dict[str, Any]:
    values = {
        "user_id": CUSTOMER,
        "invoice_number": "2026-1",
        "amount": "924.00",
        "currency": "NOK",
        "date": "2026-10-31",
    }
    return values | fields


def transaction(**fields: Any) -> dict[str, Any]:
    values = {
        "user_id": CUSTOMER,
        "transaction_id": "tx1",
        "kind": "charge",
        "amount": "0.0770",
        "currency": "NOK",
        "date": "2026-10-31",
    }
    return values | fields


def test_an_invoice_comes_in_and_is_settled_later(kari: User) -> None:
    assert feed("invoices", invoice(), now=TODAY).taken == 1
    assert feed("invoices", invoice(), now=TODAY).unchanged == 1
    assert feed("invoices", invoice(settled_on="2026-11-14"), now=TODAY).taken == 1
    (found,) = Invoice.objects.all()
    assert (found.customer, found.billed_to, found.amount) == (kari, "Kari AS", Decimal(924))
    assert (found.date, found.settled_on) == (date(2026, 10, 31), date(2026, 11, 14))


def test_a_transaction_comes_in_and_ends_later(kari: User) -> None:
    assert feed("transactions", transaction(invoice_number="2026-1"), now=TODAY).taken == 1
    ended = transaction(ended_on=int(datetime(2026, 11, 2, 23, 59, tzinfo=UTC).timestamp()))
    twice = feed("transactions", transaction(), ended, now=TODAY)
    assert (twice.taken, twice.unchanged) == (1, 1)
    (found,) = Transaction.objects.all()
    assert (found.customer, found.amount) == (kari, Decimal("0.0770"))
    assert found.ended_on == date(2026, 11, 2)
    assert found.invoice_number == ""


def test_a_bill_says_of_which_company_of_ours_it_is_or_takes_the_accounts(kari: User) -> None:
    User.objects.filter(pk=kari.pk).update(legal_entity="au")
    feed("invoices", invoice(), invoice(invoice_number="2", legal_entity="no"), now=TODAY)
    feed("transactions", transaction(), now=TODAY)
    entities = Invoice.objects.order_by("invoice_number").values_list("legal_entity", flat=True)
    assert list(entities) == ["no", "au"]
    assert Transaction.objects.get().legal_entity == "au"


BILLS = [("invoices", invoice, "settled_on"), ("transactions", transaction, "ended_on")]


def stored(kind: str) -> Any:
    model: Any = Invoice if kind == "invoices" else Transaction
    return model._base_manager.get()


def test_a_bill_sent_again_stays_as_it_was_made_out(kari: User) -> None:
    """It has its own copy of whom it bills and by whose law: of that day, not of this."""
    User.objects.filter(pk=kari.pk).update(legal_entity="au")
    for kind, record, _end in BILLS:
        assert feed(kind, record(), now=TODAY).taken == 1
    User.objects.filter(pk=kari.pk).update(
        company="", first_name="Kari", last_name="Nordmann", legal_entity="no"
    )
    for kind, record, end in BILLS:
        assert feed(kind, record(), now=TODAY).unchanged == 1
        assert feed(kind, record(amount="9", **{end: "2026-11-14"}), now=TODAY).taken == 1
        assert stored(kind).legal_entity == "au"
        assert stored(kind).amount == 9
    assert Invoice.objects.get().billed_to == "Kari AS"
    feed("invoices", invoice(invoice_number="2"), now=TODAY)
    new = Invoice.objects.get(invoice_number="2")
    assert (new.billed_to, new.legal_entity) == ("Kari Nordmann", "no")


def test_a_bill_sent_again_is_made_out_anew_where_the_line_says_so(kari: User) -> None:
    feed("invoices", invoice(), now=TODAY)
    feed("transactions", transaction(), now=TODAY)
    corrected = invoice(billed_to="Kari Holding", legal_entity="no")
    taken = feed("invoices", corrected, invoice(amount="9"), invoice(amount="10"), now=TODAY)
    assert (taken.taken, taken.unchanged) == (1, 2)
    found = Invoice.objects.get()
    assert (found.billed_to, found.legal_entity) == ("Kari Holding", "no")
    assert found.amount == Decimal(10)
    assert feed("transactions", transaction(legal_entity="no"), now=TODAY).taken == 1
    assert Transaction.objects.get().legal_entity == "no"


@pytest.mark.parametrize(("kind", "record", "ended"), BILLS)
def test_an_old_line_does_not_open_a_bill_again(kind: str, record: Any, ended: str) -> None:
    """Its clock runs: without an end it would be kept as long as the account."""
    feed(kind, record(**{ended: "2026-11-14"}), now=TODAY)
    assert feed(kind, record(), now=TODAY).unchanged == 1
    assert feed(kind, record(**{ended: "2026-11-15"}), record(), now=TODAY).taken == 1
    assert getattr(stored(kind), ended) == date(2026, 11, 15)


@pytest.mark.parametrize(("kind", "record", "ended"), BILLS)
@pytest.mark.parametrize("by_line", [True, False])
@pytest.mark.parametrize(
    ("entities", "entity", "day"),
    [
        ("", "", "2020-03-01"),  # seven years to the day
        ("no=60+year-end", "no", "2021-12-31"),
        ("au=36", "au", "2024-03-01"),
    ],
)
def test_an_end_told_too_late_ends_the_bill_that_waits_for_it_and_no_other(
    kari: User,
    settings: LazySettings,
    kind: str,
    record: Any,
    ended: str,
    by_line: bool,
    entities: str,
    entity: str,
    day: str,
) -> None:
    settings.LEGAL_ENTITIES = retention.parse_legal_entities(entities)
    User.objects.filter(pk=kari.pk).update(legal_entity=entity)
    begun = {"date": "2019-01-01", **({"legal_entity": entity} if by_line and entity else {})}
    late = record(**begun, **{ended: day})
    assert wrong(feed(kind, late, now=TODAY)) == [(1, ended, "too_old")]
    # One that is here waits for its end, even if it came in a moment ago.
    assert feed(kind, record(**begun), now=TODAY).taken == 1
    assert feed(kind, late, now=TODAY).taken == 1
    assert getattr(stored(kind), ended) == date.fromisoformat(day)
    number = {"invoice_number": "b", "transaction_id": "b"}
    both = feed(kind, record(**begun) | number, late | number, now=TODAY)
    assert (both.taken, wrong(both)) == (1, [])
    # One that has its end has its clock.
    number = {"invoice_number": "c", "transaction_id": "c"}
    assert feed(kind, record(**begun, **{ended: "2025-01-01"}) | number, now=TODAY).taken == 1
    assert wrong(feed(kind, late | number, now=TODAY)) == [(1, ended, "too_old")]
    number = {"invoice_number": "d", "transaction_id": "d"}
    in_time = date.fromisoformat(day) + timedelta(days=1)
    assert feed(kind, record(**begun) | number, now=TODAY).taken == 1
    assert feed(kind, record(**begun, **{ended: str(in_time)}) | number, now=TODAY).taken == 1
    # Tonight those leave that have had their time.
    with as_role(KEEPER):
        enforce(TODAY, "test", only=[kind])
    left = (Invoice if kind == "invoices" else Transaction).objects.order_by(ended)
    assert [getattr(each, ended) for each in left] == [in_time, date(2025, 1, 1)]


def test_a_bill_that_is_here_is_too_old_by_its_own_company_not_the_accounts(
    kari: User, settings: LazySettings
) -> None:
    settings.LEGAL_ENTITIES = retention.parse_legal_entities("no=60+year-end,au=36")
    User.objects.filter(pk=kari.pk).update(legal_entity="no")
    ended = invoice(date="2019-01-01", settled_on="2023-05-01")
    assert feed("invoices", ended, now=TODAY).taken == 1
    User.objects.filter(pk=kari.pk).update(legal_entity="au")
    assert feed("invoices", ended, now=TODAY).unchanged == 1
    assert wrong(feed("invoices", ended | {"invoice_number": "2"}, now=TODAY)) == [
        (1, "settled_on", "too_old")
    ]


def test_a_number_is_of_one_customer_for_ever(kari: User) -> None:
    make_customer(platform_id=2)
    for kind, record in (("invoices", invoice), ("transactions", transaction)):
        assert feed(kind, record(), now=TODAY).taken == 1
        another = feed(kind, record(user_id=2, amount="1"), now=TODAY)
        assert [each[2] for each in wrong(another)] == ["of_another_customer"]
    assert Invoice.objects.get().amount == Decimal(924)
    both = feed(
        "invoices",
        invoice(invoice_number="7"),
        invoice(invoice_number="7", user_id=2),
        now=TODAY,
    )
    assert wrong(both) == [(2, "invoice_number", "of_another_customer")]


def test_a_bill_whose_customer_is_erased_is_never_tied_to_anybody_again(kari: User) -> None:
    feed("invoices", invoice(), now=TODAY)
    Invoice.objects.update(customer=None)
    taken = feed("invoices", invoice(), now=TODAY)
    assert wrong(taken) == [(1, "invoice_number", "of_another_customer")]
    assert Invoice.objects.get().customer is None


@pytest.mark.parametrize(("kind", "record", "ended"), BILLS)
@pytest.mark.parametrize("leaves", ["erased", "leaving"])
def test_a_bill_ends_after_its_customer_has_left_and_nothing_else_of_it_changes(
    kari: User, kind: str, record: Any, ended: str, leaves: str
) -> None:
    """Else it would have no clock for ever."""
    model = Invoice if kind == "invoices" else Transaction
    feed(kind, record(), now=TODAY)
    if leaves == "erased":
        model._base_manager.update(customer=None)
        User.objects.filter(pk=kari.pk).update(platform_id=None)
    else:
        User.objects.filter(pk=kari.pk).update(is_active=False)
    end = record(amount="1", **{ended: "2026-11-14"})
    assert feed(kind, record(**{ended: "2026-10-30"}), now=TODAY).taken == 0
    assert wrong(feed(kind, record(), now=TODAY))[0][1] == "user_id"
    assert feed(kind, end, now=TODAY).taken == 1
    assert feed(kind, end, end, now=TODAY).unchanged == 2
    found: Any = model._base_manager.get()
    assert getattr(found, ended) == date(2026, 11, 14)
    assert found.amount == Decimal(record()["amount"])
    assert found.customer_id == (None if leaves == "erased" else kari.pk)


def test_nobody_ends_the_bill_of_another_who_is_leaving(kari: User) -> None:
    make_customer(platform_id=2)
    feed("invoices", invoice(), now=TODAY)
    User.objects.filter(pk=kari.pk).update(is_active=False)
    taken = feed("invoices", invoice(user_id=2, settled_on="2026-11-14"), now=TODAY)
    assert wrong(taken) == [(1, "invoice_number", "of_another_customer")]
    assert Invoice.objects.get().settled_on is None


def test_a_bill_comes_in_as_long_as_its_company_keeps_it(
    kari: User, settings: LazySettings
) -> None:
    """The company is the line's, else the account's; one without a setting has seven years."""
    settings.LEGAL_ENTITIES = retention.parse_legal_entities("no=60+year-end,au=36")
    User.objects.filter(pk=kari.pk).update(legal_entity="no")
    old = {"date": "2019-01-01"}
    taken = feed(
        "invoices",
        invoice(**old, invoice_number="1", settled_on="2021-12-31"),
        invoice(**old, invoice_number="2", settled_on="2022-01-01"),
        invoice(**old, invoice_number="3", settled_on="2024-03-01", legal_entity="au"),
        invoice(**old, invoice_number="4", settled_on="2024-03-02", legal_entity="au"),
        invoice(**old, invoice_number="5", settled_on="2021-12-31", legal_entity="us"),
        invoice(**old, invoice_number="6"),
        now=TODAY,
    )
    assert wrong(taken) == [(1, "settled_on", "too_old"), (3, "settled_on", "too_old")]
    assert taken.taken == 4


@pytest.mark.parametrize(("kind", "record", "ended"), BILLS)
def test_a_bill_comes_in_as_long_as_it_is_kept(kind: str, record: Any, ended: str) -> None:
    """Seven years from its end, to the day; one that has not ended has no clock."""
    old = {"date": "2019-01-01"}
    for day, taken in (("2020-03-02", 1), ("2020-03-01", 0), (None, 1)):
        over = day is not None and retention.BILLING.end(date.fromisoformat(day)) <= TODAY.date()
        assert over == (not taken)
        number = {"invoice_number": f"{day}", "transaction_id": f"{day}"}
        found = feed(kind, record(**old, **{ended: day}, **number), now=TODAY)
        assert found.taken == taken
        assert wrong(found) == ([] if taken else [(1, ended, "too_old")])


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"invoice_number": ""}, "invoice_number", "missing"),
        ({"amount": "924.001"}, "amount", "too_many_digits"),
        ({"amount": "12345678901"}, "amount", "too_many_digits"),
        ({"amount": None}, "amount", "missing"),
        ({"currency": ""}, "currency", "missing"),
        ({"currency": "nok"}, "currency", "not_a_currency"),
        ({"date": "2026-02-30"}, "date", "not_a_date"),
        ({"date": "31.10.2026"}, "date", "not_a_date"),
        ({"date": "1926-02-20"}, "date", "out_of_range"),
        ({"date": "2027-03-03"}, "date", "in_future"),
        ({"settled_on": "2027-03-03"}, "settled_on", "in_future"),
        ({"settled_on": "2026-10-30"}, "settled_on", "before_date"),
        ({"legal_entity": "Norge AS"}, "legal_entity", "not_an_entity"),
        ({"billed_to": 7}, "billed_to", "not_text"),
        ({"user_id": 3}, "user_id", "unknown_customer"),
    ],
)
def test_a_bad_invoice_is_reported(fields: dict[str, Any], field: str, reason: str) -> None:
    other = invoice(invoice_number="other")
    taken = feed("invoices", other, invoice(**fields), now=TODAY)
    assert (taken.taken, wrong(taken)) == (1, [(2, field, reason)])


def test_a_bad_transaction_is_reported() -> None:
    taken = feed(
        "transactions",
        transaction(kind="gift"),
        transaction(amount="0.00001"),
        transaction(amount="99999999999"),
        now=TODAY,
    )
    assert wrong(taken) == [
        (1, "kind", "not_a_choice"),
        (2, "amount", "too_many_digits"),
        (3, "amount", "too_many_digits"),
    ]


def test_a_bill_without_a_company_is_made_out_to_the_person() -> None:
    make_customer(platform_id=2, first_name="Ola", last_name="Nordmann")
    make_customer(platform_id=3, first_name="", last_name="", username="ida3")
    feed(
        "invoices",
        invoice(user_id=2, invoice_number="2"),
        invoice(user_id=3, invoice_number="3"),
        invoice(invoice_number="4", billed_to="Kari Holding, Bergen"),
        now=TODAY,
    )
    names = Invoice.objects.order_by("invoice_number").values_list("billed_to", flat=True)
    assert list(names) == ["Ola Nordmann", "ida3", "Kari Holding, Bergen"]
