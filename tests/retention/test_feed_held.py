"""What a legal hold keeps the platform's feed leaves as it is: bills, and what messages cost."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection

from accounts.models import Invoice, Transaction, User
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.models import MessageRecord
from retention.entries import DataClass
from retention.holding import is_person_held
from retention.models import LegalHold
from retention.policy import HOLD_UNAPPROVED
from retention.schedule import ENTRIES
from tests.api.feeding import CUSTOMER, feed, message, wrong
from tests.factories import NOW, make_customer, make_staff

pytestmark = pytest.mark.django_db
DAY = NOW.date()
MOMENT = timedelta(microseconds=1)

INVOICE = {
    "user_id": CUSTOMER,
    "invoice_number": "2026-1",
    "amount": "924.00",
    "currency": "NOK",
    "date": str(DAY),
}
TRANSACTION = {
    "user_id": CUSTOMER,
    "transaction_id": "tx1",
    "invoice_number": "2026-1",
    "kind": "charge",
    "amount": "0.0770",
    "currency": "NOK",
    "date": str(DAY),
}
BILLS: list[tuple[str, dict[str, Any], str, Any]] = [
    ("invoices", INVOICE, "settled_on", Invoice),
    ("transactions", TRANSACTION, "ended_on", Transaction),
]


@pytest.fixture(autouse=True)
def kari(db: None) -> User:
    return make_customer(platform_id=CUSTOMER, company="Kari AS", legal_entity="au")


def place(about: dict[str, Any]) -> LegalHold:
    """A hold with days counted from today, on this customer or on another."""
    fields = dict(about)
    if who := fields.pop("customer", None):
        own = User.objects.get(platform_id=CUSTOMER)
        fields["customer_id"] = own.pk if who == "own" else make_customer().pk
    for day in ("since", "until"):
        if day in fields:
            fields[day] = DAY + timedelta(days=fields[day])
    hold: LegalHold = LegalHold.objects.create(
        **(
            {
                "reason": "a dispute",
                "reference": str(uuid.uuid4()),
                "review_on": DAY + timedelta(days=90),
                "placed_by": make_staff(),
                "placed_at": NOW,
            }
            | fields
        )
    )
    return hold


def release(hold: LegalHold) -> None:
    LegalHold.objects.filter(pk=hold.pk).update(
        released_at=NOW, released_by=hold.placed_by, release_reason="settled"
    )


def holds(own: DataClass, other: DataClass) -> Any:
    """Holds that reach something of this class and of today, and such as do not."""
    return pytest.mark.parametrize(
        ("about", "is_held"),
        [
            ({"customer": "own"}, True),
            ({"customer": "another"}, False),
            ({"data_class": own}, True),
            ({"data_class": other}, False),
            ({"customer": "own", "data_class": other}, False),
            ({"since": 0, "until": 0}, True),
            ({"until": -1}, False),
            ({"since": 1}, False),
            ({"data_class": own, "placed_at": NOW - HOLD_UNAPPROVED}, False),
            ({"data_class": own, "placed_at": NOW - HOLD_UNAPPROVED + MOMENT}, True),
        ],
    )


@pytest.mark.parametrize(("kind", "line", "end", "model"), BILLS)
@holds(DataClass.BILLING, DataClass.CONTENT)
def test_of_a_held_bill_only_the_end_changes(
    kari: User,
    kind: str,
    line: dict[str, Any],
    end: str,
    model: Any,
    about: dict[str, Any],
    is_held: bool,
) -> None:
    """The database's own answer, beside that of `retention.holding`."""
    assert feed(kind, line).taken == 1
    hold = place(about)
    entry = ENTRIES[f"accounts.{model.__name__}"]
    assert is_person_held(entry, kari.pk, now=NOW) == is_held
    dearer = line | {"amount": "9"}
    taken = feed(kind, dearer, dearer | {end: str(DAY)})
    assert wrong(taken) == ([(1, "", "held"), (2, "", "held")] if is_held else [])
    found = model.objects.get()
    assert found.amount == Decimal(line["amount"] if is_held else 9)
    assert getattr(found, end) == (None if is_held else DAY)
    if not is_held:
        return
    # What says the same, its end, and what is new comes in.
    assert feed(kind, line).unchanged == 1
    assert feed(kind, line | {end: str(DAY)}).taken == 1
    assert feed(kind, line | {"invoice_number": "2", "transaction_id": "tx2"}).taken == 1
    release(hold)
    assert feed(kind, dearer).taken == 1


@pytest.mark.parametrize(("kind", "line", "end", "model"), BILLS)
@pytest.mark.parametrize(
    "change",
    [{"currency": "EUR"}, {"date": str(DAY - timedelta(days=1))}, {"legal_entity": "no"}],
)
def test_nothing_else_of_a_held_bill_changes(
    kind: str, line: dict[str, Any], end: str, model: Any, change: dict[str, Any]
) -> None:
    feed(kind, line)
    before = model.objects.values().get()
    hold = place({"customer": "own"})
    assert wrong(feed(kind, line | change)) == [(1, "", "held")]
    assert model.objects.values().get() == before
    release(hold)
    assert feed(kind, line | change).taken == 1


