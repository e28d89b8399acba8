"""The journal as a file of JSON lines: `{"chain":"<64 hex digits>","entry":{"position":1,…}}`.

A line without its end was never finished (a kill, a full disk): readers do not see it, the next
writer cuts it off. Anything else that is not as it should be is damage.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from retention.journal.record import START, Entry, Record, Tail, chained
from retention.journal.store import (
    JournalDamagedError,
    JournalMovedError,
    JournalUnreachableError,
)

_LINE = re.compile(rb'\{"chain":"([0-9a-f]{64})","entry":(\{"position":(\d+),.*\})\}')
_BLOCK = 64 * 1024


def as_line(record: Record) -> bytes:
    chain = record.chain.hex().encode()
    return b'{"chain":"' + chain + b'","entry":' + record.body + b"}\n"


def as_record(line: bytes) -> Record:
    found = _LINE.fullmatch(line)
    if found is None:
        raise JournalDamagedError("a line of the journal cannot be read")
    return Record(int(found[3]), bytes.fromhex(found[1].decode()), found[2])


class FileJournal:
    def __init__(self, path: Path) -> None:
        self.path = path

    def tail(self) -> Tail:
        with self._reading() as file:
            return START if file is None else self._tail(file)

    def at(self, position: int) -> Record | None:
        with self._reading() as file:
            if file is None:
                return None
            file.seek(self._offset_of(file, position))
            record = _next_record(file)
        return record if record is not None and record.position == position else None

    def read(self, *, after: int) -> Iterator[Record]:
        with self._reading() as file:
            if file is None:
                return
            file.seek(self._offset_of(file, after + 1))
            while (record := _next_record(file)) is not None:
                yield record

    def append(self, entries: Sequence[Entry], *, after: Tail) -> Tail:
        try:
            with self._locked():
                return self._append(entries, after)
        except OSError as error:
            raise JournalUnreachableError(type(error).__name__) from error

    def _append(self, entries: Sequence[Entry], after: Tail) -> Tail:
        is_new = not self.path.exists()
        records = chained(entries, after=after)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            if self._tail(file) != after:
                raise JournalMovedError
            end = _whole_length(file)
            try:
                file.truncate(end)
                file.seek(end)
                _write_all(file, b"".join(map(as_line, records)))
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise
        if is_new:
            _sync_folder(self.path.parent)
        return records[-1].tail if records else after

    def put_aside(self) -> str:
        try:
            with self._locked():
                if not self.path.exists():
                    return ""
                stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
                aside = self.path.with_name(f"{self.path.name}.{stamp}")
                self.path.rename(aside)
                _sync_folder(self.path.parent)
                return str(aside)
        except OSError as error:
            raise JournalUnreachableError(type(error).__name__) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time. The lock is a file of its own, for the journal may be renamed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f"{self.path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _reading(self) -> Iterator[BinaryIO | None]:
        """None where there is no file; a folder that may not be looked into is no such thing."""
        try:
            with self.path.open("rb") as file:
                yield file
        except FileNotFoundError:
            yield None
        except OSError as error:
            raise JournalUnreachableError(type(error).__name__) from error

    def _tail(self, file: BinaryIO) -> Tail:
        end = _whole_length(file)
        if not end:
            return START
        file.seek(_line_start(file, end - 1))
        line = file.read(end - file.tell())
        return as_record(line.rstrip(b"\n")).tail

    def _offset_of(self, file: BinaryIO, position: int) -> int:
        """Where the record begins, or the first later one: positions grow, so halving finds it."""
        low, high = 0, _whole_length(file)
        while low < high:
            start = _line_start(file, (low + high) // 2)
            file.seek(start)
            record = _next_record(file)
            if record is None:
                break
            if record.position < position:
                low = file.tell()
            else:
                high = start
        return low


def _whole_length(file: BinaryIO) -> int:
    """The length up to the end of the last finished line."""
    return _line_start(file, file.seek(0, os.SEEK_END))


def _line_start(file: BinaryIO, before: int) -> int:
    """Where the line begins that holds the byte before this offset's end."""
    while before > 0:
        start = max(0, before - _BLOCK)
        file.seek(start)
        found = file.read(before - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        before = start
    return 0


def _next_record(file: BinaryIO) -> Record | None:
    line = file.readline()
    return as_record(line[:-1]) if line.endswith(b"\n") else None


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
