"""Other systems are told of every choice, once each, and of nothing that names anybody."""

import json
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from consent import services
from consent.models import Delivery, Leaf, Source, Webhook
from consent.proof.sealer import seal_pending
from consent.webhooks.feed import make_deliveries
from consent.webhooks.services import create_webhook, pause, resume
from foundation import standstill
from tests.factories import NOW, make_customer, topic
from tests.webhooks.receiver import Receiver
from tests.webhooks.telling import say_no, tell

pytestmark = pytest.mark.django_db


def data(receiver: Receiver) -> list[dict[str, Any]]:
    return [each["data"] for each in receiver.messages]


def test_an_opt_out_is_told_with_its_place_in_the_log(webhook: Webhook, receiver: Receiver) -> None:
    person = make_customer(yes=("newsletter",), platform_id=4711)
    tell()
    receiver.got.clear()
    say_no(person)
    assert tell() == 1
    (message,) = receiver.messages
    assert message == {
        "type": "consent.opted_out",
        "timestamp": NOW.isoformat().replace("+00:00", "Z"),
        "data": {
            "customer": str(person.pk),
            "customer_number": 4711,
            "topic": "newsletter",
            "kind": "mail",
            "state": "withdrawn",
            "paused_until": None,
            "index": Leaf.objects.order_by("-index")[0].index,
        },
    }


def test_no_message_carries_an_address_or_a_name(webhook: Webhook, receiver: Receiver) -> None:
    person = make_customer(yes=("newsletter",), first_name="Zebulon", last_name="Quistgaard")
    say_no(person)
    tell()
    assert receiver.got
    for each in receiver.got:
        text = each.body.decode() + str(each.headers)
        for value in (person.email, person.username, "Zebulon", "Quistgaard"):
            assert value not in text


def test_a_yes_is_an_opt_in_and_each_message_carries_a_higher_index(
    webhook: Webhook, receiver: Receiver
) -> None:
    person = make_customer(yes=("newsletter",))
    say_no(person)
    services.record_choices(person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW)
    tell()
    told = sorted(receiver.messages, key=lambda each: each["data"]["index"])
    assert [each["type"] for each in told] == [
        "consent.opted_in",
        "consent.opted_out",
        "consent.opted_in",
    ]


def test_a_pause_is_told_as_an_opt_out_with_its_end(webhook: Webhook, receiver: Receiver) -> None:
    person = make_customer(yes=("newsletter",))
    tell()
    receiver.got.clear()
    services.record_pause(person.pk, [topic().pk], months=1, source=Source.PREFERENCES, now=NOW)
    tell()
    (message,) = receiver.messages
    assert (message["type"], message["data"]["state"]) == ("consent.opted_out", "paused")
    assert message["data"]["paused_until"] > NOW.isoformat()
    services.record_pause(person.pk, [topic().pk], months=None, source=Source.PREFERENCES, now=NOW)
    tell()
    assert receiver.messages[-1]["type"] == "consent.opted_in"


def test_a_new_webhook_is_not_told_what_was_before_it(receiver: Receiver) -> None:
    make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    create_webhook(name="late", url=receiver.url, events=["consent.opted_in"])
    assert tell() == 0


def test_a_webhook_is_told_only_of_the_events_it_asked_for(receiver: Receiver) -> None:
    create_webhook(name="only no", url=receiver.url, events=["consent.opted_out"])
    person = make_customer(yes=("newsletter",))
    say_no(person)
    tell()
    assert [each["type"] for each in receiver.messages] == ["consent.opted_out"]


def test_an_event_that_is_not_sealed_yet_waits_for_its_place(webhook: Webhook) -> None:
    make_customer(yes=("newsletter",))
    assert make_deliveries(now=NOW) == 0
    seal_pending(now=NOW)
    assert make_deliveries(now=NOW) == 1


def test_going_back_over_the_log_makes_nothing_twice(webhook: Webhook, receiver: Receiver) -> None:
    make_customer(yes=("newsletter",), no=("special_offers",))
    assert tell() == 2
    Webhook.objects.update(cursor=0)
    assert tell() == 0
    assert Delivery.objects.count() == len(receiver.got) == 2


def test_a_long_log_is_read_in_steps_and_misses_nothing(
    webhook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consent.webhooks.feed.LEAVES_AT_ONCE", 2)
    people = [make_customer(yes=("newsletter",)) for _ in range(5)]
    assert tell() == 5
    assert {each["customer"] for each in data(receiver)} == {str(each.pk) for each in people}


def test_a_paused_webhook_hears_afterwards_what_happened_meanwhile(
    webhook: Webhook, receiver: Receiver
) -> None:
    assert pause(webhook.pk, now=NOW)
    assert not pause(webhook.pk, now=NOW)
    say_no(make_customer(yes=("newsletter",)))
    assert tell() == 0
    assert resume(webhook.pk)
    assert tell() == 2


def test_what_waits_a_month_for_a_paused_webhook_is_given_up(webhook: Webhook) -> None:
    make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    make_deliveries(now=NOW)
    pause(webhook.pk, now=NOW)
    tell(NOW + timedelta(days=29))
    assert Delivery.objects.get().state == "waiting"
    tell(NOW + timedelta(days=30))
    assert Delivery.objects.get().state == "dead"


def test_a_customer_may_read_what_was_told_about_them(webhook: Webhook) -> None:
    person: User = make_customer(yes=("newsletter",))
    tell()
    assert json.loads(Delivery.objects.get(person_id=person.pk).body)["data"]["state"] == "granted"


def test_while_the_portal_stands_still_a_no_is_told_and_a_yes_waits(
    webhook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_customer(yes=("newsletter",), no=("special_offers",))
    monkeypatch.setattr(standstill, "why", lambda **_: "restored from an older state")
    assert tell() == 1
    assert [each["type"] for each in receiver.messages] == ["consent.opted_out"]
    monkeypatch.setattr(standstill, "why", lambda **_: "")
    assert tell() == 1
    assert receiver.messages[-1]["type"] == "consent.opted_in"
