"""Who answers for a promise is told once when it turns, and where to read what to do."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings as SettingsWrapper

from clicksend_portal import environment
from clicksend_portal.beat import SCHEDULE
from clicksend_portal.models import PromiseReading
from clicksend_portal.promises.alerts import alert_owners
from clicksend_portal.promises.handbook import INTRODUCTION, section_html, sections
from clicksend_portal.promises.promise import INTERVAL, State
from clicksend_portal.promises.registry import BY_ID, PROMISES
from messaging.models import Message
from retention.models import PromiseAlert
from tests.factories import NOW

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def stored(state: State, *, at: Any, promise_id: str = "ip-apart") -> None:
    PromiseReading.objects.create(
        promise=promise_id, state=state, evidence="measured", measured_at=at
    )


def told() -> list[Message]:
    return list(Message.objects.filter(purpose="promises_turned"))


def test_a_promise_that_breaks_is_told_once() -> None:
    stored(State.BROKEN, at=NOW)
    assert alert_owners(now=NOW) == 1
    stored(State.BROKEN, at=NOW + MINUTE)
    assert alert_owners(now=NOW + MINUTE) == 0
    (mail,) = told()
    assert mail.to_address == settings.PRIVACY_EMAIL
    assert "/admin/retention/promisealert/what-to-do/ip-apart/" in mail.text
    assert "docs/operations/promises.md#ip-apart" in mail.text
    assert "/trust/ip-apart/" in mail.text


def test_what_was_kept_again_is_told_anew_when_it_breaks_anew() -> None:
    for minute, state in enumerate((State.BROKEN, State.KEPT, State.BROKEN)):
        stored(state, at=NOW + minute * MINUTE)
        alert_owners(now=NOW + minute * MINUTE)
    assert len(told()) == 2
    first, second = PromiseAlert.objects.order_by("turned_at")
    assert (first.over_at, second.over_at) == (NOW + MINUTE, None)


def test_a_promise_that_nobody_has_looked_at_for_hours_turns_unknown() -> None:
    stored(State.KEPT, at=NOW)
    assert alert_owners(now=NOW + INTERVAL) == 0
    assert alert_owners(now=NOW + INTERVAL + MINUTE) == 1
    assert PromiseAlert.objects.get().state == State.UNKNOWN


def test_from_broken_to_unknown_is_another_turn() -> None:
    stored(State.BROKEN, at=NOW)
    alert_owners(now=NOW)
    assert alert_owners(now=NOW + INTERVAL + MINUTE) == 1
    assert PromiseAlert.objects.get(over_at=None).state == State.UNKNOWN


@pytest.mark.parametrize("state", [State.KEPT, None])
def test_what_is_kept_or_was_never_looked_at_alerts_nobody(state: State | None) -> None:
    if state:
        stored(state, at=NOW)
    assert alert_owners(now=NOW) == 0
    assert not told()


def test_several_promises_of_one_owner_are_one_mail(settings: SettingsWrapper) -> None:
    settings.PROMISE_OWNERS = {"seven-years": "accounts@portal.example"}
    for promise_id in ("ip-apart", "pages-not-people", "seven-years"):
        stored(State.BROKEN, at=NOW, promise_id=promise_id)
    assert alert_owners(now=NOW) == 3
    assert sorted(mail.to_address for mail in told()) == [
        "accounts@portal.example",
        settings.PRIVACY_EMAIL,
    ]


def test_owners_are_named_promise_by_promise() -> None:
    text = "few-see=security@portal.example, seven-years=accounts@portal.example"
    assert environment.parse_owners(text) == {
        "few-see": "security@portal.example",
        "seven-years": "accounts@portal.example",
    }
    with pytest.raises(ValueError, match="promise=address"):
        environment.parse_owners("few-see")


def test_the_round_is_made_every_few_minutes() -> None:
    assert SCHEDULE["alert_owners"][0] == "clicksend_portal.tasks.alert_owners"


def test_every_promise_has_a_section_that_says_what_to_do() -> None:
    assert set(sections()) == {INTRODUCTION, *BY_ID}
    for promise in PROMISES:
        assert len(section_html(promise.id)) > 200, promise.id
