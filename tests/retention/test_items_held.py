"""A legal hold keeps paper, disks and tapes as well: nobody signs, and nothing is late."""

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from clicksend_portal.promises.readings.keeping import read_schedule
from foundation.roles import APP, KEEPER, as_role
from retention import items
from retention.ages import ages
from retention.models import Destruction, LegalHold, PhysicalItem
from retention.services import enforce
from tests.factories import make_customer, make_staff
from tests.retention.test_items import (
    FORM,
    HOW,
    NOW,
    SIGNED,
    address,
    browser,
    destroyed,
    make_item,
    signed,
)

pytestmark = pytest.mark.django_db

THREE_YEARS_ON = NOW + timedelta(days=3 * 366)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def hold(**what: Any) -> LegalHold:
    with as_role(KEEPER):
        made: LegalHold = LegalHold.objects.create(
            **(
                {
                    "reason": "Dispute",
                    "reference": "26-7",
                    "review_on": NOW.date(),
                    "placed_at": NOW,
                }
                | what
            )
        )
    return made


def release(placed: LegalHold) -> None:
    with as_role(KEEPER):
        LegalHold.objects.filter(pk=placed.pk).update(released_at=NOW)


@pytest.fixture
def person() -> User:
    return make_customer()


NAMES = ["customer", "class", "customer and span"]
OTHERS = ["nobody", "another customer", "another class", "a span alone", "lapsed", "released"]


def held_by_name(name: str, person: User) -> LegalHold | None:
    match name:
        case "customer":
            return hold(customer_id=person.pk)
        case "class":
            return hold(data_class="proof")
        case "customer and span":
            return hold(customer_id=person.pk, until=date(2001, 1, 1))
        case "another customer":
            return hold(customer_id=make_customer().pk)
        case "another class":
            return hold(customer_id=person.pk, data_class="content")
        case "a span alone":
            return hold(since=date(2001, 1, 1))
        case "lapsed":
            return hold(customer_id=person.pk, placed_at=NOW - timedelta(days=3))
        case "released":
            return hold(customer_id=person.pk, released_at=NOW)
    return None


# --- signatures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_while_it_is_held_nobody_signs_first_or_second(name: str, person: User) -> None:
    first, half = (make_item(customer_id=person.pk) for _ in range(2))
    waiting = signed(half, make_staff())
    placed = held_by_name(name, person)
    assert placed is not None
    with pytest.raises(items.SignatureRefused, match="legal hold 26-7 keeps it"):
        signed(first, make_staff())
    with pytest.raises(items.SignatureRefused, match="legal hold 26-7 keeps it"):
        items.countersign_destruction(waiting.pk, verified_by="O", actor=make_staff(), now=NOW)
    waiting.refresh_from_db()
    assert waiting.countersigned_at is None
    release(placed)
    destroyed(first)
    items.countersign_destruction(waiting.pk, verified_by="O", actor=make_staff(), now=NOW)


@pytest.mark.parametrize("name", OTHERS)
def test_a_hold_that_does_not_name_it_stops_no_signature(name: str, person: User) -> None:
    item = make_item(customer_id=person.pk)
    held_by_name(name, person)
    assert item in items.overdue(NOW)
    assert destroyed(item).countersigned_at is not None


@pytest.mark.parametrize("name", [*NAMES, *OTHERS])
@pytest.mark.parametrize("role", [APP, KEEPER])
def test_the_database_holds_it_for_whoever_writes(name: str, role: str, person: User) -> None:
    """As the services have it of each of these holds."""
    first, half = (make_item(customer_id=person.pk) for _ in range(2))
    waiting = signed(half, make_staff())
    held_by_name(name, person)
    one, other = make_staff(), make_staff()

    def sign() -> None:
        Destruction.objects.create(item=first, **HOW, signed_by=one, signed_at=NOW)

    def countersign() -> None:
        Destruction.objects.filter(pk=waiting.pk).update(
            verified_by="O", countersigned_by=other, countersigned_at=NOW
        )

    for step in (sign, countersign):
        with as_role(APP if step is sign else role), transaction.atomic():
            if name in OTHERS:
                step()
                continue
            with pytest.raises(IntegrityError, match="legal hold keeps"), transaction.atomic():
                step()


def test_a_wrong_first_signature_may_be_taken_back_all_the_same(person: User) -> None:
    waiting = signed(make_item(customer_id=person.pk), make_staff())
    hold(customer_id=person.pk)
    items.take_back_signature(waiting.pk, actor=make_staff())
    assert not Destruction.objects.exists()


def test_nobody_places_a_hold_while_somebody_signs() -> None:
    with transaction.atomic():
        signed(make_item(), make_staff())
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' "
                "AND pid = pg_backend_pid()"
            )
            assert cursor.fetchone()[0] == 1


# --- what is late --------------------------------------------------------------------------------


