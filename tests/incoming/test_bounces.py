"""Bounces by mail (RFC 3464): a dead address is suppressed; a forged bounce suppresses nobody."""

import uuid
from datetime import timedelta

import pytest

from consent import services as consent
from consent.models import State, Suppression
from consent.suppression import is_suppressed
from messaging.incoming.bounces import is_hard
from messaging.incoming.services import receive_mail
from messaging.models import ProviderEvent
from tests.factories import NOW, make_customer, topic
from tests.incoming import letters

pytestmark = pytest.mark.django_db


def receive(raw, *, at=NOW):
    return receive_mail(raw, received_at=at, now=at)


def event():
    return ProviderEvent.objects.get()


@pytest.fixture
def person():
    return make_customer(yes=("newsletter",), now=NOW - timedelta(days=2))


@pytest.mark.parametrize("server", [letters.postfix, letters.exchange, letters.old_exim])
def test_a_dead_address_gets_nothing_optional(person, server):
    message = letters.handed_over(person)
    assert receive(server(person.email, letters.message_id_of(message))) == "applied"
    assert is_suppressed(person.email, reasons=(Suppression.Reason.HARD_BOUNCE,))
    assert consent.current_preferences(person.pk)[topic().pk].state == State.GRANTED
    assert (event().person_id, event().message_id) == (person.pk, message.pk)


@pytest.mark.parametrize("server", [letters.postfix, letters.exchange, letters.old_exim])
def test_a_forged_bounce_suppresses_nobody(person, server):
    letters.handed_over(person)
    assert receive(server(person.email, f"<{uuid.uuid4()}@portal.example>")) == "unknown"
    assert not Suppression.objects.exists()
    assert event().why == "no_such_message"


def test_a_bounce_about_somebody_elses_mail_suppresses_neither(person):
    attacker = make_customer(now=NOW - timedelta(days=2))
    own = letters.handed_over(attacker, kind="service")
    assert receive(letters.postfix(person.email, letters.message_id_of(own))) == "unknown"
    assert not Suppression.objects.exists()
    assert event().why == "another_address"


def test_a_message_that_never_left_cannot_come_back(person):
    queued = letters.handed_over(person, state="queued")
    type(queued).objects.filter(pk=queued.pk).update(handed_at=None)
    assert receive(letters.postfix(person.email, letters.message_id_of(queued))) == "unknown"
    assert not Suppression.objects.exists()


def test_an_old_message_proves_nothing(person):
    old = letters.handed_over(person)
    name = letters.message_id_of(old)
    assert receive(letters.postfix(person.email, name), at=NOW + timedelta(days=31)) == "unknown"
    assert not Suppression.objects.exists()


def test_the_address_counts_in_any_spelling(person):
    message = letters.handed_over(person)
    receive(letters.postfix(person.email.upper(), letters.message_id_of(message)))
    assert is_suppressed(person.email)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("5.2.2", "failed"),
        ("4.4.1", "failed"),
        ("4.2.2", "delayed"),
        ("5.7.1", "failed"),
        ("5.3.4", "failed"),
        ("2.0.0", "delivered"),
        ("5.1.1", "delayed"),
    ],
)
def test_a_full_mailbox_or_a_refused_sender_is_no_dead_address(person, status, action):
    message = letters.handed_over(person)
    bounce = letters.postfix(
        person.email, letters.message_id_of(message), status=status, action=action
    )
    assert receive(bounce) == "nothing"
    assert not Suppression.objects.exists()
    assert event().kind == ProviderEvent.Kind.SOFT_BOUNCE


@pytest.mark.parametrize("status", ["5.1.1", "5.1.10", "5.0.0", "5.1.2", "5.2.1", "5.4.1", "5.1.6"])
def test_these_mean_that_the_address_does_not_work(status):
    assert is_hard(status)


@pytest.mark.parametrize(
    "status", ["", "4.1.1", "2.0.0", "5.1.8", "5.2.2", "5.3.0", "5.6.1", "5.7.26"]
)
def test_these_do_not(status):
    assert not is_hard(status)


def test_a_bounce_that_comes_after_a_new_confirmation_is_of_the_past(person):
    message = letters.handed_over(person)
    person.email_confirmed_at = NOW + timedelta(minutes=1)
    person.save()
    late = NOW + timedelta(minutes=2)
    assert (
        receive(letters.postfix(person.email, letters.message_id_of(message)), at=late) == "nothing"
    )
    assert not Suppression.objects.exists()


def test_a_bounce_of_a_mail_to_nobody_names_nobody():
    person = make_customer()
    message = letters.handed_over(person, kind="account", person_id=None, to_address="")
    assert receive(letters.postfix("x@example.test", letters.message_id_of(message))) == "unknown"
    assert not Suppression.objects.exists()
