"""How a staff account ends: everything at once, in one transaction."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import signals
from accounts.models import (
    PersonalToken,
    Session,
    StaffInvitation,
    SupportQuestion,
    User,
)
from accounts.staff.refusals import StaffRefusedError
from accounts.staff.standing import administrators


def end_account(person: User, *, actor: User | None, now: datetime) -> bool:
    """Sign-in, sessions, keys and roles end; false when they had.

    Whoever is signed in is out with their next request, and an open half-hour with a customer opens
    nothing any more (`accounts.access`). Work that was theirs waits for everybody again. The name
    stays beside what they approved until the account is deleted.
    """
    if actor is not None and actor.pk == person.pk:
        raise StaffRefusedError(_("Somebody else must end your account."))
    with transaction.atomic():
        # Both rows, in the order of their keys: two who end each other queue, and one stays.
        keys = [person.pk] if actor is None else [person.pk, actor.pk]
        rows = User.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
        left: User = {row.pk: row for row in rows}[person.pk]
        if actor is not None and not administrators(now=now).filter(pk=actor.pk).exists():
            raise StaffRefusedError(
                _("Only another administrator of roles, confirmed within the year, may do this.")
            )
        if not left.is_staff:
            return False
        left.is_staff = left.is_active = False
        left.deactivated_at = now
        left.set_unusable_password()
        left.save(update_fields=["is_staff", "is_active", "deactivated_at", "password"])
        left.groups.clear()
        Session.objects.filter(user=left).delete()
        PersonalToken.objects.filter(user=left).delete()
        Authenticator.objects.filter(user=left).delete()
        # A wish to move the account to another address must not outlive it.
        EmailAddress.objects.filter(user=left).delete()
        StaffInvitation.objects.filter(invited_by=left, accepted_at=None, withdrawn_at=None).update(
            withdrawn_at=now
        )
        SupportQuestion.objects.filter(assigned_to=left).exclude(
            state=SupportQuestion.State.CLOSED
        ).update(assigned_to=None)
        signals.staff_left.send(sender=User, user=left, now=now)
    return True
