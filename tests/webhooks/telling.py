"""What beat does every few seconds, at a moment the test names."""

from datetime import datetime

from accounts.models import User
from consent import services
from consent.models import Delivery, Source
from consent.proof.sealer import seal_pending
from consent.webhooks.feed import make_deliveries
from consent.webhooks.sending import deliver_pending
from tests.factories import NOW, topic


def tell(now: datetime = NOW) -> int:
    """Seal, make rows, call."""
    seal_pending(now=now)
    make_deliveries(now=now)
    return deliver_pending(clock=lambda: now)


def say_no(person: User, slug: str = "newsletter", *, now: datetime = NOW) -> None:
    services.record_opt_out(person.pk, [topic(slug).pk], source=Source.ONE_CLICK, now=now)


def the_delivery() -> Delivery:
    found: Delivery = Delivery.objects.get()
    return found
