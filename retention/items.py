"""The register of paper, disks and tapes, and how each ends: signed for by two people.

Policy: data no longer needed is deleted, "electronic and physical". An item is there until its
destruction has two signatures of two different people of our staff; then nothing about it changes,
and a certificate can be printed. The database holds both (retention/0009_items). Nobody signs while
a legal hold keeps the item, and it is not late then (retention/0012_items_and_holds).
"""

import uuid
from collections.abc import Collection
from datetime import UTC, date, datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from retention.asking import day_of
from retention.holding import held_by, hold_lock, holds_now, named
from retention.models import Destruction, PhysicalItem
from retention.schedule import ENTRIES

ITEM = "retention.PhysicalItem"


class SignatureRefused(Exception):
    """Why this signature cannot be given or taken back now."""


def still_here() -> QuerySet[PhysicalItem]:
    """Everything whose end two people have not signed for, what is due first at the top."""
    return PhysicalItem.objects.exclude(destruction__countersigned_at__isnull=False).order_by(
        "due_on", "serial"
    )


def overdue(now: datetime) -> QuerySet[PhysicalItem]:
    """Past the day by which they had to be destroyed. Each breaks `gone-when-needless`.

    What a legal hold keeps is not: it must be there.
    """
    return free(still_here().filter(due_on__lt=today(now)), now=now)


def free(rows: QuerySet[PhysicalItem], *, now: datetime) -> QuerySet[PhysicalItem]:
    """Without those that a hold in force names."""
    for condition in named(ENTRIES[ITEM], holds_now(now)):
        rows = rows.exclude(condition)
    return rows


def held_for(keys: Collection[uuid.UUID], *, now: datetime) -> dict[uuid.UUID, str]:
    """The case numbers of the holds that keep them, of those that are kept."""
    found: dict[uuid.UUID, list[str]] = {}
    for hold in holds_now(now):
        if (condition := held_by(hold, ENTRIES[ITEM])) is not None:
            rows = PhysicalItem.objects.filter(condition, pk__in=keys)
            for key in rows.values_list("pk", flat=True):
                found.setdefault(key, []).append(hold.reference)
    return {key: ", ".join(references) for key, references in found.items()}


def refuse_held(item_id: uuid.UUID, *, now: datetime) -> None:
    """Called first in the transaction: nobody places a hold until it is over."""
    hold_lock(shared=True)
    if reference := held_for([item_id], now=now).get(item_id):
        raise SignatureRefused(
            _(
                "The legal hold %(reference)s keeps it: nobody signs for its destruction until "
                "that is released."
            )
            % {"reference": reference}
        )


def today(now: datetime) -> date:
    return now.astimezone(UTC).date()


@transaction.atomic
def sign_destruction(
    item_id: uuid.UUID,
    *,
    method: str,
    tool: str,
    place: str,
    destroyed_on: date,
    verified_how: str,
    performed_by: str,
    actor: User,
    now: datetime,
) -> Destruction:
    """The first signature, of whoever destroyed it or saw it done. The item stands still now.

    On the day it happens already, where they are: the day of UTC may not have begun there.
    """
    refuse_held(item_id, now=now)
    item = PhysicalItem.objects.select_for_update().get(pk=item_id)
    if Destruction.objects.filter(item=item).exists():
        raise SignatureRefused(_("Its destruction is signed for already."))
    if not item.kept_since <= destroyed_on <= day_of(actor, now):
        raise SignatureRefused(_("It cannot be destroyed before it was there, nor in the future."))
    return Destruction.objects.create(
        item=item,
        method=method,
        tool=tool,
        place=place,
        destroyed_on=destroyed_on,
        verified_how=verified_how,
        performed_by=performed_by,
        signed_by=actor,
        signed_at=now,
    )


@transaction.atomic
def countersign_destruction(
    destruction_id: uuid.UUID, *, verified_by: str, actor: User, now: datetime
) -> Destruction:
    """The second signature, of somebody else who made sure of it. From here on nothing changes."""
    of = Destruction.objects.filter(pk=destruction_id).values_list("item_id", flat=True).first()
    if of is not None:
        refuse_held(of, now=now)
    destruction = Destruction.objects.select_for_update().filter(pk=destruction_id).first()
    if destruction is None or destruction.countersigned_at is not None:
        raise SignatureRefused(_("There is no destruction that waits for a second signature."))
    if destruction.signed_by_id == actor.pk:
        raise SignatureRefused(_("The second signature must be somebody else's."))
    destruction.verified_by = verified_by
    destruction.countersigned_by = actor
    destruction.countersigned_at = now
    destruction.save(update_fields=["verified_by", "countersigned_by", "countersigned_at"])
    return destruction


@transaction.atomic
def take_back_signature(destruction_id: uuid.UUID, *, actor: User) -> None:
    """A record that is wrong goes before its second signature, and the item is there again."""
    destruction = Destruction.objects.select_for_update().filter(pk=destruction_id).first()
    if destruction is None or destruction.countersigned_at is not None:
        raise SignatureRefused(_("There is no destruction that waits for a second signature."))
    destruction.delete()
