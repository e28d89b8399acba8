"""What beat wakes up for the portal itself."""

from celery import shared_task
from django.utils import timezone

from clicksend_portal.promises.alerts import alert_owners as alert_all_owners
from clicksend_portal.promises.services import take_readings as take_all_readings
from clicksend_portal.traffic import flush_counts


@shared_task
def take_readings() -> None:
    """Look at every promise and write down what was found."""
    take_all_readings(now=timezone.now())


@shared_task
def flush_page_counts() -> None:
    """Move the page counters from Valkey to the database."""
    flush_counts()


@shared_task
def alert_owners() -> int:
    """Tell who answers for a promise that it turned broken or unknown; how many were told."""
    return alert_all_owners(now=timezone.now())
