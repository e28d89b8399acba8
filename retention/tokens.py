"""The secrets that links in mails about deletions carry. Nothing here reads the database."""

import enum
import hmac
import re
import uuid

from django.conf import settings
from django.utils.crypto import salted_hmac

# The request's reference and the proof.
_FORM = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{64})")


class Purpose(enum.StrEnum):
    """What a link may do; one made for the one never does the other."""

    CONFIRM = "retention.confirm"
    WITHDRAW = "retention.withdraw"


def _proofs(purpose: Purpose, reference: uuid.UUID, address: str) -> list[str]:
    """Under every live key. The address is a part of it: a link to a former one is worth nothing.

    What the link does changes the request's state, so it does it once.
    """
    return [
        salted_hmac(purpose, f"{reference}|{address}", secret=key, algorithm="sha256").hexdigest()
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def make_token(purpose: Purpose, reference: uuid.UUID, address: str) -> str:
    return f"{reference.hex}.{_proofs(purpose, reference, address)[0]}"


def read_reference(token: str) -> uuid.UUID | None:
    """Which request a link names; nothing is proved by that yet."""
    form = _FORM.fullmatch(token)
    return None if form is None else uuid.UUID(hex=form[1])


def token_fits(token: str, purpose: Purpose, reference: uuid.UUID, address: str) -> bool:
    proof = token.rpartition(".")[2]
    return any(
        hmac.compare_digest(proof.encode(), one.encode())
        for one in _proofs(purpose, reference, address)
    )
