"""Both stores keep the same promises: in order, whole, one writer after the other."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from pytest_django.fixtures import Settings as SettingsWrapper

from retention.journal import database, store
from retention.journal.record import START, Tail
from retention.journal.store import (
    Journal,
    JournalDamagedError,
    JournalMovedError,
    JournalUnreachableError,
    open_journal,
)
from tests.journal.life import entries_of


def say(text: str) -> dict[str, str]:
    return {"kind": "begin", "reason": text}


def said(journal: Journal) -> list[str]:
    return [entry["reason"] for entry in entries_of(journal)]


def fill(journal: Journal, number: int) -> Tail:
    tail = START
    for each in range(number):
        tail = journal.append([say(f"nr. {each} æøå " + "x" * (each * 37 % 500))], after=tail)
    return tail


def test_a_journal_that_is_not_there_is_empty(journal: Journal) -> None:
    assert journal.tail() == START
    assert journal.at(1) is None
    assert list(journal.read(after=0)) == []
    assert journal.put_aside() == ""


def test_what_is_written_is_read_in_order_and_chained(journal: Journal) -> None:
    tail = journal.append([say("one"), say("two")], after=START)
    tail = journal.append([say("three")], after=tail)
    assert journal.tail() == tail == Tail(3, tail.chain)
    assert said(journal) == ["one", "two", "three"]
    assert [record.position for record in journal.read(after=1)] == [2, 3]


def test_any_record_is_found_by_its_position(journal: Journal) -> None:
    fill(journal, 60)
    for position in range(1, 61):
        record = journal.at(position)
        assert record is not None
        assert record.entry["reason"].startswith(f"nr. {position - 1} ")
    assert journal.at(61) is None


def test_whoever_does_not_know_the_tail_writes_nothing(journal: Journal) -> None:
    tail = journal.append([say("one")], after=START)
    for wrong in (START, Tail(1, b"x" * 32), Tail(2, tail.chain)):
        with pytest.raises(JournalMovedError):
            journal.append([say("two")], after=wrong)
    assert said(journal) == ["one"]


def test_of_two_writers_each_writes_everything_once(journal: Journal) -> None:
    def write(name: str) -> None:
        for number in range(15):
            while True:
                try:
                    journal.append([say(f"{name}{number}")], after=journal.tail())
                    break
                except JournalMovedError:
                    continue

    with ThreadPoolExecutor(2) as writers:
        list(writers.map(write, "ab"))
    assert sorted(said(journal)) == sorted(f"{name}{n}" for name in "ab" for n in range(15))


def test_two_processes_race_for_one_position_and_one_gets_it(
    journal: Journal, settings: SettingsWrapper
) -> None:
    other = store._opened.__wrapped__(settings.JOURNAL_URL)
    journal.append([say("one")], after=START)
    tail = other.tail()
    journal.append([say("two")], after=tail)
    with pytest.raises(JournalMovedError):
        other.append([say("three")], after=tail)
    assert said(other) == ["one", "two"]
    getattr(other, "close", lambda: None)()


def test_what_is_put_aside_is_kept_and_another_begins(journal: Journal) -> None:
    journal.append([say("old")], after=START)
    assert journal.put_aside()
    assert journal.tail() == START
    journal.append([say("new")], after=START)
    assert said(journal) == ["new"]
    assert journal.put_aside()


# --- the file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", [b'{"chain":"ab', b'{"chain":"' + b"0" * 64, b"\0\0\0"])
def test_a_torn_last_line_is_no_record_and_the_next_writer_cuts_it(
    torn: bytes, own_journal: Path
) -> None:
    journal = open_journal()
    tail = fill(journal, 3)
    with own_journal.open("ab") as file:
        file.write(torn)
    assert journal.tail() == tail
    assert journal.at(4) is None
    assert len(said(journal)) == 3
    journal.append([say("next")], after=tail)
    assert said(journal)[-1] == "next"
    assert torn not in own_journal.read_bytes().splitlines()[-1]


def test_a_first_line_that_was_torn_is_no_journal(own_journal: Path) -> None:
    own_journal.write_bytes(b'{"chain":"')
    journal = open_journal()
    assert journal.tail() == START
    journal.append([say("one")], after=START)
    assert said(journal) == ["one"]


def test_a_line_of_something_else_is_damage(own_journal: Path) -> None:
    journal = open_journal()
    fill(journal, 2)
    with own_journal.open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(JournalDamagedError):
        journal.tail()


def test_a_full_disk_leaves_the_journal_as_it_was(
    own_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal()
    tail = fill(journal, 2)
    before = own_journal.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(JournalUnreachableError):
            journal.append([say("three")], after=tail)
    assert own_journal.read_bytes() == before


def test_its_folder_is_made_on_the_first_write_and_others_cannot_read_it(
    tmp_path: Path, settings: SettingsWrapper
) -> None:
    path = tmp_path / "not" / "there yet" / "journal.jsonl"
    settings.JOURNAL_URL = path.as_uri()
    open_journal().append([say("one")], after=START)
    assert path.stat().st_mode & 0o077 == 0


# --- the database --------------------------------------------------------------------------------


@pytest.mark.parametrize("journal", ["database"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE portal_journal SET entry = ''",
        "DELETE FROM portal_journal",
        "TRUNCATE portal_journal",
    ],
)
def test_the_table_refuses_changes(
    journal: Journal, statement: str, settings: SettingsWrapper
) -> None:
    journal.append([say("one")], after=START)
    with (
        psycopg.connect(settings.JOURNAL_URL) as other,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        other.execute(statement)
    assert said(journal) == ["one"]


FILL = """
INSERT INTO portal_journal (position, chain, entry)
SELECT n, '', '{"position":' || n || ',"kind":"say","at":""}' FROM generate_series(9, 2000) AS n
"""


@pytest.mark.parametrize("journal", ["database"], indirect=True)
@pytest.mark.parametrize("table", ["new", "of before", "after one that was put aside"])
def test_the_look_for_a_checkpoint_reads_no_other_record(
    journal: Journal, table: str, settings: SettingsWrapper
) -> None:
    tail = journal.append([say("one")], after=START)
    with psycopg.connect(settings.JOURNAL_URL, autocommit=True) as other:
        if table == "of before":
            other.execute(f"DROP INDEX {database.INDEX}")
            journal.append([say("two")], after=tail)
        elif table == "after one that was put aside":
            assert journal.put_aside()
            journal.append([say("one")], after=START)
        other.execute(FILL)
        other.execute("ANALYZE portal_journal")
        plan = " ".join(row[0] for row in other.execute(f"EXPLAIN {database._CHECKPOINT}"))
    assert f"using {database.INDEX}" in plan
    assert journal.checkpoint() is None


@pytest.mark.parametrize("journal", ["database"], indirect=True)
def test_a_look_for_a_checkpoint_that_takes_too_long_makes_the_index_that_is_missing(
    journal: Journal, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restore meets a journal of millions of records before any is written under this version."""
    assert isinstance(journal, database.DatabaseJournal)
    tail = journal.append([say("one")], after=START)
    slow = f"to_regclass('{database.INDEX}') IS NOT NULL OR pg_sleep(9) IS NULL"
    looked = database._CHECKPOINT.replace("WHERE", f"WHERE ({slow}) AND")
    monkeypatch.setattr(database, "_CHECKPOINT", looked.replace(database._IS_CHECKPOINT, "true"))
    monkeypatch.setitem(database._PATIENCE, "options", "-c statement_timeout=300ms")
    journal.close()
    with psycopg.connect(settings.JOURNAL_URL, autocommit=True) as other:
        other.execute(f"DROP INDEX {database.INDEX}")
        found = journal.checkpoint()
        assert found is not None
        assert found.tail == tail
        assert other.execute("SELECT to_regclass(%s)", [database.INDEX]).fetchone() != (None,)


@pytest.mark.parametrize("journal", ["database"], indirect=True)
def test_a_connection_that_was_cut_is_opened_anew(
    journal: Journal, settings: SettingsWrapper
) -> None:
    tail = journal.append([say("one")], after=START)
    with psycopg.connect(settings.JOURNAL_URL, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert journal.tail() == tail


def test_a_server_that_is_not_there_is_named(settings: SettingsWrapper) -> None:
    settings.JOURNAL_URL = "postgresql://portal@127.0.0.1:9/journal"
    with pytest.raises(JournalUnreachableError):
        open_journal().tail()
