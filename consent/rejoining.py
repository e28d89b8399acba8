"""Whether a person has said yes again since: news of an older no must not undo it.

A complaint or a provider's event may come in late or twice, days after its owner rejoined by an act
of their own. What lifts a suppression stands in `consent.services` and `consent.suppression`.
"""

import uuid
from datetime import datetime

from django.db.models import Max

from consent.models import OWN_ACTS, ConsentDetail, State


def newest_own_yes(person_id: uuid.UUID) -> datetime | None:
    """When the person last turned something that was no yes into one; a pause is no yes."""
    own = ConsentDetail.objects.of(person_id).filter(state=State.GRANTED, source__in=OWN_ACTS)
    newest: datetime | None = own.exclude(state_before=State.GRANTED).aggregate(at=Max("at"))["at"]
    return newest


def said_yes_after(person_id: uuid.UUID, moment: datetime) -> bool:
    """Whether a no of that moment is older than the person's own newest word."""
    newest = newest_own_yes(person_id)
    return newest is not None and newest > moment
