"""The journal as one table of a second PostgreSQL database.

The primary key on the position decides between two writers. The table is made when it is missing;
by trigger it refuses every change, and every removal but that of records which a checkpoint in the
table itself has let go. Whoever owns that database can still drop it, so its login should be
nobody's but the portal's.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import errors, sql

from retention.journal.record import KEPT, START, Entry, Record, Tail, chained, floor_of
from retention.journal.store import JournalMovedError, JournalUnreachableError

TABLE = "portal_journal"
INDEX = "portal_journal_checkpoints"
# Within a record's text no quotation mark stands alone, so this is its kind and nothing it quotes.
_IS_CHECKPOINT = 'entry LIKE \'%,"kind":"checkpoint",%\''
_MAKE = f"""
CREATE TABLE IF NOT EXISTS portal_journal (
    position bigint PRIMARY KEY, chain bytea NOT NULL, entry text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now());
CREATE OR REPLACE FUNCTION portal_journal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER portal_journal_append_only
    BEFORE UPDATE OR TRUNCATE ON portal_journal
    FOR EACH STATEMENT EXECUTE FUNCTION portal_journal_refuse();
CREATE OR REPLACE FUNCTION portal_journal_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT max(position) FROM gone) > COALESCE(
        (SELECT max((entry::json ->> 'until')::bigint) FROM portal_journal
          WHERE {_IS_CHECKPOINT}), 0)
    THEN
        RAISE EXCEPTION 'no checkpoint has let this go' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER portal_journal_let_go
    AFTER DELETE ON portal_journal REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION portal_journal_removal();
-- For years there is no checkpoint at all: without it each look for one would read every record.
CREATE INDEX IF NOT EXISTS {INDEX} ON portal_journal (position) WHERE {_IS_CHECKPOINT};
"""
_TAIL = "SELECT position, chain FROM portal_journal ORDER BY position DESC LIMIT 1"
_COLUMNS = "SELECT position, chain, entry FROM portal_journal"
_CHECKPOINT = f"{_COLUMNS} WHERE {_IS_CHECKPOINT} ORDER BY position DESC LIMIT 1"
_LET_GO = """
DELETE FROM portal_journal WHERE position <= %s AND entry::json ->> 'kind' <> ALL (%s)
"""
_PAGE = 200
# A journal that does not answer must be noticed while somebody still waits for the page.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 3,
    "options": "-c statement_timeout=5s -c synchronous_commit=on -c lock_timeout=5s",
    "tcp_user_timeout": 5000,
}


class DatabaseJournal:
    """One connection per process, opened when needed; its threads take turns."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._turn = threading.RLock()
        self._connection: psycopg.Connection | None = None

    def tail(self) -> Tail:
        return self._ask(_tail)

    def at(self, position: int) -> Record | None:
        rows = self._ask(lambda found: _rows(found, f"{_COLUMNS} WHERE position = %s", [position]))
        return rows[0] if rows else None

    def read(self, *, after: int) -> Iterator[Record]:
        """Only a gap makes it look for the checkpoint, which means to search the whole table."""
        page = f"{_COLUMNS} WHERE position > %s ORDER BY position LIMIT {_PAGE}"
        while True:
            rows = self._ask(lambda found, after=after: _rows(found, page, [after]))  # type: ignore[misc]
            if rows and rows[0].position > after + 1 and (floor := self.floor().position) > after:
                after = floor
                continue
            yield from rows
            if len(rows) < _PAGE:
                return
            after = rows[-1].position

    def append(self, entries: Sequence[Entry], *, after: Tail) -> Tail:
        records = chained(entries, after=after)

        def write(found: psycopg.Connection) -> Tail:
            if _tail(found) != after:
                raise JournalMovedError
            # A table of before the index gets it with its next record.
            if not _exists(found, INDEX):
                _make(found)
            with found.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO portal_journal (position, chain, entry) VALUES (%s, %s, %s)",
                    [(each.position, each.chain, each.body.decode()) for each in records],
                )
            return records[-1].tail if records else after

        try:
            return self._ask(write)
        except errors.UniqueViolation as error:
            raise JournalMovedError from error

    def floor(self) -> Tail:
        record = self.checkpoint()
        return START if record is None else floor_of(record)

    def checkpoint(self) -> Record | None:
        try:
            return self._ask(_checkpoint)
        except JournalUnreachableError as error:
            if not isinstance(error.__cause__, errors.QueryCanceled):
                raise
        # A table of before the index, and in standstill nothing is written that would bring it.
        self._ask(_make)
        return self._ask(_checkpoint)

    def kept(self) -> Iterator[Record]:
        page = f"{_COLUMNS} WHERE position > %s AND position <= %s ORDER BY position LIMIT {_PAGE}"
        after, floor = 0, self.floor().position
        while True:
            rows = self._ask(lambda found, after=after: _rows(found, page, [after, floor]))  # type: ignore[misc]
            # A round that died may have left others there, too.
            yield from (row for row in rows if row.kind in KEPT)
            if len(rows) < _PAGE:
                return
            after = rows[-1].position

    def let_go(self, checkpoint: Record) -> None:
        """In one transaction, and no quicker than it takes: it comes once a year."""

        def remove(found: psycopg.Connection) -> None:
            _make(found)
            found.execute(_LET_GO, [floor_of(checkpoint).position, sorted(KEPT)])

        self._ask(remove)

    def put_aside(self) -> str:
        aside = f"{TABLE}_{datetime.now(UTC):%Y%m%dt%H%M%S%fz}"

        def rename(found: psycopg.Connection) -> str:
            if _tail(found) == START:
                return ""
            found.execute(f"DROP INDEX IF EXISTS {INDEX}")  # its name is the next table's
            found.execute(
                sql.SQL("ALTER TABLE portal_journal RENAME TO {}").format(sql.Identifier(aside))
            )
            return aside

        return self._ask(rename)

    def _ask[T](self, question: Callable[[psycopg.Connection], T]) -> T:
        """In one transaction, on a connection that was tried; one that is gone is opened anew."""
        with self._turn:
            try:
                found = self._connected()
                with found.transaction():
                    return question(found)
            except errors.UniqueViolation:
                raise
            except psycopg.Error as error:
                self.close()
                raise JournalUnreachableError(type(error).__name__) from error

    def _connected(self) -> psycopg.Connection:
        if self._connection is not None:
            try:
                self._connection.execute("SELECT 1")
            except psycopg.Error:
                self.close()
        if self._connection is None:
            self._connection = psycopg.connect(self.url, autocommit=True, **_PATIENCE)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _make(found: psycopg.Connection) -> None:
    """The table, or what one of before lacks; one process at a time, for as long as it takes."""
    found.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [TABLE])
    found.execute("SET LOCAL statement_timeout = 0")
    found.execute(_MAKE)


def _exists(found: psycopg.Connection, name: str = TABLE) -> bool:
    row = found.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone()
    return row is not None and bool(row[0])


def _checkpoint(found: psycopg.Connection) -> Record | None:
    rows = _rows(found, _CHECKPOINT)
    return rows[0] if rows else None


def _tail(found: psycopg.Connection) -> Tail:
    row = found.execute(_TAIL).fetchone() if _exists(found) else None
    return START if row is None else Tail(row[0], row[1])


def _rows(
    found: psycopg.Connection, statement: str, values: Sequence[int] | None = None
) -> list[Record]:
    if not _exists(found):
        return []
    return [
        Record(position, chain, entry.encode())
        for position, chain, entry in found.execute(statement, values).fetchall()
    ]
