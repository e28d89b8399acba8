"""A ZIP that stands nowhere as a whole: written file by file, taken away piece by piece."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from consent.imports.columns import make_harmless
from retention.exporting.tables import Row
from retention.exporting.zipping import ZipWriter

# So that spreadsheets read å as å.
BYTE_ORDER_MARK = "\ufeff"


class Archive:
    """The ZIP, and the bytes of it that nobody has taken yet."""

    def __init__(self, *, made_at: datetime) -> None:
        self.waiting = bytearray()
        self.size = 0
        self.digest = hashlib.sha256()
        self.zip = ZipWriter(self.write, made_at)

    @classmethod
    def resume(
        cls, *, made_at: datetime, state: dict[str, Any], pieces: Iterable[bytes]
    ) -> "Archive":
        """Goes on behind the pieces that were taken. They are read once more, for the checksum."""
        archive = cls(made_at=made_at)
        for piece in pieces:
            archive.size += len(piece)
            archive.digest.update(piece)
        archive.zip = ZipWriter.resume(archive.write, made_at, state)
        return archive

    def write(self, data: bytes) -> None:
        self.waiting += data
        self.size += len(data)
        self.digest.update(data)

    def add(self, name: str, text: str) -> None:
        self.zip.open(name, large=False)
        self.zip.add(text.encode())
        self.zip.close_file()

    def take(self, length: int) -> Iterator[bytes]:
        """All that waits, in pieces of at most this length."""
        while self.waiting:
            yield bytes(self.waiting[:length])
            del self.waiting[:length]


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
