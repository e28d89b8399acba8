"""What another system is told. Never an address, never a name."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from consent.models import State, Webhook

PAUSED = "paused"
TEST = "webhook.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One sealed event of the log, as it is told."""

    index: int
    event_id: uuid.UUID
    person_id: uuid.UUID
    customer_number: int | None
    topic: str
    kind: str
    state: str
    paused_until: datetime | None
    at: datetime

    @property
    def type(self) -> str:
        """A pause is told as an opt-out: whoever knows two types only writes to none who rest."""
        if self.state == State.GRANTED and self.paused_until is None:
            return Webhook.Event.OPT_IN.value
        return Webhook.Event.OPT_OUT.value

    def body(self) -> str:
        paused = self.state == State.GRANTED and self.paused_until is not None
        return as_body(
            self.type,
            self.at,
            {
                "customer": str(self.person_id),
                "customer_number": self.customer_number,
                "topic": self.topic,
                "kind": self.kind,
                "state": PAUSED if paused else self.state,
                "paused_until": self.paused_until and rfc3339(self.paused_until),
                "index": self.index,
            },
        )


def erasure_body(person_id: uuid.UUID, customer_number: int | None, now: datetime) -> str:
    """All that may still be said: whose data the receiver must now erase too."""
    data = {"customer": str(person_id), "customer_number": customer_number, "state": "erased"}
    return as_body(Webhook.Event.ERASURE.value, now, data)


def test_body(now: datetime) -> str:
    return as_body(TEST, now, {"customer": None})


def as_body(kind: str, at: datetime, data: dict[str, Any]) -> str:
    message = {"type": kind, "timestamp": rfc3339(at), "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


# How the stored body of an opt-in begins: `as_body` writes the type first.
OPT_IN_BEGINS = f'{{"type":"{Webhook.Event.OPT_IN.value}"'

ERASURE_BEGINS = f'{{"type":"{Webhook.Event.ERASURE.value}"'


def type_of(body: str) -> str:
    """The type of a stored message; the body of an erasure that is over is gone."""
    return str(json.loads(body)["type"]) if body else Webhook.Event.ERASURE.value


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
