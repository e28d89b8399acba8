"""How the log's parts are written for programs: bytes as base64, times as RFC 3339."""

import base64
from datetime import UTC, datetime
from typing import Any

from consent.models import Head


def encoded(data: bytes | memoryview) -> str:
    return base64.b64encode(bytes(data)).decode()


def second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def head_record(head: Head) -> dict[str, Any]:
    """Together with the key named, all that is needed to check the signature."""
    return {
        "origin": head.key.origin,
        "size": head.size,
        "root": encoded(head.root),
        "time": second(head.signed_at),
        "key": head.key_id,
        "signature": encoded(head.signature),
    }
