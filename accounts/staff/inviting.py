"""How a staff account begins: a colleague invites by mail, and whoever reads the mail makes it."""

import uuid
from collections.abc import Collection
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import emails
from accounts.models import StaffInvitation, User
from accounts.policy import INVITED_FOR
from accounts.roles import Role
from accounts.staff.refusals import StaffRefusedError, told_why
from accounts.staff.standing import cap, former_staff, in_order, staff_accounts
from foundation.roles import OWNER, as_role

SALT = "accounts.staff.invitation"


def make_link_token(invitation: StaffInvitation) -> str:
    return Signer(salt=SALT, sep=".").sign(invitation.pk.hex)


def find_open(token: str, *, now: datetime) -> StaffInvitation | None:
    """The invitation of a link; None when it was used, withdrawn, is old or not ours."""
    try:
        key = uuid.UUID(hex=Signer(salt=SALT, sep=".").unsign(token))
    except (BadSignature, ValueError):
        return None
    found: StaffInvitation | None = open_invitations(now=now).filter(pk=key).first()
    return found


def open_invitations(*, now: datetime) -> Any:
    return StaffInvitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=now)


def invite(
    *, email: str, roles: Collection[str], actor: User | None, now: datetime, language: str
) -> StaffInvitation:
    """Ask somebody to become staff in these roles. Without an actor it is the command line's.

    An invitation that has run out makes room for a new one; an open one stays the only one. A
    staff account that has ended begins anew with it.
    """
    if not roles or not set(roles) <= set(Role.values):
        raise StaffRefusedError(_("Choose at least one role."))
    if User.objects.with_address(email).exclude(pk__in=former_staff(email)).exists():
        raise StaffRefusedError(_("This address has an account. Staff need one of their own."))
    waiting = open_invitations(now=now).filter(~Q(email__iexact=email)).count()
    if staff_accounts().count() + waiting >= cap():
        raise StaffRefusedError(_("There are as many staff accounts as may be. End one first."))
    by_command = as_role(OWNER) if actor is None else nullcontext()
    with told_why(), transaction.atomic():
        StaffInvitation.objects.filter(
            email__iexact=email, accepted_at=None, withdrawn_at=None, expires_at__lte=now
        ).update(withdrawn_at=now)
        with by_command:
            invitation: StaffInvitation = StaffInvitation.objects.create(
                email=email,
                roles=list(in_order(roles)),
                invited_by=actor,
                invited_at=now,
                expires_at=now + INVITED_FOR,
            )
        emails.send_staff_invitation(
            invitation, token=make_link_token(invitation), language=language
        )
    return invitation


def withdraw(invitation: StaffInvitation, *, now: datetime) -> bool:
    """Its link works no more. False when it was used, withdrawn before."""
    return bool(
        StaffInvitation.objects.filter(
            pk=invitation.pk, accepted_at=None, withdrawn_at=None
        ).update(withdrawn_at=now)
    )


def accept(
    token: str, *, username: str, password: str, language: str, now: datetime, **names: str
) -> User | None:
    """The account, with the roles of the invitation and whoever invited as its first confirmer.

    None when the link no longer fits. The mail proved the address; the second factor comes before
    the first page (`clicksend_portal.admin_site`).
    """
    with told_why(), transaction.atomic():
        found = find_open(token, now=now)
        if found is None:
            return None
        # Two who follow one link queue here.
        invitation = open_invitations(now=now).select_for_update().filter(pk=found.pk).first()
        if invitation is None:
            return None
        former = former_staff(invitation.email).select_for_update(no_key=True).first()
        person: User = former or User(email=invitation.email)
        values = {
            "username": username,
            "language": language,
            "email_confirmed_at": now,
            "is_staff": True,
            "is_active": True,
            "deactivated_at": None,
            **names,
        }
        for name, value in values.items():
            setattr(person, name, value)
        person.set_password(password)
        person.save(force_insert=former is None)
        invitation.accepted_by, invitation.accepted_at = person, now
        invitation.save(update_fields=["accepted_by", "accepted_at"])
        person.confirmations.create(
            roles=invitation.roles, confirmed_by_id=invitation.invited_by_id, confirmed_at=now
        )
        person.groups.set(Group.objects.filter(name__in=invitation.roles))
    return person
