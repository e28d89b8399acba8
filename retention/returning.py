"""Accounts that their owners deactivated and left: asked once whether they are still wanted.

The rule `deactivated_accounts` asks for their deletion once `RETURN_WITHIN` is over; whoever
reactivates the account meanwhile has answered.
"""

import logging
import uuid
from datetime import datetime

from django.db import transaction

from accounts import emails
from accounts.models import User
from foundation import standstill
from retention.clock import why_clock_doubtful
from retention.policy import DEACTIVATED, RETURN_WITHIN

logger = logging.getLogger(__name__)


def ask_to_return(now: datetime) -> int:
    """One mail each, each in a transaction of its own; none under a clock that cannot be right.

    None in standstill: whoever came back after the backup does not know that they are asked.
    """
    if standstill.why(pages=True):
        return 0
    if doubt := why_clock_doubtful(now):
        logger.error("deactivated accounts were not asked: %s", doubt)
        return 0
    left = User.objects.customers().filter(
        is_active=True,
        asked_to_return_at__isnull=True,
        deactivated_at__lte=DEACTIVATED.cutoff(now),
    )
    return sum(ask_one(person_id, now=now) for person_id in left.values_list("pk", flat=True))


@transaction.atomic
def ask_one(person_id: uuid.UUID, *, now: datetime) -> bool:
    """Whether this one was asked: not if they came back, or another process asked, meanwhile."""
    user = (
        User.objects.select_for_update()
        .filter(pk=person_id, deactivated_at__isnull=False, asked_to_return_at__isnull=True)
        .first()
    )
    if user is None:
        return False
    User.objects.filter(pk=person_id).update(asked_to_return_at=now)
    emails.send_still_wanted(user, until=RETURN_WITHIN.end(now.date()))
    return True
