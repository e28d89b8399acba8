"""An optional mail of no campaign: asked at its hand-over like any other, framed by the sender."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from clicksend_portal.promises.readings.mailings import read_way_out
from consent import services as consent
from consent import suppression
from consent.models import Source, Suppression
from consent.tokens import read_token
from foundation.roles import SENDER, as_role
from messaging import services
from messaging.models import Message
from messaging.policy import Lane
from messaging.sending.merging import can_merge
from tests.consent.referring import CALL, NAME, QUOTE, ask, plan, say_no, words
from tests.factories import NOW, make_customer, topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return make_customer(yes=(QUOTE, "newsletter"), language="en")


@pytest.fixture
def message(person):
    words(plan(person, QUOTE, title="Nordmann AS"))
    return Message.objects.get(kind="optional")


def send():
    services.deliver_pending(clock=timezone.now)


def outcome(message):
    message.refresh_from_db()
    return message.state, message.reason


def test_it_leaves_with_every_way_out_and_keeps_no_words(mailbox, person, message):
    with as_role(SENDER):
        send()
    assert outcome(message) == ("sent", "")
    assert (message.subject, message.text, message.html) == ("", "", "")
    (delivery,) = mailbox.to(person.email)
    mail = delivery.message
    link = mail["List-Unsubscribe"].partition(">")[0].removeprefix("<")
    token = read_token(link.rstrip("/").rpartition("/")[2])
    assert token is not None
    assert (token.person_id, token.topic) == (person.pk, topic(QUOTE).number)
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    for part in (text, html):
        assert link in part
        assert "Nordmann AS" in part
        assert "/reference-program/" in part
        assert "because you said yes to “Quote”" in part
    assert html.count("<html") == 1


def withdraw(person):
    say_no(person, QUOTE)


def leave(person):
    consent.record_opt_out(
        person.pk,
        [topic(each).pk for each in (NAME, QUOTE, CALL)],
        source=Source.STAFF,
        now=timezone.now(),
    )


def complain(person):
    suppression.suppress(person.email, reason=Suppression.Reason.COMPLAINT, now=NOW)


def rest(person):
    consent.record_pause(
        person.pk, [topic(QUOTE).pk], months=1, source=Source.PREFERENCES, now=timezone.now()
    )


@pytest.mark.parametrize(
    ("refuse", "reason"),
    [(withdraw, "withdrawn"), (leave, "withdrawn"), (complain, "suppressed"), (rest, "paused")],
)
def test_after_a_no_it_is_withheld_and_loses_its_words(mailbox, person, message, refuse, reason):
    refuse(person)
    send()
    assert outcome(message) == ("withheld", reason)
    assert (message.subject, message.text, message.html) == ("", "", "")
    assert mailbox.to(person.email) == []


def test_a_no_to_something_else_holds_up_nothing(mailbox, person, message):
    say_no(person, "newsletter")
    send()
    assert outcome(message) == ("sent", "")


def test_the_urgent_lane_leaves_it_to_the_other(mailbox, message):
    services.deliver_pending(clock=timezone.now, lane=Lane.URGENT)
    assert outcome(message) == ("queued", "")
    services.deliver_pending(clock=timezone.now, lane=Lane.CAMPAIGNS)
    assert outcome(message) == ("sent", "")


def test_a_provider_gets_it_alone(message):
    assert not can_merge(message, "mailgun")


def test_the_published_reading_finds_its_way_out_though_its_words_are_gone(mailbox, message):
    send()
    finding = read_way_out(timezone.now() + timedelta(seconds=1))
    assert finding.holds
    assert finding.value["without_way_out"] == 0


@pytest.mark.parametrize(
    "other", [{"topic_id": "newsletter"}, {"kind": "service", "topic_id": None}]
)
def test_only_the_program_writes_without_a_campaign(message, other):
    if other["topic_id"]:
        other = {"topic_id": topic(other["topic_id"]).pk}
    lease, until = uuid.uuid4(), timezone.now() + timedelta(minutes=5)
    claimed = {"state": "claimed", "lease": lease, "lease_until": until}
    Message.objects.filter(pk=message.pk).update(**claimed, **other)
    with as_role(SENDER), connection.cursor() as cursor:
        cursor.execute(
            "SELECT messaging_hand_over(%s, %s, NULL, %s, now())", [message.pk, lease, until]
        )
        assert cursor.fetchone() == ("cancelled",)
    assert outcome(message) == ("withheld", "cancelled")


def test_a_request_for_a_call_is_withheld_after_a_no(mailbox):
    person = make_customer(yes=(CALL,))
    ask(person)
    say_no(person, CALL)
    send()
    assert outcome(Message.objects.get()) == ("withheld", "withdrawn")
