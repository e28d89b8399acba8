"""Why something about staff accounts is not done, in words for whoever asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError
from django.utils.translation import gettext as _


class StaffRefusedError(Exception):
    """Its text is shown as it is."""


def _why(constraint: str) -> str:
    """What a constraint of the database means (accounts/0007 and 0008); empty for another's."""
    reasons = {
        "accounts_staff_cap": _("There are as many staff accounts as may be. End one first."),
        "accounts_confirmed_by_administrator": _(
            "Only another administrator of roles, confirmed within the year, may do this."
        ),
        "accounts_confirmed_by_another": _("Somebody else must confirm your account."),
        "accounts_invited_by_administrator": _(
            "Only an administrator of roles, confirmed within the year, may invite."
        ),
        "accounts_one_open_invitation": _("This address has an open invitation already."),
        "accounts_user_username": _("This user name is taken. Choose another."),
        "accounts_user_address_key": _("This address has an account. Staff need one of their own."),
    }
    found = [reason for name, reason in reasons.items() if constraint.startswith(name)]
    return found[0] if found else ""


@contextmanager
def told_why() -> Iterator[None]:
    """What the database refuses becomes words; what is no matter of staff stays an error."""
    try:
        yield
    except IntegrityError as error:
        cause = error.__cause__
        name = getattr(getattr(cause, "diag", None), "constraint_name", None) or ""
        if reason := _why(name):
            raise StaffRefusedError(reason) from error
        raise
