"""A receiver that is slow, broken or gone: tried again, and given up in the end, never lost."""

import threading
import time
from datetime import datetime, timedelta

import pytest
from django.db import connection

from consent.models import Delivery, Webhook
from consent.proof.sealer import seal_pending
from consent.webhooks import policy, sending
from consent.webhooks.calling import Answer, Call, CheckedAdapter, call
from consent.webhooks.feed import make_deliveries
from consent.webhooks.sending import claim_due, deliver_again, settle
from consent.webhooks.services import create_webhook, resume
from tests.factories import NOW, make_customer
from tests.webhooks.receiver import Dripping, Receiver
from tests.webhooks.telling import tell, the_delivery

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_event(webhook: Webhook) -> None:
    make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    make_deliveries(now=NOW)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_status_of_success_is_enough(receiver: Receiver, status: int) -> None:
    receiver.status, receiver.body = status, b""
    assert tell() == 1
    delivery = the_delivery()
    assert (delivery.state, delivery.attempts, delivery.finished_at) == ("delivered", 1, NOW)
    assert tell() == 0


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_anything_else_waits_and_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.status, receiver.extra = status, {"Location": receiver.url}
    assert tell() == 0
    delivery = the_delivery()
    assert (delivery.state, delivery.attempts) == ("waiting", 1)
    assert delivery.answer.startswith(str(status))
    assert NOW + timedelta(seconds=5) <= delivery.not_before <= NOW + timedelta(seconds=6)
    assert len(receiver.got) == 1  # no redirect was followed
    receiver.status = 200
    assert tell(delivery.not_before - timedelta(seconds=1)) == 0
    assert tell(delivery.not_before) == 1
    assert the_delivery().attempts == 2


def test_every_attempt_is_the_same_message_with_a_time_of_its_own(receiver: Receiver) -> None:
    receiver.status = 500
    tell()
    tell(NOW + timedelta(minutes=1))
    first, second = receiver.got
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] < second.headers["webhook-timestamp"]


def test_after_the_last_attempt_it_is_given_up_and_staff_may_send_it_again(
    receiver: Receiver,
) -> None:
    receiver.status = 500
    now = NOW
    for attempt in range(1, policy.MAX_ATTEMPTS + 1):
        delivery = the_delivery()
        assert (delivery.state, delivery.attempts) == ("waiting", attempt - 1)
        now = delivery.not_before
        tell(now)
    delivery = the_delivery()
    assert (delivery.state, delivery.finished_at) == ("dead", now)
    assert len(receiver.got) == policy.MAX_ATTEMPTS
    assert timedelta(days=3) < now - NOW < timedelta(days=4)
    tell(now + timedelta(days=9))
    assert len(receiver.got) == policy.MAX_ATTEMPTS
    receiver.status = 200
    assert deliver_again([delivery.pk], now=now) == 1
    assert deliver_again([delivery.pk], now=now) == 0
    assert tell(now) == 1
    assert {each.headers["webhook-id"] for each in receiver.got} == {
        receiver.got[0].headers["webhook-id"]
    }


def test_waits_grow_and_are_spread_by_no_more_than_a_fifth() -> None:
    for attempts, wait in enumerate(policy.WAITS, start=1):
        assert policy.wait_after(attempts, 0) == wait
        assert policy.wait_after(attempts, 1) == wait * 1.2
    assert policy.wait_after(policy.MAX_ATTEMPTS, 0) is None
    assert list(policy.WAITS) == sorted(policy.WAITS)


def test_a_receiver_that_does_not_answer_in_time_is_tried_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consent.webhooks.calling.TIMEOUT_SECONDS", 0.2)
    receiver.delay = 1
    assert tell() == 0
    assert "no answer" in the_delivery().answer
    assert the_delivery().state == "waiting"


def test_a_receiver_that_is_down_is_tried_again(receiver: Receiver) -> None:
    Webhook.objects.update(url="http://localhost:9/")
    assert tell() == 0
    assert "no connection" in the_delivery().answer


def test_a_receiver_that_is_gone_for_good_pauses_its_webhook(
    receiver: Receiver, webhook: Webhook
) -> None:
    receiver.status = 410
    assert tell() == 0
    webhook.refresh_from_db()
    assert webhook.paused_at == NOW
    tell(NOW + timedelta(days=2))
    assert len(receiver.got) == 1
    receiver.status = 200
    resume(webhook.pk)
    assert tell(NOW + timedelta(days=2)) == 1


