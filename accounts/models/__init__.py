"""People, their sessions and bills, what they ask us, and the staff who look at it."""

from accounts.models.access import AccessAlarm, AccessEvent, AccessGrant, Basis, LookUp, Seen
from accounts.models.people import (
    Invoice,
    PersonalToken,
    Session,
    SupportChannel,
    Transaction,
    User,
)
from accounts.models.staff import StaffAccount, StaffCap, StaffConfirmation, StaffInvitation
from accounts.models.support import SupportEntry, SupportQuestion

__all__ = [
    "AccessAlarm",
    "AccessEvent",
    "AccessGrant",
    "Basis",
    "Invoice",
    "LookUp",
    "PersonalToken",
    "Seen",
    "Session",
    "StaffAccount",
    "StaffCap",
    "StaffConfirmation",
    "StaffInvitation",
    "SupportChannel",
    "SupportEntry",
    "SupportQuestion",
    "Transaction",
    "User",
]
