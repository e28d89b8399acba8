"""The text of a head, as other tools read it: C2SP tlog-checkpoint in a C2SP signed note. Pure.

The time is the checkpoint's one extension line, so that a head that grows old can be told.
"""

import base64
import hashlib
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ED25519 = b"\x01"  # signed-note's number of the algorithm


def head_text(origin: str, size: int, root: bytes, signed_at: datetime) -> bytes:
    """Exactly what is signed."""
    moment = signed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n{moment}\n".encode()


def verify_head(public: bytes, signature: bytes, text: bytes) -> bool:
    """Whether the key of these 32 bytes signed this text (Ed25519, RFC 8032)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_hash(origin: str, public: bytes) -> bytes:
    """The four bytes by which a note says whose signature it carries."""
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(origin: str, public: bytes) -> str:
    """The public key as tools for signed notes take it."""
    encoded = base64.b64encode(_ED25519 + public).decode()
    return f"{origin}+{key_hash(origin, public).hex()}+{encoded}"


def signed_note(text: bytes, origin: str, public: bytes, signature: bytes) -> bytes:
    line = base64.b64encode(key_hash(origin, public) + signature).decode()
    return text + f"\n— {origin} {line}\n".encode()
