"""What retention hears from accounts, inside the same transaction."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from accounts.models import User
from retention.asking import TooLateError, withdraw_deletion
from retention.models import DeletionRequest, Scope


def take_back_deletion(user: User, now: datetime, **_kwargs: Any) -> None:
    """Who comes back to the account wants to keep it; once the work has begun it is too late."""
    waiting = DeletionRequest.objects.filter(
        person_id=user.pk, scope=Scope.EVERYTHING, state=DeletionRequest.State.SCHEDULED
    )
    for reference in waiting.values_list("reference", flat=True):
        with suppress(TooLateError):
            withdraw_deletion(reference, actor="self", now=now)
