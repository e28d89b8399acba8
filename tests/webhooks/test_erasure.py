"""Who is erased here must be erased there too, and nothing else about them is told any more."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.models import User
from consent.models import Delivery, Webhook
from consent.proof.sealer import seal_pending
from consent.webhooks import feed, policy
from consent.webhooks.feed import announce_erasure, make_deliveries
from consent.webhooks.sending import deliver_again
from consent.webhooks.services import create_webhook, pause, resume
from foundation.roles import KEEPER, as_role
from retention import enforcement, services
from retention.erasure import lock_person, sweep
from retention.models import Source
from retention.schedule import RULES
from tests.factories import NOW, make_customer
from tests.webhooks.receiver import Receiver
from tests.webhooks.telling import tell

pytestmark = pytest.mark.django_db


def erase(person: User) -> None:
    services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.run_deletions(NOW)
    assert not User.objects.filter(pk=person.pk).exists()


def test_an_erasure_is_told_by_key_and_number_alone(webhook: Webhook, receiver: Receiver) -> None:
    person = make_customer(yes=("newsletter",), platform_id=4711)
    tell()
    receiver.got.clear()
    erase(person)
    assert tell() == 1
    (got,) = receiver.got
    assert got.message["type"] == "customer.erased"
    assert got.message["data"] == {
        "customer": str(person.pk),
        "customer_number": 4711,
        "state": "erased",
    }
    assert got.is_signed_with(webhook.shown_secret)  # type: ignore[attr-defined]


def test_what_was_waiting_about_an_erased_customer_is_never_sent(
    webhook: Webhook, receiver: Receiver
) -> None:
    person, other = make_customer(yes=("newsletter",)), make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    make_deliveries(now=NOW)
    erase(person)
    tell()
    assert sorted((each["type"], each["data"]["customer"]) for each in receiver.messages) == [
        ("consent.opted_in", str(other.pk)),
        ("customer.erased", str(person.pk)),
    ]


def test_what_was_not_yet_read_from_the_log_is_not_told_either(
    webhook: Webhook, receiver: Receiver
) -> None:
    person = make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    erase(person)
    tell()
    assert [each["type"] for each in receiver.messages] == ["customer.erased"]


def test_once_delivered_the_notice_says_nothing_about_anyone(
    webhook: Webhook, receiver: Receiver
) -> None:
    person = make_customer(platform_id=4711)
    erase(person)
    receiver.status, receiver.body = 500, str(person.pk).encode()
    tell()
    waiting = Delivery.objects.get()
    assert str(person.pk) in waiting.body
    assert waiting.answer == "500"
    receiver.status = 200
    assert tell(waiting.not_before) == 1
    done = Delivery.objects.get()
    assert (done.person_id, done.body, done.answer) == (None, "", "200")


def test_the_notice_is_dropped_by_its_rule(webhook: Webhook) -> None:
    erase(make_customer())
    tell()
    entry, rule = RULES["webhook_deliveries"]
    for now, left in ((NOW + timedelta(days=25), 1), (NOW + timedelta(days=33), 0)):
        with as_role(KEEPER):
            enforcement.run_rule(entry, rule, now=now, actor="test", batch=100)
        assert Delivery.objects.count() == left


def test_telling_of_the_same_erasure_twice_is_once(webhook: Webhook) -> None:
    person, reference = make_customer(), uuid.uuid4()
    announce_erasure(person.pk, reference, NOW)
    announce_erasure(person.pk, reference, NOW)
    assert Delivery.objects.count() == 1
    assert str(reference) not in str(Delivery.objects.values().get())


def test_an_erasure_that_is_rolled_back_is_not_told(webhook: Webhook) -> None:
    with transaction.atomic():
        announce_erasure(make_customer().pk, uuid.uuid4(), NOW)
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_a_paused_webhook_hears_of_the_erasure_when_it_resumes(
    webhook: Webhook, receiver: Receiver
) -> None:
    pause(webhook.pk, now=NOW)
    erase(make_customer(yes=("newsletter",)))
    assert tell() == 0
    resume(webhook.pk)
    assert tell() == 1
    assert receiver.messages[0]["type"] == "customer.erased"


def test_a_notice_that_is_given_up_says_nothing_any_more(
    webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status = 500
    erase(make_customer())
    Delivery.objects.update(attempts=policy.MAX_ATTEMPTS - 1)
    tell()
    notice = Delivery.objects.get(state="dead")
    assert notice.body == ""
    assert deliver_again([notice.pk], now=NOW) == 0


@pytest.mark.parametrize(("age", "state"), [(-1, "waiting"), (0, "dead")])
def test_a_notice_waits_a_week_at_the_most(
    age: int, state: str, webhook: Webhook, receiver: Receiver
) -> None:
    pause(webhook.pk, now=NOW)
    erase(make_customer())
    tell(NOW + policy.ERASURE_WAITS_AT_MOST + timedelta(seconds=age))
    notice = Delivery.objects.get()
    assert (notice.state, bool(notice.body)) == (state, state == "waiting")


def test_other_messages_wait_for_a_paused_webhook_longer_and_keep_what_they_say(
    webhook: Webhook,
) -> None:
    make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    make_deliveries(now=NOW)
    pause(webhook.pk, now=NOW)
    tell(NOW + policy.ERASURE_WAITS_AT_MOST)
    assert Delivery.objects.get().state == "waiting"
    tell(NOW + policy.PAUSED_AT_MOST)
    assert Delivery.objects.get(state="dead").body


def test_whoever_did_not_ask_for_erasures_is_not_told(receiver: Receiver) -> None:
    create_webhook(name="only no", url=receiver.url, events=["consent.opted_out"])
    erase(make_customer())
    assert tell() == 0


@pytest.mark.django_db(transaction=True)
def test_an_erasure_beside_the_reading_of_the_log_leaves_no_delivery_behind(
    webhook: Webhook,
) -> None:
    """The reader waits for the account's row and then finds nobody; neither blocks the other."""
    person = make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    reading = threading.Event()

    def read() -> None:
        reading.set()
        try:
            make_deliveries(now=NOW)
        finally:
            connection.close()

    reader = threading.Thread(target=read)
    with as_role(KEEPER), transaction.atomic():
        locked = lock_person(person.pk)
        reader.start()
        reading.wait(5)
        reader.join(0.5)
        assert reader.is_alive()  # it waits for us
        announce_erasure(person.pk, uuid.uuid4(), NOW)
        sweep(locked, now=NOW)
    reader.join(10)
    assert not reader.is_alive()
    assert [each.person_id for each in Delivery.objects.all()] == [None]
    assert feed.changes(0, 99) == []
