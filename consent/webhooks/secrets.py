"""The secrets that sign: made here, shown once, kept encrypted.

The key of the encryption derives from SECRET_KEY, so a copy of the database alone signs nothing.
"""

import base64
import secrets
from contextlib import suppress
from datetime import datetime
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from consent.models import Webhook

PREFIX = "whsec_"
_BYTES = 32  # Standard Webhooks: between 24 and 64


class UnreadableSecretError(Exception):
    """Encrypted under a key that is no longer here: rotate the secret of this webhook."""


def new_secret() -> str:
    """`whsec_` and base64, as the libraries of receivers take it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def encrypt(secret: str) -> str:
    return _ring().encrypt(secret.encode()).decode()


def decrypt(stored: str) -> str:
    try:
        return _ring().decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise UnreadableSecretError from error


def renewed(stored: str) -> str:
    """The same under the newest key, so that an older SECRET_KEY can be dropped in time."""
    try:
        _fernet(settings.SECRET_KEY).decrypt(stored.encode())
    except InvalidToken:
        try:
            return _ring().rotate(stored.encode()).decode()
        except InvalidToken:
            return stored
    return stored


def signing_secrets(webhook: Webhook, *, now: datetime) -> list[str]:
    """The newest first; the former one too as long as it still signs."""
    found = [decrypt(webhook.secret)]
    if webhook.former_secret and webhook.former_until and now < webhook.former_until:
        with suppress(UnreadableSecretError):
            found.append(decrypt(webhook.former_secret))
    return found


def _ring() -> MultiFernet:
    return MultiFernet(
        [_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


@lru_cache(maxsize=8)
def _fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"portal webhook secrets")
    return Fernet(base64.urlsafe_b64encode(derived.derive(key.encode())))
