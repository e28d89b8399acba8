"""A legal hold keeps what it names and nothing else, from being placed until it is released."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import translation

from accounts.models import Invoice, User
from consent import services as consent
from consent.models import ConsentDetail, Preference, Source
from foundation.calendar import FIRST_DAY, LAST_DAY
from foundation.roles import KEEPER, as_role
from messaging.models import Report, SuppressionComparison
from retention import enforcement, holding
from retention.entries import Removal
from retention.holds import (
    HoldRefused,
    approve_hold,
    is_lapsed,
    place_hold,
    release_hold,
    review_hold,
    to_look_at,
)
from retention.models import HeldRow, LegalHold, RetentionRun
from retention.models import Source as Way
from retention.policy import HOLD_REVIEW, HOLD_UNAPPROVED
from retention.schedule import ENTRIES, model_of
from retention.services import enforce, request_deletion, run_deletions
from tests.factories import make_customer, make_staff, topic

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 2, 28, 2, 15, tzinfo=UTC)
OLD = datetime(2019, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def hold(placed_by: User | None = None, **what: Any) -> LegalHold:
    values: dict[str, Any] = {
        "reason": "Case before the court",
        "reference": "24-1",
        "review_on": date(2027, 4, 1),
        "now": NOW,
        "actor": placed_by or make_staff(),
    }
    return place_hold(**(values | what))


def report(owner: User, at: datetime = OLD) -> Report:
    with as_role(KEEPER):
        number = Report._base_manager.count()
        return Report.objects.create(
            customer=owner, report_id=number, report_name="x", date=at, content={}
        )


def invoice(owner: User, settled: date = date(2012, 3, 1)) -> Invoice:
    return Invoice.objects.create(
        invoice_number=uuid.uuid4().hex,
        billed_to="Ola",
        amount=1,
        currency="NOK",
        date=settled,
        settled_on=settled,
        customer=owner,
    )


def run(*rules: str, now: datetime = NOW) -> int:
    with as_role(KEEPER):
        return sum(each.removed for each in enforce(now, "test", only=rules, batch=2))


def left() -> set[Any]:
    with as_role(KEEPER):
        return set(Report._base_manager.values_list("pk", flat=True))


# --- what it names -------------------------------------------------------------------------------


def test_a_customers_rows_stay_and_others_go() -> None:
    held, other = make_customer(), make_customer()
    kept, gone = report(held), report(other)
    bill = invoice(held)
    hold(customer_id=held.pk)
    assert run("reports", "invoices") == 1
    assert left() == {kept.pk}
    assert Invoice.objects.get() == bill
    assert gone.pk != kept.pk


def test_a_class_stays_and_other_classes_go() -> None:
    person = make_customer()
    kept = report(person)
    invoice(person)
    hold(data_class="content")
    assert run("reports", "invoices") == 1
    assert left() == {kept.pk}


def test_a_span_holds_both_its_days_and_no_more() -> None:
    person = make_customer()
    moments = [
        datetime(2019, 5, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2019, 6, 1, tzinfo=UTC),
        datetime(2019, 6, 30, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2019, 7, 1, tzinfo=UTC),
    ]
    _before, first, last, _after = [report(person, at) for at in moments]
    hold(since=date(2019, 6, 1), until=date(2019, 6, 30))
    assert run("reports") == 2
    assert left() == {first.pk, last.pk}


ODD = [{"until": date.max}, {"since": date(1900, 1, 1)}, {"since": date.min, "until": date.max}]


@pytest.mark.parametrize("span", ODD)
def test_a_hold_with_an_odd_day_keeps_its_rows_and_stops_nobody_else(span: dict[str, date]) -> None:
    """Such a row can be there, whatever forms refuse now."""
    person, other = make_customer(), make_customer()
    kept = report(person)
    report(other)
    LegalHold.objects.create(
        customer_id=person.pk, **span, reason="x", reference="24-2", placed_at=NOW,
        review_on=date(2027, 4, 1),
    )  # fmt: skip
    wish = request_deletion(other.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        for entry in ENTRIES.values():
            list(holding.exclude_held(entry, model_of(entry)._base_manager.all(), now=NOW)[:1])
        run_deletions(NOW)
    wish.refresh_from_db()
    assert wish.is_finished
    assert run("reports") == 0
    assert left() == {kept.pk}


def test_where_several_things_are_named_a_row_must_meet_them_all() -> None:
    held, other = make_customer(), make_customer()
    kept = report(held)
    report(held, OLD - timedelta(days=365))
    report(other)
    invoice(held, OLD.date())
    hold(customer_id=held.pk, data_class="content", since=date(2019, 1, 1))
    assert run("reports", "invoices") == 3
    assert left() == {kept.pk}


def test_a_hold_over_a_span_keeps_the_choices_of_it() -> None:
    person = make_customer()
    for day in (1, 2, 3):
        consent.record_choices(
            person.pk,
            {topic().pk: bool(day % 2)},
            source=Source.PREFERENCES,
            now=datetime(2013, 1, day, tzinfo=UTC),
        )
    hold(customer_id=person.pk, data_class="choices", until=date(2013, 1, 1))
    assert run("superseded_choices") == 1
    assert set(ConsentDetail.objects.values_list("version", flat=True)) == {1, 3}


def test_an_account_with_any_held_row_stays_whole() -> None:
    asked = NOW - timedelta(days=300)
    held = make_customer(email_confirmed_at=None, signed_up_at=asked)
    make_customer(email_confirmed_at=None, signed_up_at=asked)
    report(held)
    hold(data_class="content")
    assert run("unconfirmed_accounts") == 1
    assert User.objects.filter(pk=held.pk).exists()


def test_two_holds_keep_what_either_names_and_one_release_lets_go_of_its_own() -> None:
    one, two, boss = make_customer(), make_customer(), make_staff()
    first, second = report(one), report(two)
    released = hold(boss, customer_id=one.pk)
    hold(boss, customer_id=two.pk)
    assert run("reports") == 0
    release_hold(released.pk, reason="settled", actor=boss, now=NOW)
    assert run("reports") == 1
    assert left() == {second.pk}
    assert first.pk != second.pk


# --- how long it counts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "kept"), [(-timedelta(microseconds=1), True), (timedelta(), False)]
)
def test_unapproved_it_lapses_after_three_days(later: timedelta, kept: bool) -> None:
    report(make_customer())
    placed = hold(data_class="content")
    now = NOW + HOLD_UNAPPROVED + later
    assert is_lapsed(placed, now) != kept
    assert run("reports", now=now) == (not kept)


def test_approved_it_stays_until_it_is_released_and_what_it_held_goes_on() -> None:
    report(make_customer())
    boss = make_staff()
    placed = hold(data_class="content")
    approve_hold(placed.pk, actor=boss, now=NOW)
    much_later = NOW + timedelta(days=300)
    assert run("reports", now=much_later) == 0
    release_hold(placed.pk, reason="settled", actor=boss, now=much_later)
    assert run("reports", now=much_later) == 1


# --- two people ----------------------------------------------------------------------------------


def test_nobody_approves_a_hold_they_placed() -> None:
    boss = make_staff()
    placed = hold(boss, data_class="content")
    with pytest.raises(HoldRefused, match="Somebody else"):
        approve_hold(placed.pk, actor=boss, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        LegalHold.objects.update(approved_by=boss, approved_at=NOW)


def test_who_may_not_approve_neither_approves_nor_reviews_nor_releases() -> None:
    clerk = make_staff(roles=())
    placed = hold(data_class="content")
    with pytest.raises(HoldRefused, match="may not approve"):
        approve_hold(placed.pk, actor=clerk, now=NOW)
    with pytest.raises(HoldRefused, match="may not approve"):
        review_hold(placed.pk, review_on=date(2027, 5, 1), actor=clerk, now=NOW)
    with pytest.raises(HoldRefused, match="may not release"):
        release_hold(placed.pk, reason="x", actor=clerk, now=NOW)


def test_who_placed_it_may_take_it_back_until_another_approved_it() -> None:
    clerk = make_staff(roles=())
    placed, approved = hold(clerk, data_class="content"), hold(clerk, data_class="billing")
    approve_hold(approved.pk, actor=make_staff(), now=NOW)
    release_hold(placed.pk, reason="a mistake", actor=clerk, now=NOW)
    with pytest.raises(HoldRefused):
        release_hold(approved.pk, reason="a mistake", actor=clerk, now=NOW)


def test_a_lapsed_a_released_and_an_approved_hold_cannot_be_approved() -> None:
    boss = make_staff()
    placed = hold(data_class="content")
    with pytest.raises(HoldRefused, match="in time"):
        approve_hold(placed.pk, actor=boss, now=NOW + HOLD_UNAPPROVED)
    approve_hold(placed.pk, actor=boss, now=NOW)
    with pytest.raises(HoldRefused, match="already"):
        approve_hold(placed.pk, actor=boss, now=NOW)
    release_hold(placed.pk, reason="x", actor=boss, now=NOW)
    for act in (approve_hold, lambda pk, **k: release_hold(pk, reason="x", **k)):
        with pytest.raises(HoldRefused, match="released"):
            act(placed.pk, actor=boss, now=NOW)


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"data_class": "content", "reason": " "},
        {"data_class": "content", "reference": ""},
        {"customer_id": uuid.uuid4()},
        {"since": date(2020, 1, 2), "until": date(2020, 1, 1)},
        {"since": date(1969, 12, 31)},
        {"until": date(2101, 1, 1)},
        {"until": date.max},
        {"data_class": "content", "review_on": NOW.date()},
        {"data_class": "content", "review_on": (NOW + HOLD_REVIEW).date() + timedelta(days=1)},
    ],
)
def test_a_hold_says_what_why_and_when_it_is_looked_at_again(what: dict[str, Any]) -> None:
    with pytest.raises(HoldRefused):
        hold(**what)
    assert not LegalHold.objects.exists()


def test_the_first_and_the_last_day_a_hold_may_name() -> None:
    hold(since=FIRST_DAY, until=LAST_DAY)
    assert LegalHold.objects.get().until == LAST_DAY


def test_what_was_placed_stays_as_it_was_placed() -> None:
    hold(data_class="content")
    for change in ({"reason": "x"}, {"data_class": "mail"}, {"placed_at": NOW}):
        with pytest.raises(DatabaseError), transaction.atomic():
            LegalHold.objects.update(**change)


def test_holds_wait_on_the_list_until_approved_and_again_on_their_day() -> None:
    boss = make_staff()
    placed = hold(data_class="content")
    assert list(to_look_at(NOW)) == [placed]
    approve_hold(placed.pk, actor=boss, now=NOW)
    assert not to_look_at(NOW)
    its_day = datetime(2027, 4, 1, tzinfo=UTC)
    assert list(to_look_at(its_day)) == [placed]
    review_hold(placed.pk, review_on=date(2027, 6, 1), actor=boss, now=its_day)
    assert not to_look_at(its_day)


# --- what it never does --------------------------------------------------------------------------


def test_a_hold_stops_no_opt_out_and_revives_no_mail() -> None:
    person = make_customer(yes=("newsletter",))
    hold(customer_id=person.pk)
    consent.record_opt_out(person.pk, [topic().pk], source=Source.PREFERENCES, now=NOW)
    assert Preference.objects.of(person.pk).get().state == "withdrawn"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT consent_withheld_reason(%s, %s, %s, %s)",
            [person.pk, topic().pk, person.email, NOW],
        )
        assert cursor.fetchone()[0] == "withdrawn"


def test_a_held_customer_who_asks_to_be_deleted_gets_no_mail_and_is_deleted_once_released() -> None:
    person, boss = make_customer(yes=("newsletter",)), make_staff()
    report(person)
    placed = hold(boss, customer_id=person.pk, data_class="content")
    wish = request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        run_deletions(NOW)
    wish.refresh_from_db()
    assert (wish.state, User.objects.filter(pk=person.pk).exists()) == ("requested", True)
    assert len(left()) == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT consent_withheld_reason(%s, %s, %s, %s)",
            [person.pk, topic().pk, person.email, NOW],
        )
        assert cursor.fetchone()[0] == "deactivated"
    release_hold(placed.pk, reason="settled", actor=boss, now=NOW)
    with as_role(KEEPER):
        run_deletions(NOW)
    wish.refresh_from_db()
    assert (wish.state, User.objects.filter(pk=person.pk).exists()) == ("finished", False)
    assert left() == set()
    placed.refresh_from_db()
    assert (placed.customer_id, placed.reason, placed.reference) == (None, "", "24-1")


def test_rows_set_aside_go_as_soon_as_no_hold_names_them() -> None:
    held, other, boss = make_customer(), make_customer(), make_staff()
    placed = hold(boss, customer_id=held.pk)
    with as_role(KEEPER):
        for owner in (held, other):
            HeldRow.objects.create(
                model="messaging.MessageRecord",
                key=uuid.uuid4(),
                customer_id=owner.pk,
                dated=OLD,
                row={},
                copied_at=NOW,
            )
    assert run("held_rows") == 1
    release_hold(placed.pk, reason="settled", actor=boss, now=NOW)
    assert run("held_rows") == 1


def test_rows_set_aside_are_held_by_the_class_they_came_from() -> None:
    with as_role(KEEPER):
        for model in ("messaging.MessageRecord", "messaging.Message"):
            HeldRow.objects.create(model=model, key=uuid.uuid4(), dated=OLD, row={}, copied_at=NOW)
    hold(data_class="mail")
    assert run("held_rows") == 1
    with as_role(KEEPER):
        assert HeldRow.objects.get().model == "messaging.Message"


def test_is_person_held_asks_for_rows_and_not_for_the_person_alone() -> None:
    person = make_customer()
    entry, account = ENTRIES["messaging.Report"], ENTRIES["accounts.User"]
    hold(data_class="content")
    with as_role(KEEPER):
        assert not holding.is_person_held(entry, person.pk, now=NOW)
        assert not holding.is_person_held(account, person.pk, now=NOW)
    report(person)
    with as_role(KEEPER):
        assert holding.is_person_held(entry, person.pk, now=NOW)
        assert holding.is_person_held(account, person.pk, now=NOW)


# --- in mid-run ----------------------------------------------------------------------------------


def test_a_hold_placed_between_two_batches_is_obeyed_by_the_next(monkeypatch: Any) -> None:
    owners = [make_customer() for _ in range(6)]
    for owner in owners:
        report(owner)
    boss, remove = make_staff(), enforcement.remove_batch
    placed: list[LegalHold] = []

    def place_after_the_first(*args: Any) -> int:
        removed = remove(*args)
        if not placed:
            placed.append(hold(boss, data_class="content"))
        return removed

    monkeypatch.setattr(enforcement, "remove_batch", place_after_the_first)
    assert run("reports") == 2
    assert len(left()) == 4


@pytest.mark.django_db(transaction=True)
def test_a_hold_placed_in_mid_batch_waits_for_it_and_none_begins_meanwhile(
    monkeypatch: Any,
) -> None:
    """The batch has read that nothing is held: the hold is not in force before it is over."""
    with as_role(KEEPER):
        for _each in range(5):
            SuppressionComparison.objects.create(compared_at=OLD, provider="x")
    boss = make_staff()
    in_batch, asked = threading.Event(), threading.Event()
    delete = enforcement.delete_due

    def delete_slowly(*args: Any) -> int:
        removed = delete(*args)
        in_batch.set()
        asked.wait(5)
        time.sleep(0.1)
        return removed

    def enforce_rule() -> list[RetentionRun]:
        try:
            with as_role(KEEPER):
                return enforce(NOW, "test", only=["suppression_comparisons"], batch=2)
        finally:
            connection.close()

    monkeypatch.setitem(enforcement.REMOVALS, Removal.BATCHES, delete_slowly)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(enforce_rule)
        assert in_batch.wait(10)
        asked.set()
        hold(boss, data_class="proof")
        left_then = SuppressionComparison.objects.count()
        running.result(timeout=30)
    assert left_then == 3
    assert SuppressionComparison.objects.count() == 3
