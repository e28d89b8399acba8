"""Wake-ups of the mail worker. The work itself is rows; a lost task is made up by the next."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from messaging import services
from messaging.outbox import wake_sender
from messaging.providers import comparing

# A round ends in time for another worker process to get its turn, then wakes the next.
ROUND = timedelta(seconds=30)


@shared_task(name="messaging.tasks.deliver")
def deliver() -> int:
    """Hand over what is due."""
    end = timezone.now() + ROUND
    accepted = services.deliver_pending(until=end)
    if timezone.now() >= end:
        wake_sender()
    return accepted


@shared_task(name="messaging.tasks.run_mailings")
def run_mailings() -> None:
    """Start, resolve and finish mailings."""
    services.run_mailings(now=timezone.now())


# By its name not the mail queue's: that worker's role may read suppressions, not write them.
@shared_task(name="messaging.compare_suppressions")
def compare_suppressions() -> None:
    """Our suppressions beside the mail provider's list."""
    comparing.compare(now=timezone.now())
