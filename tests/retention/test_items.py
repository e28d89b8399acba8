"""Paper, disks and tapes: on the register until two people signed for their destruction."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from foundation.roles import APP, KEEPER, as_role
from retention import erasure, items
from retention.models import Destruction, PhysicalItem
from retention.papers.certificate import NotSignedYet, certificate
from retention.policy import ITEMS_OF_ERASED
from retention.schedule import ENTRIES
from tests.factories import make_customer, make_staff
from tests.staff.sign_in import SECRET, sign_in

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DUE = date(2026, 11, 21)
HOW: dict[str, Any] = {
    "method": "destroy",
    "tool": "Shredder, level P-5",
    "place": "Oslo",
    "destroyed_on": date(2026, 11, 20),
    "verified_how": "Looked at the pieces",
    "performed_by": "Kari Nordmann",
}


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def make_item(**fields: Any) -> PhysicalItem:
    values = {
        "name": "Order forms",
        "kind": "paper",
        "serial": f"BOX-{uuid.uuid4().hex[:8]}",
        "place": "Archive, Oslo",
        "contains": "Order forms of 2024",
        "kept_since": date(2024, 3, 1),
        "due_on": DUE,
    }
    item: PhysicalItem = PhysicalItem.objects.create(**(values | fields))
    return item


def signed(item: PhysicalItem, actor: User) -> Destruction:
    return items.sign_destruction(item.pk, **HOW, actor=actor, now=NOW)


def destroyed(item: PhysicalItem | None = None) -> Destruction:
    first, second = make_staff(), make_staff()
    destruction = signed(item or make_item(), first)
    return items.countersign_destruction(
        destruction.pk, verified_by="Ola Østgård", actor=second, now=NOW + timedelta(hours=1)
    )


# --- what is due ---------------------------------------------------------------------------------


def test_the_last_day_is_in_time_and_the_next_is_overdue() -> None:
    item = make_item()
    assert item not in items.overdue(datetime(2026, 11, 21, 23, 59, tzinfo=UTC))
    assert item in items.overdue(datetime(2026, 11, 22, 0, 0, tzinfo=UTC))


def test_it_is_overdue_until_two_have_signed() -> None:
    item, first, second = make_item(), make_staff(), make_staff()
    destruction = signed(item, first)
    assert item in items.overdue(NOW)
    items.countersign_destruction(destruction.pk, verified_by="O", actor=second, now=NOW)
    assert item not in items.overdue(NOW)


def test_what_is_due_first_stands_first() -> None:
    later, sooner = make_item(due_on=date(2027, 1, 1)), make_item()
    gone = destroyed().item
    assert list(items.still_here()) == [sooner, later]
    assert gone not in items.still_here()


def test_it_cannot_be_due_before_it_was_there() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_item(due_on=date(2024, 2, 29))


# --- two signatures ------------------------------------------------------------------------------


def test_nobody_signs_twice() -> None:
    boss = make_staff()
    destruction = signed(make_item(), boss)
    with pytest.raises(items.SignatureRefused, match="somebody else"):
        items.countersign_destruction(destruction.pk, verified_by="K", actor=boss, now=NOW)
    with pytest.raises(IntegrityError, match="retention_two_signatures"), transaction.atomic():
        Destruction.objects.filter(pk=destruction.pk).update(
            countersigned_by=boss, countersigned_at=NOW, verified_by="K"
        )
    destruction.refresh_from_db()
    assert destruction.countersigned_at is None


def test_the_first_signature_cannot_be_hidden_to_sign_twice() -> None:
    destruction = signed(make_item(), make_staff())
    with as_role(APP), pytest.raises(IntegrityError, match="signed"), transaction.atomic():
        Destruction.objects.filter(pk=destruction.pk).update(signed_by=None)


@pytest.mark.parametrize(
    ("day", "fits"),
    [
        (date(2024, 2, 29), False),
        (date(2024, 3, 1), True),
        (NOW.date(), True),
        (NOW.date() + timedelta(days=1), False),
    ],
)
def test_it_is_destroyed_while_it_is_there_and_not_in_the_future(day: date, fits: bool) -> None:
    item, boss, how = make_item(), make_staff(), HOW | {"destroyed_on": day}
    if fits:
        assert items.sign_destruction(item.pk, **how, actor=boss, now=NOW).destroyed_on == day
        return
    with pytest.raises(items.SignatureRefused):
        items.sign_destruction(item.pk, **how, actor=boss, now=NOW)


@pytest.mark.parametrize(
    ("zone", "at", "today"),
    [
        ("Australia/Sydney", datetime(2026, 11, 22, 22, 0, tzinfo=UTC), date(2026, 11, 23)),
        ("Europe/Oslo", datetime(2026, 11, 22, 23, 0, tzinfo=UTC), date(2026, 11, 23)),
        ("Europe/Oslo", datetime(2026, 11, 22, 22, 59, tzinfo=UTC), date(2026, 11, 22)),
        ("America/New_York", datetime(2026, 11, 23, 4, 59, tzinfo=UTC), date(2026, 11, 22)),
    ],
)
def test_it_is_signed_for_from_the_first_hour_of_the_day_where_the_signer_is(
    zone: str, at: datetime, today: date
) -> None:
    boss = make_staff(timezone=zone)

    def sign(day: date) -> Destruction:
        how = HOW | {"destroyed_on": day}
        return items.sign_destruction(make_item().pk, **how, actor=boss, now=at)

    assert sign(today).destroyed_on == today
    with pytest.raises(items.SignatureRefused):
        sign(today + timedelta(days=1))


def test_it_is_signed_for_once() -> None:
    item = make_item()
    signed(item, make_staff())
    with pytest.raises(items.SignatureRefused, match="already"):
        signed(item, make_staff())
    second = destroyed()
    with pytest.raises(items.SignatureRefused):
        items.countersign_destruction(second.pk, verified_by="X", actor=make_staff(), now=NOW)


def test_no_record_begins_with_two_signatures() -> None:
    with pytest.raises(IntegrityError, match="begins with one"), transaction.atomic():
        Destruction.objects.create(
            item=make_item(),
            **HOW,
            verified_by="Ola",
            signed_by=make_staff(),
            signed_at=NOW,
            countersigned_by=make_staff(),
            countersigned_at=NOW,
        )


def test_a_wrong_record_goes_before_the_second_signature_and_never_after() -> None:
    item, boss = make_item(), make_staff()
    items.take_back_signature(signed(item, boss).pk, actor=boss)
    assert not Destruction.objects.filter(item=item).exists()
    done = destroyed(item)
    with pytest.raises(items.SignatureRefused):
        items.take_back_signature(done.pk, actor=boss)
    with as_role(APP), pytest.raises(IntegrityError, match="stands"), transaction.atomic():
        Destruction.objects.filter(pk=done.pk).delete()


# --- nothing changes afterwards ------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"tool": "Fire"},
        {"method": "clear"},
        {"destroyed_on": date(2026, 1, 1)},
        {"performed_by": "X"},
        {"verified_by": "X"},
        {"countersigned_at": None},
        {"countersigned_at": NOW},
    ],
    ids=lambda change: "-".join(change),
)
def test_what_two_signed_changes_no_more(change: dict[str, Any]) -> None:
    done = destroyed()
    for role in (APP, KEEPER):
        with as_role(role), pytest.raises(IntegrityError, match="stands"), transaction.atomic():
            Destruction.objects.filter(pk=done.pk).update(**change)


def test_another_name_is_never_put_in() -> None:
    done, other = destroyed(), make_staff()
    for column in ("signed_by", "countersigned_by"):
        with as_role(KEEPER), pytest.raises(IntegrityError), transaction.atomic():
            Destruction.objects.filter(pk=done.pk).update(**{column: other})


def test_staff_who_are_erased_leave_their_signature_without_their_account() -> None:
    done = destroyed()
    with as_role(KEEPER):
        Destruction.objects.filter(pk=done.pk).update(signed_by=None)
    done.refresh_from_db()
    assert (done.signed_by, done.performed_by) == (None, "Kari Nordmann")


def test_an_item_stands_still_from_the_first_signature() -> None:
    item = make_item(customer_id=uuid.uuid4())
    PhysicalItem.objects.filter(pk=item.pk).update(place="Basement")
    signed(item, make_staff())
    for change in ({"place": "Attic"}, {"due_on": date(2030, 1, 1)}, {"customer_id": uuid.uuid4()}):
        with pytest.raises(IntegrityError, match="changes no more"), transaction.atomic():
            PhysicalItem.objects.filter(pk=item.pk).update(**change)
    PhysicalItem.objects.filter(pk=item.pk).update(customer_id=None)


def test_nothing_leaves_the_register_by_hand() -> None:
    item = make_item()
    with as_role(APP), pytest.raises(DatabaseError, match="permission denied"):  # noqa: SIM117
        with transaction.atomic():
            PhysicalItem.objects.filter(pk=item.pk).delete()


# --- erasing whose it was ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due_in", "then_in"),
    [(400, ITEMS_OF_ERASED.days), (ITEMS_OF_ERASED.days, ITEMS_OF_ERASED.days), (3, 3), (-3, -3)],
)
def test_what_was_of_one_erased_customer_is_due_within_30_days(due_in: int, then_in: int) -> None:
    today, person = datetime.now(UTC).date(), make_customer()
    item = make_item(customer_id=person.pk, due_on=today + timedelta(days=due_in))
    blank_items_of(person)
    item.refresh_from_db()
    assert item.customer_id is None
    assert item.due_on == today + timedelta(days=then_in)


def blank_items_of(person: User) -> None:
    entry = ENTRIES["retention.PhysicalItem"]
    rows = PhysicalItem.objects.filter(customer_id=person.pk)
    with as_role(KEEPER):
        erasure.let_go(entry, rows, 10, now=datetime.now(UTC))


def test_so_is_one_whose_first_signature_is_taken_back_after_the_erasure() -> None:
    today, person, boss = datetime.now(UTC).date(), make_customer(), make_staff()
    item = make_item(customer_id=person.pk, due_on=date(2033, 1, 1))
    destruction = signed(item, boss)
    blank_items_of(person)
    items.take_back_signature(destruction.pk, actor=boss)
    item.refresh_from_db()
    assert (item.customer_id, item.due_on) == (None, ITEMS_OF_ERASED.end(today))


def test_one_that_is_gone_keeps_the_day_its_certificate_names() -> None:
    person = make_customer()
    item = make_item(customer_id=person.pk, due_on=date(2033, 1, 1))
    destroyed(item)
    blank_items_of(person)
    item.refresh_from_db()
    assert (item.customer_id, item.due_on) == (None, date(2033, 1, 1))


# --- the certificate -----------------------------------------------------------------------------


def test_one_signature_certifies_nothing() -> None:
    with pytest.raises(NotSignedYet):
        certificate(signed(make_item(), make_staff()), language="nb")


def test_the_certificate_is_the_same_whenever_it_is_printed_and_names_no_customer() -> None:
    person = make_customer()
    done = destroyed(make_item(customer_id=person.pk))
    file = certificate(done, language="nb")
    assert file.startswith(b"%PDF-")
    assert certificate(Destruction.objects.get(pk=done.pk), language="nb") == file
    assert certificate(done, language="en") != file
    with as_role(KEEPER):
        PhysicalItem.objects.filter(pk=done.item_id).update(customer_id=None)
    assert certificate(Destruction.objects.get(pk=done.pk), language="nb") == file


# --- staff pages ---------------------------------------------------------------------------------


def browser(person: User) -> Client:
    TOTP.activate(person, SECRET)
    return sign_in(person, "password", "mfa")


@pytest.fixture
def first() -> User:
    return make_staff(language="en", first_name="Kari")


@pytest.fixture
def second() -> User:
    return make_staff(language="en")


FORM = {
    "name": "Backup tape",
    "kind": "tape",
    "serial": "T-1",
    "place": "Safe, Oslo",
    "contains": "A week's backup",
    "customer": "",
    "kept_since": "2026-01-01",
    "due_on": "2026-02-01",
}
SIGNED = {**HOW, "destroyed_on": "2026-01-20"}


def address(page: str, *args: Any) -> str:
    return reverse(f"admin:retention_physicalitem_{page}", args=args)


def test_an_item_is_registered_signed_for_by_two_and_certified(first: User, second: User) -> None:
    one, other = browser(first), browser(second)
    assert one.post(address("add"), FORM).status_code == 302
    item = PhysicalItem.objects.get(serial="T-1")
    assert item.registered_by == first
    change = address("change", item.pk)
    assert "Overdue" in one.get(change).content.decode()
    assert one.get(address("certificate", item.pk)).status_code == 404
    assert one.get(address("sign", item.pk)).status_code == 200
    assert one.post(address("sign", item.pk), SIGNED, follow=True).status_code == 200
    page = one.get(change).content.decode()
    assert "You signed first" in page
    assert address("countersign", item.pk) not in page
    assert address("countersign", item.pk) in other.get(change).content.decode()
    own = one.post(address("countersign", item.pk), {"verified_by": "Kari"}, follow=True)
    assert "must be somebody else" in own.content.decode()
    assert one.get(address("certificate", item.pk)).status_code == 404
    done = other.post(address("countersign", item.pk), {"verified_by": "Ola Øst"}, follow=True)
    assert "The certificate is ready." in done.content.decode()
    paper = other.get(address("certificate", item.pk))
    assert paper.status_code == 200
    assert paper.headers["Content-Type"] == "application/pdf"
    assert 'filename="certificate-T-1.pdf"' in paper.headers["Content-Disposition"]
    assert other.post(change, FORM | {"place": "Elsewhere"}).status_code == 403
    assert other.post(address("delete", item.pk), {"post": "yes"}).status_code == 403


def test_the_list_opens_with_what_is_still_here(first: User) -> None:
    here, gone = make_item(serial="HERE-1"), destroyed(make_item(serial="GONE-1")).item
    one = browser(first)
    page = one.get(address("changelist")).content.decode()
    assert here.serial in page
    assert gone.serial not in page
    assert "overdue" in page
    page = one.get(address("changelist"), {"state": "destroyed"}).content.decode()
    assert gone.serial in page
    assert here.serial not in page
    page = one.get(address("changelist"), {"state": "overdue"}).content.decode()
    assert here.serial in page
    half = make_item(serial="HALF-1", due_on=date(2040, 1, 1))
    signed(half, first)
    page = one.get(address("changelist"), {"state": "half"}).content.decode()
    assert half.serial in page
    assert here.serial not in page


def test_what_falls_due_stands_on_the_first_page_soonest_first(first: User) -> None:
    one, index = browser(first), reverse("admin:index")
    assert "Nothing falls due within 30 days." in one.get(index).content.decode()
    today = datetime.now(UTC).date()
    make_item(serial="LATER", due_on=today + timedelta(days=30))
    make_item(serial="SOONER", due_on=today - timedelta(days=1))
    make_item(serial="FAR", due_on=today + timedelta(days=31))
    page = one.get(index).content.decode()
    assert page.index("SOONER") < page.index("LATER")
    assert page.count("late since") == 1
    assert "(FAR)" not in page


def test_an_item_of_one_customer_names_them_by_what_staff_know(first: User) -> None:
    person, one = make_customer(username="kunden", platform_id=4711), browser(first)
    for number, named in enumerate((person.email.upper(), str(person.pk), "4711")):
        one.post(address("add"), FORM | {"serial": f"S-{number}", "customer": named})
        assert PhysicalItem.objects.get(serial=f"S-{number}").customer_id == person.pk
    for named in ("nobody", "²", "kunden", first.email):
        answer = one.post(address("add"), FORM | {"serial": "S-9", "customer": named})
        assert "No customer has this address or number" in answer.content.decode()
    assert not PhysicalItem.objects.filter(serial="S-9").exists()


def test_whose_it_is_stays_visible_once_it_is_signed_for(first: User) -> None:
    person, one = make_customer(username="kunden"), browser(first)
    item = make_item(customer_id=person.pk)
    change = address("change", item.pk)
    assert f'value="{person.pk}"' in one.get(change).content.decode()
    signed(item, first)
    page = one.get(change).content.decode()
    assert f"K. N. ({person.pk})" in page
    assert "kunden" not in page


def test_a_wrong_form_says_so_and_loses_nothing(first: User) -> None:
    item, one = make_item(), browser(first)
    page = one.get(address("sign", item.pk)).content.decode()
    described = re.findall(r'aria-describedby="(id_[a-z_]+)"', page)
    described.remove("id_destroyed_on_timezone_warning_helptext")  # the admin's script adds it
    assert described
    assert [each for each in described if f'id="{each}"' not in page] == []
    answer = one.post(address("sign", item.pk), SIGNED | {"destroyed_on": "2001-01-01"})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "before it was there" in page
    assert HOW["tool"] in page
    assert not Destruction.objects.exists()
    signed(item, first)
    page = one.post(address("countersign", item.pk), {}, follow=True).content.decode()
    assert "full name" in page


def test_a_first_signature_is_taken_back_from_the_page(first: User) -> None:
    item, one = make_item(), browser(first)
    signed(item, first)
    page = one.post(address("take_back", item.pk), follow=True).content.decode()
    assert "the item is there again" in page
    page = one.post(address("take_back", item.pk), follow=True).content.decode()
    assert "no destruction that waits" in page


def test_looking_shows_and_only_asking_acts(first: User) -> None:
    item, one = make_item(), browser(first)
    for step in ("countersign", "take_back"):
        assert one.get(address(step, item.pk)).status_code == 405


@pytest.mark.parametrize(
    ("rights", "looks", "signs"),
    [((), False, False), (("view_physicalitem",), True, False), (("add_destruction",), True, True)],
)
def test_signing_is_a_right_of_its_own(rights: tuple[str, ...], looks: bool, signs: bool) -> None:
    item, person = make_item(), make_staff(roles=(), rights=rights, language="en")
    one = browser(person)
    assert (one.get(address("change", item.pk)).status_code == 200) == looks
    assert (one.get(address("sign", item.pk)).status_code == 200) == signs
    assert one.post(address("change", item.pk), FORM).status_code == 403
    for step in ("countersign", "take_back"):
        assert (one.post(address(step, item.pk)).status_code == 403) != signs
