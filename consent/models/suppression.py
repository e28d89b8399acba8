"""Addresses to which nothing optional is ever sent, as keyed hashes."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key


class Suppression(models.Model):
    """An address, as a keyed hash, to which nothing optional is ever sent.

    For those whom no preference can protect; it has no clock, and a review date instead.
    """

    class Reason(models.TextChoices):
        ERASED = "erased", _("erased on request")
        HARD_BOUNCE = "hard_bounce", _("the address does not exist")
        COMPLAINT = "complaint", _("reported as unwanted")
        PROVIDER = "provider", _("on the mail provider's list")
        REPLAYED = "replayed", _("said no before a restore")

    id = uuid7_key()
    key_id = models.SmallIntegerField()
    address_hash = models.BinaryField(max_length=32)
    reason = models.CharField(max_length=12, choices=Reason)
    since = models.DateTimeField()
    review_on = models.DateField()

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["address_hash", "key_id", "reason"], name="consent_suppression_once"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["key_id"], name="consent_suppression_key"),
        ]

    def __str__(self) -> str:
        return self.reason
