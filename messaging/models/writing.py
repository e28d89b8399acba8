"""What a mailing is written with and for: pictures, and segments of those who chose tailoring."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key


class MailImage(models.Model):
    """A picture in mails, the same address for every reader: it tells nobody who opened what.

    Stored as we drew it anew, so that no position or camera of the upload remains in it.
    """

    id = uuid7_key()
    digest = models.CharField(max_length=64, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    content_type = models.CharField(max_length=20, editable=False)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    size = models.PositiveIntegerField(editable=False)
    data = models.BinaryField(editable=False)
    uploaded_by = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    uploaded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering: ClassVar[list[str]] = ["-uploaded_at"]

    def __str__(self) -> str:
        return self.name


class Segment(models.Model):
    """Some of those who chose tailoring, by profile; never by what they did (`aggregate-only`).

    An empty field does not narrow. Never sent to while it holds fewer than 20 people.
    """

    id = uuid7_key()
    name = models.CharField(_("name"), max_length=100, unique=True)
    countries = ArrayField(
        models.CharField(max_length=2), verbose_name=_("countries"), default=list, blank=True
    )
    languages = ArrayField(
        models.CharField(max_length=5), verbose_name=_("languages"), default=list, blank=True
    )
    since_from = models.DateField(_("customer since, from"), null=True, blank=True)
    since_until = models.DateField(_("customer since, until"), null=True, blank=True)
    created_by = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~models.Q(countries=[], languages=[], since_from=None, since_until=None),
                name="messaging_segment_narrows",
            ),
            models.CheckConstraint(
                condition=models.Q(since_from__isnull=True)
                | models.Q(since_until__isnull=True)
                | models.Q(since_from__lte=models.F("since_until")),
                name="messaging_segment_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name
