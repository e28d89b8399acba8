"""Legal holds: what may not go while a dispute or an authority needs it."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key
from retention.entries import DataClass

STAFF = "accounts.User"


class LegalHold(models.Model):
    """Keeps rows of a customer, of a class of data or of a span of time, or all three together.

    In force from the moment it is placed, for what is gone cannot be held; it lapses after
    `policy.HOLD_UNAPPROVED` unless a second person approves it. It never revives mail and never
    stops an opt-out.
    """

    id = uuid7_key()
    # At least one of these; where several are named a row must meet them all.
    customer_id = models.UUIDField(_("customer"), null=True, blank=True)
    data_class = models.CharField(_("class of data"), max_length=12, choices=DataClass, blank=True)
    since = models.DateField(_("from"), null=True, blank=True)
    until = models.DateField(_("until"), null=True, blank=True)
    reason = models.TextField(_("reason"))
    reference = models.CharField(_("case number"), max_length=80)
    review_on = models.DateField(_("look at it again on"))
    # Staff who are erased leave the moment of what they did, without their name.
    placed_by = models.ForeignKey(
        STAFF, models.SET_NULL, related_name="+", null=True, editable=False
    )
    placed_at = models.DateTimeField(_("placed"), editable=False)
    approved_by = models.ForeignKey(
        STAFF, models.SET_NULL, related_name="+", null=True, editable=False
    )
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)
    released_by = models.ForeignKey(
        STAFF, models.SET_NULL, related_name="+", null=True, editable=False
    )
    released_at = models.DateTimeField(_("released"), null=True, editable=False)
    release_reason = models.CharField(_("why released"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        ordering: ClassVar[list[str]] = ["-placed_at"]
        permissions: ClassVar[Any] = [
            ("approve_legalhold", "Can approve and release legal holds"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # A released one no longer names a customer who is erased.
            models.CheckConstraint(
                condition=models.Q(customer_id__isnull=False)
                | ~models.Q(data_class="")
                | models.Q(since__isnull=False)
                | models.Q(until__isnull=False)
                | models.Q(released_at__isnull=False),
                name="retention_hold_says_what",
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True)
                | ~models.Q(approved_by=models.F("placed_by")),
                name="retention_hold_two_people",
                violation_error_message=_("Somebody else must approve a hold you placed."),
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True) | models.Q(approved_at__isnull=False),
                name="retention_hold_approval_dated",
            ),
            models.CheckConstraint(
                condition=models.Q(released_by__isnull=True) | models.Q(released_at__isnull=False),
                name="retention_hold_release_dated",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class HeldRow(models.Model):
    """A row of a month that had to go, copied aside because a hold named it.

    Goes as soon as no hold in force names it any more, and with an erasure that no hold stops.
    """

    id = uuid7_key()
    model = models.CharField(_("class of data"), max_length=100)
    key = models.UUIDField()
    customer_id = models.UUIDField(_("customer"), null=True)
    # The moment of its clock, by which a hold over a span of time finds it.
    dated = models.DateTimeField()
    row: "models.JSONField[Any, Any]" = models.JSONField()
    copied_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("held row")
        verbose_name_plural = _("held rows")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["model", "key"], name="retention_held_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["customer_id"], name="retention_held_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.key}"
