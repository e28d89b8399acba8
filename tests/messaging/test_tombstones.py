"""What a customer deletes on their pages does not come back: not by the platform's next report, not
out of a month that the nightly run has detached."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from foundation.ids import uuid7_moment
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging import policy
from messaging.content import services
from messaging.content.feed import take_in
from messaging.content.querysets import MessageFilter
from messaging.content.tombstones import bury
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    MessageContent,
    MessageRecord,
    Report,
    Tombstone,
)
from retention import burying
from retention.asking import request_deletion
from retention.deleting import run_deletions
from retention.models import Scope, Source
from tests.api.feeding import CUSTOMER, as_line, feed, message, wrong
from tests.factories import NOW, make_customer, make_list
from tests.messaging.test_races import Beside

pytestmark = pytest.mark.django_db
OTHER = CUSTOMER + 1
EVERYTHING = MessageFilter()
DELETED = "deleted_by_customer"


@pytest.fixture(autouse=True)
def batches_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "CONTENT_BATCH", 2)


@pytest.fixture
def kari() -> User:
    return make_customer(platform_id=CUSTOMER)


def a_list(**fields: Any) -> dict[str, Any]:
    return {"user_id": CUSTOMER, "list_id": 61, "list_name": "Kunder"} | fields


def a_contact(number: int, **fields: Any) -> dict[str, Any]:
    values = {"user_id": CUSTOMER, "list_id": 61, "contact_id": number}
    return values | {"phone_number": f"+479876543{number}"} | fields


def a_report(**fields: Any) -> dict[str, Any]:
    values = {"user_id": CUSTOMER, "report_id": 3, "report_name": "Uke 1"}
    return values | {"date": int(NOW.timestamp()), "content": {"sent": 3}} | fields


def count(person: User, model: Any) -> int:
    with as_tenant(person.pk):
        return int(model.objects.count())


def delete_list(person: User) -> None:
    with as_tenant(person.pk):
        own = ContactList.objects.get(list_id=61)
    services.delete_list(own.pk, customer_id=person.pk, now=NOW)


# --- sent again ----------------------------------------------------------------------------------


def test_a_deleted_list_and_its_contacts_stay_out_and_others_come_in(kari: User) -> None:
    feed("contact-lists", a_list())
    feed("contacts", *(a_contact(n) for n in range(3)))
    delete_list(kari)
    taken = feed("contact-lists", a_list(), a_list(list_id=62, list_name="Andre"))
    assert (taken.taken, wrong(taken)) == (1, [(1, "list_id", DELETED)])
    taken = feed("contacts", a_contact(0), a_contact(1, list_id=62))
    assert (taken.taken, wrong(taken)) == (1, [(1, "list_id", DELETED)])
    assert count(kari, ContactList) == 1
    assert count(kari, Contact) == 1


def test_a_list_of_one_number_is_each_customers_own(kari: User) -> None:
    other = make_customer(platform_id=OTHER)
    for user_id in (CUSTOMER, OTHER):
        feed("contact-lists", a_list(user_id=user_id))
    delete_list(kari)
    taken = feed("contact-lists", a_list(list_name="Nytt"), a_list(user_id=OTHER, list_name="Nytt"))
    assert (taken.taken, wrong(taken)) == (1, [(1, "list_id", DELETED)])
    with as_tenant(other.pk):
        assert ContactList.objects.get().list_name == "Nytt"


def test_a_removed_contact_stays_out_of_whatever_list(kari: User) -> None:
    feed("contact-lists", a_list(), a_list(list_id=62))
    feed("contacts", a_contact(1), a_contact(2))
    with as_tenant(kari.pk):
        services.remove_contact(Contact.objects.get(contact_id=1), now=NOW)
    taken = feed("contacts", a_contact(1), a_contact(2), a_contact(1, list_id=62))
    assert wrong(taken) == [(1, "contact_id", DELETED), (3, "contact_id", DELETED)]
    assert taken.unchanged == 1
    assert count(kari, Contact) == 1


def test_a_deleted_message_stays_out_under_another_date_too(kari: User) -> None:
    names = [str(n) for n in range(5)]
    feed("message-records", *(message(message_id=name) for name in names))
    assert services.delete_messages(EVERYTHING, customer_id=kari.pk, now=NOW) == 5
    assert count(kari, Tombstone) == 5
    earlier = int(NOW.timestamp()) - 3600
    taken = feed(
        "message-records",
        *(message(message_id=name) for name in names),
        message(message_id="0", date=earlier),
        message(message_id="new"),
    )
    assert taken.taken == 1
    assert wrong(taken) == [(line, "message_id", DELETED) for line in range(1, 7)]
    assert count(kari, MessageRecord) == count(kari, MessageContent) == 1


def test_what_was_not_meant_by_the_deletion_still_changes(kari: User) -> None:
    feed("message-records", message(status="Queued"), message(message_id="m2", status="Failed"))
    wanted = MessageFilter(status="failed")
    assert services.delete_messages(wanted, customer_id=kari.pk, now=NOW) == 1
    taken = feed("message-records", message(status="Delivered"), message(message_id="m2"))
    assert (taken.taken, wrong(taken)) == (1, [(2, "message_id", DELETED)])


def test_a_deleted_report_stays_out(kari: User) -> None:
    feed("reports", a_report(), a_report(report_id=4))
    with as_tenant(kari.pk):
        services.delete_report(Report.objects.get(report_id=3), now=NOW)
    taken = feed("reports", a_report(report_name="Uke 1 igjen"), a_report(report_id=4))
    assert (taken.unchanged, wrong(taken)) == (1, [(1, "report_id", DELETED)])


def test_a_contacts_own_no_comes_back_with_the_platform(kari: User) -> None:
    """Whoever withdraws it here says that the contact has asked again; the platform may know
    better, and a no is nothing to be rid of."""
    said = {"user_id": CUSTOMER, "phone_number": "+4798765432"}
    feed("opt-outs", said)
    with as_tenant(kari.pk):
        services.withdraw_contact_opt_out(ContactOptOut.objects.get(), now=NOW)
    assert feed("opt-outs", said).taken == 1


def test_what_was_made_here_leaves_no_trace(kari: User) -> None:
    with as_tenant(kari.pk):
        own = make_list(kari)
        contact = services.add_contact(own, {"phone_number": "+4790000001"}, now=NOW)
        services.remove_contact(contact, now=NOW)
    services.delete_list(own.pk, customer_id=kari.pk, now=NOW)
    assert count(kari, Tombstone) == 0


def test_deleting_twice_is_once(kari: User) -> None:
    feed("contact-lists", a_list())
    with as_tenant(kari.pk):
        own = ContactList.objects.get()
    for _time in range(2):
        services.delete_list(own.pk, customer_id=kari.pk, now=NOW)
    assert count(kari, Tombstone) == 1


def test_it_holds_no_number_and_is_found_under_a_key_of_before(
    kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed("contact-lists", a_list(), a_list(list_id=62))
    delete_list(kari)
    with as_tenant(kari.pk):
        (before,) = Tombstone.objects.values_list("digest", flat=True)
    newest = max(settings.SUPPRESSION_KEYS) + 1
    monkeypatch.setattr(
        settings, "SUPPRESSION_KEYS", {newest: bytes(32), **settings.SUPPRESSION_KEYS}
    )
    assert wrong(feed("contact-lists", a_list())) == [(1, "list_id", DELETED)]
    monkeypatch.setattr(settings, "SUPPRESSION_KEYS", {newest: bytes(32)})
    assert feed("contact-lists", a_list()).taken == 1
    delete_list(kari)
    with as_tenant(kari.pk):
        others = Tombstone.objects.exclude(digest=before)
        assert others.get().kind == Tombstone.Kind.LIST
        assert Tombstone.objects.count() == 2


def test_nobody_takes_a_tombstone_away_or_sees_anothers(kari: User) -> None:
    feed("contact-lists", a_list())
    delete_list(kari)
    assert count(make_customer(), Tombstone) == 0
    for statement in (
        "DELETE FROM messaging_tombstone",
        "UPDATE messaging_tombstone SET kind = ''",
    ):
        with (
            pytest.raises(Exception, match="permission denied"),
            as_tenant(kari.pk),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert count(kari, Tombstone) == 1


def test_lines_are_counted_once_and_a_batch_of_nothing_else_is_taken(kari: User) -> None:
    feed("contact-lists", a_list())
    feed("contacts", a_contact(1))
    with as_tenant(kari.pk):
        services.remove_contact(Contact.objects.get(), now=NOW)
    delete_list(kari)
    taken = take_in("contacts", map(as_line, [a_contact(1)] * 3), now=NOW, batch=2)
    assert (taken.taken, taken.unchanged, taken.bad_lines) == (0, 0, 3)
    assert {each.field for each in taken.bad} == {"list_id"}


# --- asked for as a part, with a receipt ---------------------------------------------------------


@pytest.mark.parametrize("scope", [Scope.LIST, Scope.MESSAGES])
def test_a_requested_part_stays_out_as_well(kari: User, scope: Scope) -> None:
    feed("contact-lists", a_list())
    feed("contacts", a_contact(1), a_contact(2))
    feed("message-records", *(message(message_id=str(n)) for n in range(3)))
    about: dict[str, Any] = {}
    if scope == Scope.LIST:
        with as_tenant(kari.pk):
            about["contact_list_id"] = ContactList.objects.get().pk
    later = NOW + timedelta(minutes=1)
    request_deletion(kari.pk, source=Source.CUSTOMER, actor="self", now=later, scope=scope, **about)
    with as_role(KEEPER):
        assert run_deletions(later, batch=2) == 1
    if scope == Scope.LIST:
        assert wrong(feed("contact-lists", a_list())) == [(1, "list_id", DELETED)]
        assert wrong(feed("contacts", a_contact(1))) == [(1, "list_id", DELETED)]
        assert count(kari, MessageRecord) == 3
    else:
        again = feed("message-records", *(message(message_id=str(n)) for n in range(3)))
        assert [each.reason for each in again.bad] == [DELETED] * 3
        assert count(kari, Contact) == 2


def test_numbers_are_read_a_few_at_a_time_until_none_is_left(
    kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed("message-records", *(message(message_id=str(n)) for n in range(5)))
    monkeypatch.setattr(burying, "BURY_BATCH", 2)
    read: list[int] = []

    def counted(kind: Any, numbers: Any, **more: Any) -> None:
        found = list(numbers)
        read.append(len(found))
        bury(kind, found, **more)

    monkeypatch.setattr(burying, "bury", counted)
    later = NOW + timedelta(minutes=1)
    request_deletion(kari.pk, source=Source.CUSTOMER, actor="self", now=later, scope=Scope.MESSAGES)
    with as_role(KEEPER):
        assert run_deletions(later) == 1
    assert (sum(read), max(read)) == (5, 2)
    assert count(kari, MessageRecord) == 0


# --- at the same moment --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_batch_under_way_ends_before_a_deletion_and_goes_with_it(kari: User) -> None:
    feed("message-records", message())
    with transaction.atomic():
        feed("message-records", message(message_id="m2"))
        deleting = Beside(
            lambda: services.delete_messages(EVERYTHING, customer_id=kari.pk, now=NOW)
        )
        deleting.start()
        assert deleting.waits_for_a_lock()
    deleting.join()
    assert deleting.answer == 2
    assert count(kari, MessageRecord) == 0


@pytest.mark.django_db(transaction=True)
def test_a_batch_waits_for_a_deletion_and_finds_its_tombstones(kari: User) -> None:
    feed("message-records", message())
    with transaction.atomic():
        services.delete_messages(EVERYTHING, customer_id=kari.pk, now=NOW)
        feeding = Beside(lambda: feed("message-records", message()))
        feeding.start()
        assert feeding.waits_for_a_lock()
    feeding.join()
    assert wrong(feeding.answer) == [(1, "message_id", DELETED)]
    assert count(kari, MessageRecord) == 0


# --- in a month that no table shows --------------------------------------------------------------


def detach(model: type[MessageRecord | MessageContent], key: uuid.UUID) -> str:
    """The month of the key, as a run that was cut short leaves it."""
    table = model._meta.db_table
    name = f"{table}_{uuid7_moment(key):y%Ym%m}"
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {name}")
    return name


def rows_in(name: str, person: User) -> int:
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {name} WHERE customer_id = %s", [person.pk])
        return int(cursor.fetchone()[0])


@pytest.fixture
def both(kari: User) -> tuple[User, User]:
    """Two customers with three messages each."""
    other = make_customer(platform_id=OTHER)
    for user_id in (CUSTOMER, OTHER):
        lines = (message(user_id=user_id, message_id=str(n)) for n in range(3))
        assert feed("message-records", *lines).taken == 3
    return kari, other


def key_of(person: User) -> uuid.UUID:
    with as_tenant(person.pk):
        return uuid.UUID(str(MessageRecord.objects.values_list("pk", flat=True)[0]))


def test_what_messages_said_goes_from_a_detached_month_with_its_records(
    both: tuple[User, User],
) -> None:
    kari, other = both
    month = detach(MessageContent, key_of(kari))
    assert services.delete_messages(EVERYTHING, customer_id=kari.pk, now=NOW) == 3
    assert (rows_in(month, kari), rows_in(month, other)) == (0, 3)


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (EVERYTHING, 0),
        (MessageFilter(status="DELIVERED"), 0),
        (MessageFilter(status="failed"), 3),
        (MessageFilter(since=NOW - timedelta(seconds=1)), 0),
        (MessageFilter(since=NOW + timedelta(seconds=1)), 3),
        (MessageFilter(before=NOW + timedelta(seconds=1)), 0),
        (MessageFilter(before=NOW), 3),
        (MessageFilter(newest=uuid.UUID(int=0)), 3),
        (MessageFilter(words="Hei"), 3),
    ],
)
def test_records_of_a_detached_month_go_where_the_filter_means_them(
    both: tuple[User, User], wanted: MessageFilter, left: int
) -> None:
    kari, other = both
    month = detach(MessageRecord, key_of(kari))
    assert services.delete_messages(wanted, customer_id=kari.pk, now=NOW) == 0
    assert (rows_in(month, kari), rows_in(month, other)) == (left, 3)
    assert count(kari, Tombstone) == 3 - left


def test_without_a_tenant_nothing_detached_is_found_or_goes(both: tuple[User, User]) -> None:
    kari, _other = both
    key = key_of(kari)
    month = detach(MessageRecord, key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM messaging_find_detached(NULL, NULL, NULL, '', 9)")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT messaging_delete_detached(%s)", [[key]])
        assert cursor.fetchone() == (0,)
    assert rows_in(month, kari) == 3
