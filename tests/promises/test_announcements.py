"""`service-is-service`: the reading is kept, and each way of breaking it is seen."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone, translation

from clicksend_portal.promises.promise import State
from clicksend_portal.promises.readings.announcements import read_service, tell_service
from foundation.roles import as_role
from messaging import announcing, services
from messaging.models import ServiceAnnouncement
from tests.factories import make_announcement, make_staff
from tests.promises.looks import read

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)
# The first instant of November in Oslo.
NOVEMBER = datetime(2026, 10, 31, 23, tzinfo=UTC)


def sent(at: datetime, **fields: Any) -> ServiceAnnouncement:
    """Written by one, approved by another, sent."""
    announcement = make_announcement(author=make_staff(), **fields)
    services.approve(announcement, actor=make_staff(), now=at)
    services.start(announcement, actor=None, now=at)
    return announcement


def standing() -> ServiceAnnouncement:
    text = make_announcement(author=make_staff(), is_standing=True, category="incident")
    services.approve(text, actor=make_staff(), now=NOON)
    return text


def test_a_portal_that_announced_nothing_keeps_it() -> None:
    reading = read("service-is-service", now=timezone.now())
    assert reading.state == State.KEPT
    assert reading.value["announcements"] == 0


@pytest.mark.parametrize(("number", "state"), [(1, State.KEPT), (2, State.KEPT), (3, State.BROKEN)])
def test_more_than_two_a_month_are_not_rare(number: int, state: State) -> None:
    for _ in range(number):
        sent(NOON - timedelta(days=1))
    reading = read("service-is-service", now=NOON)
    assert (reading.state, reading.value["announcements"]) == (state, number)


def test_the_month_is_the_calendars_in_our_time_zone() -> None:
    for at in (NOVEMBER - timedelta(seconds=1), NOVEMBER, NOON):
        sent(at)
    assert read_service(NOVEMBER - timedelta(seconds=1)).value["month"] == "2026-10"
    assert read_service(NOVEMBER - timedelta(seconds=1)).value["announcements"] == 1
    assert read_service(NOON).value["month"] == "2026-11"
    assert read_service(NOON).value["announcements"] == 2
    sent(NOVEMBER + timedelta(days=30) - timedelta(seconds=1))
    december = NOVEMBER + timedelta(days=30)
    assert not read_service(december - timedelta(seconds=1)).holds
    assert read_service(december).holds


def test_drafts_and_what_is_only_approved_do_not_count() -> None:
    for _ in range(3):
        make_announcement()
        standing()
    assert read_service(NOON).value["announcements"] == 0


def test_words_that_one_of_several_writers_approved_break_it() -> None:
    writer = make_staff()
    announcement = sent(NOON)
    with as_role("portal_owner"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_serviceannouncement SET writers = writers || approved_by_id "
            "WHERE id = %s",
            [announcement.pk],
        )
    assert read_service(NOON).value["read_by_nobody_else"] == 1
    with as_role("portal_owner"), connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_serviceannouncement SET writers = %s", [[writer.pk]])
    assert read_service(NOON).holds


def test_what_its_author_alone_approved_breaks_it() -> None:
    """As it could be sent before another had to read it; the database refuses it today."""
    announcement = sent(NOON)
    assert read_service(NOON).holds
    # The approver has left, and the approval stands.
    ServiceAnnouncement.objects.update(approved_by=None)
    assert read_service(NOON).holds
    ServiceAnnouncement.objects.update(approved_at=None)
    finding = read_service(NOON)
    assert (finding.holds, finding.value["read_by_nobody_else"]) == (False, 1)
    assert announcement.author is not None


def test_advertising_that_slipped_through_breaks_it() -> None:
    make_announcement(state="sending", resolved_at=NOON, body_en="Buy more credits now.")
    finding = read_service(NOON)
    assert (finding.holds, finding.value["advertising"]) == (False, 1)


def test_what_was_sent_at_night_is_reviewed_within_three_working_days() -> None:
    copy = announcing.send_standing(standing(), actor=make_staff(), now=NOON)
    # Sunday 15 November: the review is in time until Wednesday has ended in Oslo.
    late = datetime(2026, 11, 18, 23, tzinfo=UTC)
    assert read_service(late - timedelta(seconds=1)).holds
    finding = read_service(late)
    assert (finding.holds, finding.value["reviews_overdue"]) == (False, 1)
    # Also when the month in which it was sent is over.
    assert not read_service(late + timedelta(days=30)).holds
    announcing.review(copy, actor=make_staff(), note="Right.", now=late)
    assert read_service(late).holds


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_service_mail_under_the_newsletters_address_breaks_it(settings: Any, case: Any) -> None:
    settings.SERVICE_FROM = f"Something else <{case('news@portal.example')}>"
    settings.NEWS_FROM = "News <news@portal.example>"
    assert not read_service(NOON).holds


def test_the_senders_differ_by_default() -> None:
    assert len({settings.SERVICE_FROM, settings.NEWS_FROM, settings.ACCOUNT_FROM}) == 3


def test_the_reading_is_told_and_what_is_wrong_only_when_it_is() -> None:
    with translation.override("en"):
        assert tell_service(read_service(NOON).value) == (
            "<b>0</b> service messages this month, at most 2. "
            "<b>0</b> that nobody but its writers had read."
        )
        make_announcement(state="sending", resolved_at=NOON, body_en="Buy more credits now.")
        announcing.send_standing(standing(), actor=make_staff(), now=NOON)
        told = tell_service(read_service(NOON + timedelta(days=9)).value)
    assert "<b>1</b> with advertising in it." in told
    assert "<b>1</b> sent at night and not reviewed in time." in told


def test_the_reading_names_nobody() -> None:
    sent(NOON)
    assert set(read_service(NOON).value) == {
        "month",
        "announcements",
        "limit",
        "own_sender",
        "read_by_nobody_else",
        "advertising",
        "reviews_overdue",
    }
