"""Physical items with customers' data on them, and how each was destroyed."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key

STAFF = "accounts.User"


class PhysicalItem(models.Model):
    """Paper, a disk, a tape: what, where, whose, since when, and when it must be gone.

    Policy: data no longer needed is deleted, "electronic and physical".
    """

    class Kind(models.TextChoices):
        PAPER = "paper", _("paper")
        DISK = "disk", _("hard disk or solid-state disk")
        TAPE = "tape", _("backup tape")
        STICK = "stick", _("memory stick or card")
        PHONE = "phone", _("phone or laptop")
        OTHER = "other", _("something else")

    id = uuid7_key()
    name = models.CharField(_("what"), max_length=150)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind)
    serial = models.CharField(_("serial or box number"), max_length=80, unique=True)
    place = models.CharField(_("where"), max_length=150)
    contains = models.CharField(_("what is on it"), max_length=300)
    # Whose, where it is of one customer; emptied when they are erased.
    customer_id = models.UUIDField(_("customer"), null=True, blank=True)
    kept_since = models.DateField(_("since"))
    due_on = models.DateField(_("must be destroyed by"))
    registered_by = models.ForeignKey(
        STAFF, models.SET_NULL, related_name="+", null=True, editable=False
    )

    class Meta:
        verbose_name = _("physical item")
        verbose_name_plural = _("physical items")
        ordering: ClassVar[list[str]] = ["due_on", "serial"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(due_on__gte=models.F("kept_since")),
                name="retention_item_due_after_start",
                violation_error_message=_("It cannot be due before it was there."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.serial})"


class Destruction(models.Model):
    """The record of one item's end, with two signatures (NIST SP 800-88r2, appendix on records)."""

    class Method(models.TextChoices):
        CLEAR = "clear", _("cleared: overwritten with the device's own commands")
        PURGE = "purge", _("purged: cryptographically or physically beyond any laboratory")
        DESTROY = "destroy", _("destroyed: shredded, melted, burnt")

    id = uuid7_key()
    item = models.OneToOneField(PhysicalItem, models.PROTECT, related_name="destruction")
    method = models.CharField(_("method"), max_length=7, choices=Method)
    tool = models.CharField(_("with what"), max_length=150)
    place = models.CharField(_("where"), max_length=150)
    destroyed_on = models.DateField(_("on"))
    verified_how = models.CharField(_("how it was verified"), max_length=200)
    # Names as signed, kept on the certificate, and who of staff recorded each signature.
    performed_by = models.CharField(_("done by"), max_length=120)
    verified_by = models.CharField(_("verified by"), max_length=120, blank=True)
    signed_by = models.ForeignKey(STAFF, models.SET_NULL, related_name="+", null=True)
    signed_at = models.DateTimeField(_("signed"))
    countersigned_by = models.ForeignKey(STAFF, models.SET_NULL, related_name="+", null=True)
    countersigned_at = models.DateTimeField(_("countersigned"), null=True)

    class Meta:
        verbose_name = _("destruction of an item")
        verbose_name_plural = _("destructions of items")
        ordering: ClassVar[list[str]] = ["-destroyed_on"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(countersigned_by__isnull=True)
                | ~models.Q(countersigned_by=models.F("signed_by")),
                name="retention_two_signatures",
                violation_error_message=_("The second signature must be somebody else's."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.item)
