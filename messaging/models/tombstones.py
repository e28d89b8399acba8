"""What a customer deleted and the platform may send again: it stays deleted."""

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
