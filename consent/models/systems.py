"""Other systems: the keys with which they ask, and the webhooks with which they are told."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key


class ServiceKey(models.Model):
    """What another system of ours shows to the API. Only a hash of it is kept."""

    class Scope(models.TextChoices):
        PERMISSION = "permission", _("ask whether addresses may be written to")
        OPT_OUTS = "opt_outs", _("follow the changes of choices")
        OPT_OUT = "opt_out", _("pass on that somebody said no")
        PLATFORM = "platform", _("bring in customers' own lists, messages and bills")

    id = uuid7_key()
    name = models.CharField(_("name"), max_length=80, unique=True)
    scopes = ArrayField(
        models.CharField(max_length=20, choices=Scope), verbose_name=_("may"), default=list
    )
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(_("made"), db_default=Now(), editable=False)
    last_used_on = models.DateField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    class Meta:
        verbose_name = _("service key")
        verbose_name_plural = _("service keys")

    def __str__(self) -> str:
        return self.name


class Webhook(models.Model):
    """An address of another system that is told of changes (Standard Webhooks)."""

    class Event(models.TextChoices):
        OPT_OUT = "consent.opted_out", _("somebody opted out")
        OPT_IN = "consent.opted_in", _("somebody opted in")
        ERASURE = "customer.erased", _("somebody was erased")

    id = uuid7_key()
    name = models.CharField(_("name"), max_length=80, unique=True)
    url = models.URLField(_("address"), max_length=300)
    events = ArrayField(
        models.CharField(max_length=30, choices=Event), verbose_name=_("events"), default=list
    )
    # Encrypted: whoever reads the table cannot sign.
    secret = models.TextField(editable=False)
    former_secret = models.TextField(blank=True, editable=False)
    former_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("made"), db_default=Now(), editable=False)
    # The log index from which on this webhook is told; what was before is not news.
    cursor = models.BigIntegerField(default=0, editable=False)
    paused_at = models.DateTimeField(_("paused"), null=True, editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One message to one webhook: the row of work, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        DEAD = "dead", _("given up")

    id = uuid7_key()
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField()
    person_id = models.UUIDField(null=True)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.SmallIntegerField(default=0)
    not_before = models.DateTimeField()
    answer = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["webhook", "event_id"], name="consent_delivery_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["not_before"],
                name="consent_delivery_due",
                condition=models.Q(state="waiting"),
            ),
            models.Index(fields=["person_id"], name="consent_delivery_person"),
        ]

    def __str__(self) -> str:
        return f"{self.webhook_id}: {self.state}"
