"""The app on the phone of a member of staff (RFC 6238), written down so that it needs no Django."""

import base64
import hmac
import struct
import time

PERIOD = 30


def code_now(secret: str) -> str:
    digest = hmac.digest(
        base64.b32decode(secret), struct.pack(">Q", int(time.time()) // PERIOD), "sha1"
    )
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFF_FFFF
    return f"{number % 1_000_000:06}"
