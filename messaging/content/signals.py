"""What customers do to their content, told to the apps above in the same transaction."""

import uuid
from datetime import datetime

from django.db.models import Model
from django.dispatch import Signal

# Both are sent with the model as sender, customer_id and now, and a receiver that must keep rows of
# it for a legal hold raises `ContentHeld`. The one before a batch of them goes at its owner's wish,
# with what was copied of them; the other only asks, and nothing goes.
content_going = Signal()
content_asked = Signal()


class ContentHeld(Exception):
    """A dispute or an authority keeps this from being deleted now."""


def is_held(model: type[Model], customer_id: uuid.UUID, now: datetime) -> bool:
    """Whether a hold keeps rows as they are. Before any of them is locked: the lock of holds is a
    transaction's first."""
    try:
        content_asked.send(sender=model, customer_id=customer_id, now=now)
    except ContentHeld:
        return True
    return False
