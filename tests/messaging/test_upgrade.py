"""An upgrade while the portal runs: old processes go on writing, a killed one is gone on with."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.db.migrations.state import ProjectState

from foundation import partitions
from foundation.partitions import AddIndexByMonth, DropIndexSoon, existing_partitions
from foundation.roles import OWNER, as_role
from messaging.models import Message
from messaging.outbox import put_account_mail
from tests.factories import NOW
from tests.messaging.test_races import Beside

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

TABLE, NAME = "messaging_message", "messaging_trial"


def add() -> None:
    state = ProjectState.from_apps(apps)
    step = AddIndexByMonth("message", models.Index(fields=["handed_at"], name=NAME))
    with as_role(OWNER), connection.schema_editor(atomic=False) as editor:
        step.database_forwards("messaging", editor, state, state)


def drop() -> None:
    state = ProjectState.from_apps(apps)
    with as_role(OWNER), connection.schema_editor(atomic=False) as editor:
        DropIndexSoon("message", NAME).database_forwards("messaging", editor, state, state)


def ask(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def parts() -> list[tuple[object, ...]]:
    """Months that have their part of the index, and whether it is usable."""
    return ask(
        "SELECT i.indrelid::regclass::text, i.indisvalid FROM pg_inherits h "
        f"JOIN pg_index i ON i.indexrelid = h.inhrelid WHERE h.inhparent = '{NAME}'::regclass "
        "ORDER BY 1"
    )


def is_whole() -> bool:
    return ask(f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{NAME}'::regclass") == [
        (True,)
    ] and parts() == [(month, True) for month in existing_partitions(TABLE)]


@pytest.fixture(autouse=True)
def _gone_afterwards() -> Iterator[None]:
    yield
    drop()


def write() -> None:
    put_account_mail(
        to="kari@example.test",
        person_id=None,
        purpose="test",
        language="nb",
        subject="Hei",
        text="Hei",
        html="",
        now=NOW,
    )


def test_every_month_gets_it_and_once_more_changes_nothing() -> None:
    add()
    assert is_whole()
    before = parts()
    add()
    assert parts() == before
    drop()
    drop()
    assert ask(f"SELECT to_regclass('{NAME}')") == [(None,)]


@pytest.mark.parametrize("after", range(4))
def test_after_a_kill_it_goes_on(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a half-built part was left."""
    real = partitions._patiently
    calls: list[str] = []

    def killed(statement: str) -> None:
        if len(calls) == after:
            raise KeyboardInterrupt
        calls.append(statement)
        real(statement)

    with monkeypatch.context() as patched:
        patched.setattr(partitions, "_patiently", killed)
        with pytest.raises(KeyboardInterrupt):
            add()
    add()
    assert is_whole()


def test_a_half_built_part_is_built_anew() -> None:
    month = existing_partitions(TABLE)[0]
    own = f"{NAME}{month.removeprefix(TABLE)}"
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {own} ON {month} (lease)")
    add()
    assert is_whole()
    assert "handed_at" in str(ask(f"SELECT pg_get_indexdef('{own}'::regclass)"))


def test_mail_is_written_while_a_month_is_built() -> None:
    """The build waits for who wrote into that month before; a mail written meanwhile does not."""
    with as_role(OWNER), transaction.atomic(), connection.cursor() as cursor:
        for month in existing_partitions(TABLE):
            cursor.execute(f"LOCK TABLE {month} IN ROW EXCLUSIVE MODE")
        building = Beside(add)
        building.start()
        assert building.waits_for_a_lock()
        writing = Beside(write)
        writing.start()
        writing.join(5)
        assert not writing.is_alive()
    building.join()
    assert is_whole()
    assert Message.objects.filter(purpose="test").exists()


def test_the_last_step_gives_way_to_who_writes_and_tries_again() -> None:
    add()
    with transaction.atomic():
        write()
        dropping = Beside(drop)
        dropping.start()
        assert dropping.waits_for_a_lock()
        writing = Beside(write)
        writing.start()
        writing.join(5)
        assert not writing.is_alive()
    dropping.join()
    assert ask(f"SELECT to_regclass('{NAME}')") == [(None,)]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("messaging_campaign", ["in_customers_zone", "stop_reason"]),
        (
            "messaging_serviceannouncement",
            ["is_standing", "review_note", "stop_reason", "writers"],
        ),
    ],
)
def test_a_process_that_does_not_know_the_new_columns_yet_can_still_write(
    table: str, columns: list[str]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s "
            "AND column_name = ANY (%s) AND column_default IS NOT NULL ORDER BY 1",
            [table, columns],
        )
        assert [row[0] for row in cursor.fetchall()] == columns
