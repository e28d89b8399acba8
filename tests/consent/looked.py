"""Staff that looked at a customer, as the rows say it."""

import itertools
import secrets
from datetime import datetime, timedelta
from typing import Any

from accounts.models import AccessEvent, AccessGrant, User
from tests.factories import NOW, make_staff

_numbers = itertools.count(1)


def look(
    person: User,
    *,
    what: str = "profile",
    at: datetime = NOW,
    staff: User | None = None,
    **fields: Any,
) -> AccessEvent:
    """One look, under a reason of its own; a search, which comes before any."""
    staff = staff or make_staff(roles=("support",))
    why = {"basis": "reason", "reference": f"case {next(_numbers)}", "reason": "A letter of theirs"}
    why |= {name: fields.pop(name) for name in why if name in fields}
    grant_id = None
    if what != "search":
        grant = AccessGrant.objects.create(
            staff=staff, person=person, opened_at=at, until=at + timedelta(minutes=30), **why
        )
        grant_id = grant.pk
    event: AccessEvent = AccessEvent.objects.create(
        person_id=person.pk,
        actor=f"staff:{staff.pk}",
        what=what,
        grant_id=grant_id,
        at=at,
        salt=secrets.token_bytes(16),
        **({"role": "support"} | why | fields),
    )
    return event
