"""At night one person sends what two have read by day; another looks at it afterwards."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone, translation

from accounts.models import User
from messaging import services
from messaging.announcing import (
    COPIED,
    is_overdue,
    overdue_reviews,
    review,
    review_until,
    send_standing,
    to_review,
)
from messaging.models import ServiceAnnouncement
from messaging.refusals import NotAllowed, Unfit, WrongState
from tests.factories import NOW, make_announcement, make_customer, make_staff
from tests.mailbox import Mailbox
from tests.messaging.announcements import (
    TABLE,
    WORDS,
    State,
    approved,
    clerk,
    copied,
    refused,
    standing,
    written_by,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """What is refused is said in the reader's language; here that is English."""
    with translation.override("en"):
        yield


# --- on call -------------------------------------------------------------------------------------


def test_a_standing_text_is_copied_byte_for_byte_and_leaves_at_once(mailbox: Mailbox) -> None:
    reader = make_customer(language="nb")
    text, night = standing(), clerk("send_standing_text")
    copy = send_standing(text, actor=night, now=NOW)
    copy.refresh_from_db()
    text.refresh_from_db()
    assert (copy.state, copy.resolved_at, copy.sent_by) == (State.SENDING, NOW, night)
    assert (copy.prepared_from, copy.is_standing) == (text, False)
    assert all(getattr(copy, name) == getattr(text, name) for name in COPIED)
    assert text.state == State.APPROVED
    services.run_mailings(now=timezone.now())
    services.deliver_pending()
    [delivery] = mailbox.to(reader.email)
    assert delivery.message["Subject"] == "Meldinger er forsinket"


def test_being_on_call_is_a_permission_and_not_being_staff() -> None:
    text = standing()
    for person in (clerk(), clerk("approve_serviceannouncement"), make_customer()):
        with pytest.raises(NotAllowed):
            send_standing(text, actor=person, now=NOW)
    assert ServiceAnnouncement.objects.count() == 1


def test_pressing_twice_sends_once() -> None:
    text, night = standing(), make_staff()
    first = send_standing(text, actor=night, now=NOW)
    again = send_standing(text, actor=night, now=NOW + timedelta(minutes=1))
    assert first.pk == again.pk
    assert ServiceAnnouncement.objects.filter(prepared_from=text).count() == 1


def test_it_is_sent_again_only_after_another_has_looked_at_it() -> None:
    text, night = standing(), make_staff()
    first = send_standing(text, actor=night, now=NOW)
    for person, later in ((night, timedelta(hours=2)), (make_staff(), timedelta(minutes=1))):
        with pytest.raises(WrongState, match="nobody has reviewed"):
            send_standing(text, actor=person, now=NOW + later)
    review(first, actor=make_staff(), note="Right.", now=NOW)
    second = send_standing(text, actor=night, now=NOW + timedelta(hours=2))
    assert second.pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_two_on_call_who_press_at_once_send_once() -> None:
    text, people = standing(), [make_staff(), make_staff()]
    together = threading.Barrier(2)

    def press(person: User) -> None:
        try:
            together.wait()
            with suppress(WrongState):
                send_standing(text, actor=person, now=NOW)
        finally:
            connection.close()

    pressing = [threading.Thread(target=press, args=[person]) for person in people]
    for thread in pressing:
        thread.start()
    for thread in pressing:
        thread.join()
    assert ServiceAnnouncement.objects.filter(prepared_from=text).count() == 1


def test_a_standing_text_that_changed_is_read_again_before_it_can_be_sent() -> None:
    text = standing()
    services.edited(text, actor=make_staff(), now=NOW)
    with pytest.raises(WrongState, match="has been approved"):
        send_standing(text, actor=make_staff(), now=NOW)


def test_only_standing_texts_are_sent_so() -> None:
    with pytest.raises(WrongState, match="Only a standing text"):
        send_standing(approved(category="incident"), actor=make_staff(), now=NOW)


@pytest.mark.parametrize("state", [State.DRAFT, State.APPROVED])
def test_a_standing_text_is_never_under_way_and_so_never_cancelled(state: str) -> None:
    text = standing()
    if state == State.DRAFT:
        services.edited(text, actor=make_staff(), now=NOW)
    with pytest.raises(WrongState, match="only a copy"):
        services.cancel(text, actor=make_staff(), now=NOW)
    text.refresh_from_db()
    assert text.state == state


def test_a_standing_text_itself_is_never_sent() -> None:
    text = standing()
    with pytest.raises(WrongState, match="only a copy"):
        services.start(text, actor=make_staff(), now=NOW)
    with pytest.raises(IntegrityError, match="messaging_standing_never_sent"), transaction.atomic():
        ServiceAnnouncement.objects.filter(pk=text.pk).update(state=State.SENDING)
    with pytest.raises(IntegrityError, match="standing_untimed"), transaction.atomic():
        ServiceAnnouncement.objects.filter(pk=text.pk).update(send_at=NOW)


@pytest.mark.parametrize("field", WORDS)
def test_no_copy_with_other_words_gets_past_the_database(field: str) -> None:
    text = standing()
    with pytest.raises(IntegrityError, match="only an approved standing text"):
        ServiceAnnouncement.objects.create(**copied(text, **{field: "Other words"}))


@pytest.mark.parametrize(
    "changes",
    [
        {"sent_by": None},
        {"resolved_at": None},
        {"state": State.APPROVED},
        {"approved_at": NOW + timedelta(hours=1)},
        {"is_standing": True, "state": State.APPROVED},
    ],
)
def test_no_copy_gets_past_the_database_without_saying_who_when_and_by_what_right(
    changes: dict[str, Any],
) -> None:
    with pytest.raises(IntegrityError, match="only an approved standing text"):
        ServiceAnnouncement.objects.create(**copied(standing(), **changes))


