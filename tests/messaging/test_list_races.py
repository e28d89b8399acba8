"""Two at once on a customer's lists: one comes first, and what a contact said stands either way."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging import policy
from messaging.content import services, uploads
from messaging.content.files import Row
from messaging.content.taking_in import take_in_batch
from messaging.content.tombstones import hold_feed
from messaging.models import Contact, ContactList, ContactOptOut, ListUpload, UploadProblem
from tests.api.feeding import CUSTOMER, feed, wrong
from tests.factories import NOW, make_contact, make_customer, make_list
from tests.messaging.test_races import Beside

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "+4798765432"


@pytest.fixture
def kari() -> User:
    return make_customer(platform_id=CUSTOMER, country="NO")


@pytest.fixture
def own(kari: User) -> ContactList:
    feed("contact-lists", {"user_id": CUSTOMER, "list_id": 61, "list_name": "Kunder"})
    with as_tenant(kari.pk):
        return ContactList.objects.get()


@pytest.fixture
def upload(kari: User, own: ContactList) -> ListUpload:
    return running(kari, own)


def running(person: User, into: ContactList | None) -> ListUpload:
    with as_tenant(person.pk):
        made: ListUpload = ListUpload.objects.create(
            customer=person,
            contact_list=into,
            file_name="a.csv",
            state="running",
            mapping={"0": "phone_number", "1": "first_name"},
            country="NO",
            made_at=NOW,
        )
    return made


def read(upload: ListUpload, *cells: str) -> bool:
    return take_in_batch(upload, [Row(1, list(cells) or [NUMBER])], done=0, header=[], now=NOW)


def say_no(person: User) -> int | None:
    with as_tenant(person.pk):
        return services.record_contact_opt_out(NUMBER, customer_id=person.pk, now=NOW)


def bring() -> Any:
    contact = {"user_id": CUSTOMER, "list_id": 61, "contact_id": 1, "phone_number": NUMBER}
    return feed("contacts", contact)


def add(own: ContactList) -> Contact | str:
    with as_tenant(own.customer_id):
        try:
            return services.add_contact(own, {"phone_number": NUMBER}, now=NOW)
        except services.Refused as refused:
            return str(refused)


def left(person: User) -> list[str]:
    with as_tenant(person.pk):
        return [str(each) for each in Contact.objects.all()]


def beside(act: Callable[[], Any]) -> Beside:
    other = Beside(act)
    other.start()
    assert other.waits_for_a_lock()
    return other


# --- a contact says no while somebody puts it into a list ----------------------------------------


def test_a_no_waits_for_a_batch_of_a_file_and_takes_out_what_it_brought(
    kari: User, upload: ListUpload
) -> None:
    with transaction.atomic():
        assert read(upload)
        saying_no = beside(lambda: say_no(kari))
    saying_no.join()
    assert saying_no.answer == 1
    assert left(kari) == []


def test_a_batch_of_a_file_waits_for_a_no_and_obeys_it(kari: User, upload: ListUpload) -> None:
    with transaction.atomic():
        say_no(kari)
        reading = beside(lambda: read(upload))
    reading.join()
    assert reading.answer is True
    assert left(kari) == []
    with as_tenant(kari.pk):
        assert UploadProblem.objects.get().reason == "opted_out"


def test_a_no_waits_for_the_feed_and_takes_out_what_it_brought(
    kari: User, own: ContactList
) -> None:
    with transaction.atomic():
        assert bring().taken == 1
        saying_no = beside(lambda: say_no(kari))
    saying_no.join()
    assert saying_no.answer == 1
    assert left(kari) == []


def test_the_feed_waits_for_a_no_and_obeys_it(kari: User, own: ContactList) -> None:
    with transaction.atomic():
        say_no(kari)
        feeding = beside(bring)
    feeding.join()
    assert wrong(feeding.answer) == [(1, "phone_number", "opted_out")]
    assert left(kari) == []


def test_a_no_waits_for_a_contact_added_by_hand(kari: User, own: ContactList) -> None:
    with transaction.atomic():
        assert isinstance(add(own), Contact)
        saying_no = beside(lambda: say_no(kari))
    saying_no.join()
    assert saying_no.answer == 1
    assert left(kari) == []


def test_whoever_adds_a_contact_by_hand_waits_for_a_no(kari: User, own: ContactList) -> None:
    with transaction.atomic():
        say_no(kari)
        adding = beside(lambda: add(own))
    adding.join()
    assert adding.answer == "opted_out"
    assert left(kari) == []


def test_a_no_waits_for_a_list_that_is_just_made(kari: User) -> None:
    """Nobody else sees that list yet."""
    with transaction.atomic():
        with as_tenant(kari.pk):
            made = make_list(kari)
        assert isinstance(add(made), Contact)
        saying_no = beside(lambda: say_no(kari))
    saying_no.join()
    assert saying_no.answer == 1
    assert left(kari) == []


# --- a list that goes ----------------------------------------------------------------------------


def test_deleting_a_list_and_adding_to_it_do_not_wait_for_each_other_in_turn(
    kari: User, own: ContactList
) -> None:
    with transaction.atomic():
        assert isinstance(add(own), Contact)
        deleting = beside(lambda: services.delete_list(own.pk, customer_id=kari.pk, now=NOW))
        with as_tenant(kari.pk):
            services.add_contact(own, {"email": "ola@example.test"}, now=NOW)
    deleting.join()
    assert deleting.answer == 2


def test_starting_an_upload_and_deleting_its_list_do_not_wait_for_each_other_in_turn(
    kari: User, own: ContactList
) -> None:
    waiting = running(kari, own)
    with as_tenant(kari.pk):
        ListUpload.objects.update(state="uploaded")
    with transaction.atomic(), as_tenant(kari.pk):
        hold_feed(kari.pk)
        starting = beside(lambda: start(waiting))
        ListUpload.objects.select_for_update(nowait=True).get()
    starting.join()
    with as_tenant(kari.pk):
        assert ListUpload.objects.get().state == "running"


def start(upload: ListUpload) -> None:
    with as_tenant(upload.customer_id):
        uploads.start_upload(
            upload,
            mapping={"0": "phone_number"},
            country="NO",
            contact_list=None,
            new_list="Ny",
            now=NOW,
        )


def test_a_file_that_is_read_into_a_list_ends_with_the_list(
    kari: User, own: ContactList, upload: ListUpload
) -> None:
    with transaction.atomic():
        assert read(upload)
        deleting = beside(lambda: services.delete_list(own.pk, customer_id=kari.pk, now=NOW))
    deleting.join()
    assert deleting.answer == 1
    assert read(upload, "+4798765433") is False
    with as_tenant(kari.pk):
        assert not ListUpload.objects.exists()
        assert not ContactList.objects.exists()


# --- two workers ---------------------------------------------------------------------------------


def test_a_file_in_another_workers_hand_is_left_to_it_without_waiting(
    kari: User, upload: ListUpload
) -> None:
    with as_tenant(kari.pk):
        same = ListUpload.objects.get()
    with transaction.atomic():
        assert read(upload)
        second = Beside(lambda: read(same))
        second.start()
        assert not second.waits_for_a_lock()
        second.join(5)
        assert second.answer is False
    assert left(kari) == [NUMBER]
    with as_tenant(kari.pk):
        assert ListUpload.objects.get().rows_done == 1


def test_two_nights_at_once_take_out_the_same_contacts_once(
    kari: User, own: ContactList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "CONTENT_BATCH", 2)
    with as_tenant(kari.pk):
        for number in range(5):
            make_contact(own, email=f"a{number}@example.test")
            ContactOptOut.objects.create(customer=kari, contact=f"a{number}@example.test")
        make_contact(own, email="stays@example.test")

    def night() -> int:
        with as_role(KEEPER):
            return services.remove_opted_out(now=NOW)

    with transaction.atomic():
        first = night()
        second = beside(night)
    second.join()
    assert (first, second.answer) == (5, 0)
    assert left(kari) == ["stays@example.test"]
