"""What messages of a time said, once its owner had it deleted, is not brought back by the platform:
not by a report that comes late, not while the work begins."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from foundation.roles import KEEPER, OWNER, as_role
from foundation.tenants import as_tenant
from messaging.content.feed_kinds import CONTENT_COLUMNS, Bounds
from messaging.content.tombstones import close_stretch
from messaging.models import (
    DeidentifiedStretch,
    MessageContent,
    MessageRecord,
    Tombstone,
)
from messaging.policy import MESSAGE_CONTENT_MONTHS
from retention import deleting
from retention.asking import request_deletion
from retention.models import DeletionRequest, LegalHold, Scope, Source
from retention.schedule import RULES
from tests.api.feeding import CUSTOMER, feed, message, wrong
from tests.factories import NOW, make_customer
from tests.messaging.test_races import Beside

pytestmark = pytest.mark.django_db
OTHER = CUSTOMER + 1
TICK = timedelta(milliseconds=1)
SOON = NOW + timedelta(minutes=1)
# A day of the customer, who lives where the clock is the world's.
DAY = NOW.date() - timedelta(days=2)
BEGIN = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
END = BEGIN + timedelta(days=1)


@pytest.fixture
def kari() -> User:
    return make_customer(platform_id=CUSTOMER, timezone="Etc/UTC")


def ask(person: User, scope: Scope = Scope.CONTENT, **period: Any) -> DeletionRequest:
    return request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=SOON, scope=scope, **period
    )


def work(now: datetime = SOON) -> int:
    with as_role(KEEPER):
        return deleting.run_deletions(now)


def de_identify(person: User, **period: Any) -> None:
    ask(person, **period)
    assert work() == 1


def count(person: User, model: Any) -> int:
    with as_tenant(person.pk):
        return int(model.objects.count())


def with_words(person: User) -> set[str]:
    with as_tenant(person.pk):
        keys = list(MessageContent.objects.values_list("pk", flat=True))
        return set(MessageRecord.objects.filter(pk__in=keys).values_list("message_id", flat=True))


def dated(name: str, date: datetime, **fields: Any) -> dict[str, Any]:
    return message(message_id=name, date=date.isoformat(), **fields)


# --- reported late -------------------------------------------------------------------------------


def test_a_late_message_of_the_period_comes_in_without_its_words(kari: User) -> None:
    de_identify(kari, since=DAY, until=DAY)
    late = dated("late", BEGIN + timedelta(hours=9), custom_string="ordre 4711", last_name="N.")
    taken = feed("message-records", late)
    assert (taken.taken, taken.unchanged, taken.bad_lines) == (1, 0, 0)
    assert (count(kari, MessageRecord), count(kari, MessageContent)) == (1, 0)
    again = feed("message-records", late)
    assert (again.taken, again.unchanged) == (0, 1)
    assert feed("message-records", late | {"status": "Failed"}).taken == 1
    assert count(kari, MessageContent) == 0


def test_what_is_dated_a_moment_before_or_after_says_what_it_said(kari: User) -> None:
    de_identify(kari, since=DAY, until=DAY)
    moments = {"before": BEGIN - TICK, "first": BEGIN, "last": END - TICK, "after": END}
    lines = [dated(name, moment) for name, moment in moments.items()]
    assert feed("message-records", *lines).taken == 4
    assert with_words(kari) == {"before", "after"}
    assert count(kari, MessageRecord) == 4


def test_without_a_first_day_it_is_all_until_they_asked(kari: User) -> None:
    """To the millisecond, as the deletion itself tells messages apart."""
    de_identify(kari)
    asked = SOON.replace(microsecond=SOON.microsecond // 1000 * 1000)
    long_ago = NOW - timedelta(days=80)
    moments = {"oldest": long_ago, "newest": asked - TICK, "same": asked, "after": asked + TICK}
    feed("message-records", *(dated(name, moment) for name, moment in moments.items()))
    assert with_words(kari) == {"same", "after"}


def test_two_periods_are_two_and_what_lies_between_them_comes_in(kari: User) -> None:
    other_day = DAY - timedelta(days=2)
    de_identify(kari, since=DAY, until=DAY)
    de_identify(kari, since=other_day, until=other_day)
    days = {str(n): END - timedelta(hours=1, days=n) for n in range(4)}
    feed("message-records", *(dated(name, moment) for name, moment in days.items()))
    assert with_words(kari) == {"1", "3"}


def test_another_customers_messages_of_the_same_time_come_in_whole(kari: User) -> None:
    other = make_customer(platform_id=OTHER)
    de_identify(kari)
    both = [message(user_id=user_id) for user_id in (CUSTOMER, OTHER)]
    assert feed("message-records", *both).taken == 2
    assert (count(kari, MessageContent), count(other, MessageContent)) == (0, 1)
    assert count(other, DeidentifiedStretch) == 0


def test_the_words_are_not_even_on_their_way(kari: User) -> None:
    """The table that a batch is copied into has none of them, whatever takes it from there."""
    de_identify(kari)
    with transaction.atomic():
        said = {"last_name": "Nordmann", "custom_string": "ordre 4711"}
        feed("message-records", dated("late", NOW, **said))
        with as_role(KEEPER), connection.cursor() as cursor:
            columns = ", ".join((*CONTENT_COLUMNS, "contact_id", "custom_string", "with_content"))
            cursor.execute(f"SELECT {columns} FROM pg_temp.feed_message_records")
            assert cursor.fetchall() == [("", "", "", "", "", None, "", False)]


def test_it_stands_beside_what_was_deleted_altogether(kari: User) -> None:
    feed("message-records", message(), dated("m2", BEGIN))
    ask(kari, Scope.MESSAGES, since=DAY, until=DAY)
    assert work() == 1
    assert (count(kari, Tombstone), count(kari, DeidentifiedStretch)) == (1, 1)
    de_identify(kari)
    taken = feed("message-records", dated("m2", BEGIN), dated("m3", BEGIN), message())
    assert (taken.taken, taken.unchanged) == (1, 1)
    assert wrong(taken) == [(1, "message_id", "deleted_by_customer")]
    assert count(kari, MessageContent) == 0


def test_messages_deleted_with_their_records_let_no_words_of_late_ones_in(kari: User) -> None:
    ask(kari, Scope.MESSAGES, since=DAY, until=DAY)
    assert work() == 1
    moments = {"before": BEGIN - TICK, "first": BEGIN, "last": END - TICK, "after": END}
    lines = [dated(name, moment) for name, moment in moments.items()]
    assert feed("message-records", *lines).taken == 4
    assert with_words(kari) == {"before", "after"}
    assert count(kari, MessageRecord) == 4


def test_what_is_kept_by_a_hold_lets_no_more_words_in(kari: User) -> None:
    """The request stays open for what is here; what is not here is no part of the hold."""
    feed("message-records", message())
    with as_role(KEEPER):
        LegalHold.objects.create(
            customer_id=kari.pk, reason="x", reference="1", review_on=NOW.date(), placed_at=NOW
        )
    ask(kari)
    assert work() == 0
    feed("message-records", dated("late", NOW - TICK))
    assert with_words(kari) == {"m1"}


# --- the row -------------------------------------------------------------------------------------


def test_it_is_there_once_however_often_the_work_is_taken_up(kari: User) -> None:
    with as_role(KEEPER):
        for first in (None, BEGIN):
            for _time in range(2):
                close_stretch(first, END, customer_id=kari.pk, now=NOW)
    with as_tenant(kari.pk):
        rows = set(DeidentifiedStretch.objects.values_list("first", "before"))
    assert rows == {(None, END), (BEGIN, END)}
    assert count(kari, DeidentifiedStretch) == 2


def test_a_worker_that_is_killed_before_the_first_batch_leaves_it_or_nothing_gone(
    kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed("message-records", message())
    ask(kari)

    class Killed(BaseException):
        pass

    def die(*args: Any, **kwargs: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("retention.erasure.let_go", die)
        with pytest.raises(Killed):
            work()
    assert (count(kari, MessageContent), count(kari, DeidentifiedStretch)) == (1, 0)
    assert work() == 1
    assert (count(kari, MessageContent), count(kari, DeidentifiedStretch)) == (0, 1)


@pytest.mark.parametrize("scope", [Scope.CONTENT, Scope.MESSAGES])
def test_the_upgrade_closes_what_a_deletion_under_way_covers_and_twice_is_once(
    kari: User, scope: Scope
) -> None:
    close = import_module("retention.migrations.0019_stretches_begun").CLOSE
    wish = ask(kari, scope, since=DAY, until=DAY)
    ask(kari, Scope.PROFILE)
    for asked in (wish, ask(kari, scope, until=DAY)):
        assert asked.state == "requested"
    for _time in range(2):
        with as_role(OWNER), connection.cursor() as cursor:
            cursor.execute(close)
    with as_tenant(kari.pk):
        rows = set(DeidentifiedStretch.objects.values_list("first", "before"))
    assert rows == {(BEGIN, END), (None, END)}
    assert work() == 3
    assert count(kari, DeidentifiedStretch) == 2


@pytest.mark.parametrize("scope", [Scope.PROFILE, Scope.EVERYTHING])
def test_no_other_request_leaves_one(kari: User, scope: Scope) -> None:
    feed("message-records", message())
    request_deletion(kari.pk, source=Source.CUSTOMER, actor="self", now=SOON, scope=scope)
    assert work() == 1
    with as_role(KEEPER):
        assert not DeidentifiedStretch.objects.exists()


def test_it_goes_with_the_account(kari: User) -> None:
    de_identify(kari)
    assert count(kari, DeidentifiedStretch) == 1
    request_deletion(kari.pk, source=Source.CUSTOMER, actor="self", now=SOON)
    assert work() == 1
    with as_role(KEEPER):
        assert not DeidentifiedStretch.objects.exists()
    assert not User.objects.filter(pk=kari.pk).exists()


def test_nobody_but_the_keeper_writes_one_or_takes_one_away(kari: User) -> None:
    de_identify(kari)
    assert count(make_customer(), DeidentifiedStretch) == 0
    for statement in (
        "DELETE FROM messaging_deidentifiedstretch",
        "UPDATE messaging_deidentifiedstretch SET before = first",
        "INSERT INTO messaging_deidentifiedstretch DEFAULT VALUES",
    ):
        with (
            pytest.raises(Exception, match="permission denied"),
            as_tenant(kari.pk),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert count(kari, DeidentifiedStretch) == 1


@pytest.mark.parametrize("day", [1, 28, 31])
def test_when_its_rule_lets_it_go_no_words_of_then_would_come_in_anyway(
    kari: User, day: int
) -> None:
    """The rule counts from the end of the period; the feed takes whole months."""
    _entry, rule = RULES["deidentified_stretches"]
    before = datetime(2026, 3, day, 23, 59, tzinfo=UTC)
    gone = rule.period.end(before.date())
    night = datetime(gone.year, gone.month, gone.day, tzinfo=UTC)
    assert Bounds.at(night).oldest_content >= before
    assert rule.period.months == MESSAGE_CONTENT_MONTHS


# --- at the same moment --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_batch_under_way_ends_before_the_work_and_its_words_go_with_it(kari: User) -> None:
    ask(kari)
    with transaction.atomic():
        feed("message-records", message())
        working = Beside(work)
        working.start()
        assert working.waits_for_a_lock()
    working.join()
    assert working.answer == 1
    assert (count(kari, MessageRecord), count(kari, MessageContent)) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_batch_waits_for_the_work_and_finds_the_stretch(kari: User) -> None:
    feed("message-records", message())
    wish = ask(kari)
    with as_role(KEEPER), transaction.atomic():
        assert deleting.execute_deletion(wish, now=SOON)
        feeding = Beside(lambda: feed("message-records", message(), dated("late", NOW - TICK)))
        feeding.start()
        assert feeding.waits_for_a_lock()
    feeding.join()
    assert (feeding.answer.taken, feeding.answer.unchanged) == (1, 1)
    assert (count(kari, MessageRecord), count(kari, MessageContent)) == (2, 0)
