"""Wake-ups of consent. The work itself is rows; a lost task is made up by the next."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from accounts.fingerprints import renew_address_hashes
from accounts.mfa import renew_sign_in_secrets
from consent.webhooks.feed import make_deliveries
from consent.webhooks.sending import deliver_pending

# A round ends in time for the next; what is left is claimed again.
ROUND = timedelta(seconds=20)


@shared_task(name="consent.tasks.deliver_webhooks")
def deliver_webhooks() -> int:
    """Tell other systems what was sealed, and who was erased."""
    now = timezone.now()
    make_deliveries(now=now)
    return deliver_pending(until=now + ROUND)


@shared_task(name="consent.tasks.renew_fingerprints")
def renew_fingerprints() -> int:
    """Keep keyed hashes in step with the ring of suppression keys, secrets with SECRET_KEY."""
    return renew_address_hashes() + renew_sign_in_secrets()
