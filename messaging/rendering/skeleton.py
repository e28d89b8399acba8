"""A mailing's bytes with holes: all that is the same for everyone, encoded once.

The standard library writes a specimen whose personal parts are words of ours; cut at these words,
it is the frame of every mail. Text and HTML are cut by line: only lines with a personal part are
encoded for each message.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Self

from django.conf import settings

from messaging.rendering.addresses import sender_address
from messaging.rendering.kinds import Source, headers_of
from messaging.rendering.mail import PortalMail, subject_line
from messaging.rendering.marks import MARK, TOKEN, Marks
from messaging.rendering.prepared import Prepared
from messaging.rendering.quoted import Line, break_line, encode
from messaging.rendering.values import Person, in_running_text

type Piece = bytes | int | Line

# Places in the table of a message's values; those of the fields follow, first for text, then HTML.
_TOKEN, _TO, _SUBJECT, _DATE, _ID, _FIELDS = range(6)

_SPECIMEN_DATE = "Thu, 01 Jan 1970 00:00:00 +0000"
_SUBJECT_LINE = b"Subject: portal-specimen-subject\r\n"
_CUTS = {
    b"portal-specimen-token": _TOKEN,
    b"portal@specimen.invalid": _TO,
    _SUBJECT_LINE: _SUBJECT,
    _SPECIMEN_DATE.encode(): _DATE,
    b"portal-specimen-id": _ID,
}
_TEXT, _HTML = b"portal-specimen-text\r\n", b"portal-specimen-html\r\n"
_CUT = re.compile(b"(" + b"|".join(map(re.escape, (*_CUTS, _TEXT, _HTML))) + b")")


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The frame of one mailing's mails in one language."""

    sender: str
    pieces: tuple[Piece, ...]
    subject: str
    subject_line: bytes  # empty when the subject is personal
    marks: Marks

    @classmethod
    def of(cls, prepared: Prepared, source: Source | None, *, sender: str) -> Self:
        fields = len(prepared.marks.fields)
        bodies = {
            _TEXT: _cut_lines(prepared.text, _FIELDS),
            _HTML: _cut_lines(prepared.html, _FIELDS + fields),
        }
        pieces: list[Piece] = []
        for part in _CUT.split(_specimen(source, sender)):
            if part in bodies:
                pieces += bodies[part]
            elif part:
                pieces.append(_CUTS.get(part, part))
        personal = MARK.search(prepared.subject)
        return cls(
            sender_address(sender).addr_spec,
            tuple(_joined(pieces)),
            prepared.subject,
            b""
            if personal
            else subject_line(prepared.marks.fill_subject(prepared.subject, Person())),
            prepared.marks,
        )

    def fill(
        self, *, message_id: str, recipient: str, token: str, date: str, person: Person
    ) -> bytes:
        values = [
            token.encode(),
            recipient.encode(),
            self.subject_line or _known_line(self.marks.fill_subject(self.subject, person)),
            date.encode(),
            message_id.encode(),
        ]
        if self.marks.fields:
            said = [in_running_text(field.value(person)) for field in self.marks.fields]
            values += [encode(value) for value in said]
            values += [encode(escape(value)) for value in said]
        parts: list[bytes] = []
        for piece in self.pieces:
            if isinstance(piece, bytes):
                parts.append(piece)
            elif isinstance(piece, int):
                parts.append(values[piece])
            else:
                line = [part if isinstance(part, bytes) else values[part] for part in piece]
                parts.append(break_line(b"".join(line)))
        return b"".join(parts)


# Names repeat, and the standard library takes its time over letters beyond ASCII.
_known_line = lru_cache(maxsize=4096)(subject_line)


def _specimen(source: Source | None, sender: str) -> bytes:
    mail = PortalMail(
        "portal-specimen-subject",
        "portal-specimen-text",
        str(sender_address(sender)),
        ["portal@specimen.invalid"],
        headers={
            "Date": _SPECIMEN_DATE,
            "Message-ID": f"<portal-specimen-id@{settings.MAIL_DOMAIN}>",
            **headers_of(source, "portal-specimen-token"),
        },
    )
    mail.boundary = "=_portal-specimen-id"
    mail.attach_alternative("portal-specimen-html", "text/html")
    return mail.wire_bytes(international=False)


def _cut_lines(text: str, first_field: int) -> list[Piece]:
    pieces: list[Piece] = []
    for line in text.splitlines():
        cut = tuple(_piece(part, first_field) for part in MARK.split(line) if part)
        whole = all(isinstance(part, bytes) for part in cut)
        pieces.append(break_line(encode(line)) if whole else cut)
    return pieces


def _piece(part: str, first_field: int) -> bytes | int:
    if part == TOKEN:
        return _TOKEN
    if MARK.fullmatch(part):
        return first_field + ord(part) - ord(TOKEN) - 1
    return encode(part)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours that never change become one."""
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined
