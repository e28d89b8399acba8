"""Wake-ups of consent. The work itself is rows; a lost task is made up by the next."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from accounts.fingerprints import renew_address_hashes
from accounts.mfa import renew_sign_in_secrets
from consent.reference import services
from consent.reference.checking import check_takedowns as look_at_takedowns
from consent.reference.reminding import remind_owners
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


@shared_task(name="consent.tasks.expire_calls")
def expire_calls() -> int:
    """A request for a sales call that nobody answered in time is a no."""
    return services.expire_calls(now=timezone.now())


@shared_task(name="consent.tasks.check_takedowns")
def check_takedowns() -> int:
    """Look at pages of ours from which a reference must go."""
    now = timezone.now()
    return look_at_takedowns(now=now, until=now + ROUND)


@shared_task(name="consent.tasks.remind_takedown_owners")
def remind_takedown_owners() -> int:
    """Tell whoever owns a takedown that is new, nearly due, or late."""
    return remind_owners(now=timezone.now())
