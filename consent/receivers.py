"""What consent hears from accounts, inside the same transaction."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.signals import address_confirmed, customer_registered, staff_left
from consent import services, suppression
from consent.models import Source, Takedown


@receiver(customer_registered)
def record_answers(
    person_id: uuid.UUID,
    answers: Mapping[uuid.UUID, bool],
    language: str,
    now: datetime,
    **_kwargs: Any,
) -> None:
    """Sign-up asked each topic; each answer is an event, a no as much as a yes."""
    services.record_choices(
        person_id,
        answers,
        source=Source.SIGNUP,
        now=now,
        shown=services.Shown(language=language),
    )


@receiver(address_confirmed)
def welcome_back(user: User, **_kwargs: Any) -> None:
    """The address works and its owner acted anew: what stands now is their choices."""
    suppression.lift(user.email, reasons=suppression.BARRED_UNTIL_CONFIRMED)


@receiver(staff_left)
def free_takedowns(user: User, **_kwargs: Any) -> None:
    """Nobody's again: the privacy address is reminded instead, and staff take them over."""
    Takedown.objects.filter(owner=user, closed_at=None).update(owner=None)
