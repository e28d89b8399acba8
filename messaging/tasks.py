"""Wake-ups of the mail workers. The work itself is rows; a lost task is made up by the next."""

import uuid
from datetime import timedelta

from celery import shared_task
from django.db import connection
from django.utils import timezone

from foundation import standstill
from messaging import services
from messaging.content import services as content
from messaging.content import uploads
from messaging.outbox import wake_sender
from messaging.policy import Lane
from messaging.providers import comparing

# A round ends in time for another worker process to get its turn, then wakes the next.
ROUND = timedelta(seconds=30)
_MAILINGS = "hashtext('messaging'), hashtext('run_mailings')"


@shared_task(name="messaging.tasks.deliver")
def deliver() -> int:
    """Hand over account mail and service announcements that are due."""
    return _deliver(Lane.URGENT)


@shared_task(name="messaging.tasks.deliver_campaigns")
def deliver_campaigns() -> int:
    """Hand over what campaigns have due."""
    return _deliver(Lane.CAMPAIGNS)


def _deliver(lane: Lane) -> int:
    end = timezone.now() + ROUND
    accepted = services.deliver_pending(until=end, lane=lane)
    if timezone.now() >= end:
        wake_sender(lane)
    return accepted


@shared_task(name="messaging.tasks.run_mailings")
def run_mailings() -> None:
    """Start, resolve, stop and finish mailings; one process at a time."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock({_MAILINGS})")
        if not cursor.fetchone()[0]:
            return
        try:
            services.run_mailings(now=timezone.now())
        finally:
            cursor.execute(f"SELECT pg_advisory_unlock({_MAILINGS})")


@shared_task(name="messaging.tasks.read_uploads")
def read_uploads(upload_id: str) -> None:
    """What the customer of this file has confirmed; another customer's turn comes in between.

    In standstill whoever said no may be known to the journal alone; `wake_uploads` comes back.
    """
    if standstill.why(pages=True):
        return
    until = timezone.now() + ROUND
    owner = uploads.owner_of(uuid.UUID(upload_id))
    if owner is not None and not uploads.read_uploads(owner, now=timezone.now, until=until):
        uploads.wake_reader(uuid.UUID(upload_id))


# By its name the keeper's, who alone sees whose files wait.
@shared_task(name="messaging.wake_uploads")
def wake_uploads() -> None:
    """Files whose reader was lost with the broker or killed."""
    for upload_id in uploads.uploads_waiting():
        uploads.wake_reader(upload_id)


# By its name the keeper's, who alone sees whose contacts a hold has kept.
@shared_task(name="messaging.remove_opted_out")
def remove_opted_out() -> int:
    """Nightly: contacts who said no while a legal hold kept them, and any that were reported."""
    return content.remove_opted_out(now=timezone.now())


# By its name not the mail queue's: that worker's role may read suppressions, not write them.
@shared_task(name="messaging.compare_suppressions")
def compare_suppressions() -> None:
    """Our suppressions beside the mail provider's list."""
    comparing.compare(now=timezone.now())
