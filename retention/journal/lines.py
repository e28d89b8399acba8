"""One file of the journal: JSON lines, `{"chain":"<64 hex digits>","entry":{"position":1,…}}`.

A line without its end was never finished (a kill, a full disk): readers do not see it, the next
writer cuts it off. Anything else that is not as it should be is damage.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from retention.journal.record import Record
from retention.journal.store import JournalDamagedError

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


def whole_length(file: BinaryIO) -> int:
    """The length up to the end of the last finished line."""
    return _line_start(file, file.seek(0, os.SEEK_END))


def next_record(file: BinaryIO) -> Record | None:
    line = file.readline()
    return as_record(line[:-1]) if line.endswith(b"\n") else None


def records_of(file: BinaryIO) -> Iterator[Record]:
    while (record := next_record(file)) is not None:
        yield record


def first_record(file: BinaryIO) -> Record | None:
    file.seek(0)
    return next_record(file)


def last_record(file: BinaryIO) -> Record | None:
    end = whole_length(file)
    if not end:
        return None
    file.seek(_line_start(file, end - 1))
    return as_record(file.read(end - file.tell()).rstrip(b"\n"))


def offset_of(file: BinaryIO, position: int) -> int:
    """Where the record begins, or the first later one: positions grow, so halving finds it."""
    low, high = 0, whole_length(file)
    while low < high:
        start = _line_start(file, (low + high) // 2)
        file.seek(start)
        record = next_record(file)
        if record is None:
            break
        if record.position < position:
            low = file.tell()
        else:
            high = start
    return low


def write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def replace_file(path: Path, records: Iterator[Record]) -> None:
    """The records in place of what is there: on the disk whole under another name, then renamed."""
    part = path.with_name(f"{path.name}.part")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for record in records:
                file.write(as_line(record))
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
