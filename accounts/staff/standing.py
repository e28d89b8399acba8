"""Which staff accounts are in force: those that a colleague confirmed within the year."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, QuerySet

from accounts.models import StaffCap, StaffConfirmation, User
from accounts.policy import CONFIRMED_FOR
from accounts.roles import Role


def newest_confirmation(person: User) -> StaffConfirmation | None:
    found: StaffConfirmation | None = person.confirmations.order_by("-confirmed_at", "-pk").first()
    return found


def confirmed_since(person: User, *, now: datetime) -> bool:
    """Whether the account may still be used; from the very end of the year on it may not."""
    newest = newest_confirmation(person)
    return newest is not None and now - newest.confirmed_at < CONFIRMED_FOR


def staff_accounts() -> QuerySet[Any]:
    """Whoever may sign in to the staff pages, or could once confirmed; with `confirmed_at`."""
    found: QuerySet[Any] = User.objects.filter(is_staff=True, is_active=True)
    dated: QuerySet[Any] = found.annotate(confirmed_at=Max("confirmations__confirmed_at"))
    return dated


def former_staff(email: str) -> QuerySet[Any]:
    """Whoever had a staff account under this address, which has ended and is not deleted yet."""
    found: QuerySet[Any] = User.objects.with_address(email).filter(is_staff=False, is_active=False)
    return found.filter(Exists(StaffConfirmation.objects.filter(person=OuterRef("pk"))))


def administrators(*, now: datetime) -> QuerySet[Any]:
    """Who may let others in, today."""
    return staff_accounts().filter(
        groups__name=Role.ADMINISTRATOR, confirmed_at__gt=now - CONFIRMED_FOR
    )


def cap() -> int:
    """How many staff accounts the database allows; none before its first migration is through."""
    return StaffCap.objects.values_list("most", flat=True).first() or 0


def roles_of(person: User) -> list[Role]:
    """In the order in which roles are always named."""
    return in_order(group.name for group in person.groups.all())


def in_order(slugs: Iterable[str]) -> list[Role]:
    named: Collection[str] = set(slugs)
    return [role for role in Role if role in named]
