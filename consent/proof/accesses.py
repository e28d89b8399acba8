"""What staff saw of somebody, as the bytes that its leaf is the hash of.

It stands in the same log as choices, for the same reason: whoever was looked at can trust that no
look was left out of a list that we show, or put into it, once its head was published.
"""

import uuid
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from accounts.models import AccessEvent
from consent.proof import merkle
from consent.proof.events import canonical

# Another shape of the record gets another number; this one stays for the leaves made with it.
SCHEMA = 1


class Access(NamedTuple):
    """The columns of an access event, for those who read many."""

    id: uuid.UUID
    person_id: uuid.UUID
    actor: str
    role: str
    what: str
    basis: str
    reference: str
    reason: str
    grant_id: uuid.UUID | None
    at: datetime
    salt: bytes


def access_record(event: AccessEvent | Access) -> dict[str, Any]:
    """All of the event. `kind` tells it from a choice, so neither can be passed off as the other.

    Who looked stands there as a fingerprint: a customer may hold the record, and is told the role
    but not the person (CJEU C-579/21, 22 June 2023: of an employee's identity only what the
    customer needs). Whoever knows the key of the account can tell that it is theirs.
    """
    return {
        "kind": "access",
        "schema": SCHEMA,
        "event": str(event.id),
        "person": str(event.person_id),
        "staff": b64encode(sha256(bytes(event.salt) + event.actor.encode()).digest()).decode(),
        "role": event.role,
        "what": event.what,
        "basis": event.basis,
        "reference": event.reference,
        "reason": event.reason,
        "grant": None if event.grant_id is None else str(event.grant_id),
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "salt": b64encode(event.salt).decode(),
    }


def access_hash(event: AccessEvent | Access) -> bytes:
    return merkle.leaf_hash(canonical(access_record(event)))
