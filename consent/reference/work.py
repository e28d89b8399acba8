"""What of the reference program is a reason to look at a customer, and whose work it is."""

import uuid
from collections.abc import Iterator

from django.utils.translation import gettext as _

from accounts.access.work import Work, register_work
from accounts.models.access import Basis
from consent.models import ReferenceUse, SalesCall

State = ReferenceUse.State
Answer = SalesCall.Answer


@register_work
def work_on_references(person_id: uuid.UUID) -> Iterator[Work]:
    """A use in preparation belongs to whoever prepares it, a takedown to its owner."""
    uses = ReferenceUse.objects.filter(person_id=person_id).exclude(state=State.REMOVED)
    for use in uses.select_related("takedown", "topic").prefetch_related("topic__wordings"):
        down = use.state == State.TAKING_DOWN
        handler = use.responsible_id if use.state == State.PLANNED else None
        yield Work(
            basis=Basis.REFERENCE,
            reference=number_of(use.pk),
            label=_("Reference program: %(activity)s, %(place)s")
            % {"activity": use.topic.name, "place": use.get_place_display()},
            rights=("consent.change_takedown" if down else "consent.change_referenceuse",),
            handled_by=whoever(use.takedown.owner_id if down else handler),
        )
    calls = SalesCall.objects.filter(
        person_id=person_id, answer__in=(Answer.OPEN, Answer.ACCEPTED), made_at=None
    )
    for call in calls:
        yield Work(
            basis=Basis.REFERENCE,
            reference=number_of(call.pk),
            label=_("Reference program: a sales call"),
            rights=("consent.change_salescall",),
            handled_by=whoever(call.asked_by_id),
        )


def whoever(handler: uuid.UUID | None) -> frozenset[uuid.UUID]:
    return frozenset() if handler is None else frozenset({handler})


def number_of(key: uuid.UUID) -> str:
    """Short enough to say on the phone; its beginning would be the same for all of one day."""
    return str(key)[-12:]
