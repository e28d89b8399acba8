"""Each morning: what is due soon, and what staff began and nobody confirmed in time."""

import logging
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from foundation import standstill
from retention import emails
from retention.asking import day_of
from retention.clock import why_clock_unsettled
from retention.desk.authorities import authority_for
from retention.models import DeletionRequest
from retention.policy import WARN_AFTER, WARN_BEFORE

logger = logging.getLogger(__name__)
# No day on earth begins earlier before that of UTC.
FIRST_DAY = timedelta(hours=14)


def watch_deletions(now: datetime) -> int:
    """Daily: tell the privacy address once of each that is open after 20 days, or due within 10;
    how many.

    One that nobody confirmed by the day on which it is due is over: whoever asked can ask again.
    None in standstill: in a restored database one may wait that was confirmed and done long ago.
    """
    if standstill.why(pages=True):
        return 0
    if doubt := why_clock_unsettled(now):
        logger.error("no deletion lapses: %s", doubt)
    else:
        lapse_all(now)
    return warn(now)


def lapse_all(now: datetime) -> None:
    unconfirmed = DeletionRequest.objects.unconfirmed()
    for key in unconfirmed.filter(due_on__lt=(now + FIRST_DAY).date()).values_list("pk", flat=True):
        try:
            lapse(key, now=now)
        except Exception:
            logger.exception("deletion request %s did not lapse; the next morning tries", key)


@transaction.atomic
def lapse(request_id: uuid.UUID, *, now: datetime) -> bool:
    """Over, once the last day of the law's month has ended where the customer is; and who can be
    told is told: that nothing was done, why, and where to complain (GDPR art. 12 (4)).

    The account is locked first, as by a confirmation: one that comes in this moment is heard.
    """
    request = DeletionRequest.objects.unconfirmed().filter(pk=request_id).first()
    if request is None:
        return False
    user = User.objects.select_for_update().filter(pk=request.person_id).first()
    today = now.date() if user is None else day_of(user, now)
    lapsed = (
        DeletionRequest.objects.unconfirmed()
        .filter(pk=request_id, due_on__lt=today)
        .update(
            state=DeletionRequest.State.WITHDRAWN,
            lapsed=True,
            finished_at=now,
            person_id=None,
            contact_list_id=None,
            check_note="",
        )
    )
    if lapsed and user is not None and user.is_confirmed:
        emails.send_deletion_lapsed(user, request, authority_for(user.legal_entity))
    return bool(lapsed)


@transaction.atomic
def warn(now: datetime) -> int:
    """Also of those that nobody has confirmed: without a second look they end with their month.

    One that the desk had before may be due sooner than the day of asking tells.
    """
    is_due = Q(requested_at__lte=now - WARN_AFTER) | Q(due_by_law__lte=now.date() + WARN_BEFORE)
    waiting = DeletionRequest.objects.under_way().filter(is_due, warned_at__isnull=True)
    requests = list(waiting.select_for_update())
    if requests:
        emails.send_deletions_due(requests, today=now.date())
        DeletionRequest.objects.filter(pk__in=[each.pk for each in requests]).update(warned_at=now)
    return len(requests)
