"""Services and look-ups of customers' content name the customer: run where row-level security hides
nothing, they touch that customer's rows and no other's."""

from collections.abc import Iterator

import pytest
from django.db import connection

from accounts.models import User
from foundation.ids import uuid7_from
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging import policy
from messaging.content import services, uploads
from messaging.content.files import Row
from messaging.content.querysets import (
    MessageFilter,
    contacts_reached_by,
    find_contacts,
    find_messages,
    lists_of,
    lists_with,
    said_no,
    with_content,
    with_sizes,
)
from messaging.content.taking_in import ListGone, take_in_batch
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    MessageContent,
    MessageRecord,
    Report,
)
from tests.factories import NOW, make_contact, make_customer, make_list

pytestmark = pytest.mark.django_db
NUMBER, ADDRESS = "+4798765432", "per@example.test"
EVERY = (Contact, ContactList, ContactOptOut, ListUpload, MessageContent, MessageRecord, Report)


@pytest.fixture(autouse=True)
def keeper() -> Iterator[None]:
    with as_role(KEEPER):
        yield


@pytest.fixture
def kari() -> User:
    return make_customer(country="NO")


@pytest.fixture
def ola() -> User:
    """The other, who has the same contact, the same opt-outs and a message."""
    person = make_customer(country="NO")
    own = make_list(person, "Fremmed")
    make_contact(own, phone_number=NUMBER)
    make_contact(own, email=ADDRESS)
    for contact in (NUMBER, ADDRESS, "+4791123456"):
        ContactOptOut.objects.create(customer=person, contact=contact)
    make_message(person)
    Report.objects.create(customer=person, report_id=1, report_name="X", date=NOW)
    for state in ("uploaded", "finished"):
        for _number in range(policy.UPLOADS_WAITING):
            make_upload(person, own, state)
    return person


@pytest.fixture(autouse=True)
def nothing_of_ola_changes(kari: User, ola: User) -> Iterator[None]:
    before = rows_of(ola)
    yield
    assert rows_of(ola) == before


def rows_of(person: User) -> list[object]:
    """Every one, to the letter."""
    found: list[object] = []
    for model in EVERY:
        found += model._base_manager.filter(customer_id=person.pk).order_by("pk").values_list()
    return found


def make_message(person: User) -> None:
    key = uuid7_from(NOW, str(person.pk), "1")
    MessageRecord.objects.create(
        id=key, customer_id=person.pk, message_id="m1", kind="sms", direction="out", date=NOW
    )
    MessageContent.objects.create(id=key, customer_id=person.pk, sent_to=NUMBER, body="hei")


def make_upload(person: User, into: ContactList, state: str) -> ListUpload:
    made: ListUpload = ListUpload.objects.create(
        customer=person,
        contact_list=into,
        file_name="a.csv",
        state=state,
        mapping={"0": "phone_number"},
        country="NO",
        made_at=NOW,
    )
    return made


def test_anothers_rows_are_there_to_be_seen(kari: User, ola: User) -> None:
    """Otherwise the tests below would say nothing."""
    with as_tenant(kari.pk):
        assert all(model._base_manager.exists() for model in EVERY)


def test_who_told_another_customer_to_stop_may_be_added(kari: User) -> None:
    with as_tenant(kari.pk):
        own = services.make_list("Kunder", customer_id=kari.pk, now=NOW)
        for values in ({"phone_number": NUMBER}, {"email": ADDRESS}):
            assert services.add_contact(own, values, now=NOW).customer_id == kari.pk


def test_a_contact_is_added_to_nobody_elses_list(kari: User, ola: User) -> None:
    foreign = ContactList.objects.get(customer=ola)
    foreign.customer_id = kari.pk
    with as_tenant(kari.pk), pytest.raises(ContactList.DoesNotExist):
        services.add_contact(foreign, {"phone_number": "+4790000000"}, now=NOW)