def test_of_an_answer_little_is_kept_and_no_address(receiver: Receiver) -> None:
    receiver.status = 500
    receiver.body = b"\0no kari@example.test at 192.0.2.7\n" + b"x" * 100_000
    tell()
    answer = the_delivery().answer
    assert answer.startswith("500 no [address] at [ip] xxx")
    assert len(answer) == 200


def test_a_worker_killed_after_the_answer_sends_the_same_message_again(receiver: Receiver) -> None:
    (request,) = claim_due(now=NOW)
    assert call(request, now=NOW).is_taken
    # Killed here: nothing was written down. The lease runs out, then the next worker takes it.
    assert claim_due(now=NOW + policy.LEASE - timedelta(seconds=1)) == []
    assert tell(NOW + policy.LEASE) == 1
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_a_failure_from_a_lost_lease_does_not_undo_what_another_worker_delivered(
    receiver: Receiver,
) -> None:
    (slow,) = claim_due(now=NOW)
    (quick,) = claim_due(now=NOW + policy.LEASE)
    settle(slow, Answer(500, ""), now=NOW + policy.LEASE)
    assert the_delivery().not_before == NOW + 2 * policy.LEASE
    assert settle(quick, Answer(200, ""), now=NOW + policy.LEASE)
    settle(slow, Answer(500, ""), now=NOW + policy.LEASE)
    assert the_delivery().state == "delivered"


def test_nothing_is_open_in_the_database_while_the_receiver_thinks(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_blocks = []

    def noted(request: Call, *, now: datetime, through: CheckedAdapter) -> Answer:
        open_blocks.append(len(connection.savepoint_ids))
        return call(request, now=now)

    before = len(connection.savepoint_ids)
    monkeypatch.setattr(sending, "call", noted)
    assert tell() == 1
    assert open_blocks == [before]


def test_one_webhook_that_fails_does_not_hold_up_another(receiver: Receiver) -> None:
    Webhook.objects.update(url="http://localhost:9/")
    create_webhook(name="the healthy one", url=receiver.url, events=["consent.opted_in"])
    make_customer(yes=("newsletter",))
    assert tell() == 1
    assert len(receiver.got) == 1


@pytest.mark.slow
@pytest.mark.parametrize("what", ["headers", "body"])
def test_a_receiver_that_drips_is_cut_off_and_the_others_are_served_meanwhile(
    what: str, receiver: Receiver, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consent.webhooks.calling.DEADLINE_SECONDS", 1)
    monkeypatch.setattr(policy, "AT_ONCE", 4)
    for _ in range(11):
        make_customer(yes=("newsletter",))
    create_webhook(name="the quick one", url=receiver.url, events=["consent.opted_in"])
    quick = Webhook.objects.get(name="the quick one")
    Webhook.objects.filter(pk=quick.pk).update(cursor=0)
    order: list[object] = []

    def noted(request: Call, answer: Answer, *, now: datetime) -> bool:
        order.append(request.webhook_id)
        return settle(request, answer, now=now)

    monkeypatch.setattr(sending, "settle", noted)
    with Dripping(what) as dripping:
        Webhook.objects.filter(pk=webhook.pk).update(url=dripping.url)
        began = time.monotonic()
        tell()
        assert time.monotonic() - began < 60
    of_quick = Delivery.objects.filter(webhook=quick)
    assert set(of_quick.values_list("state", flat=True)) == {"delivered"}
    assert order[:12] == [quick.pk] * 12
    told = set(Delivery.objects.filter(webhook=webhook).values_list("state", "answer"))
    if what == "headers":
        assert told == {("waiting", "no whole answer within 1 seconds")}
    else:  # its status had come
        assert {state for state, _ in told} == {"delivered"}


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_nothing_twice(receiver: Receiver) -> None:
    for _ in range(20):
        make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    receiver.delay = 0.01

    def work() -> None:
        try:
            make_deliveries(now=NOW)
            sending.deliver_pending(clock=lambda: NOW)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    make_deliveries(now=NOW)
    sending.deliver_pending(clock=lambda: NOW)
    ids = [each.headers["webhook-id"] for each in receiver.got]
    assert len(ids) == len(set(ids)) == 21
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
