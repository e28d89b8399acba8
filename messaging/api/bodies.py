"""Bodies that are read as they come: pieces of a request, unpacked, as lines.

Never more than a piece and one line are in memory, whatever the body says of itself.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from consent.api.errors import TooLarge
from messaging.policy import FEED_BODY_BYTES, FEED_LINE_BYTES

MEDIA_TYPE = "application/x-ndjson"
PIECE = 64 * 1024
GZIP = 16 + zlib.MAX_WBITS


def read_lines(request: HttpRequest) -> Iterator[bytes]:
    """The lines of the body. One that is too long ends behind the limit, and counts as one."""
    if request.content_type != MEDIA_TYPE:
        raise UnsupportedMediaType(request.content_type or "")
    match request.headers.get("Content-Encoding", "identity").strip().lower():
        case "identity" | "":
            pieces = read_pieces(request)
        case "gzip":
            pieces = unpack(read_pieces(request))
        case other:
            raise UnsupportedMediaType(other)
    return split_lines(at_most(pieces, FEED_BODY_BYTES))


def read_pieces(request: HttpRequest) -> Iterator[bytes]:
    """With its length said beforehand, or in chunks where the server tells where they end.

    In chunks a broken connection looks like the end: the line it was in is then half a line, no
    JSON, and a bad one.
    """
    environ: dict[str, Any] = request.META
    said = environ.get("CONTENT_LENGTH")
    left = int(said) if said else None
    # Without a length Django takes the body for empty.
    stream: Any = request
    if left is None and environ.get("wsgi.input_terminated"):
        stream = environ["wsgi.input"]
    elif left is None and "HTTP_TRANSFER_ENCODING" in environ:
        raise ParseError(_("Say how long the body is: Content-Length."), code="length_required")
    try:
        while piece := stream.read(PIECE):
            yield piece
            left = None if left is None else left - len(piece)
    except (UnreadablePostError, OSError) as error:
        raise cut_off() from error
    if left:
        raise cut_off()


def unpack(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """RFC 1952, one member after another. A small piece can hold gigabytes: piece by piece, too."""
    unpacker, begun = zlib.decompressobj(GZIP), False
    for piece in pieces:
        packed = piece
        while packed:
            if unpacker.eof:
                unpacker = zlib.decompressobj(GZIP)
            begun = True
            try:
                if found := unpacker.decompress(packed, PIECE):
                    yield found
            except zlib.error as error:
                raise ParseError(_("The body is not gzip."), code="not_gzip") from error
            packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    while begun and not unpacker.eof:
        if not (found := unpacker.decompress(b"", PIECE)):
            raise cut_off()
        yield found


def at_most(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    for piece in pieces:
        if (most := most - len(piece)) < 0:
            raise TooLarge
        yield piece


def split_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest, is_told = b"", False
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if is_told and lines:
            del lines[0]
            is_told = False
        yield from lines
        if is_told:
            rest = b""
        elif len(rest) > FEED_LINE_BYTES:
            yield rest
            rest, is_told = b"", True
    if rest:
        yield rest


def cut_off() -> ParseError:
    return ParseError(
        _("The body broke off. What came in before is kept; send all of it again."), code="cut_off"
    )
