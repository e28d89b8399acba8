"""Whether anything may be tailored to a person's profile (`purpose-bound`)."""

import uuid

from django.http import HttpRequest

from consent.gpc import asks_for_privacy
from consent.models import Preference, State
from consent.topics import TAILORING


def is_tailored(person_id: uuid.UUID, request: HttpRequest | None = None) -> bool:
    """Only by a yes of their own; on a page, also only if the browser does not ask otherwise.

    Whoever shows a page asks with its request, and answers with `Vary: Sec-GPC`
    (`consent.gpc.varies_on_gpc`). A mail that was asked for is made without one.
    """
    if request is not None and asks_for_privacy(request):
        return False
    return (
        Preference.objects.of(person_id)
        .filter(topic__slug=TAILORING, topic__retired_at=None, state=State.GRANTED)
        .exists()
    )
