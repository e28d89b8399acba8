"""What accounts do by the clock."""

from celery import shared_task
from django.utils import timezone

from accounts import support
from accounts.access import alarms
from accounts.staff import confirming


@shared_task(name="accounts.tasks.close_answered_questions")
def close_answered_questions() -> int:
    """Nightly: questions that were answered a month ago."""
    return support.close_answered(timezone.now())


@shared_task(name="accounts.tasks.warn_of_confirmations")
def warn_of_confirmations() -> int:
    """Nightly: staff accounts whose year is over within the month."""
    return confirming.warn(now=timezone.now())


@shared_task(name="accounts.tasks.watch_look_ups")
def watch_look_ups() -> int:
    """Hourly: staff who looked up unusually many people."""
    return alarms.watch_look_ups(timezone.now())
