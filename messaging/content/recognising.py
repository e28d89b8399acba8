"""What kind of file somebody gave us: its text's encoding, its delimiter, or why it is no list."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable
from typing import Final

DELIMITERS: Final = (",", ";", "\t", "|")
ENCODINGS: Final = ("utf-8", "utf-16", "cp1252")
# Enough to see how it is written; a first line that is longer is no line of a list.
SAMPLE = 64 * 1024

_MARKS: Final = (
    (b"\xd0\xcf\x11\xe0", "spreadsheet"),
    (b"%PDF", "other"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"),
    (b"\x89PNG", "other"),
    (b"\xff\xd8\xff", "other"),
    (b"{\\rtf", "other"),
)
# Marks of encodings, blanks, delimiters: a file of these alone has nobody in it.
_NOTHING: Final = b'\xef\xbb\xbf\xfe\xff \t\r\n\x00,;|"'
_OFFICE: Final = (b"[Content_Types].xml", b"xl/", b"mimetypeapplication/vnd.oasis", b"Index/")


class NotAList(ValueError):
    """Why nothing of this file can be read: the code of the reason, and the row where it shows."""

    def __init__(self, reason: str, row: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.row = reason, row


def refuse_other_kinds(start: bytes) -> None:
    """A spreadsheet, an archive or a picture by mistake is told apart from a damaged list."""
    if not start.strip(_NOTHING):
        raise NotAList("empty")
    if start.startswith(b"PK"):
        raise NotAList("spreadsheet" if any(mark in start for mark in _OFFICE) else "archive")
    for mark, reason in _MARKS:
        if start.startswith(mark):
            raise NotAList(reason)
    if b"\x00" in start and not _is_utf16(start):
        raise NotAList("other")


def guess_encoding(start: bytes, pieces: Iterable[bytes]) -> str:
    """UTF-8 if all of it is; else what Windows writes in Western Europe."""
    if _is_utf16(start):
        return "utf-16" if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-16-le"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces:
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def guess_delimiter(sample: str) -> str:
    """What divides most lines into the same number of cells, and into the most cells."""

    def fitness(delimiter: str) -> tuple[bool, int]:
        widths = Counter(len(row) for row in sample_rows(sample, delimiter) if any(row))
        width, number = widths.most_common(1)[0] if widths else (1, 0)
        return width > 1, number * (width - 1)

    best = max(DELIMITERS, key=fitness)
    return best if fitness(best)[0] else ","


def sample_rows(sample: str, delimiter: str, number: int | None = None) -> list[list[str]]:
    """The rows of a file's beginning; what stands wrong in it is told when the whole is read."""
    rows: list[list[str]] = []
    # Ended as CSV ends lines, and by nothing else that Unicode calls a line.
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            rows.append(row)
            if number is not None and len(rows) >= number:
                break
    except csv.Error:
        pass
    return rows


def _is_utf16(start: bytes) -> bool:
    """By its mark; or every second byte is empty, as in Western text without one."""
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return True
    half = start[1:2000:2]
    return len(half) > 3 and half.count(0) * 10 > len(half) * 9 and 0 not in start[0:2000:2]
