"""The journal as files: one a year, each going on where the one before ends.

`journal.jsonl` is the first; the first record of another year (UTC) begins `journal.2027.jsonl`.
No file is ever renamed while it is written to, so a reader sees the journal as it is or as it was
a moment ago. What has left stands in `journal.checkpoint.jsonl`: one record of the chain, copied
before anything was removed. `journal.kept.jsonl` has what stays of the years that left.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from retention.journal import lines
from retention.journal.lines import first_record, last_record, records_of, replace_file, sync_folder
from retention.journal.record import KEPT, START, Entry, Record, Tail, chained, floor_of, year_of
from retention.journal.store import (
    JournalDamagedError,
    JournalMovedError,
    JournalUnreachableError,
)


class FileJournal:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._of_year = re.compile(rf"{re.escape(path.stem)}\.(\d{{4}}){re.escape(path.suffix)}")

    def tail(self) -> Tail:
        record = self._newest()
        return self.floor() if record is None else record.tail

    def at(self, position: int) -> Record | None:
        record = next(self.read(after=position - 1), None)
        return record if record is not None and record.position == position else None

    def read(self, *, after: int) -> Iterator[Record]:
        """Looks for more files after each: a year may begin while an old one is being read."""
        after = max(after, self.floor().position)
        while True:
            file = self._holding(after + 1)
            if file is None:
                if (floor := self.floor().position) <= after:
                    return
                after = floor  # a year left meanwhile
                continue
            with file:
                file.seek(lines.offset_of(file, after + 1))
                before = after
                for record in records_of(file):
                    yield record
                    after = record.position
            if after == before:
                return

    def append(self, entries: Sequence[Entry], *, after: Tail) -> Tail:
        try:
            with self._locked():
                return self._append(entries, after)
        except OSError as error:
            raise JournalUnreachableError(type(error).__name__) from error

    def _append(self, entries: Sequence[Entry], after: Tail) -> Tail:
        newest = self._newest()
        if (self.floor() if newest is None else newest.tail) != after:
            raise JournalMovedError
        records = chained(entries, after=after)
        if not records:
            return after
        path = self._path_for(records[0], newest)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            end = lines.whole_length(file)
            try:
                file.truncate(end)
                file.seek(end)
                lines.write_all(file, b"".join(map(lines.as_line, records)))
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise
        if is_new:
            sync_folder(path.parent)
        return records[-1].tail

    def _path_for(self, record: Record, newest: Record | None) -> Path:
        """The newest file, unless this record is of a later year than what stands there."""
        paths = self._paths()
        if newest is None:
            return self.path
        year, former = year_of(record), year_of(newest)
        if year is None or former is None or year <= former:
            return paths[-1]
        return self.path.with_name(f"{self.path.stem}.{year:04}{self.path.suffix}")

    # --- what has left --------------------------------------------------------------------------

    def floor(self) -> Tail:
        record = self.checkpoint()
        return START if record is None else floor_of(record)

    def checkpoint(self) -> Record | None:
        with _opened(self._beside("checkpoint")) as file:
            return None if file is None else first_record(file)

    def kept(self) -> Iterator[Record]:
        floor = self.floor().position
        with _opened(self._beside("kept")) as file:
            for record in () if file is None else records_of(file):
                if record.position > floor:
                    return
                yield record

    def let_go(self, checkpoint: Record) -> None:
        """First what stays, then the checkpoint, and only then the years go: a kill in between
        leaves a journal that says the same, and the next time goes on from there."""
        until = floor_of(checkpoint).position
        try:
            with self._locked():
                if self.floor().position < until:
                    replace_file(self._beside("kept"), self._staying(until))
                    replace_file(self._beside("checkpoint"), iter([checkpoint]))
                for path in self._paths():
                    self._cut(path, until)
        except OSError as error:
            raise JournalUnreachableError(type(error).__name__) from error

    def _staying(self, until: int) -> Iterator[Record]:
        yield from self.kept()
        for record in self.read(after=0):
            if record.position > until:
                return
            if record.kind in KEPT:
                yield record

    def _cut(self, path: Path, until: int) -> None:
        """Remove the records up to that one; a file of nothing else goes as a whole."""
        with path.open("rb") as file:
            first, last = first_record(file), last_record(file)
            if first is None or last is None or first.position > until:
                return
            if last.position > until:
                file.seek(lines.offset_of(file, until + 1))
                replace_file(path, records_of(file))
                return
        path.unlink()
        sync_folder(path.parent)

    def put_aside(self) -> str:
        """All of it, the checkpoint last: until then nothing else may begin in its place."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        try:
            with self._locked():
                paths = [*self._paths(), self._beside("kept"), self._beside("checkpoint")]
                found = [path for path in paths if path.exists()]
                asides = [path.with_name(f"{path.name}.{stamp}") for path in found]
                for path, aside in zip(found, asides, strict=True):
                    path.rename(aside)
                    sync_folder(path.parent)
                return str(asides[0]) if asides else ""
        except OSError as error:
            raise JournalUnreachableError(type(error).__name__) from error

    # --- its files ------------------------------------------------------------------------------

    def _beside(self, what: str) -> Path:
        return self.path.with_name(f"{self.path.stem}.{what}{self.path.suffix}")

    def _paths(self) -> list[Path]:
        """Its files that are there, oldest first."""
        try:
            names = [path.name for path in self.path.parent.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise JournalUnreachableError(type(error).__name__) from error
        years = sorted(name for name in names if self._of_year.fullmatch(name))
        first = [self.path.name] if self.path.name in names else []
        return [self.path.with_name(name) for name in (*first, *years)]

    def _newest(self) -> Record | None:
        """The last record, once it is clear that no file between the first and the last is gone."""
        floor = self.floor()
        try:
            return self._newest_after(floor)
        except JournalDamagedError:
            # A reader takes no lock, so a year may have left between the two looks.
            if (moved := self.floor()) == floor:
                raise
            return self._newest_after(moved)

    def _newest_after(self, floor: Tail) -> Record | None:
        expected, newest = floor.position + 1, None
        for path in self._paths():
            with _opened(path) as file:
                if file is None or (last := last_record(file)) is None:
                    continue
                first = first_record(file)
            if last.position < expected:
                continue  # has left already
            if first is None or first.position > expected:
                raise JournalDamagedError(f"record {expected} is in no file")
            expected, newest = last.position + 1, last
        return newest

    def _holding(self, position: int) -> BinaryIO | None:
        """The file with that record, open at no particular place; None where there is none yet."""
        for path in reversed(self._paths()):
            file = _open(path)
            if file is None:
                continue
            first = first_record(file)
            if first is not None and first.position <= position:
                return file
            file.close()
        return None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time. The lock is a file of its own, for the journal may be renamed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(f"{self.path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO | None]:
    file = _open(path)
    if file is None:
        yield None
        return
    with file:
        yield file


def _open(path: Path) -> BinaryIO | None:
    """None where there is no file; a folder that may not be looked into is no such thing."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalUnreachableError(type(error).__name__) from error
