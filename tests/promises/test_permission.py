"""`asked-for-mail` and `obeyed-in-minutes`, read off the outbox and the history of choices."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from clicksend_portal.models import PromiseReading
from clicksend_portal.promises.promise import State
from consent import services
from consent.models import ConsentDetail, Source
from consent.policy import OBEYED_WITHIN
from messaging.services import approve, deliver_pending, run_mailings, start
from tests.factories import make_campaign, make_customer, make_staff, topic
from tests.mailbox import Mailbox
from tests.promises.looks import handed_message, read

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def asked_for() -> PromiseReading:
    return read("asked-for-mail", now=timezone.now() + MINUTE)


def obeyed() -> PromiseReading:
    return read("obeyed-in-minutes", now=timezone.now() + MINUTE)


def reader(**fields: Any) -> User:
    """Said yes to the newsletter an hour ago."""
    return make_customer(yes=("newsletter",), now=timezone.now() - timedelta(hours=1), **fields)


def opt_out(person: User, *, waited: timedelta = timedelta()) -> None:
    now = timezone.now()
    services.record_opt_out(
        person.pk, [topic().pk], source=Source.ONE_CLICK, now=now, received_at=now - waited
    )


def test_nothing_sent_breaks_nothing() -> None:
    assert asked_for().state == State.KEPT
    assert obeyed().state == State.KEPT
    assert obeyed().value["seconds"] is None


def test_mail_that_really_went_out_to_a_yes_keeps_both_promises(mailbox: Mailbox) -> None:
    for _ in range(6):
        reader()
    opt_out(reader())
    boss, now = make_staff(), timezone.now()
    campaign = make_campaign()
    approve(campaign, actor=boss, now=now)
    start(campaign, actor=boss, now=now)
    run_mailings(now=now)
    assert deliver_pending() == 6
    reading = asked_for()
    assert reading.state == State.KEPT
    assert reading.value == {"days": 30, "handed": 6, "without_permission": 0}
    assert obeyed().value["handed_after"] == 0


def test_a_message_nobody_asked_for_breaks_the_promise() -> None:
    handed_message(make_customer(), at=timezone.now())
    reading = asked_for()
    assert reading.state == State.BROKEN
    assert reading.value["without_permission"] == 1


def test_a_message_on_another_topic_than_the_yes_breaks_the_promise() -> None:
    handed_message(reader(), at=timezone.now(), slug="special_offers")
    assert asked_for().state == State.BROKEN


def test_a_message_before_the_yes_breaks_the_promise() -> None:
    handed_message(reader(), at=timezone.now() - timedelta(hours=2))
    assert asked_for().state == State.BROKEN


def test_a_message_to_an_address_that_nobody_confirmed_breaks_the_promise() -> None:
    handed_message(reader(email_confirmed_at=None), at=timezone.now())
    assert asked_for().state == State.BROKEN


def test_a_message_after_the_no_breaks_both_promises() -> None:
    person = reader()
    opt_out(person)
    handed_message(person, at=timezone.now() + timedelta(seconds=1))
    assert asked_for().state == State.BROKEN
    reading = obeyed()
    assert reading.state == State.BROKEN
    assert reading.value["handed_after"] == 1


def test_a_message_before_the_no_breaks_nothing() -> None:
    person = reader()
    handed_message(person, at=timezone.now())
    opt_out(person)
    assert asked_for().state == State.KEPT
    assert obeyed().state == State.KEPT


def test_a_no_counts_from_when_it_was_written_not_from_when_it_was_taken_up() -> None:
    """A hand-over may be permitted while the no is still on its way to the database."""
    person = reader()
    early = timezone.now() - timedelta(seconds=30)
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=early)
    handed_message(person, at=early + timedelta(seconds=1))
    assert asked_for().state == State.KEPT
    assert obeyed().value["handed_after"] == 0


def test_a_message_after_a_new_yes_breaks_nothing() -> None:
    person = reader()
    opt_out(person)
    services.record_choices(
        person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=timezone.now()
    )
    handed_message(person, at=timezone.now() + timedelta(seconds=1))
    assert asked_for().state == State.KEPT
    assert obeyed().value["handed_after"] == 0


def test_a_message_during_a_pause_breaks_the_promise() -> None:
    person = reader()
    services.record_pause(
        person.pk, [topic().pk], months=1, source=Source.PREFERENCES, now=timezone.now()
    )
    handed_message(person, at=timezone.now() + timedelta(seconds=1))
    assert asked_for().state == State.BROKEN


def test_a_message_after_a_pause_breaks_nothing() -> None:
    person = make_customer(yes=("newsletter",), now=timezone.now() - timedelta(days=90))
    services.record_pause(
        person.pk,
        [topic().pk],
        months=1,
        source=Source.PREFERENCES,
        now=timezone.now() - timedelta(days=60),
    )
    handed_message(person, at=timezone.now())
    assert asked_for().state == State.KEPT


def test_what_was_sent_to_someone_who_is_erased_since_is_not_counted() -> None:
    handed_message(uuid.uuid4(), at=timezone.now())
    assert asked_for().value["handed"] == 0


def test_a_message_older_than_the_period_is_not_counted() -> None:
    handed_message(make_customer(), at=timezone.now() - timedelta(days=31))
    assert asked_for().state == State.KEPT


def test_opt_outs_are_timed_from_receipt_to_writing_per_way() -> None:
    for seconds in (1, 2, 3, 4, 100):
        opt_out(reader(), waited=timedelta(seconds=seconds))
    reading = obeyed()
    assert reading.state == State.KEPT
    assert reading.value["opt_outs"] == 5
    assert reading.value["seconds"]["p50"] == pytest.approx(3, abs=0.5)
    assert reading.value["seconds"]["worst"] == pytest.approx(100, abs=0.5)
    assert set(reading.value["ways"]) == {"one_click"}


@pytest.mark.parametrize(
    ("late", "state"), [(-timedelta(seconds=5), State.KEPT), (timedelta(seconds=1), State.BROKEN)]
)
def test_an_opt_out_that_took_longer_than_minutes_breaks_the_promise(
    late: timedelta, state: State
) -> None:
    opt_out(reader(), waited=OBEYED_WITHIN + late)
    assert obeyed().state == state


def test_answers_at_sign_up_are_no_opt_outs() -> None:
    make_customer(no=("newsletter",), now=timezone.now())
    assert obeyed().value["seconds"] is None
    assert ConsentDetail.objects.count() == 1


@pytest.mark.parametrize(("number", "shown"), [(0, 0), (1, None), (4, None), (5, 5)])
def test_a_count_of_few_people_is_not_said(number: int, shown: int | None) -> None:
    for _ in range(number):
        opt_out(reader())
    assert obeyed().value["opt_outs"] == shown
