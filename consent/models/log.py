"""The log: leaves, the tree above them, and the signed heads that are published.

All of it is append-only and says nothing about anyone.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Leaf(models.Model):
    """The hash of one event under its gap-free place in the log; append-only, not personal."""

    class Kind(models.TextChoices):
        CONSENT = "consent", _("consent event")
        ACCESS = "access", _("access event")

    index = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.CONSENT)
    event_id = models.UUIDField(unique=True)
    hash = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("log leaf")
        verbose_name_plural = _("log leaves")

    def __str__(self) -> str:
        return str(self.index)


class Node(models.Model):
    """The hash of one complete subtree of two leaves or more, so that a proof reads few rows.

    `number` counts all nodes of the tree from left to right, leaves included: the subtree of
    2^level leaves that begins at leaf p * 2^level has number (2p + 1) * 2^level - 1.
    """

    number = models.BigIntegerField(primary_key=True)
    hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = _("log node")
        verbose_name_plural = _("log nodes")

    def __str__(self) -> str:
        return str(self.number)


class LogKey(models.Model):
    """A public key of the log, kept for ever: heads signed with a retired key stay verifiable."""

    number = models.SmallIntegerField(primary_key=True)
    public = models.BinaryField(max_length=32)
    origin = models.CharField(max_length=200, help_text=_("The name of the log in what it signs."))
    since = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("log key")
        verbose_name_plural = _("log keys")

    def __str__(self) -> str:
        return str(self.number)


class Head(models.Model):
    """A published state of the log: so many leaves, this root, signed (Ed25519)."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    signed_at = models.DateTimeField()
    key = models.ForeignKey(LogKey, models.PROTECT, related_name="+")
    signature = models.BinaryField(max_length=64)

    class Meta:
        verbose_name = _("log head")
        verbose_name_plural = _("log heads")

    def __str__(self) -> str:
        return str(self.size)
