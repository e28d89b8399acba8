"""The outbox every mail leaves by, and how fast it may."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key
from messaging.querysets import MessageQuerySet


class Kind(models.TextChoices):
    """The three kinds of mail (design §2)."""

    ACCOUNT = "account", _("account mail")
    SERVICE = "service", _("service announcement")
    OPTIONAL = "optional", _("optional mail")


class Message(models.Model):
    """One mail on its way out: the outbox row, and the queue of record.

    Partitioned by month on its key, so no foreign key leads in or out. What is addressed to a
    person carries subject and body only for account mail, and loses them once it is over.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        CLAIMED = "claimed", _("claimed")
        HANDING = "handing", _("being handed over")
        SENT = "sent", _("sent")
        WITHHELD = "withheld", _("withheld")
        FAILED = "failed", _("failed")
        IN_DOUBT = "in_doubt", _("in doubt")

    id = uuid7_key()
    kind = models.CharField(max_length=8, choices=Kind)
    priority = models.SmallIntegerField()
    purpose = models.CharField(max_length=60)
    mailing_id = models.UUIDField(null=True)
    person_id = models.UUIDField(null=True)
    topic_id = models.UUIDField(null=True)
    to_address = models.CharField(max_length=320, blank=True)
    language = models.CharField(max_length=5)
    sender = models.CharField(max_length=320, blank=True)
    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=200, blank=True)
    attempts = models.SmallIntegerField(default=0)
    not_before = models.DateTimeField()
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    queued_at = models.DateTimeField()
    handed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # When a mail provider said so; over SMTP nobody tells.
    delivered_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("outbox")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(kind="optional", topic_id__isnull=False, person_id__isnull=False)
                | models.Q(kind__in=["account", "service"], topic_id__isnull=True),
                name="messaging_optional_has_topic",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # None of them names `state`: being handed over, a row then changes on its own page.
            models.Index(
                fields=["mailing_id", "not_before"],
                name="messaging_due",
                condition=models.Q(lease__isnull=True, finished_at__isnull=True),
            ),
            models.Index(
                fields=["lease_until"],
                name="messaging_leased",
                condition=models.Q(lease_until__isnull=False),
            ),
            models.Index(
                fields=["mailing_id", "finished_at"],
                name="messaging_done",
                condition=models.Q(mailing_id__isnull=False),
            ),
            # What a server refused for good (5xx): asked for every few seconds while it is sent.
            models.Index(
                fields=["mailing_id"],
                name="messaging_refused",
                condition=models.Q(reason__startswith="5"),
            ),
            models.Index(fields=["person_id"], name="messaging_person"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose}: {self.state}"


class SendingLimit(models.Model):
    """How many messages a minute may leave, in all or to one domain, over all workers.

    `next_at` is the generic cell rate algorithm's state: the moment at which the next message
    is due. A worker takes its places by moving it on, in one statement.
    """

    id = uuid7_key()
    domain = models.CharField(
        _("recipients' domain"),
        max_length=255,
        blank=True,
        unique=True,
        help_text=_("Such as gmail.com. Empty: everything that leaves."),
    )
    per_minute = models.PositiveIntegerField(_("messages a minute"))
    burst = models.PositiveIntegerField(
        _("at once"), default=1, help_text=_("How many may leave together after a rest.")
    )
    next_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("sending limit")
        verbose_name_plural = _("sending limits")
        ordering: ClassVar[list[str]] = ["domain"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(per_minute__gte=1, burst__gte=1), name="messaging_limit_moves"
            ),
        ]

    def __str__(self) -> str:
        return self.domain or "*"
