"""An uploaded file as pieces in the database, and its rows as a spreadsheet counts them.

Pieces numbered from 0 are the file and go once it is read. Those below zero are the header and the
lines that were not taken, as CSV, so that they can be mended; they stay while the upload is shown.
"""

import csv
import io
import uuid
from collections.abc import Buffer, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from foundation.tenants import as_tenant
from messaging.content.recognising import SAMPLE, NotAList
from messaging.models import ListUpload, UploadPart
from messaging.policy import UPLOAD_COLUMNS


class Row(NamedTuple):
    number: int  # as a spreadsheet counts, the first row of the file is 1
    cells: list[str]


class Pieces(io.RawIOBase):
    """The bytes of an upload, one piece in memory at a time.

    Each piece is fetched in a transaction of its own: none stays open while rows are taken in.
    """

    def __init__(self, upload: ListUpload) -> None:
        self.upload_id, self.customer_id = upload.pk, upload.customer_id
        self.number = 0
        self.rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        if not self.rest:
            self.rest = piece_of(self.upload_id, self.customer_id, self.number)
            self.number += 1
        view = memoryview(buffer)
        taken = self.rest[: len(view)]
        view[: len(taken)] = taken
        self.rest = self.rest[len(taken) :]
        return len(taken)


def piece_of(upload_id: uuid.UUID, customer_id: uuid.UUID, number: int) -> bytes:
    """Empty beyond the last."""
    with as_tenant(customer_id):
        found = UploadPart.objects.filter(upload_id=upload_id, number=number)
        data = found.values_list("data", flat=True).first()
    return bytes(data or b"")


def store_pieces(upload: ListUpload, chunks: Iterable[bytes]) -> None:
    """Inside the transaction that makes the upload; the file is never in memory as a whole."""
    for number, chunk in enumerate(chunks):
        UploadPart.objects.create(
            upload=upload, customer_id=upload.customer_id, number=number, data=chunk
        )


def read_rows(upload: ListUpload) -> Iterator[Row]:
    """Every row of the file, the header too; raises `NotAList` where it cannot be read on."""
    encoding = "utf-8-sig" if upload.encoding == "utf-8" else upload.encoding
    # What cp1252 does not know is shown as such instead of losing the whole file.
    errors = "replace" if encoding == "cp1252" else "strict"
    text = io.TextIOWrapper(
        io.BufferedReader(Pieces(upload)), encoding=encoding, errors=errors, newline=""
    )
    reader = csv.reader(text, delimiter=upload.delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if len(cells) > UPLOAD_COLUMNS:
                raise NotAList("too_many_columns", number)
            yield Row(number, cells)
    except UnicodeError as error:
        raise NotAList("encoding", number + 1) from error
    except csv.Error as error:
        # The module tells its faults apart by words alone.
        reason = "cell_too_long" if "field limit" in str(error) else "quotes"
        raise NotAList(reason, number + 1) from error


def read_sample(upload: ListUpload) -> str:
    """The beginning of the file in the encoding it is to be read in."""
    start = piece_of(upload.pk, upload.customer_id, 0)[:SAMPLE]
    return decode_sample(start, upload.encoding)


def decode_sample(start: bytes, encoding: str) -> str:
    """Cut anywhere; what does not fit the encoding shows as a mark, for the reader to see."""
    with suppress(UnicodeError):
        return start.decode(encoding, errors="replace").removeprefix("\ufeff")
    return start.decode("latin-1")


def keep_untaken(upload: ListUpload, rows: list[Row]) -> None:
    """Inside the batch's transaction, so once however often the batch is tried."""
    if not rows:
        return
    out = io.StringIO(newline="")
    csv.writer(out).writerows([row.number, *row.cells] for row in rows)
    UploadPart.objects.create(
        upload=upload,
        customer_id=upload.customer_id,
        number=-rows[0].number,
        data=out.getvalue().encode(),
    )


def untaken_numbers(upload: ListUpload) -> list[int]:
    """The pieces of `keep_untaken`, in the file's order, the header's first where there is one."""
    with as_tenant(upload.customer_id):
        kept = UploadPart.objects.filter(upload=upload, number__lt=0).order_by("-number")
        return list(kept.values_list("number", flat=True))


def untaken_rows(upload: ListUpload, number: int) -> list[Row]:
    text = piece_of(upload.pk, upload.customer_id, number).decode()
    return [Row(int(first), cells) for first, *cells in csv.reader(io.StringIO(text, newline=""))]
