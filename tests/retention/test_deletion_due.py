"""The law's month: what is due, who is told in time, and what is late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from clicksend_portal.beat import SCHEDULE
from clicksend_portal.promises.readings.keeping import DELETED_WITHIN
from foundation.roles import KEEPER, as_role
from messaging.models import Message
from retention import asking, services, watching
from retention.admin.requests import due_words
from retention.models import DeletionRequest, Source
from retention.policy import WARN_AFTER, WAY_BACK
from tests.factories import NOW, make_customer, make_staff
from tests.promises.looks import read

pytestmark = pytest.mark.django_db
MOMENT = timedelta(seconds=1)


def watch(now: datetime) -> int:
    with as_role(KEEPER):
        return services.watch_deletions(now)


def ask(**more: Any) -> DeletionRequest:
    return services.request_deletion(
        make_customer().pk, source=Source.CUSTOMER, actor="self", now=NOW, **more
    )


def warnings() -> list[Message]:
    return list(Message.objects.filter(purpose="deletions_due"))


def test_after_twenty_days_the_privacy_address_is_told_once() -> None:
    wish = ask()
    assert watch(NOW + WARN_AFTER - MOMENT) == 0
    assert watch(NOW + WARN_AFTER) == 1
    assert watch(NOW + WARN_AFTER + timedelta(days=1)) == 0
    (mail,) = warnings()
    assert mail.to_address == settings.PRIVACY_EMAIL
    assert str(wish.reference) in mail.text


def test_the_warning_names_nobody() -> None:
    person = make_customer(username="zquist", email="zquist@example.test")
    services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    watch(NOW + WARN_AFTER)
    (mail,) = warnings()
    assert "zquist" not in mail.text + mail.html
    assert mail.person_id is None


def test_what_is_done_or_taken_back_is_no_matter_any_more() -> None:
    taken_back, _done = ask(wait=True), ask()
    services.withdraw_deletion(taken_back.reference, actor="self", now=NOW)
    with as_role(KEEPER):
        services.run_deletions(NOW)
    assert watch(NOW + WARN_AFTER) == 0
    assert not warnings()


def test_a_request_is_late_from_the_day_after_it_was_due() -> None:
    wish = ask()
    assert wish.due_on is not None
    assert not DeletionRequest.objects.late(wish.due_on).exists()
    assert DeletionRequest.objects.late(wish.due_on + timedelta(days=1)).get() == wish


def test_what_is_due_first_stands_first_and_says_when_it_is_late() -> None:
    later, late = ask(), ask()
    with as_role(KEEPER):
        DeletionRequest.objects.filter(pk=late.pk).update(
            due_on=datetime.now(UTC).date() - timedelta(days=1)
        )
    first, second = DeletionRequest.objects.under_way()
    assert (first, second) == (late, later)
    assert ("late" in due_words(first), "late" in due_words(second)) == (True, False) or (
        "forsinket" in due_words(first)
    )


def test_what_nobody_confirms_within_the_month_is_over() -> None:
    wish = services.request_for_customer(make_customer().pk, actor=make_staff(), now=NOW)
    assert wish.due_on is not None
    due = datetime.combine(wish.due_on, datetime.min.time(), UTC)
    watch(due)
    wish.refresh_from_db()
    assert wish.state == "unconfirmed"
    watch(due + timedelta(days=1))
    wish.refresh_from_db()
    assert (wish.state, wish.person_id) == ("withdrawn", None)


@pytest.mark.parametrize("first", ["the customer", "the watch"])
def test_who_confirms_while_the_month_ends_is_deleted_or_told_and_never_just_stopped(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_customer()
    wish = services.request_for_customer(person.pk, actor=make_staff(), now=NOW)
    assert wish.due_on is not None
    over = datetime.combine(wish.due_on, datetime.min.time(), UTC) + timedelta(days=1)
    module, name = (watching, "day_of") if first == "the customer" else (asking, "stop_account")
    real = getattr(module, name)

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(module, name, real)
        if first == "the customer":
            services.confirm_deletion(wish.reference, now=NOW)
        else:
            watch(over)
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, meanwhile)
    if first == "the customer":
        watch(over)
    else:
        with pytest.raises(services.TooLateError):
            services.confirm_deletion(wish.reference, now=NOW)
    wish.refresh_from_db()
    person.refresh_from_db()
    assert (wish.state, person.is_active) in [("requested", False), ("unconfirmed", True)]


def test_the_watch_is_kept_daily() -> None:
    assert SCHEDULE["watch_deletions"][0] == "retention.tasks.watch_deletions"


@pytest.mark.parametrize(("late", "state"), [(timedelta(0), "kept"), (MOMENT, "broken")])
def test_the_promise_counts_from_the_day_on_which_it_may_begin(late: timedelta, state: str) -> None:
    ask(wait=True)
    services.request_for_customer(make_customer().pk, actor=make_staff(), now=NOW)
    now = NOW + WAY_BACK + DELETED_WITHIN + late
    with as_role(KEEPER):
        assert read("erased-on-request", now=now).state == state
