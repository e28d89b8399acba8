"""Others go on writing while months drop and a big customer is erased: none of them loses a row.

How long anybody waits is bounded by construction: a statement that drops gives up after `LOCK_WAIT`
and lets those behind it pass; the run's row says the longest of its transactions, also of those
that gave up. Each writer keeps its own longest write, which must be explained by these.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from foundation.calendar import month_start, months_later
from foundation.ids import uuid7_from
from foundation.partitions import ensure_partitions, existing_partitions, partition_name
from foundation.roles import KEEPER, as_role
from messaging.models import Contact, ContactList, MessageContent, MessageRecord
from retention import policy, services
from retention.models import RetentionRun
from retention.models import Source as Way
from retention.patience import StillInUse, short_locks
from tests.factories import NOW, make_customer
from tests.retention.belongings import give_lists, give_message

pytestmark = pytest.mark.django_db(transaction=True)
# Older than the content's period, so that its month is due; it is made for this test.
OLD = month_start(months_later(NOW, -policy.MESSAGE_CONTENT.months - 1))
TABLE = "messaging_messagecontent"
# What a write takes by itself on a busy machine; one that waits for a reader waits for ever.
OWN_WORK = timedelta(seconds=5)


@pytest.fixture
def old_month() -> Iterator[str]:
    name = partition_name(TABLE, OLD)
    with as_role(KEEPER):
        ensure_partitions(TABLE, OLD.date(), OLD.date())
    yield name
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {name}")


class Writer:
    """Another process that writes for its customer until it is told to stop."""

    def __init__(self, person: User) -> None:
        self.person = person
        with as_role(KEEPER):
            self.list = give_lists(person, now=NOW)
        self.written = 0
        self.longest = timedelta()
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def work(self) -> None:
        try:
            while not self.may_end.wait(0.01):  # so that whoever drops gets its turn of two cores
                began = time.monotonic()
                self.write_once()
                took = timedelta(seconds=time.monotonic() - began)
                self.longest = max(self.longest, took)
                self.has_begun.set()
        finally:
            self.has_begun.set()
            connection.close()

    def write_once(self) -> None:
        """Insert into the partitioned tables and a plain one, and change a row that stands."""
        with as_role(KEEPER):
            give_message(self.person, uuid.uuid4().hex, now=NOW)
            Contact.objects.create(
                customer=self.person, contact_list=self.list, email=f"{uuid.uuid4()}@example.test"
            )
            ContactList.objects.filter(pk=self.list.pk).update(list_name=f"list {self.written}")
        self.written += 1

    def assert_waited_no_longer_than(self, run: RetentionRun) -> None:
        assert run.longest_batch is not None
        assert timedelta() < self.longest <= policy.LOCK_WAIT + run.longest_batch + OWN_WORK

    def assert_nothing_lost(self) -> None:
        assert self.written
        mine = {"customer_id": self.person.pk}
        with as_role(KEEPER):
            assert MessageRecord.objects.filter(**mine).count() == self.written
            assert MessageContent.objects.filter(**mine).count() == self.written
            assert Contact.objects.filter(**mine).exclude(email="").count() == self.written + 1
            assert ContactList.objects.get(**mine).list_name == f"list {self.written - 1}"


@contextmanager
def writers(number: int = 2) -> Iterator[list[Writer]]:
    working = [Writer(make_customer()) for _ in range(number)]
    with ThreadPoolExecutor(number) as threads:
        running = [threads.submit(writer.work) for writer in working]
        try:
            for writer in working:
                assert writer.has_begun.wait(30)
            yield working
        finally:
            for writer in working:
                writer.may_end.set()
        for each in running:
            each.result(timeout=30)


def fill_month(person: User, rows: int, *, now: datetime) -> None:
    for number in range(rows):
        key = uuid7_from(now + timedelta(hours=number), str(number))
        MessageContent(id=key, customer_id=person.pk, body="old").save(force_insert=True)


def test_a_month_drops_beside_writers_and_nobody_loses_a_row(old_month: str) -> None:
    leaving = make_customer()
    with as_role(KEEPER):
        fill_month(leaving, 20, now=OLD)
    with writers() as working:
        with as_role(KEEPER):
            (run,) = services.enforce(NOW, "test", only=["message_content"])
        seen = [writer.written for writer in working]
    for writer in working:
        writer.assert_nothing_lost()
    assert min(seen) > 0
    assert (run.removed, run.partitions) == (20, [old_month])
    assert old_month not in existing_partitions(TABLE)
    stored = RetentionRun.objects.get(rule="message_content")
    assert stored.longest_batch is not None
    assert stored.longest_batch <= stored.duration
    for writer in working:
        writer.assert_waited_no_longer_than(stored)


def test_a_big_customer_is_erased_beside_writers_and_nobody_loses_a_row() -> None:
    leaving = make_customer(yes=("newsletter",))
    with as_role(KEEPER):
        own = give_lists(leaving, now=NOW)
        for number in range(20):
            give_message(leaving, f"m{number}", now=NOW)
        Contact.objects.bulk_create(
            Contact(customer=leaving, contact_list=own, email=f"c{number}@example.test")
            for number in range(60)
        )
    services.request_deletion(leaving.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with writers() as working, as_role(KEEPER):
        assert services.run_deletions(NOW, batch=10) == 1
    for writer in working:
        writer.assert_nothing_lost()
    with as_role(KEEPER):
        for model in (MessageRecord, MessageContent, Contact, ContactList):
            assert not model.objects.filter(customer_id=leaving.pk).exists()
    assert not User.objects.filter(pk=leaving.pk).exists()


def test_beside_a_long_reader_writers_go_on_and_the_month_drops_once_it_ends(
    old_month: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader holds the month; a drop that waited for it would let all others queue behind."""
    with as_role(KEEPER):
        fill_month(make_customer(), 3, now=OLD)
    monkeypatch.setattr("retention.patience.DETACH_PATIENCE", timedelta(seconds=0))
    with as_role(KEEPER), reading(old_month) as end_reading, writers(1) as working:
        with pytest.raises(StillInUse):
            services.enforce(NOW, "test", only=["message_content"])
        (given_up,) = RetentionRun.objects.all()
        # It dropped nothing, and yet others may have stood behind it for as long as it tried.
        assert given_up.longest_batch is not None
        assert given_up.longest_batch >= policy.LOCK_WAIT
        before = working[0].written
        working[0].has_begun.clear()
        assert working[0].has_begun.wait(30)
        assert working[0].written > before
        end_reading()
        services.enforce(NOW, "test", only=["message_content"])
    working[0].assert_nothing_lost()
    working[0].assert_waited_no_longer_than(given_up)
    with as_role(KEEPER):
        assert not MessageContent.objects.filter(body="old").exists()
    assert old_month not in existing_partitions(TABLE)


