"""The feed at the same moment as itself, as an erasure, as the nightly making of months."""

import uuid
from datetime import datetime
from typing import NoReturn

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import User
from foundation.calendar import month_start, months_later
from foundation.partitions import ensure_partitions, partition_name
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.content import feed as feeding
from messaging.models import Contact, ContactList, MessageContent, MessageRecord
from retention.erasure import lock_person
from tests.api.feeding import CUSTOMER, feed, message, wrong
from tests.factories import NOW, make_customer
from tests.messaging.test_races import Beside

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def kari() -> User:
    return make_customer(username="kari", platform_id=CUSTOMER)


def counts(person_id: uuid.UUID) -> tuple[int, int]:
    with as_tenant(person_id):
        return MessageRecord.objects.count(), MessageContent.objects.count()


def test_the_same_batch_twice_at_once_is_one(kari: User) -> None:
    """In opposite order, too: the second waits for the first and finds everything there."""
    names = [str(n) for n in range(20)]
    with transaction.atomic():
        first = feed("message-records", *(message(message_id=name) for name in names))
        second = Beside(
            lambda: feed("message-records", *(message(message_id=name) for name in names[::-1]))
        )
        second.start()
        assert second.waits_for_a_lock()
    second.join()
    assert first.taken == 20
    assert (second.answer.taken, second.answer.unchanged) == (0, 20)
    assert counts(kari.pk) == (20, 20)


def test_an_erasure_waits_for_a_batch_that_came_first(kari: User) -> None:
    """And so finds what it brought."""
    with transaction.atomic():
        feed("message-records", message())

        def erase() -> tuple[int, int]:
            with transaction.atomic():
                lock_person(kari.pk)
                return counts(kari.pk)

        erasing = Beside(erase)
        erasing.start()
        assert erasing.waits_for_a_lock()
    erasing.join()
    assert erasing.answer == (1, 1)


@pytest.mark.parametrize("kind", ["message-records", "contact-lists"])
def test_a_batch_waits_for_an_erasure_that_came_first_and_brings_nothing(
    kari: User, kind: str
) -> None:
    record = message() | {"list_id": 1, "list_name": "x"}
    with transaction.atomic():
        lock_person(kari.pk)
        feeding = Beside(lambda: feed(kind, record))
        feeding.start()
        assert feeding.waits_for_a_lock()
        User.objects.filter(pk=kari.pk).update(is_active=False)
    feeding.join()
    assert wrong(feeding.answer) == [(1, "user_id", "customer_leaving")]
    assert counts(kari.pk) == (0, 0)


def test_a_batch_that_waited_until_the_account_was_gone_knows_nobody(kari: User) -> None:
    with as_role(KEEPER), transaction.atomic():
        lock_person(kari.pk)
        feeding = Beside(lambda: feed("message-records", message()))
        feeding.start()
        assert feeding.waits_for_a_lock()
        User.objects.filter(pk=kari.pk)._raw_delete("default")
    feeding.join()
    assert wrong(feeding.answer) == [(1, "user_id", "unknown_customer")]


def test_what_customers_do_with_their_account_does_not_wait_for_a_batch(kari: User) -> None:
    """Signing in writes the account's row as well."""
    with transaction.atomic():
        feed("message-records", message())
        signing_in = Beside(lambda: User.objects.filter(pk=kari.pk).update(last_login=NOW))
        signing_in.start()
        signing_in.join(5)
        assert signing_in.answer == 1


def test_a_contact_typed_in_at_the_same_moment_gives_way(kari: User) -> None:
    feed("contact-lists", {"user_id": CUSTOMER, "list_id": 1, "list_name": "x"})
    contact = {"user_id": CUSTOMER, "list_id": 1, "contact_id": 9, "phone_number": "+4798765432"}
    with as_tenant(kari.pk):
        own = ContactList.objects.get()
        Contact.objects.create(contact_list=own, customer=kari, phone_number="+4798765432")
        feeding = Beside(lambda: feed("contacts", contact))
        feeding.start()
        assert feeding.waits_for_a_lock()
    feeding.join()
    assert feeding.answer.taken == 1
    with as_tenant(kari.pk):
        assert Contact.objects.get().contact_id == 9


def make_month(date: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT messaging_make_month(%s, %s)", ["messaging_messagerecord", date.date()]
        )
        return bool(cursor.fetchone()[0])


def test_a_month_is_made_once_and_nobody_who_reads_or_writes_waits(kari: User) -> None:
    date = months_later(month_start(timezone.now()), -50)
    try:
        with transaction.atomic():
            feed("message-records", message())  # has the table open for writing
            making = Beside(lambda: make_month(date))
            making.start()
            making.join(5)
            assert making.answer is True
        with transaction.atomic():
            assert make_month(months_later(date, 1))
            second = Beside(lambda: make_month(months_later(date, 1)))
            second.start()
            assert second.waits_for_a_lock()
        second.join()
        assert second.answer is False
    finally:
        for month in (date, months_later(date, 1)):
            with as_role(KEEPER), connection.cursor() as cursor:
                name = f"messaging_messagerecord_y{month:%Y}m{month:%m}"
                cursor.execute(f"DROP TABLE IF EXISTS {name}")


def test_a_month_is_made_by_the_feed_or_by_the_night_and_not_by_both(kari: User) -> None:
    """Under one lock: the feed waits for the night, and then finds the month there."""
    month = months_later(month_start(timezone.now()), -50)
    try:
        with as_role(KEEPER), transaction.atomic():
            ensure_partitions("messaging_messagerecord", month, month)
            making = Beside(lambda: make_month(month))
            making.start()
            assert making.waits_for_a_lock()
        making.join()
        assert making.answer is False
    finally:
        with as_role(KEEPER), connection.cursor() as cursor:
            name = partition_name("messaging_messagerecord", month)
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def test_a_month_that_cannot_be_made_is_tried_again_and_then_busy(
    kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detached month holds the table until the last long reader has gone."""
    tries = []

    def busy() -> NoReturn:
        tries.append(1)
        raise OperationalError("canceling statement due to lock timeout")

    with monkeypatch.context() as patched:
        patched.setattr(transaction, "atomic", busy)
        with pytest.raises(feeding.FeedBusy):
            feeding.make_month("messaging_messagerecord", month_start(NOW))
    assert len(tries) == feeding.ATTEMPTS
