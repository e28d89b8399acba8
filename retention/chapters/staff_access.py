"""Staff: who may see what, what they looked at, and why (policy, "Et begrenset antall ansatte")."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, OnErasure, Removal, Rule, kinds

STAFF_ACCESS: Final[tuple[Entry, ...]] = (
    Entry(
        model="accounts.AccessEvent",
        data_class=DataClass.STAFF_LOG,
        title=_("When our staff looked at your data, and why"),
        purpose=_("to let you see who looked at what, and object"),
        clause="few-see",
        fields=kinds(
            identity="person_id actor",
            content="what basis reason",
            technical="id role reference grant_id at salt",
            hidden="person_id actor grant_id salt",
        ),
        subject="person_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="access_events",
                title=_("When our staff looked at your data"),
                since=_("they looked"),
                clock="at",
                period=policy.ACCESS_EVENTS,
                removal=Removal.ACCESS_EVENTS,
            ),
        ),
        begins="at",
        exported=True,
    ),
    Entry(
        model="accounts.AccessGrant",
        data_class=DataClass.STAFF_LOG,
        title=_("Half-hours in which staff may look at your data"),
        purpose=_("to let few staff see, for a reason and for a while"),
        clause="few-see",
        fields=kinds(
            identity="staff person",
            content="basis reason",
            technical="id reference opened_at until",
            hidden="staff person",
        ),
        subject="person_id",
        mentions=("staff_id",),
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="access_grants",
                title=_("Half-hours in which staff may look"),
                since=_("it ended"),
                clock="until",
                period=policy.STAFF_LOG,
            ),
        ),
        begins="opened_at",
        exported=True,
    ),
    Entry(
        model="accounts.LookUp",
        data_class=DataClass.OPERATION,
        title=_("How often staff searched"),
        purpose=_("to notice an unusual number of look-ups"),
        clause="few-see",
        fields=kinds(technical="id staff by found at"),
        subject="staff_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="look_ups",
                title=_("How often staff searched"),
                since=_("the search"),
                clock="at",
                period=policy.STAFF_LOG,
            ),
        ),
    ),
    Entry(
        model="accounts.AccessAlarm",
        data_class=DataClass.OPERATION,
        title=_("Alarms about look-ups"),
        purpose=_("to ask staff about an unusual number of look-ups"),
        clause="few-see",
        fields=kinds(
            identity="staff closed_by",
            content="finding",
            technical="id day number usual raised_at closed_at",
        ),
        subject="staff_id",
        mentions=("closed_by_id",),
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="access_alarms",
                title=_("Alarms about look-ups"),
                since=_("the day"),
                clock="day",
                period=policy.PROOF,
            ),
        ),
    ),
    Entry(
        model="accounts.StaffConfirmation",
        data_class=DataClass.OPERATION,
        title=_("Yearly confirmations of staff accounts"),
        purpose=_("to let few staff see: each account is needed, says another, every year"),
        clause="few-see",
        fields=kinds(identity="person confirmed_by", technical="id roles confirmed_at warned_at"),
        subject="person_id",
        mentions=("confirmed_by_id",),
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="staff_confirmations",
                title=_("Yearly confirmations of staff accounts"),
                since=_("the confirmation"),
                clock="confirmed_at",
                period=policy.PROOF,
            ),
        ),
    ),
    Entry(
        model="accounts.StaffInvitation",
        data_class=DataClass.OPERATION,
        title=_("Invitations of staff"),
        purpose=_("to let few staff see: an account begins with an invitation"),
        clause="few-see",
        fields=kinds(
            identity="invited_by accepted_by",
            contact="email",
            technical="id roles invited_at expires_at accepted_at withdrawn_at",
        ),
        subject="accepted_by_id",
        mentions=("invited_by_id",),
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="staff_invitations",
                title=_("Invitations of staff"),
                since=_("it ran out"),
                clock="expires_at",
                period=policy.STAFF_LOG,
            ),
        ),
    ),
    Entry(
        model="accounts.StaffCap",
        data_class=DataClass.OPERATION,
        title=_("How many staff accounts there may be"),
        purpose=_("to let few staff see"),
        clause="few-see",
        fields=kinds(technical="id most"),
        erasure=OnErasure.NOBODY,
        no_clock=_("a setting; it names no customer"),
    ),
)
