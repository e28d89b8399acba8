"""Staff pages of accounts: customers as others register them, questions, who looked at whom."""

from accounts.admin.access import AccessAlarmAdmin, AccessEventAdmin
from accounts.admin.customers import CustomerAdmin
from accounts.admin.questions import QuestionAdmin
from accounts.admin.staff import StaffAccountAdmin, StaffInvitationAdmin

__all__ = [
    "AccessAlarmAdmin",
    "AccessEventAdmin",
    "CustomerAdmin",
    "QuestionAdmin",
    "StaffAccountAdmin",
    "StaffInvitationAdmin",
]