def test_nor_does_a_held_invoice_get_another_name_nor_a_payment_another_invoice() -> None:
    feed("invoices", INVOICE)
    feed("transactions", TRANSACTION)
    place({"customer": "own"})
    User.objects.update(company="Kari Holding")
    assert feed("invoices", INVOICE).unchanged == 1
    assert wrong(feed("invoices", INVOICE | {"billed_to": "Ola AS"})) == [(1, "", "held")]
    for change in ({"invoice_number": "2026-2"}, {"kind": "refund"}):
        assert wrong(feed("transactions", TRANSACTION | change)) == [(1, "", "held")]
    assert Invoice.objects.get().billed_to == "Kari AS"


def test_a_held_bill_of_nobody_still_ends(kari: User) -> None:
    feed("invoices", INVOICE)
    place({"data_class": DataClass.BILLING})
    Invoice.objects.update(customer=None)
    ended = INVOICE | {"settled_on": str(DAY), "amount": "9"}
    assert feed("invoices", ended).taken == 1
    found = Invoice.objects.get()
    assert (found.settled_on, found.amount) == (DAY, Decimal(924))


NUMBERS = ("message_id", "invoice_number", "transaction_id")
LINES = [("message-records", message()), ("invoices", INVOICE), ("transactions", TRANSACTION)]


@pytest.mark.parametrize(("kind", "line"), LINES)
@pytest.mark.parametrize("about", [None, {"customer": "another"}, {"customer": "own"}])
def test_holds_are_asked_of_nothing_but_what_changes_of_whom_one_may_reach(
    kind: str, line: dict[str, Any], about: dict[str, Any] | None
) -> None:
    """A batch has thousands of lines: one customer's hold is not paid for by all."""
    feed(kind, line)
    if about is not None:
        place(about)
    dearer = line | {"amount": "9", "message_price": "9"}
    fail_when_asked()
    assert feed(kind, line).unchanged == 1
    assert feed(kind, line | dict.fromkeys(NUMBERS, "2")).taken == 1
    if about != {"customer": "own"}:
        assert feed(kind, dearer).taken == 1
        return
    with pytest.raises(DatabaseError, match="asked"):
        feed(kind, dearer)


def fail_when_asked() -> None:
    """Whether a row is held, for the rest of the test."""
    with as_role(KEEPER), connection.cursor() as cursor:
        for name, moment in (("content", "p_at timestamptz"), ("bill", "p_date date")):
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION retention_holds_{name}"
                f"(p_customer uuid, {moment}, p_now timestamptz) "
                "RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'asked'; END $$"
            )


@holds(DataClass.CONTENT, DataClass.BILLING)
def test_of_a_held_message_only_the_status_changes(
    kari: User, about: dict[str, Any], is_held: bool
) -> None:
    """The database's own answer, beside that of `retention.holding`."""
    assert feed("message-records", message(status="Sent")).taken == 1
    hold = place(about)
    with as_tenant(kari.pk):
        entry = ENTRIES["messaging.MessageRecord"]
        assert is_person_held(entry, kari.pk, now=NOW) == is_held
    changes: list[dict[str, Any]] = [
        {"message_parts": 2},
        {"message_price": "0.1540"},
        {"currency": "EUR"},
        {"country": "SE"},
        {"carrier": "Telia"},
    ]
    before = record(kari)
    for change in changes:
        taken = feed("message-records", message(status="Sent") | change)
        assert wrong(taken) == ([(1, "", "held")] if is_held else [])
        assert taken.taken == (0 if is_held else 1)
    if not is_held:
        return
    assert record(kari) == before
    assert feed("message-records", message(status="Sent")).unchanged == 1
    silent = dict.fromkeys(("message_parts", "message_price", "currency", "country", "carrier"))
    assert feed("message-records", message(status="Sent", **silent)).unchanged == 1
    # It would not have waited again, whatever it cost.
    assert feed("message-records", message(status="Queued", message_parts=2)).unchanged == 1
    assert feed("message-records", message(status="Delivered")).taken == 1
    assert record(kari)["status"] == "Delivered"
    assert feed("message-records", message(message_id="m2", message_parts=2)).taken == 1
    release(hold)
    assert feed("message-records", message(message_parts=2)).taken == 1


@pytest.mark.parametrize("said", ["Queued", "Scheduled", None])
def test_of_a_held_message_that_waits_nothing_but_the_status_changes_either(
    kari: User, said: str | None
) -> None:
    feed("message-records", message(status="Queued"))
    hold = place({"data_class": DataClass.CONTENT})
    dearer = message(status=said, message_price="0.5")
    assert wrong(feed("message-records", dearer)) == [(1, "", "held")]
    feed("message-records", message(status=said, message_price=None))
    assert record(kari)["status"] == (said or "Queued")
    assert record(kari)["message_price"] == Decimal("0.0770")
    release(hold)
    assert feed("message-records", dearer).taken == 1


def record(person: User) -> dict[str, Any]:
    with as_tenant(person.pk):
        return {**MessageRecord.objects.values().get(message_id="m1")}
