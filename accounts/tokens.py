"""The secrets that links of account mails carry. Nothing here reads the database."""

import hashlib
import hmac
import secrets
import uuid
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

WELCOME = "accounts.welcome"
SESSION = "accounts.session"


def _welcome_states(user: Any) -> list[str]:
    """What using the link changes, and what a newer sign-up replaces, under every live key.

    As soon as one of these differs the same link no longer fits: it works once.
    """
    facts = (
        user.pk,
        user.address,
        user.username,
        user.password,
        user.signed_up_at.isoformat(),
        user.email_confirmed_at,
    )
    return [
        salted_hmac(WELCOME, "|".join(map(str, facts)), secret=key, algorithm="sha256").hexdigest()
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def make_welcome_token(user: Any) -> str:
    """Names the account and proves that the reader of its mailbox holds it."""
    return f"{user.pk.hex}.{_welcome_states(user)[0]}"


def read_person(token: str) -> uuid.UUID | None:
    """Whom a welcome token names; nothing is proved by that yet."""
    try:
        return uuid.UUID(hex=token.partition(".")[0])
    except ValueError:
        return None


def welcome_token_fits(token: str, user: Any) -> bool:
    proof = token.partition(".")[2]
    return any(
        hmac.compare_digest(proof.encode(), state.encode()) for state in _welcome_states(user)
    )


def make_address_key() -> tuple[str, str]:
    """The secret of a link that confirms a new address, and its digest, which alone is stored."""
    key = secrets.token_urlsafe(32)
    return key, digest_of(key)


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def make_api_secret(prefix: str) -> str:
    """`cp_` or `cs_` and 256 random bits: scanners of leaked secrets know it by its prefix.

    They find it by `c[ps]_[A-Za-z0-9_-]{43}`.
    """
    return f"{prefix}{secrets.token_urlsafe(32)}"


def api_digest(secret: str) -> bytes:
    """What alone is stored. 256 random bits need neither salt nor slowness."""
    return hashlib.sha256(secret.encode()).digest()


def session_handle(session_key: str) -> str:
    """Names a session on a page; the key itself would let whoever reads it in."""
    return salted_hmac(SESSION, session_key, algorithm="sha256").hexdigest()[:32]
