"""DKIM signatures (RFC 6376) by RSA-SHA256 or Ed25519-SHA256 (RFC 8463), as the key is.

RFC 8058 section 4 wants List-Unsubscribe and List-Unsubscribe-Post covered. Without a key nothing
is signed; a mail provider's API signs by itself.
"""

import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

type Key = RSAPrivateKey | Ed25519PrivateKey

# Named once more than a mail has them, so that none can be added on the way (RFC 6376 8.15).
SEALED = (
    *(b"From", b"To", b"Cc", b"Reply-To", b"Subject", b"Date", b"Message-ID"),
    *(b"MIME-Version", b"Content-Type", b"List-Unsubscribe", b"List-Unsubscribe-Post"),
)
# Relays put a second one of these beside ours, which must not break the signature.
SIGNED = (*SEALED, b"Content-Transfer-Encoding", b"List-Id", b"Feedback-ID", b"Auto-Submitted")

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*?)\r\n(?![ \t])", re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]+")
_SPACES = re.compile(rb"[ \t]+")
_LINE = 72


def sign(message: bytes) -> bytes:
    """The message with its signature in front; as it came when there is no key."""
    if not settings.DKIM_KEY:
        return message
    key = _key(settings.DKIM_KEY)
    head, _, body = message.partition(b"\r\n\r\n")
    fields = {name.lower(): value for name, value in _FIELD.findall(head + b"\r\n")}
    present = [name for name in SIGNED if name.lower() in fields]
    unsigned = b"\r\n ".join(
        [
            b" v=1; a=%b; c=relaxed/relaxed;" % _algorithm(key),
            b"d=%b; s=%b;" % (settings.DKIM_DOMAIN.encode(), settings.DKIM_SELECTOR.encode()),
            *_names((*present, *SEALED)),
            b"bh=%b;" % b64encode(sha256(relaxed_body(body)).digest()),
            b"b=",
        ]
    )
    covered = [_relaxed(name, fields[name.lower()]) for name in present]
    covered.append(_relaxed(b"dkim-signature", unsigned))
    signature = b64encode(_signature(key, b"\r\n".join(covered)))
    lines = [signature[at : at + _LINE] for at in range(0, len(signature), _LINE)]
    return b"DKIM-Signature:%b%b\r\n%b" % (unsigned, b"\r\n ".join(lines), message)


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 3.4.4: runs of space are one, none ends a line, no empty lines end the body."""
    if b"  " in body or b"\t" in body:
        body = _SPACES.sub(b" ", body)
    if b" \r\n" in body:
        body = body.replace(b" \r\n", b"\r\n")
    body = body.removesuffix(b" ").rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _relaxed(name: bytes, value: bytes) -> bytes:
    """RFC 6376 3.4.2: the name in small letters, the value unfolded with single spaces."""
    return name.lower() + b":" + _SPACE.sub(b" ", value).strip(b" ")


@lru_cache(maxsize=8)
def _names(names: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """`h=` in lines that no relay has to fold."""
    lines = [b"h="]
    for name in names:
        if len(lines[-1]) + len(name) > _LINE:
            lines.append(b"")
        lines[-1] += name + b":"
    return (*lines[:-1], lines[-1].removesuffix(b":") + b";")


@lru_cache(maxsize=2)
def _key(pem: str) -> Key:
    key = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, RSAPrivateKey | Ed25519PrivateKey)  # the environment took no other
    return key


def _algorithm(key: Key) -> bytes:
    return b"rsa-sha256" if isinstance(key, RSAPrivateKey) else b"ed25519-sha256"


def _signature(key: Key, covered: bytes) -> bytes:
    """Ed25519 signs the hash of what it covers, not the thing itself (RFC 8463 section 3)."""
    if isinstance(key, RSAPrivateKey):
        return key.sign(covered, PKCS1v15(), SHA256())
    return key.sign(sha256(covered).digest())
