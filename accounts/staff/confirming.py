"""That an account is still needed, said each year by a colleague; a change of roles is the same."""

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import emails
from accounts.models import StaffConfirmation, User
from accounts.policy import CONFIRM_WARNING, CONFIRMED_FOR
from accounts.roles import Role
from accounts.staff.refusals import StaffRefusedError, told_why
from accounts.staff.standing import administrators, in_order, roles_of, staff_accounts


def confirm(person: User, *, roles: Collection[str], actor: User, now: datetime) -> None:
    """From now on the account has these roles and no others, for a year; whoever has it is told
    when they are others than before."""
    if actor.pk == person.pk:
        raise StaffRefusedError(_("Somebody else must confirm your account."))
    if not roles or not set(roles) <= set(Role.values):
        raise StaffRefusedError(_("Choose at least one role."))
    with told_why(), transaction.atomic():
        # Two at once: the later one's roles stand, with its confirmation beside them.
        locked: User = User.objects.select_for_update().get(pk=person.pk)
        if not (locked.is_staff and locked.is_active):
            raise StaffRefusedError(_("This account has ended. Invite its owner anew."))
        before = roles_of(locked)
        locked.confirmations.create(
            roles=list(in_order(roles)), confirmed_by=actor, confirmed_at=now
        )
        locked.groups.set(Group.objects.filter(name__in=roles))
        after = in_order(roles)
        if before != after:
            emails.send_staff_roles(locked, roles=after)


def due_for_confirmation(*, now: datetime) -> list[User]:
    """Whose year is over within the month, or is over; the soonest first."""
    due = staff_accounts().filter(confirmed_at__lte=now - CONFIRMED_FOR + CONFIRM_WARNING)
    never = staff_accounts().filter(confirmed_at=None)
    return [*never, *due.order_by("confirmed_at")]


def warn(*, now: datetime) -> int:
    """Tell each of them once, and every administrator who may confirm; how many accounts."""
    told = 0
    for person in due_for_confirmation(now=now):
        with transaction.atomic():
            newest = (
                StaffConfirmation.objects.select_for_update()
                .filter(person=person)
                .order_by("-confirmed_at", "-pk")
                .first()
            )
            if newest is None or newest.warned_at is not None:
                continue
            newest.warned_at = now
            newest.save(update_fields=["warned_at"])
            until = newest.confirmed_at + CONFIRMED_FOR
            emails.send_staff_confirmation_due(person, until=until)
            for colleague in administrators(now=now).exclude(pk=person.pk):
                emails.send_staff_to_confirm(colleague, person=person, until=until)
            told += 1
    return told
