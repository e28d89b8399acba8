"""How many in a month, and what becomes of those from before the second pair of eyes."""

import importlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import translation

from foundation.roles import as_role
from messaging import services
from messaging.announcing import (
    month_of,
    sent_this_month,
)
from messaging.refusals import NotAllowed
from tests.factories import NOW, make_announcement, make_customer, make_staff
from tests.mailbox import Mailbox
from tests.messaging.announcements import (
    State,
    approved,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """What is refused is said in the reader's language; here that is English."""
    with translation.override("en"):
        yield


# --- how rare ------------------------------------------------------------------------------------


def test_a_month_begins_at_midnight_where_our_readers_live() -> None:
    begins = datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert month_of(begins) == begins
    assert month_of(begins - timedelta(seconds=1)) == datetime(2026, 9, 30, 22, tzinfo=UTC)


def test_the_months_count_has_what_was_started_in_it_and_nothing_else() -> None:
    begins = datetime(2026, 10, 31, 23, tzinfo=UTC)
    noon = datetime(2026, 11, 15, 12, tzinfo=UTC)
    for at in (begins - timedelta(seconds=1), begins, noon, noon + timedelta(seconds=1)):
        make_announcement(state=State.SENDING, resolved_at=at)
    approved()
    assert sent_this_month(noon).count() == 2


def test_a_cancelled_one_counts_if_somebody_may_have_received_it(mailbox: Mailbox) -> None:
    announcement = approved()
    make_customer()
    services.start(announcement, actor=None, now=NOW)
    services.run_mailings(now=NOW)
    services.deliver_pending()
    make_customer()
    services.cancel(announcement, actor=make_staff(), now=NOW)
    assert sent_this_month(NOW).count() == 1


def test_one_cancelled_before_anything_left_does_not_count() -> None:
    announcement = approved()
    make_customer()
    services.start(announcement, actor=None, now=NOW)
    services.run_mailings(now=NOW)
    # What is under way counts from its start: it may leave this moment.
    assert sent_this_month(NOW).count() == 1
    services.cancel(announcement, actor=make_staff(), now=NOW)
    assert sent_this_month(NOW).count() == 0


# --- the change to a database with announcements in it -------------------------------------------


def test_what_its_author_approved_before_is_read_again_and_what_runs_may_finish() -> None:
    author = make_staff()
    migration = importlib.import_module("messaging.migrations.0006_second_pair").Migration
    with as_role("portal_owner"), connection.cursor() as cursor:
        for operation in reversed(migration.operations):
            cursor.execute(operation.reverse_sql)
        rows = {
            state: make_announcement(
                state=state,
                author=author,
                approved_by=author,
                approved_at=NOW,
                resolved_at=None if state == "approved" else NOW,
            )
            for state in ("approved", "sending", "paused", "finished")
        }
        for operation in migration.operations:
            cursor.execute(operation.sql)
    for state, announcement in rows.items():
        announcement.refresh_from_db()
        assert announcement.state == ("draft" if state == "approved" else state)
        assert announcement.approved_by == (None if state == "approved" else author)
    services.resume(rows["paused"], actor=make_staff(), now=NOW)
    assert rows["paused"].state == State.SENDING
    services.run_mailings(now=NOW)
    rows["sending"].refresh_from_db()
    assert rows["sending"].state == State.FINISHED
    with pytest.raises(NotAllowed):
        services.approve(rows["approved"], actor=author, now=NOW)