def test_no_copy_of_a_draft_or_of_an_ordinary_text_gets_past_the_database() -> None:
    text = standing()
    services.edited(text, actor=make_staff(), now=NOW)
    ordinary = approved(category="incident")
    approval = {"approved_by_id": make_staff().pk, "approved_at": NOW}
    for origin in (text, ordinary):
        with pytest.raises(IntegrityError, match="only an approved standing"), transaction.atomic():
            ServiceAnnouncement.objects.create(**copied(origin, **approval))


def test_an_announcement_does_not_become_a_copy_afterwards() -> None:
    text, announcement = standing(), written_by(make_staff(), category="incident")
    refused(
        f"UPDATE {TABLE} SET prepared_from_id = %(text)s WHERE id = %(id)s",
        "who wrote or sent it",
        text=text.pk,
        id=announcement.pk,
    )


def test_advertising_is_not_sent_at_night_either() -> None:
    text = standing_from_before()
    with pytest.raises(Unfit):
        send_standing(text, actor=make_staff(), now=NOW)


def standing_from_before() -> ServiceAnnouncement:
    return make_announcement(
        is_standing=True, category="incident", state=State.APPROVED, body_en="Buy more credits."
    )


# --- the review afterwards -----------------------------------------------------------------------


def test_whoever_sent_it_cannot_review_it() -> None:
    night = make_staff()
    copy = send_standing(standing(), actor=night, now=NOW)
    with pytest.raises(NotAllowed, match="somebody else must look"):
        review(copy, actor=night, note="All well.", now=NOW)
    refused(
        f"UPDATE {TABLE} SET reviewed_by_id = %(who)s, reviewed_at = now() WHERE id = %(id)s",
        "cannot review it",
        who=night.pk,
        id=copy.pk,
    )


def test_another_reviews_it_once_and_says_what_they_found() -> None:
    other = make_staff()
    copy = send_standing(standing(), actor=make_staff(), now=NOW)
    assert list(to_review()) == [copy]
    with pytest.raises(WrongState, match="Write what you found"):
        review(copy, actor=other, note="  ", now=NOW)
    review(copy, actor=other, note=" Right, and in time. ", now=NOW)
    assert (copy.reviewed_by, copy.reviewed_at) == (other, NOW)
    assert copy.review_note == "Right, and in time."
    assert list(to_review()) == []
    review(copy, actor=other, note="Pressed again.", now=NOW + timedelta(minutes=1))
    assert copy.review_note == "Right, and in time."
    with pytest.raises(WrongState, match="already"):
        review(copy, actor=make_staff(), note="Me too.", now=NOW)


@pytest.mark.parametrize(
    "change",
    ["review_note = 'x'", "reviewed_at = NULL, reviewed_by_id = NULL, review_note = ''"],
)
def test_a_review_stays_as_it_was_written(change: str) -> None:
    copy = send_standing(standing(), actor=make_staff(), now=NOW)
    review(copy, actor=make_staff(), note="Right.", now=NOW)
    refused(f"UPDATE {TABLE} SET {change} WHERE id = %(id)s", "stays as it was", id=copy.pk)


def test_reviewing_takes_the_permission_to_approve() -> None:
    copy = send_standing(standing(), actor=make_staff(), now=NOW)
    with pytest.raises(NotAllowed, match="may not review"):
        review(copy, actor=clerk("send_standing_text"), note="Right.", now=NOW)
    review(copy, actor=clerk("approve_serviceannouncement"), note="Right.", now=NOW)


def test_only_what_was_sent_on_call_is_reviewed() -> None:
    announcement = approved()
    services.start(announcement, actor=None, now=NOW)
    with pytest.raises(WrongState, match="sent on call"):
        review(announcement, actor=make_staff(), note="Right.", now=NOW)
    refused(
        f"UPDATE {TABLE} SET reviewed_by_id = %(who)s, reviewed_at = now() WHERE id = %(id)s",
        "cannot review it",
        who=make_staff().pk,
        id=announcement.pk,
    )


@pytest.mark.parametrize(
    ("sent", "until"),
    [
        (datetime(2026, 11, 16, 3, tzinfo=UTC), date(2026, 11, 19)),  # Monday: Thursday
        (datetime(2026, 11, 18, 3, tzinfo=UTC), date(2026, 11, 23)),  # Wednesday: over the weekend
        (datetime(2026, 11, 21, 3, tzinfo=UTC), date(2026, 11, 25)),  # Saturday: Wednesday
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), date(2026, 11, 26)),  # Monday in Oslo already
    ],
)
def test_the_review_has_three_working_days(sent: datetime, until: date) -> None:
    assert review_until(sent) == until


def test_a_review_is_overdue_from_the_end_of_its_last_day_in_our_time_zone() -> None:
    copy = send_standing(standing(), actor=make_staff(), now=datetime(2026, 11, 16, 3, tzinfo=UTC))
    last = datetime(2026, 11, 19, 23, tzinfo=UTC)  # Friday 00:00 in Oslo
    assert overdue_reviews(last - timedelta(seconds=1)) == []
    assert overdue_reviews(last) == [copy]
    review(copy, actor=make_staff(), note="Right.", now=last)
    assert overdue_reviews(last) == []
    assert not is_overdue(approved(), now=last)
