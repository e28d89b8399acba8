"""The outbox drops whole months, detached without blocking anybody; killed runs are resumed."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, connection
from psycopg.types.json import Jsonb

from foundation.ids import uuid7_from
from foundation.partitions import ensure_partitions, existing_partitions, months_left
from foundation.roles import KEEPER, as_role
from messaging.models import Kind, Message
from retention import patience, services
from retention.models import RetentionRun
from retention.months import months_of, pending_months
from retention.patience import StillInUse
from retention.services import enforce, plan
from tests.retention.boundaries import boundary_of

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "messaging_message"
TABLES = (
    TABLE,
    "messaging_providerevent",
    "messaging_messagerecord",
    "messaging_messagecontent",
)
OLD = "messaging_message_y2020m01"
OLDER = "messaging_message_y2019m12"
BEFORE = datetime(2021, 1, 31, 23, 59, 59, 999999, tzinfo=UTC)
AFTER = datetime(2021, 2, 1, tzinfo=UTC)


@pytest.fixture
def months() -> Iterator[None]:
    """December 2019 and January 2020, two messages in each."""
    with as_role(KEEPER):
        ensure_partitions(
            TABLE, datetime(2019, 12, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
        )
    for month in ((2019, 12), (2020, 1)):
        for day in (1, 28):
            write(datetime(*month, day, tzinfo=UTC))
    yield
    with as_role(KEEPER), connection.cursor() as cursor:
        for name, _month in months_of(TABLE):
            if name in (OLD, OLDER):
                cursor.execute(f"DROP TABLE {name}")


def write(at: datetime) -> None:
    Message.objects.create(
        id=uuid7_from(at, "x"),
        kind=Kind.ACCOUNT,
        priority=0,
        purpose="x",
        language="nb",
        not_before=at,
        queued_at=at,
    )


def names() -> set[str]:
    return {name for name, _month in months_of(TABLE)} & {OLD, OLDER}


@boundary_of("outbox")
@pytest.mark.usefixtures("months")
def test_a_month_goes_thirteen_months_after_its_first_day_and_not_a_moment_before() -> None:
    with as_role(KEEPER):
        assert {s.rule.name: s.due for s in plan(BEFORE)}["outbox"] == 2
        (run,) = enforce(BEFORE, "test", only=["outbox"])
        assert (run.partitions, run.removed) == ([OLDER], 2)
        assert names() == {OLD}
        (run,) = enforce(AFTER, "test", only=["outbox"])
        run.refresh_from_db()
        assert (run.partitions, run.removed) == ([OLD], 2)
        (run,) = enforce(AFTER, "test", only=["outbox"])
        assert (run.partitions, run.removed) == ([], 0)
    assert names() == set()
    assert not Message.objects.exists()


@pytest.mark.usefixtures("months")
def test_a_run_killed_after_detaching_is_taken_up() -> None:
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {OLD} CONCURRENTLY")
        assert OLD not in existing_partitions(TABLE)
        (run,) = enforce(AFTER, "test", only=["outbox"])
    assert run.partitions == [OLDER, OLD]
    assert names() == set()


@pytest.mark.usefixtures("months")
def test_a_run_that_a_reader_keeps_from_detaching_gives_up_and_is_taken_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Detaching waits for readers; given up or killed there, PostgreSQL leaves it half done."""
    monkeypatch.setattr(patience, "DETACH_PATIENCE", timedelta())
    with other() as reader, as_role(KEEPER):
        reader.execute(f"SELECT count(*) FROM {TABLE}")
        with pytest.raises(StillInUse):
            enforce(AFTER, "test", only=["outbox"])
        assert pending_months(TABLE) == [OLDER]
        (stopped,) = RetentionRun.objects.refused_since()
        assert "kept a month in use" in stopped.refused
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone()[0] == "0"
        reader.rollback()
        (run,) = enforce(AFTER, "test", only=["outbox"])
        assert run.partitions == [OLDER, OLD]
        run.started_at = stopped.started_at + timedelta(seconds=1)  # both ran at one moment here
        run.save()
        assert RetentionRun.objects.refused_since() == []
    assert names() == set()


@pytest.mark.usefixtures("months")
def test_a_writer_is_not_made_to_wait_while_a_month_is_detached() -> None:
    """The run waits for the writer's open transaction; the writer waits for nobody."""

    def run() -> None:
        with as_role(KEEPER):
            enforce(AFTER, "test", only=["outbox"])
        connection.close()

    with other() as writer, ThreadPoolExecutor(1) as pool:
        writer.execute("SET lock_timeout = '1ms'")
        insert(writer, "a")
        running = pool.submit(run)
        while not pending_months(TABLE):
            time.sleep(0.02)
        insert(writer, "b")
        assert not running.done()
        writer.commit()
        running.result(timeout=30)
    assert names() == set()
    assert Message.objects.count() == 2


def insert(writer: psycopg.Connection, source: str) -> None:
    now = datetime.now(UTC)
    row: dict[str, Any] = dict.fromkeys(
        ("purpose", "to_address", "sender", "subject", "text", "html", "reason"), ""
    )
    row |= {"id": str(uuid7_from(now, source)), "kind": "account", "priority": 0, "language": "nb"}
    row |= {"state": "queued", "attempts": 0, "not_before": str(now), "queued_at": str(now)}
    writer.execute(
        f"INSERT INTO {TABLE} SELECT (jsonb_populate_record(NULL::{TABLE}, %s)).*", [Jsonb(row)]
    )


def test_a_year_of_months_stands_ahead() -> None:
    now = datetime(2031, 5, 31, 23, tzinfo=UTC)
    with as_role(KEEPER), connection.cursor() as cursor:
        made = services.ensure_partitions(now)
        assert made == 13 * len(TABLES)
        assert services.ensure_partitions(now) == 0
        for table in TABLES:
            assert months_left(table, now) == 12
            for name, month in months_of(table):
                if month >= datetime(2031, 5, 1, tzinfo=UTC):
                    cursor.execute(f"DROP TABLE {name}")


@pytest.mark.usefixtures("months")
def test_staff_can_look_at_what_is_due_in_a_month_the_keeper_made() -> None:
    due = {state.rule.name: state.due for state in plan(AFTER)}
    assert due["outbox"] == 4
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {OLD}")


def other() -> psycopg.Connection:
    """A second connection to the same database, with the application's rights."""
    wanted = {**connection.get_connection_params()}
    for name in ("cursor_factory", "context", "prepare_threshold", "server_side_binding"):
        wanted.pop(name, None)
    return psycopg.connect(**wanted)
