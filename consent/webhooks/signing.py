"""The three headers of Standard Webhooks."""

import base64
import hmac
import uuid
from collections.abc import Iterable
from datetime import datetime

from consent.webhooks.secrets import PREFIX


def message_id(delivery_id: uuid.UUID) -> str:
    """The same at every attempt, so that the receiver knows what it has already had."""
    return f"msg_{delivery_id.hex}"


def signed_headers(
    message: str, body: bytes, secrets: Iterable[str], *, now: datetime
) -> dict[str, str]:
    """One signature per secret, the newest first, with a space between."""
    timestamp = str(int(now.timestamp()))
    content = b".".join((message.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, content) for secret in secrets),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()
