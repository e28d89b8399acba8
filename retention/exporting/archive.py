"""A ZIP that stands nowhere as a whole: written file by file, taken away piece by piece."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.core.serializers.json import DjangoJSONEncoder

from consent.imports.columns import make_harmless
from retention.exporting.tables import Row

# So that spreadsheets read å as å.
BYTE_ORDER_MARK = "\ufeff"
# Only its owner may read an unpacked file.
_MODE = 0o100600 << 16


class Pieces:
    """What a ZIP is written to. It cannot go back, so the ZIP tells sizes after each file."""

    def __init__(self) -> None:
        self.waiting = bytearray()
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes, /) -> int:
        self.waiting += data
        self.size += len(data)
        self.digest.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def close(self) -> None:
        """Stays open: the last piece is taken after the ZIP is complete."""

    def take(self, length: int) -> Iterator[bytes]:
        """Every whole piece of this length."""
        while len(self.waiting) >= length:
            yield bytes(self.waiting[:length])
            del self.waiting[:length]

    def take_rest(self) -> bytes:
        rest = bytes(self.waiting)
        self.waiting.clear()
        return rest


class Archive:
    """The ZIP and the pieces of it that nobody has taken yet."""

    def __init__(self, *, made_at: datetime) -> None:
        self.pieces = Pieces()
        self.moment = made_at.astimezone(UTC).timetuple()[:6]
        self.zip = ZipFile(self.pieces, "w", ZIP_DEFLATED)

    @contextmanager
    def file(self, name: str, *, large: bool = False) -> Iterator[IO[bytes]]:
        """`large` for what may unpack to more than 2 GiB: not every program reads such a ZIP."""
        info = ZipInfo(name, date_time=self.moment)
        info.compress_type = ZIP_DEFLATED
        info.external_attr = _MODE
        with self.zip.open(info, "w", force_zip64=large) as file:
            yield file

    def add(self, name: str, text: str) -> None:
        with self.file(name) as file:
            file.write(text.encode())

    def complete(self) -> None:
        self.zip.close()


class Encoder(DjangoJSONEncoder):
    """Moments as ISO 8601, amounts as text; what else JSON has no form for (a phone) is text."""

    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def json_text(value: Any, *, indent: int | None = None) -> str:
    return json.dumps(value, cls=Encoder, ensure_ascii=False, indent=indent)


def json_lines(rows: Iterable[Row]) -> bytes:
    """A row a line (NDJSON)."""
    return "".join(f"{json_text(row)}\n" for row in rows).encode()


def csv_lines(rows: Iterable[Row], headers: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([cell(row.get(header)) for header in headers])
    return text.getvalue().encode()


def csv_head(headers: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(headers)
    return (BYTE_ORDER_MARK + text.getvalue()).encode()


def cell(value: Any) -> str:
    """Moments in UTC as ISO 8601; text that a spreadsheet would run gets an apostrophe."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case list() | dict():
            return json_text(value)
        case _:
            return make_harmless(str(value))
