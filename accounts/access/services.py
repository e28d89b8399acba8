"""Opening a customer, and writing down that somebody looked.

What is written names kinds of data, never their content; the customer reads it at `/data/access/`.
"""

import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from django.db import transaction
from django.db.models import CharField

from accounts.access.work import own_work
from accounts.models import User
from accounts.models.access import AccessEvent, AccessGrant, Basis, LookUp, Seen
from accounts.policy import ACCESS_LASTS
from accounts.roles import Role
from foundation.redaction import redact

SALT_BYTES = 16
STAFF = "staff:"
# As which of their roles somebody looks who has several: the one that the work belongs to.
ROLE_FOR: dict[str, Role] = {
    Basis.QUESTION: Role.SUPPORT,
    Basis.DELETION: Role.PRIVACY,
    Basis.REQUEST: Role.PRIVACY,
    Basis.REFERENCE: Role.EDITOR,
    Basis.REVIEW: Role.REVIEWER,
}


@transaction.atomic
def open_access(
    staff: User,
    person: User,
    *,
    basis: str,
    reference: str,
    reason: str = "",
    now: datetime,
) -> AccessGrant:
    """One customer is open to one member of staff for `ACCESS_LASTS`; asked twice it is one.

    The words stand beside the person and are read by them: no address may be among them.
    """
    # Two tabs of theirs queue here, so the second sees what the first has opened.
    User.objects.select_for_update(no_key=True).get(pk=staff.pk)
    if (open_already := current_grant(staff, person.pk, now=now)) is not None:
        return open_already
    grant: AccessGrant = AccessGrant.objects.create(
        staff=staff,
        person=person,
        basis=basis,
        reference=kept("reference", reference),
        reason=kept("reason", reason),
        opened_at=now,
        until=now + ACCESS_LASTS,
    )
    return grant


def kept(name: str, words: str) -> str:
    """Without addresses; what stands for one may be longer than it was, so it is cut."""
    field = cast("CharField[str, str]", AccessGrant._meta.get_field(name))
    return redact(words.strip())[: field.max_length]


def current_grant(staff: User, person_id: uuid.UUID, *, now: datetime) -> AccessGrant | None:
    """What this very person opened and has not run out; a colleague's opens nothing for them."""
    return AccessGrant.objects.filter(
        staff=staff,
        staff__is_staff=True,
        staff__is_active=True,
        person_id=person_id,
        opened_at__lte=now,
        until__gt=now,
    ).first()


def grant_for(staff: User, person_id: uuid.UUID, *, now: datetime) -> AccessGrant | None:
    """What is open, or is opened now because the staff member has work about this person."""
    grant = current_grant(staff, person_id, now=now)
    if grant is not None or (work := own_work(person_id, staff=staff)) is None:
        return grant
    person = User.objects.filter(pk=person_id).first()
    if person is None:
        return None
    return open_access(staff, person, basis=work.basis, reference=work.reference, now=now)


def record_seen(grant: AccessGrant, what: Seen, *, now: datetime) -> None:
    """Before it is shown: what cannot be written down is not seen. Again within the grant is once.

    A unique constraint decides what is "again".
    """
    assert grant.staff is not None  # only an erased colleague's grant has none
    event = AccessEvent(
        person_id=grant.person_id,
        actor=actor_of(grant.staff),
        role=role_of(grant.staff, basis=grant.basis, what=what),
        what=what,
        basis=grant.basis,
        reference=grant.reference,
        reason=grant.reason,
        grant_id=grant.pk,
        at=now,
        salt=secrets.token_bytes(SALT_BYTES),
    )
    AccessEvent.objects.bulk_create([event], ignore_conflicts=True)


@transaction.atomic
def record_search(staff: User, *, by: str, found: Iterable[User], now: datetime) -> None:
    """That somebody searched; whoever was found is told, for being a customer is a fact too."""
    people = [person for person in found if person.pk != staff.pk]
    LookUp.objects.create(staff=staff, by=by, found=bool(people), at=now)
    for person in people:
        AccessEvent.objects.create(
            person_id=person.pk,
            actor=actor_of(staff),
            role=role_of(staff),
            what=Seen.SEARCH,
            basis=Basis.REASON,
            at=now,
            salt=secrets.token_bytes(SALT_BYTES),
        )


def record_closed_door(staff: User, *, found: bool, now: datetime) -> None:
    """Somebody asked for a person by key without a reason, and saw nothing. Counted as a search."""
    LookUp.objects.create(staff=staff, by=LookUp.By.KEY, found=found, at=now)


def record_stranger(staff: User, *, now: datetime) -> None:
    """Somebody without an account was looked at: nobody can read of it, and it counts."""
    LookUp.objects.create(staff=staff, by=LookUp.By.KEY, found=True, at=now)


def actor_of(staff: User) -> str:
    return f"{STAFF}{staff.pk}"


def staff_key(actor: str) -> uuid.UUID | None:
    """Who stands behind an actor's name; nobody where it is no member of staff."""
    try:
        return uuid.UUID(actor.removeprefix(STAFF)) if actor.startswith(STAFF) else None
    except ValueError:
        return None


def role_of(staff: User, *, basis: str = "", what: str = "") -> str:
    """By which role the customer reads of it: the one the work belongs to, or the first held."""
    held = set(staff.groups.values_list("name", flat=True))
    wanted = Role.BILLING if what == Seen.BILLING else ROLE_FOR.get(basis)
    if wanted in held:
        return str(wanted)
    return next((str(role) for role in Role if role in held), str(Role.ADMINISTRATOR))
