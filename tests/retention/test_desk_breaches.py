"""The register of breaches: its 72 hours, its alarms, and what a closed case must say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from clicksend_portal.beat import SCHEDULE
from foundation.roles import KEEPER, as_role
from messaging.models import Message
from retention.desk import breaches
from retention.models import Breach
from tests.factories import NOW, make_staff

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MOMENT = timedelta(seconds=1)


def register(**fields: Any) -> Breach:
    values: dict[str, Any] = {
        "title": "A list sent to the wrong address",
        "what_happened": "An export went to a former colleague.",
        "confidentiality": True,
        "aware_at": NOW,
        "registered_at": NOW,
        "registered_by": make_staff(),
    }
    breach: Breach = Breach.objects.create(**(values | fields))
    return breach


def settled(**fields: Any) -> Breach:
    values = {
        "risk": "unlikely",
        "measures": "Called them; it was deleted unread.",
        "not_notified_because": "Unread, and deleted the same hour.",
        "people_untold": "no_high_risk",
    }
    return register(**(values | fields))


def watch(now: datetime) -> int:
    with as_role(KEEPER):
        return breaches.watch_breaches(now)


def alarms() -> list[Message]:
    return list(Message.objects.filter(purpose="breach_alarm"))


def test_the_clock_counts_from_when_we_became_aware_of_it() -> None:
    assert register(registered_at=NOW + 5 * HOUR).notify_by == NOW + timedelta(hours=72)


def test_the_privacy_address_is_told_at_once_and_at_24_and_6_hours_and_when_it_is_over() -> None:
    breach = register()
    breaches.announce_breach(breach, now=NOW)
    told = [len(alarms())]
    for left in (25, 24, 23, 6, 5):
        watch(breach.notify_by - left * HOUR)
        told.append(len(alarms()))
    watch(breach.notify_by + MOMENT)
    watch(breach.notify_by + 9 * HOUR)
    assert [*told, len(alarms())] == [1, 1, 2, 2, 3, 3, 4]
    assert {mail.to_address for mail in alarms()} == {settings.PRIVACY_EMAIL}


def test_one_that_is_registered_late_makes_one_alarm_of_several() -> None:
    breach = register(aware_at=NOW - timedelta(hours=70))
    breaches.announce_breach(breach, now=NOW)
    assert watch(NOW) == 0
    assert watch(breach.notify_by) == 1


@pytest.mark.parametrize(
    "decision", [{"notified_at": NOW}, {"not_notified_because": "Nobody could read it."}]
)
def test_no_alarm_comes_once_it_is_decided(decision: dict[str, Any]) -> None:
    breach = register(**decision)
    assert watch(breach.notify_by) == 0


def test_the_watch_is_kept_every_few_minutes() -> None:
    assert SCHEDULE["watch_breaches"][0] == "retention.tasks.watch_breaches"


def test_the_clock_is_found_to_have_begun_earlier_never_later() -> None:
    breach = register()
    Breach.objects.filter(pk=breach.pk).update(aware_at=NOW - HOUR)
    with pytest.raises(IntegrityError), transaction.atomic():
        Breach.objects.filter(pk=breach.pk).update(aware_at=NOW)


def test_after_72_hours_the_authority_is_told_with_the_reason_why_late() -> None:
    on_time = NOW + timedelta(hours=72)
    register(notified_at=on_time)
    with pytest.raises(IntegrityError), transaction.atomic():
        register(notified_at=on_time + MOMENT)
    register(notified_at=on_time + MOMENT, late_because="The officer was at sea.")


@pytest.mark.parametrize(
    "lacks",
    [
        {"risk": "unknown"},
        {"measures": ""},
        {"not_notified_because": ""},
        {"people_untold": ""},
        {"risk": "risk"},
        {"risk": "high", "notified_at": NOW},
    ],
)
def test_a_case_is_not_closed_without_everything(lacks: dict[str, Any]) -> None:
    breach = settled(**lacks)
    with pytest.raises(breaches.CaseRefused):
        breaches.close_breach(breach.pk, actor=make_staff(), now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Breach.objects.filter(pk=breach.pk).update(closed_at=NOW)


def test_a_closed_case_stands() -> None:
    breach = settled()
    breaches.close_breach(breach.pk, actor=make_staff(), now=NOW)
    breaches.close_breach(breach.pk, actor=make_staff(), now=NOW + HOUR)
    breach.refresh_from_db()
    assert breach.closed_at == NOW
    with pytest.raises(IntegrityError), transaction.atomic():
        Breach.objects.filter(pk=breach.pk).update(measures="Nothing.")


def test_the_hours_that_are_left_are_rounded_down() -> None:
    breach = register(aware_at=datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert breaches.hours_left(breach, datetime(2026, 11, 20, 12, 30, tzinfo=UTC)) == 71
    assert breaches.hours_left(breach, datetime(2026, 11, 23, 12, 30, tzinfo=UTC)) == -1
