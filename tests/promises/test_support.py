"""`your-channel` and `reachable`: the readings are kept, and what breaks them is seen."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import translation

from accounts import support
from accounts.models import SupportQuestion
from accounts.policy import ANSWER_WITHIN
from clicksend_portal.promises.promise import State
from clicksend_portal.promises.readings.support import tell_channel, tell_reachable
from foundation.roles import OWNER, as_role
from tests.factories import NOW, make_customer, make_staff
from tests.promises.looks import read

pytestmark = pytest.mark.django_db


def asked(channel: str = "email") -> SupportQuestion:
    return support.ask(
        customer=make_customer(),
        topic="other",
        channel=channel,
        text="How?",
        language="nb",
        form=uuid.uuid4(),
        now=NOW,
    )


@pytest.mark.parametrize(
    ("late", "state"), [(timedelta(0), State.KEPT), (timedelta(seconds=1), State.BROKEN)]
)
def test_nobody_waits_longer_than_five_days(late: timedelta, state: State) -> None:
    asked()
    assert read("reachable", now=NOW + ANSWER_WITHIN + late).state == state


def test_a_question_that_was_answered_does_not_wait() -> None:
    support.answer_by_email(asked(), text="So.", actor=make_staff(), form=uuid.uuid4(), now=NOW)
    reading = read("reachable", now=NOW + timedelta(days=100))
    assert reading.state == State.KEPT
    assert tell_reachable(reading.value)


def test_answers_the_way_that_was_wished_keep_it() -> None:
    support.answer_by_email(asked(), text="So.", actor=make_staff(), form=uuid.uuid4(), now=NOW)
    reading = read("your-channel", now=NOW + timedelta(seconds=1))
    assert (reading.state, reading.value["answers"]) == (State.KEPT, None)
    with translation.override("en"):
        assert "fewer than" in tell_channel(reading.value)


@pytest.mark.parametrize(
    ("table", "trigger"),
    [
        ("accounts_supportentry", "accounts_answer_as_wished"),
        ("accounts_supportquestion", "accounts_keep_the_wish"),
    ],
)
def test_a_portal_that_would_let_the_other_way_pass_breaks_it(table: str, trigger: str) -> None:
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    assert read("your-channel", now=NOW).state == State.BROKEN


def test_asking_again_does_not_make_the_wait_shorter() -> None:
    question = asked()
    late = NOW + ANSWER_WITHIN + timedelta(seconds=1)
    support.add(question, text="hello?", form=uuid.uuid4(), now=late)
    assert read("reachable", now=late).state == State.BROKEN


def test_whoever_asks_on_after_an_answer_waits_from_then_on() -> None:
    question, later = asked(), NOW + timedelta(days=20)
    support.answer_by_email(question, text="So.", actor=make_staff(), form=uuid.uuid4(), now=NOW)
    support.add(question, text="And?", form=uuid.uuid4(), now=later)
    assert read("reachable", now=later + ANSWER_WITHIN).state == State.KEPT
    assert read("reachable", now=later + ANSWER_WITHIN + timedelta(1)).state == State.BROKEN


def test_a_call_that_reached_nobody_is_no_answer() -> None:
    question = asked(channel="phone")
    for _each in range(12):
        support.note_no_answer(question, actor=make_staff(), form=uuid.uuid4(), now=NOW)
    support.note_call(question, text="So.", actor=make_staff(), form=uuid.uuid4(), now=NOW)
    value = read("your-channel", now=NOW + timedelta(seconds=1)).value
    assert (value["answers"], value["other_way"]) == (None, 0)
