"""What customers did to their own content, on its way into the journal: no restore may undo it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key


class OwnDeed(models.Model):
    """That a customer deleted something of theirs, or that a contact said no to them.

    Written in the transaction of the deed itself, of what it was keyed hashes alone
    (`messaging.content.deeds`). Work is rows: the keeper writes each into the journal and notes
    where; after a restore it comes back from there, and waits until it is done again.
    """

    class What(models.TextChoices):
        LIST = "list", _("contact list deleted")
        CONTACT = "contact", _("contact deleted")
        MESSAGE = "message", _("messages deleted")
        REPORT = "report", _("report deleted")
        UPLOAD = "upload", _("upload thrown away")
        OPT_OUT = "opt_out", _("contact said no")
        OPT_IN = "opt_in", _("no of a contact taken back")

    id = uuid7_key()
    customer = models.ForeignKey("accounts.User", models.CASCADE, related_name="+")
    what = models.CharField(_("what"), max_length=7, choices=What)
    # Which key of the ring the hashes are made with, and the hashes, one after the other.
    key = models.SmallIntegerField()
    digests = models.BinaryField()
    # Of the platform's numbers, so that each is a tombstone too, and behind that of a contact of
    # its names; else of keys of ours.
    is_numbered = models.BooleanField(default=False)
    # Of messages: from the oldest of them to behind the newest.
    first = models.DateTimeField(null=True)
    before = models.DateTimeField(null=True)
    done_at = models.DateTimeField(_("when"))
    journal_position = models.BigIntegerField(null=True)
    journaled_at = models.DateTimeField(null=True)
    # After a restore: a legal hold keeps the rows, or nothing here tells which contact said no.
    waits = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("deed on its way into the journal")
        verbose_name_plural = _("deeds on their way into the journal")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["id"],
                condition=models.Q(journal_position=None),
                name="messaging_deed_unsaid",
            ),
            models.Index(
                fields=["customer", "what"],
                condition=models.Q(waits=True),
                name="messaging_deed_waits",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
