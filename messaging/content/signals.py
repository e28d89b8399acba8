"""What customers do to their content, told to the apps above in the same transaction."""

import uuid
from datetime import datetime

from django.db.models import Model
from django.dispatch import Signal

# Sent with the model as sender, customer_id and now, before a batch of it goes at its owner's
# wish. A receiver that must keep it for a legal hold raises `ContentHeld`.
content_going = Signal()


class ContentHeld(Exception):
    """A dispute or an authority keeps this from being deleted now."""


def is_held(model: type[Model], customer_id: uuid.UUID, now: datetime) -> bool:
    """Whether a hold keeps what would go. Before any row is locked: the lock of holds is a
    transaction's first."""
    try:
        content_going.send(sender=model, customer_id=customer_id, now=now)
    except ContentHeld:
        return True
    return False
