"""Quoted-printable line by line (RFC 2045 6.7), as the standard library does it but for the lines
that never change: those are encoded once per mailing.

A line is encoded on its own, so a mail may be put together from lines that were encoded at
different times. `tests/messaging/test_rendering.py` holds it to the standard library, byte by byte.
"""

import re

LONGEST = 76
_SAFE = re.compile(rb"[ !-<>-~]*")
_EQUALS = ord("=")
_CODES = [
    bytes([byte]) if byte in b"\t" or (32 <= byte <= 126 and byte != _EQUALS) else b"=%02X" % byte
    for byte in range(256)
]

# A line with personal parts: what never changes, encoded but not yet broken, and numbers of values.
type Line = tuple[bytes | int, ...]


def encode(text: str) -> bytes:
    """Without line breaks; what a line is made of may be encoded in pieces."""
    raw = text.encode()
    if _SAFE.fullmatch(raw):
        return raw
    return b"".join([_CODES[byte] for byte in raw])


def break_line(line: bytes) -> bytes:
    """Soft breaks where the standard library puts them, and the line's end."""
    if len(line) <= LONGEST and not line.endswith((b" ", b"\t")):
        return line + b"\r\n"
    parts: list[bytes] = []
    start, last = 0, len(line) - 1 - LONGEST
    while start <= last:
        stop = start + LONGEST - 1
        if line[stop - 2] == _EQUALS:  # never in the middle of a code
            stop -= 2
        elif line[stop - 1] == _EQUALS:
            stop -= 1
        parts.append(line[start:stop])
        start = stop
    parts.append(_end(line[start:]))
    return b"=\r\n".join(parts) + b"\r\n"


def _end(rest: bytes) -> bytes:
    """White space may not end a line: it is written as a code, on a line of its own if need be."""
    if not rest.endswith((b" ", b"\t")):
        return rest
    code = b"=%02X" % rest[-1]
    match LONGEST - len(rest):
        case 0:
            return rest[:-1] + b"=\r\n" + code
        case 1:
            return rest + b"=\r\n"
        case _:
            return rest[:-1] + code
