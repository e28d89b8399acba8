"""Recipient tokens: the links in mails that act without a sign-in.

A token stands on its own: no row remembers it, so it works after its mail was purged, after a
change of address, a retired topic or a key rotation, as long as its key is in the ring. It holds
no comma, parenthesis or padding, for mail programs split and unescape headers in many ways.
"""

import base64
import binascii
import enum
import hmac
import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings

# key, purpose, person, topic, mailing or choice version, wording, minutes since 1970
_LAYOUT = struct.Struct(">BB16sHIHI")
_MAC_BYTES = 16


class Purpose(enum.IntEnum):
    """What a token lets its holder do."""

    RECIPIENT = 1  # say no, pause, undo within the hour
    CONFIRM_YES = 2  # say yes to one topic, once asked for by mail


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientToken:
    """Who may do what; `topic` 0 names no topic, `mailing` 0 no campaign.

    A `CONFIRM_YES` token names in `choice_version` the choice it may replace, and no later one.
    """

    person_id: uuid.UUID
    topic: int = 0
    mailing: int = 0
    choice_version: int = 0
    wording_version: int = 0
    issued_at: datetime
    purpose: Purpose = Purpose.RECIPIENT


def sign_token(token: RecipientToken) -> str:
    """The token under the newest key: about 62 URL-safe characters."""
    key_id, key = next(iter(settings.TOKEN_KEYS.items()))
    body = _LAYOUT.pack(
        key_id,
        token.purpose,
        token.person_id.bytes,
        token.topic,
        token.mailing if token.purpose == Purpose.RECIPIENT else token.choice_version,
        token.wording_version,
        int(token.issued_at.timestamp() // 60),
    )
    mac = hmac.digest(key, body, "sha256")[:_MAC_BYTES]
    return _encode(body + mac)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read_token(text: str, *, purpose: Purpose = Purpose.RECIPIENT) -> RecipientToken | None:
    """What the token says, or None when it is truncated, tampered with or not ours."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        key_id, named, person, topic, mailing_or_version, wording, minutes = _LAYOUT.unpack(body)
    except (binascii.Error, ValueError, struct.error):
        return None
    key = settings.TOKEN_KEYS.get(key_id)
    if key is None or named != purpose:
        return None
    if not hmac.compare_digest(hmac.digest(key, body, "sha256")[:_MAC_BYTES], mac):
        return None
    if _encode(raw) != text:  # one token, one spelling
        return None
    return RecipientToken(
        person_id=uuid.UUID(bytes=person),
        topic=topic,
        mailing=mailing_or_version if named == Purpose.RECIPIENT else 0,
        choice_version=0 if named == Purpose.RECIPIENT else mailing_or_version,
        wording_version=wording,
        issued_at=datetime.fromtimestamp(0, UTC) + timedelta(minutes=minutes),
        purpose=Purpose(named),
    )


def unsubscribe_url(token: str) -> str:
    return f"{settings.PORTAL_URL}/u/{token}/"


def preferences_url(token: str) -> str:
    return f"{settings.PORTAL_URL}/p/{token}/"


def reference_program_url(token: str) -> str:
    return f"{settings.PORTAL_URL}/p/{token}/reference-program/"


def confirm_url(token: str) -> str:
    return f"{settings.PORTAL_URL}/preferences/confirm/{token}/"
