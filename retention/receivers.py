"""What retention hears from accounts, inside the same transaction."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from accounts.models import User
from retention.asking import TooLateError, withdraw_deletion
from retention.models import DeletionRequest, PrivacyRequest, Scope


def take_back_deletion(user: User, now: datetime, **_kwargs: Any) -> None:
    """Who comes back to the account wants to keep it; once the work has begun it is too late."""
    waiting = DeletionRequest.objects.filter(
        person_id=user.pk, scope=Scope.EVERYTHING, state=DeletionRequest.State.SCHEDULED
    )
    for reference in waiting.values_list("reference", flat=True):
        with suppress(TooLateError):
            withdraw_deletion(reference, actor="self", now=now)


def free_requests(user: User, **_kwargs: Any) -> None:
    """What a former colleague was to answer waits for everybody again."""
    PrivacyRequest.objects.filter(assigned_to=user, state=PrivacyRequest.State.OPEN).update(
        assigned_to=None
    )
