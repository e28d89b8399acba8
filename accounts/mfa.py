"""Secrets that make sign-in codes, kept encrypted: a copy of the database alone signs nobody in.

The key of the encryption derives from SECRET_KEY. What allauth stored before stood in the clear; it
is read as it is, and encrypted by `renew_sign_in_secrets`.
"""

import base64
from functools import lru_cache

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

# No base32 and no hex: what begins so cannot be a secret in the clear.
MARK = "fernet:"
# Of which type of authenticator which value is secret; a passkey's half here is public.
SECRETS = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}


class UnreadableSecretError(Exception):
    """Encrypted under a SECRET_KEY that is gone: the authenticator must be set up anew."""


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return MARK + _ring().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        if not encrypted_text.startswith(MARK):
            return encrypted_text
        try:
            return _ring().decrypt(encrypted_text.removeprefix(MARK)).decode()
        except InvalidToken as error:
            raise UnreadableSecretError from error


def renew_sign_in_secrets() -> int:
    """Encrypt what still stands in the clear or under a former SECRET_KEY; how many there were."""
    renewed = 0
    found = Authenticator.objects.filter(type__in=SECRETS)
    for key in found.order_by("pk").values_list("pk", flat=True).iterator():
        with transaction.atomic():
            # A code that is used meanwhile writes the same column.
            locked = found.select_for_update().filter(pk=key).first()
            if locked is not None and _renew(locked):
                renewed += 1
    return renewed


def _renew(authenticator: Authenticator) -> bool:
    name = SECRETS[Authenticator.Type(authenticator.type)]
    stored = authenticator.data.get(name)
    if stored is None or _is_newest(stored):
        return False
    adapter = MFAAdapter()
    try:
        authenticator.data[name] = adapter.encrypt(adapter.decrypt(stored))
    except UnreadableSecretError:
        return False
    authenticator.save(update_fields=["data"])
    return True


def _is_newest(stored: str) -> bool:
    if not stored.startswith(MARK):
        return False
    try:
        _fernet(settings.SECRET_KEY).decrypt(stored.removeprefix(MARK))
    except InvalidToken:
        return False
    return True


def _ring() -> MultiFernet:
    return MultiFernet(
        [_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


@lru_cache(maxsize=8)
def _fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"portal sign-in secrets")
    return Fernet(base64.urlsafe_b64encode(derived.derive(key.encode())))
