"""The sender: claims rows of the outbox, hands them over, and says what became of each.

Claims are short and leased; nothing is open in the database during SMTP. A message is in doubt
only between its mark and the server's answer, and what is in doubt is never sent again by itself.
How it does so stands in `messaging.sending`; this is its door.
"""

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from foundation import standstill
from messaging.policy import Lane
from messaging.sending.calling import ProviderDelivery
from messaging.sending.claims import Claimed, claim, reclaim, release, withhold_cancelled
from messaging.sending.engine import Clock, Delivery
from messaging.sending.marks import hand_over, hand_over_many, mark_sent, settle

__all__ = [
    "Claimed",
    "claim",
    "deliver_pending",
    "hand_over",
    "hand_over_many",
    "mark_sent",
    "reclaim",
    "release",
    "settle",
]


def deliver_pending(
    *, clock: Clock = timezone.now, until: datetime | None = None, lane: Lane | None = None
) -> int:
    """Hand over what is due, most urgent first, until nothing is left or `until` has come.

    How many messages were accepted. A standstill stops optional mail, not the rest. A database
    that was restored is met behind a new connection, so each round asks anew; then before each
    claim and each hand-over, for the journal may be lost meanwhile.
    """
    reclaim(now=clock())
    withhold_cancelled(now=clock())
    standstill.forget()
    kind = Delivery if settings.MAIL_TRANSPORT.is_smtp else ProviderDelivery
    delivery = kind(clock=clock, until=until, lane=lane)
    delivery.run()
    return delivery.accepted