@contextmanager
def reading(table: str) -> Iterator[Callable[[], object]]:
    """A report that has looked into the month and is not done; what is yielded ends it."""
    with other() as reader:
        reader.execute(f"SELECT count(*) FROM {table}")
        yield reader.rollback


@contextmanager
def other() -> Iterator[psycopg.Connection]:
    """Another process, with the keeper's rights."""
    wanted = {**connection.get_connection_params()}
    for name in ("cursor_factory", "context", "prepare_threshold", "server_side_binding"):
        wanted.pop(name, None)
    with psycopg.connect(**wanted) as process:
        process.execute("SET ROLE portal_keeper")
        yield process


def test_a_row_that_somebody_holds_is_left_to_the_next_night_and_the_rest_goes() -> None:
    """The batch neither waits for it nor stops at it; whoever holds it goes on undisturbed."""
    days = [NOW.replace(year=NOW.year - 4) - timedelta(days=each) for each in range(5)]
    with as_role(KEEPER):
        runs = [
            RetentionRun.objects.create(rule="x", actor="x", cutoff=day, started_at=day)
            for day in days
        ]
        # Whoever would wait for it fails here instead.
        with short_locks(), other() as holder:
            holder.execute(
                "SELECT 1 FROM retention_retentionrun WHERE id = %s FOR UPDATE", [runs[1].pk]
            )
            (first,) = services.enforce(NOW, "test", only=["retention_runs"], batch=2)
            assert (first.removed, first.refused) == (4, "")
            assert RetentionRun.objects.filter(rule="x").get() == runs[1]
            holder.execute(
                "UPDATE retention_retentionrun SET actor = 'y' WHERE id = %s", [runs[1].pk]
            )
            holder.commit()
        (second,) = services.enforce(NOW, "test", only=["retention_runs"], batch=2)
    assert second.removed == 1
    assert not RetentionRun.objects.filter(rule="x").exists()


def test_whoever_waits_behind_a_drop_waits_no_longer_than_one_lock() -> None:
    with as_role(KEEPER), short_locks(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')::interval")
        assert cursor.fetchone()[0] == policy.LOCK_WAIT
    assert timedelta(milliseconds=150) >= policy.LOCK_WAIT
