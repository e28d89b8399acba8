"""The sealer's minute."""

from celery import shared_task
from django.utils import timezone

from consent.sealer import seal_pending


@shared_task(name="consent.tasks.seal_events")
def seal_events() -> int:
    """Give pending events their place in the log."""
    return seal_pending(now=timezone.now())
