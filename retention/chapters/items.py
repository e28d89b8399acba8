"""Physical items: data on paper, disks and tapes (policy: "electronic and physical")."""

from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, OnErasure, Removal, Rule, kinds

ITEMS: Final[tuple[Entry, ...]] = (
    Entry(
        model="retention.Destruction",
        data_class=DataClass.PROOF,
        title=_("Certificates of destroyed items"),
        purpose=_("to prove that paper, disks and tapes were destroyed"),
        clause="gone-when-needless",
        fields=kinds(
            identity="performed_by verified_by signed_by countersigned_by",
            technical="id item method tool place destroyed_on verified_how signed_at "
            "countersigned_at",
        ),
        mentions=("signed_by_id", "countersigned_by_id"),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="destructions",
                title=_("Certificates of destroyed items"),
                since=_("the item was destroyed"),
                clock="destroyed_on",
                period=policy.PROOF,
                removal=Removal.CERTIFICATES,
                only=Q(countersigned_at__isnull=False),
            ),
        ),
        no_clock=_("one that waits for its second signature has no clock yet"),
    ),
    Entry(
        model="retention.PhysicalItem",
        data_class=DataClass.PROOF,
        title=_("Paper, disks and tapes with customers' data"),
        purpose=_("to destroy each in time, and to know where it is until then"),
        clause="gone-when-needless",
        fields=kinds(
            identity="customer_id registered_by",
            content="name contains",
            technical="id kind serial place kept_since due_on",
            hidden="customer_id registered_by serial",
        ),
        subject="customer_id",
        mentions=("registered_by_id",),
        erasure=OnErasure.BLANK,
        blanked=("customer_id",),
        why_kept=_(
            "that the item exists, until it is destroyed: within 30 days when it was yours alone; "
            "whose it is, is blanked"
        ),
        law=_(
            "GDPR Art. 5 (1) (f) and 5 (2): it is destroyed securely, and we must be able to show "
            "it"
        ),
        no_clock=_("kept until it is destroyed, and then listed for as long as its certificate"),
        exported=True,
    ),
)
