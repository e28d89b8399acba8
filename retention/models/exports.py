"""A customer's data, made into one file in the background."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key

OWNER = "accounts.User"


class Export(models.Model):
    """One archive: asked for, being made, there for some days, gone.

    Its bytes are rows, so that any worker makes it, any web server hands it out, and an erasure
    takes it along without looking through folders.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", _("waiting")
        RUNNING = "running", _("being made")
        READY = "ready", _("ready")
        FAILED = "failed", _("not made")

    id = uuid7_key()
    customer = models.ForeignKey(OWNER, models.CASCADE, related_name="+")
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.REQUESTED)
    actor = models.CharField(_("who"), max_length=60)
    language = models.CharField(max_length=5)
    requested_at = models.DateTimeField(_("asked for at"))
    # Renewed while it is being made; one that stands still is taken up by another worker.
    moved_at = models.DateTimeField(null=True)
    # Where the archive goes on when its worker dies (`retention.exporting.checkpoints`).
    checkpoint = models.JSONField(default=dict, editable=False)
    rows_total = models.BigIntegerField(default=0)
    rows_done = models.BigIntegerField(default=0)
    finished_at = models.DateTimeField(_("made at"), null=True)
    expires_at = models.DateTimeField(_("there until"), null=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering: ClassVar[list[str]] = ["-requested_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=models.Q(state__in=["requested", "running"]),
                name="retention_one_export_at_once",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class ExportPart(models.Model):
    """A piece of the archive, in order."""

    id = uuid7_key()
    export = models.ForeignKey(Export, models.CASCADE, related_name="parts")
    customer = models.ForeignKey(OWNER, models.CASCADE, related_name="+")
    number = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        verbose_name = _("part of an export")
        verbose_name_plural = _("parts of exports")
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["export", "number"], name="retention_export_part_once"),
        ]

    def __str__(self) -> str:
        return str(self.number)
