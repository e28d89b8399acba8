"""What a customer deleted and the platform may send again: it stays deleted."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key


class Tombstone(models.Model):
    """That something of the platform's was deleted here, as a keyed hash of its number there.

    Of what it was nothing is left; whoever holds the number can be told that it is not wanted.
    """

    class Kind(models.TextChoices):
        LIST = "list", _("contact list")
        CONTACT = "contact", _("contact")
        MESSAGE = "message", _("message")
        REPORT = "report", _("report")

    id = uuid7_key()
    customer = models.ForeignKey("accounts.User", models.CASCADE, related_name="+")
    kind = models.CharField(_("what"), max_length=7, choices=Kind)
    # Of the kind, the customer and the platform's number (`messaging.content.tombstones`).
    digest = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("trace of something deleted")
        verbose_name_plural = _("traces of what was deleted")

    def __str__(self) -> str:
        return str(self.pk)


class DeidentifiedStretch(models.Model):
    """That a customer had what their messages of a time said deleted: no more of it comes in.

    Whatever is reported of that time afterwards comes in as a record without its words.
    """

    id = uuid7_key()
    # The constraint's index begins with it.
    customer = models.ForeignKey("accounts.User", models.CASCADE, related_name="+", db_index=False)
    # From when, or from the first message on; until before when.
    first = models.DateTimeField(_("from"), null=True)
    before = models.DateTimeField(_("until"))
    made_at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("de-identified stretch of messages")
        verbose_name_plural = _("de-identified stretches of messages")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["customer", "first", "before"],
                nulls_distinct=False,
                name="messaging_stretch_once",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
