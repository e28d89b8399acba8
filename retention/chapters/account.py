"""The account itself: the last that goes."""

from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.chapters.standing import WHILE_CUSTOMER
from retention.entries import DataClass, Entry, OnErasure, Removal, Rule, kinds

ACCOUNT: Final[tuple[Entry, ...]] = (
    Entry(
        model="accounts.User_groups",
        data_class=DataClass.OPERATION,
        title=_("Roles of staff"),
        purpose=_("to let few staff do little"),
        clause="few-see",
        fields=kinds(technical="id user group"),
        subject="user_id",
        erasure=OnErasure.DELETE,
        no_clock=_("kept as long as somebody has the role"),
    ),
    Entry(
        model="accounts.User_user_permissions",
        data_class=DataClass.OPERATION,
        title=_("Single rights of staff"),
        purpose=_("to let few staff do little"),
        clause="few-see",
        fields=kinds(technical="id user permission"),
        subject="user_id",
        erasure=OnErasure.DELETE,
        no_clock=_("kept as long as somebody has the right"),
    ),
    Entry(
        model="accounts.User",
        data_class=DataClass.ACCOUNT,
        title=_("Your account and profile"),
        purpose=_("to give you your own access and to reach you while you use it"),
        clause="purpose-bound",
        fields=kinds(
            identity="id username first_name last_name company platform_id",
            contact="email phone address address_hashes support_channel",
            demographic="country language timezone",
            technical="password last_login email_confirmed_at signed_up_at deactivated_at "
            "is_active is_staff is_superuser asked_to_return_at legal_entity",
            hidden="password address address_hashes is_staff is_superuser",
        ),
        subject="id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="unconfirmed_accounts",
                title=_("Accounts that nobody confirmed"),
                since=_("sign-up, if nobody confirms the account"),
                clock="signed_up_at",
                period=policy.UNCONFIRMED,
                removal=Removal.WHOLE_ACCOUNTS,
                only=Q(is_staff=False, email_confirmed_at__isnull=True),
            ),
            Rule(
                name="former_staff",
                title=_("Accounts of former staff"),
                since=_("the account was ended"),
                clock="deactivated_at",
                # As long as their entries in the history of the staff site, which name them.
                period=policy.STAFF_LOG,
                removal=Removal.WHOLE_ACCOUNTS,
                # A customer's account that may not sign in is on its way out by itself.
                only=Q(is_staff=False, is_active=False, deactivated_at__isnull=False),
            ),
            Rule(
                name="deactivated_accounts",
                title=_("Accounts deactivated for 2 years"),
                since=_("we asked whether you still want it, 2 years after you deactivated it"),
                clock="asked_to_return_at",
                period=policy.RETURN_WITHIN,
                removal=Removal.BY_REQUEST,
                only=Q(
                    is_staff=False,
                    is_superuser=False,
                    is_active=True,
                    deactivated_at__isnull=False,
                ),
            ),
        ),
        no_clock=WHILE_CUSTOMER,
        begins="signed_up_at",
        exported=True,
    ),
)
