"""What retention hears from below, inside the same transaction."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.dispatch import receiver

from foundation.tenants import as_tenant
from messaging.content.signals import ContentHeld, content_asked, content_going
from retention.holding import hold_lock, is_person_held
from retention.models import Export
from retention.schedule import ENTRIES


@receiver(content_asked)
def keep_what_is_held(
    sender: type[Model], customer_id: uuid.UUID, now: datetime, **_kwargs: Any
) -> None:
    """A customer's own wish does not end a legal hold, and none is placed in mid-batch."""
    hold_lock(shared=True)
    if is_person_held(ENTRIES[sender._meta.label], customer_id, now=now):
        raise ContentHeld


@receiver(content_going)
def let_copies_go(
    sender: type[Model], customer_id: uuid.UUID, now: datetime, **_kwargs: Any
) -> None:
    """What may go is not to stay in an archive either."""
    keep_what_is_held(sender, customer_id, now)
    let_archives_go(customer_id)


def let_archives_go(customer_id: uuid.UUID) -> None:
    """Those that are ready go; one that is being made is begun anew, by the next round."""
    with as_tenant(customer_id):
        theirs = Export.objects.filter(customer_id=customer_id)
        # In this order: the first waits for a worker that is just finishing one.
        theirs.filter(state=Export.State.RUNNING).update(
            state=Export.State.REQUESTED, moved_at=None, checkpoint={}
        )
        theirs.filter(state=Export.State.READY).delete()
