"""A mail as it came in, read without ever failing: headers unfolded and decoded, text in lines.

Whoever writes to an open mailbox writes what they like, so everything here has an answer.
"""

import email
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

# What is longer is cut before it is read: headers and reports stand at the beginning.
LONGEST = 1_000_000
_ADDRESS = re.compile(r"[^\s@\x00-\x1f\x7f\ud800-\udfff]+@[^\s@\x00-\x1f\x7f\ud800-\udfff]+")


class Letter:
    """A parsed mail, or a part of one."""

    def __init__(self, message: Message) -> None:
        self.message = message

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Letter":
        return cls(email.message_from_bytes(raw[:LONGEST]))

    @property
    def content_type(self) -> str:
        return self.message.get_content_type()

    def headers(self, name: str) -> list[str]:
        return [decoded(value) for value in self.message.get_all(name, [])]

    def header(self, name: str) -> str:
        return next(iter(self.headers(name)), "")

    def addresses(self, *names: str) -> list[str]:
        """The bare addresses of some headers."""
        values = [value for name in names for value in self.headers(name)]
        found = (plain_address(address) for _name, address in getaddresses(values, strict=False))
        return [address for address in found if address]

    def parts(self) -> Iterator["Letter"]:
        """This and every part below it, enclosed mails included."""
        return (Letter(part) for part in self.message.walk())

    def part(self, *content_types: str) -> "Letter | None":
        return next((part for part in self.parts() if part.content_type in content_types), None)

    def enclosed(self) -> "Letter | None":
        """The mail, or at least its headers, that a report gives back."""
        part = self.part("message/rfc822", "text/rfc822-headers", "message/rfc822-headers")
        if part is None:
            return None
        inner = part.message.get_payload()
        if isinstance(inner, list) and inner and isinstance(inner[0], Message):
            return Letter(inner[0])
        return Letter(email.message_from_string(part.text()))

    def text(self) -> str:
        """The words of this part alone, transfer encoding undone."""
        payload = self.message.get_payload(decode=True)
        if not isinstance(payload, bytes):
            return ""
        charset = self.message.get_content_charset("utf-8")
        try:
            return payload.decode(charset, "replace")
        except LookupError:
            return payload.decode("latin-1")

    def words(self) -> str:
        """The first readable text of the mail; of HTML what remains without its tags."""
        plain = self.part("text/plain")
        if plain is not None:
            return plain.text()
        html = self.part("text/html")
        if html is None:
            return ""
        breaks = re.sub(r"(?i)<(?:br|/p|/div)\b[^>]*>", "\n", html.text())
        return re.sub(r"<[^>]*>", "", breaks)

    @property
    def sent_at(self) -> datetime | None:
        """What the mail says of itself."""
        try:
            moment = parsedate_to_datetime(self.header("Date"))
        except (ValueError, TypeError, OverflowError):
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    @property
    def identity(self) -> str:
        """The same for two deliveries of one mail: they differ in what stands above it.

        `Received` and other lines of the way are not part of it; a Message-ID alone would let a
        stranger's mail hide another. To whom of us it was delivered stands in the envelope.
        """
        named = [self.header(name) for name in ("Message-ID", "Date", "From", "Subject")]
        return hashlib.sha256(
            "\n".join([*named, self.words()[:10_000]]).encode(errors="replace")
        ).hexdigest()


def storable(text: object) -> str:
    """What PostgreSQL takes as text: no NUL, no half characters."""
    return str(text).encode(errors="replace").decode().replace("\x00", "")


def plain_address(text: object) -> str:
    """An address that one could write to, or ''."""
    address = str(text or "").strip()
    return address if len(address) <= 320 and _ADDRESS.fullmatch(address) else ""


def decoded(value: object) -> str:
    """One header's text: unfolded, RFC 2047 words decoded, whatever is wrong with it."""
    text = re.sub(r"\r?\n(?=[ \t])", "", str(value))
    try:
        pieces = decode_header(text)
    except (MessageError, ValueError):
        return storable(text)
    return storable("".join(_piece(piece, charset) for piece, charset in pieces))


def _piece(piece: str | bytes, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    try:
        return piece.decode(charset or "ascii", "replace")
    except LookupError:
        return piece.decode("latin-1")
