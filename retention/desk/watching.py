"""Each morning: what came to the desk, and what the law wants answered soon."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from retention.desk import emails
from retention.models import PrivacyRequest
from retention.policy import WARN_BEFORE


@transaction.atomic
def watch_requests(now: datetime) -> int:
    """Tell the privacy address, of each request once that it came and once that it is due soon.

    How many were told of. Two workers at once tell of each once: the rows are locked.
    """
    today = timezone.localdate(now)
    soon = Q(warned_at=None, due_on__lte=today + WARN_BEFORE)
    waiting = PrivacyRequest.objects.filter(state=PrivacyRequest.State.OPEN)
    told = list(
        waiting.filter(Q(announced_at=None) | soon)
        .order_by("due_on", "received_at")
        .select_for_update(skip_locked=True)
    )
    if not told:
        return 0
    due = [each for each in told if each.due_on <= today + WARN_BEFORE and not each.warned_at]
    new = [each for each in told if each not in due]
    keys = [each.pk for each in told]
    PrivacyRequest.objects.filter(pk__in=keys, announced_at=None).update(announced_at=now)
    PrivacyRequest.objects.filter(pk__in=[each.pk for each in due]).update(warned_at=now)
    emails.send_desk_digest(new, due, today=today)
    return len(told)
