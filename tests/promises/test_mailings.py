"""The way out, the welcome, the offers and the service messages."""

import uuid
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from django.conf import settings
from django.utils import timezone

from clicksend_portal.promises.promise import State
from clicksend_portal.promises.readings.mailings import composed, has_way_out, read_service
from foundation.ids import uuid7_from
from messaging.models import Message
from tests.factories import make_announcement, make_customer, retire_topic, topic
from tests.promises.looks import handed_message, read

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)


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


@pytest.mark.parametrize(("number", "holds"), [(0, True), (2, True), (3, False)])
def test_more_than_two_service_messages_a_month_are_not_rare(number: int, holds: bool) -> None:
    for _ in range(number):
        make_announcement(resolved_at=NOON - timedelta(days=1))
    assert read_service(NOON).holds is holds


def test_last_months_service_messages_and_drafts_do_not_count() -> None:
    for _ in range(3):
        make_announcement(resolved_at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC))
        make_announcement()
    assert read_service(NOON).value["announcements"] == 0


def test_without_a_second_reader_the_promise_is_not_in_force() -> None:
    assert read("service-is-service", now=NOON).state == State.NOT_IN_FORCE


def test_service_mail_under_the_newsletters_name_breaks_the_promise(
    settings: pytest.FixtureRequest,
) -> None:
    settings.SERVICE_FROM = settings.NEWS_FROM  # type: ignore[attr-defined]
    assert not read_service(NOON).holds


def test_the_senders_differ_by_default() -> None:
    assert len({settings.SERVICE_FROM, settings.NEWS_FROM, settings.ACCOUNT_FROM}) == 3