def test_what_is_held_is_not_late_and_breaks_no_promise(person: User) -> None:
    late, kept = make_item(), make_item(customer_id=person.pk)
    placed = hold(customer_id=person.pk)
    assert list(items.overdue(NOW)) == [late]
    assert read_schedule(NOW).value["items_late"] == 1
    release(placed)
    assert set(items.overdue(NOW)) == {late, kept}
    assert read_schedule(NOW).value["items_late"] == 2


# --- certificates --------------------------------------------------------------------------------


def certificates_gone() -> int:
    with as_role(KEEPER):
        (run,) = enforce(THREE_YEARS_ON, "x", only=["destructions"])
    return run.removed


@pytest.mark.parametrize(
    "what", [{"customer_id": True}, {"customer_id": True, "until": date(2001, 1, 1)}]
)
def test_the_certificate_and_its_item_stay_for_the_hold_of_their_customer(
    what: dict[str, Any], person: User
) -> None:
    kept = destroyed(make_item(customer_id=person.pk))
    destroyed(make_item(customer_id=make_customer().pk))
    destroyed()
    placed = hold(**what | {"customer_id": person.pk, "approved_at": NOW})
    assert certificates_gone() == 2
    assert (Destruction.objects.get(), PhysicalItem.objects.get()) == (kept, kept.item)
    with as_role(KEEPER):
        (age,) = ages(THREE_YEARS_ON + timedelta(days=2), only=("destructions",))
    assert (age.overdue, age.held) == (0, 1)
    release(placed)
    assert certificates_gone() == 1
    assert not PhysicalItem.objects.exists()


def test_an_item_stays_with_its_certificate_that_a_span_holds(person: User) -> None:
    day = HOW["destroyed_on"]
    destroyed(make_item(customer_id=person.pk))
    hold(since=day, until=day, approved_at=NOW)
    assert certificates_gone() == 0
    LegalHold.objects.update(released_at=NOW)
    hold(since=day + timedelta(days=1), approved_at=NOW)
    assert certificates_gone() == 1


# --- pages ---------------------------------------------------------------------------------------


def test_pages_say_for_which_hold_and_ask_nobody_to_destroy_it(person: User) -> None:
    one = browser(make_staff(language="en"))
    kept = make_item(serial="KEPT-1", customer_id=person.pk)
    late = make_item(serial="LATE-1", due_on=timezone.now().date() - timedelta(days=1))
    placed = hold(customer_id=person.pk, reference="26-99", approved_at=timezone.now())
    page = one.get(address("changelist")).content.decode()
    assert "kept for the legal hold 26-99" in page
    assert page.count("overdue</strong>") == 1
    page = one.get(address("changelist"), {"state": "overdue"}).content.decode()
    assert (late.serial in page, kept.serial in page) == (True, False)
    page = one.get(address("changelist"), {"state": "held"}).content.decode()
    assert (late.serial in page, kept.serial in page) == (False, True)
    page = one.get(address("change", kept.pk)).content.decode()
    assert "The legal hold 26-99 keeps it. Do not destroy it" in page
    assert address("sign", kept.pk) not in page
    page = one.post(address("sign", kept.pk), SIGNED).content.decode()
    assert "The legal hold 26-99 keeps it" in page
    index = one.get(reverse("admin:index")).content.decode()
    assert (late.serial in index, kept.serial in index) == (True, False)
    release(placed)
    page = one.get(address("change", kept.pk)).content.decode()
    assert address("sign", kept.pk) in page


def test_one_that_waits_for_its_second_signature_shows_no_way_to_give_it(person: User) -> None:
    one, other = browser(make_staff(language="en")), make_staff()
    item = make_item(customer_id=person.pk)
    signed(item, other)
    hold(customer_id=person.pk, approved_at=timezone.now())
    page = one.get(address("change", item.pk)).content.decode()
    assert address("countersign", item.pk) not in page
    assert address("take_back", item.pk) in page
    answer = one.post(address("countersign", item.pk), {"verified_by": "Ola"}, follow=True)
    assert "keeps it: nobody signs" in answer.content.decode()
    assert Destruction.objects.get().countersigned_at is None


def test_the_list_asks_as_often_for_many_items_as_for_one(
    person: User, django_assert_max_num_queries: Any
) -> None:
    one = browser(make_staff(language="en"))
    for _ in range(2):
        make_item(serial=uuid.uuid4().hex, customer_id=person.pk)
    hold(customer_id=person.pk, approved_at=timezone.now())
    one.get(address("changelist"))
    with django_assert_max_num_queries(40) as first:
        one.get(address("changelist"))
    for _ in range(10):
        make_item(serial=uuid.uuid4().hex, customer_id=person.pk)
    with django_assert_max_num_queries(len(first)):
        one.get(address("changelist"))


def test_a_new_item_is_registered_as_before() -> None:
    one = browser(make_staff(language="en"))
    hold(data_class="proof", approved_at=timezone.now())
    assert one.get(address("add")).status_code == 200
    assert one.post(address("add"), FORM).status_code == 302
