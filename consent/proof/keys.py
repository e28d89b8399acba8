"""The keys of the log: seeds outside the database, public halves kept in it for ever.

The newest key of `LOG_KEYS` signs. Its public half is stored before its first signature leaves
the house, so whatever was ever signed stays verifiable when the ring has long dropped the seed.
"""

from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from consent.models import LogKey


class KeyReused(Exception):
    """A number of the ring names another key than it did; old heads would seem forged."""


def signing_key() -> LogKey:
    """The public half of the key that signs now."""
    number, seed = next(iter(settings.LOG_KEYS.items()))
    public = _public(seed)
    key, _ = LogKey.objects.get_or_create(
        number=number, defaults={"public": public, "origin": configured_origin()}
    )
    if bytes(key.public) != public:
        raise KeyReused(f"LOG_KEYS: key {number} is not the one it was; give the new one a number")
    return key


def sign(key: LogKey, message: bytes) -> bytes:
    """An Ed25519 signature by a key whose seed is still in the ring."""
    seed = settings.LOG_KEYS[key.number]
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def public_keys() -> dict[int, bytes]:
    """Every key that ever signed, and the ring's."""
    ring = {number: _public(seed) for number, seed in settings.LOG_KEYS.items()}
    stored = {key.number: bytes(key.public) for key in LogKey.objects.order_by("number")}
    return ring | stored


def configured_origin() -> str:
    """The log's name where it began; a key keeps its own when the portal moves to another host."""
    return f"{urlsplit(settings.PORTAL_URL).netloc}/trust/log"


def _public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