def test_a_no_takes_out_ones_own_contacts_alone(kari: User) -> None:
    with as_tenant(kari.pk):
        own = make_list(kari)
        make_contact(own, phone_number=NUMBER)
        assert services.record_contact_opt_out(NUMBER, customer_id=kari.pk, now=NOW) == 1


def test_ones_own_list_and_messages_go_alone(kari: User, ola: User) -> None:
    with as_tenant(kari.pk):
        own = make_list(kari)
        make_contact(own, email=ADDRESS)
        make_upload(kari, own, "finished")
        make_message(kari)
    assert services.delete_list(own.pk, customer_id=kari.pk, now=NOW) == 1
    foreign = ContactList.objects.get(customer=ola)
    assert services.delete_list(foreign.pk, customer_id=kari.pk, now=NOW) == 0
    assert services.delete_messages(MessageFilter(), customer_id=kari.pk, now=NOW) == 1
    assert rows_of(kari) == []


def test_a_file_is_taken_in_without_a_look_at_anothers_opt_outs_or_files(
    kari: User, ola: User
) -> None:
    with as_tenant(kari.pk):
        upload = make_upload(kari, make_list(kari), "running")
    assert take_in_batch(upload, [Row(1, [NUMBER])], done=0, header=[], now=NOW)
    assert upload.added == 1
    with as_tenant(kari.pk):
        uploads.make_room(kari.pk, now=NOW)
        uploads.discard_upload(upload, now=NOW)
    foreign = ContactList.objects.get(customer=ola)
    with as_tenant(kari.pk):
        upload = make_upload(kari, foreign, "running")
    with pytest.raises(ListGone):
        take_in_batch(upload, [Row(1, ["+4790000000"])], done=0, header=[], now=NOW)


def test_the_reader_of_one_customer_reads_nobody_elses_files(kari: User, ola: User) -> None:
    ListUpload.objects.filter(customer=ola, state="uploaded").update(state="running")
    before = rows_of(ola)
    assert uploads.read_uploads(kari.pk, now=lambda: NOW, until=NOW)
    assert rows_of(ola) == before
    ListUpload.objects.filter(customer=ola, state="running").update(state="uploaded")


def test_what_is_looked_up_is_ones_own(kari: User, ola: User) -> None:
    with as_tenant(kari.pk):
        own = make_list(kari)
        mine = make_contact(own, phone_number=NUMBER)
        make_message(kari)
        assert [vars(each)["size"] for each in with_sizes(lists_of(kari.pk))] == [1]
        assert list(find_contacts(own, "", country="NO")) == [mine]
        found = lists_with(NUMBER, customer_id=kari.pk, country="NO")
        assert found is not None
        assert list(found) == [own]
        assert said_no([mine], customer_id=kari.pk) == set()
        (record,) = find_messages(MessageFilter(words=NUMBER, country="NO"), customer_id=kari.pk)
        (message,) = with_content([record])
        assert message.content is not None
        assert {record.customer_id, message.content.customer_id} == {kari.pk}


def test_the_databases_own_look_asks_the_tenants_lists_alone(kari: User, ola: User) -> None:
    """Whatever list is named; without a tenant, none."""
    foreign = ContactList.objects.get(customer=ola)
    with connection.cursor() as cursor:
        cursor.execute("SELECT messaging_find_contacts(NULL, %s)", [[NUMBER, ADDRESS]])
        assert cursor.fetchall() == []
    with as_tenant(kari.pk), connection.cursor() as cursor:
        for asked in (None, foreign.pk):
            cursor.execute("SELECT messaging_find_contacts(%s, %s)", [asked, [NUMBER, ADDRESS]])
            assert cursor.fetchall() == []
    with as_tenant(ola.pk):
        for asked in (None, foreign.pk):
            reached = contacts_reached_by([NUMBER, ADDRESS], customer_id=ola.pk, list_id=asked)
            assert reached.count() == 2
        other = make_list(ola, "Tom")
        assert not contacts_reached_by([NUMBER], customer_id=ola.pk, list_id=other.pk).exists()
        other.delete()
