"""What the portal keeps about itself: readings of its promises, and how often pages are seen.

Neither table names a person, an address or a browser (`pages-not-people`, `ip-apart`).
"""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key


class PromiseReading(models.Model):
    """What was found about one promise at one moment; a later look never changes it."""

    class State(models.TextChoices):
        KEPT = "kept", _("kept")
        BROKEN = "broken", _("broken")
        UNKNOWN = "unknown", _("unknown")
        NOT_IN_FORCE = "not_in_force", _("not yet in force")

    class Evidence(models.TextChoices):
        MEASURED = "measured", _("measured")
        CONSTRUCTION = "construction", _("by construction")
        DECLARED = "declared", _("declared")

    id = uuid7_key()
    promise = models.SlugField()
    state = models.CharField(max_length=12, choices=State)
    evidence = models.CharField(max_length=12, choices=Evidence)
    value: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    measured_at = models.DateTimeField()

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        ordering: ClassVar[list[str]] = ["-measured_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["promise", "-measured_at"], name="portal_reading_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.promise}: {self.state}"


class PromiseDay(models.Model):
    """The worst state of one promise on one day: what the strip of 90 days is drawn from.

    Kept beside the readings, so that the page reads one row a day and not one an hour.
    """

    id = uuid7_key()
    promise = models.SlugField()
    day = models.DateField()
    worst = models.CharField(max_length=12, choices=PromiseReading.State)

    class Meta:
        verbose_name = _("day of a promise")
        verbose_name_plural = _("days of promises")
        ordering: ClassVar[list[str]] = ["-day", "promise"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["day", "promise"], name="portal_promise_day"),
        ]

    def __str__(self) -> str:
        return f"{self.promise} {self.day}: {self.worst}"


class PageCount(models.Model):
    """How often one page was seen on one day: no visitor, no path, no parameter."""

    id = uuid7_key()
    page = models.CharField(_("page"), max_length=100)
    day = models.DateField(_("day"))
    views = models.BigIntegerField(_("views"), default=0)

    class Meta:
        verbose_name = _("page count")
        verbose_name_plural = _("page counts")
        ordering: ClassVar[list[str]] = ["-day", "page"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["day", "page"], name="portal_page_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.page} {self.day}"
