"""The way out, the welcome and the offers."""

import uuid
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
from django.utils import timezone

from clicksend_portal.promises.promise import State
from clicksend_portal.promises.readings.mailings import composed, has_way_out
from foundation.ids import uuid7_from
from messaging.models import Message
from tests.factories import make_customer, retire_topic, topic
from tests.promises.looks import handed_message, read

pytestmark = pytest.mark.django_db


def test_mails_that_left_have_a_way_out() -> None:
    now = timezone.now()
    for language in ("nb", "nb", "nb", "en", "en"):
        handed_message(make_customer(), at=now, language=language)
    reading = read("way-out-in-every-mail", now=now)
    assert reading.state == State.KEPT
    assert reading.value == {"days": 30, "sent": 5, "without_way_out": 0}


@pytest.mark.parametrize("lost", ["List-Unsubscribe", "List-Unsubscribe-Post", "footer"])
def test_a_mail_that_lost_part_of_its_way_out_is_noticed(lost: str) -> None:
    mail = composed(handed_message(make_customer(), at=timezone.now()))
    assert has_way_out(mail)
    if lost == "footer":
        plain = EmailMessage()
        for name in ("List-Unsubscribe", "List-Unsubscribe-Post"):
            plain[name] = mail[name]
        plain.set_content("Kjøp nå")
        mail = plain
    else:
        del mail[lost]
    assert not has_way_out(mail)


def test_a_way_out_on_another_host_is_none() -> None:
    mail = EmailMessage()
    mail["List-Unsubscribe"] = "<https://elsewhere.example/u/x/>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content("https://elsewhere.example/u/x/")
    assert not has_way_out(mail)


def welcome_of(person_id: uuid.UUID, *, at: datetime) -> None:
    Message.objects.create(
        id=uuid7_from(at, str(person_id)),
        kind="account",
        priority=0,
        purpose="welcome",
        person_id=person_id,
        language="nb",
        not_before=at,
        queued_at=at,
    )


def test_everyone_who_signed_up_got_a_welcome_mail() -> None:
    now = timezone.now()
    person = make_customer(yes=("newsletter",), now=now - timedelta(minutes=1))
    welcome_of(person.pk, at=now - timedelta(minutes=1))
    reading = read("welcome-confirms", now=now)
    assert reading.state == State.KEPT
    assert reading.value == {"days": 30, "signed_up": None, "without_welcome": 0}


def test_someone_who_signed_up_without_a_welcome_mail_breaks_the_promise() -> None:
    now = timezone.now()
    make_customer(yes=("newsletter",), now=now - timedelta(minutes=1))
    assert read("welcome-confirms", now=now).state == State.BROKEN


def test_a_history_written_down_afterwards_is_no_sign_up_here() -> None:
    now = timezone.now()
    make_customer(yes=("newsletter",), now=now - timedelta(days=2))
    reading = read("welcome-confirms", now=now)
    assert (reading.state, reading.value["signed_up"]) == (State.KEPT, 0)


def test_each_kind_of_offer_is_a_topic_of_its_own() -> None:
    reading = read("offers-optional", now=timezone.now())
    assert reading.state == State.KEPT
    assert reading.value == {"topics": 3}


def test_a_topic_that_is_no_longer_sent_needs_no_choice() -> None:
    retire_topic(topic("special_offers"), now=timezone.now())
    assert read("offers-optional", now=timezone.now()).value == {"topics": 2}
