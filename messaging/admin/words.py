"""What the outcome of a message is called on staff pages."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# The reasons of `consent_withheld_reason`, of the hand-over and of the audience count.
REASONS: dict[str, str | Promise] = {
    "reached": _("would get it"),
    "not_asked": _("never asked about this topic"),
    "refused": _("said no"),
    "withdrawn": _("said no later"),
    "paused": _("has paused"),
    "not_confirmed": _("address not confirmed"),
    "deactivated": _("account deactivated"),
    "address_changed": _("changed address since"),
    "suppressed": _("address is suppressed"),
    "topic_retired": _("topic is no longer used"),
    "erased": _("erased"),
    "cancelled": _("mailing cancelled"),
}


def reason_words(reason: str) -> str:
    """A reason we do not know is shown as it stands, never hidden."""
    return str(REASONS.get(reason, reason))


def mask_address(address: str) -> str:
    """`k…@example.no`: enough to recognise on the phone, too little to copy."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}" if at else ""
