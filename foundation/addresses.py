"""One normal form for e-mail addresses, and the keyed hash under which they outlive a person.

Case, Unicode form and internationalised domains are folded; nothing a provider may treat
differently (dots, plus tags) is guessed at.
"""

import hashlib
import hmac
import unicodedata
import uuid
from contextlib import suppress

from django.conf import settings


def normalise_address(address: str) -> str:
    """The form in which two spellings of one address are equal."""
    local, _, domain = unicodedata.normalize("NFC", address.strip()).rpartition("@")
    domain = domain.rstrip(".").lower()
    # What is no host name is refused by validation elsewhere; here it must only be stable.
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode()
    return f"{unicodedata.normalize('NFC', local.casefold())}@{domain}"


def small_letters(contact: str) -> str:
    """An address as PostgreSQL's `lower` has it, letter by letter, which indexes and their
    questions go by. Python's own would end a Greek word with another letter than stands inside it.
    """
    if contact.isascii():
        return contact.lower()
    # Of this one Python makes two.
    return "".join("i" if letter == "\u0130" else letter.lower() for letter in contact)


def address_hashes(address: str) -> list[bytes]:
    """HMAC-SHA256 of the normal form under every live suppression key, newest first."""
    normal = normalise_address(address).encode()
    return [hmac.digest(key, normal, "sha256") for key in settings.SUPPRESSION_KEYS.values()]


def active_key() -> int:
    """The id of the newest suppression key."""
    return next(iter(settings.SUPPRESSION_KEYS))


def address_hash(key_id: int, address: str) -> bytes:
    """The keyed hash of the normal form under one key of the ring."""
    key = settings.SUPPRESSION_KEYS[key_id]
    return hmac.digest(key, normalise_address(address).encode(), hashlib.sha256)


def person_hash(key_id: int, person_id: uuid.UUID) -> bytes:
    """The keyed hash of a person's key. No address has it: their normal form holds an `@`."""
    key = settings.SUPPRESSION_KEYS[key_id]
    return hmac.digest(key, f"person:{person_id}".encode(), hashlib.sha256)
