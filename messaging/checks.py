"""What must hold of the settings before anything is sent."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error

from messaging.announcing import has_own_sender


def check_own_sender(app_configs: Sequence[Any] | None, **_kwargs: Any) -> list[CheckMessage]:
    """`service-is-service`: filters and readers tell the kinds of mail apart by their sender."""
    if has_own_sender():
        return []
    return [
        Error(
            "SERVICE_FROM and NEWS_FROM are the same address.",
            hint="Give service announcements a sender address of their own.",
            id="messaging.E001",
        )
    ]
