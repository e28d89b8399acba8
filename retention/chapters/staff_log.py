"""What staff did."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, OnErasure, Rule, kinds

STAFF_LOG: Final[tuple[Entry, ...]] = (
    Entry(
        model="admin.LogEntry",
        data_class=DataClass.STAFF_LOG,
        title=_("What our staff changed in your account"),
        purpose=_("to see who changed what"),
        clause="few-see",
        fields=kinds(
            identity="user object_id object_repr",
            content="change_message",
            technical="id action_time content_type action_flag",
            hidden="user content_type",
        ),
        subject="object_id",
        erasure=OnErasure.BLANK,
        blanked=("object_id", "object_repr", "change_message"),
        why_kept=_("that a member of staff did something stays; to whom is blanked"),
        law=_("GDPR Art. 5 (2) and 32: we must be able to show what our staff did with data"),
        rules=(
            Rule(
                name="staff_log",
                title=_("What our staff did"),
                since=_("it was done"),
                clock="action_time",
                period=policy.STAFF_LOG,
            ),
        ),
        begins="action_time",
        exported=True,
    ),
)
