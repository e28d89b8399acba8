"""Campaigns, service announcements, the outbox every mail leaves by, and what comes back of it."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key
from messaging.querysets import MailingQuerySet, MessageQuerySet


class Kind(models.TextChoices):
    """The three kinds of mail (design §2)."""

    ACCOUNT = "account", _("account mail")
    SERVICE = "service", _("service announcement")
    OPTIONAL = "optional", _("optional mail")


class Mailing(models.Model):
    """What campaigns and announcements share: two texts, a state, who wrote and who approved."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        APPROVED = "approved", _("approved")
        SENDING = "sending", _("sending")
        PAUSED = "paused", _("paused")
        CANCELLED = "cancelled", _("cancelled")
        FINISHED = "finished", _("finished")

    id = uuid7_key()
    subject_nb = models.CharField(_("subject (Bokmål)"), max_length=120)
    subject_en = models.CharField(_("subject (English)"), max_length=120)
    preheader_nb = models.CharField(
        _("preview line (Bokmål)"),
        max_length=150,
        blank=True,
        help_text=_("Shown after the subject in a list of mails."),
    )
    preheader_en = models.CharField(_("preview line (English)"), max_length=150, blank=True)
    body_nb = models.TextField(_("text (Bokmål)"), help_text=_("Markdown."))
    body_en = models.TextField(_("text (English)"), help_text=_("Markdown."))
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.DRAFT, editable=False
    )
    send_at = models.DateTimeField(
        _("send at"), null=True, blank=True, help_text=_("Empty: when you press send.")
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    author = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    approved_by = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, editable=False)
    # The audience is resolved as of this moment; message keys derive from it.
    resolved_at = models.DateTimeField(null=True, editable=False)
    resolved_through = models.UUIDField(null=True, editable=False)
    resolved = models.BooleanField(default=False, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    objects = MailingQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.subject

    @property
    def subject(self) -> str:
        return self.text("subject")

    def text(self, field: str, language: str | None = None) -> str:
        """A field in a language; the reader's own when none is named."""
        code = (language or get_language() or "nb")[:2]
        return str(getattr(self, f"{field}_{'en' if code == 'en' else 'nb'}"))


class Campaign(Mailing):
    """Optional mail on one topic, to those who granted it."""

    number = models.IntegerField(unique=True, editable=False)
    topic = models.ForeignKey("consent.Topic", models.PROTECT, verbose_name=_("topic"))

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering: ClassVar[list[str]] = ["-created_at"]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Takes the next number, which links in its mails carry; a race meets the constraint."""
        if not self.number:
            highest = Campaign.objects.aggregate(models.Max("number"))["number__max"]
            self.number = (highest or 0) + 1
        super().save(*args, **kwargs)


class ServiceAnnouncement(Mailing):
    """A strictly service notice to every active customer; never marketing, so no topic."""

    class Category(models.TextChoices):
        MAINTENANCE = "maintenance", _("maintenance")
        INCIDENT = "incident", _("incident")
        SECURITY = "security", _("security")
        TERMS = "terms", _("terms")
        BILLING = "billing", _("billing")

    category = models.CharField(_("category"), max_length=12, choices=Category)

    class Meta:
        verbose_name = _("service announcement")
        verbose_name_plural = _("service announcements")
        ordering: ClassVar[list[str]] = ["-created_at"]


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
            models.Index(
                fields=["priority", "not_before"],
                name="messaging_queue",
                condition=models.Q(state="queued"),
            ),
            models.Index(
                fields=["lease_until"],
                name="messaging_leases",
                condition=models.Q(state__in=["claimed", "handing"]),
            ),
            models.Index(fields=["mailing_id", "state"], name="messaging_progress"),
            models.Index(fields=["person_id"], name="messaging_person"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose}: {self.state}"


class ProviderEvent(models.Model):
    """What came back about our mail, once: a request by mail, a complaint, a bounce.

    Only normalised facts: no address, no body, no IP (`ip-apart`). The key derives from the source,
    so that the same thing told twice meets it. `person_id` of what is unknown is whom the sender
    claims to be: a hint for staff, and nothing was done on it.
    """

    class Kind(models.TextChoices):
        MAILTO = "mailto", _("request by email to stop")
        COMPLAINT = "complaint", _("reported as unwanted")
        UNSUBSCRIBE = "unsubscribe", _("unsubscribed at the mail provider")
        HARD_BOUNCE = "hard_bounce", _("came back: the address does not exist")
        SOFT_BOUNCE = "soft_bounce", _("came back for now")
        AUTO_REPLY = "auto_reply", _("automatic reply")
        OTHER = "other", _("something else")

    class Outcome(models.TextChoices):
        APPLIED = "applied", _("done")
        NOTHING = "nothing", _("nothing to do")
        UNKNOWN = "unknown", _("to be looked at")

    id = uuid7_key()
    kind = models.CharField(max_length=12, choices=Kind)
    outcome = models.CharField(max_length=8, choices=Outcome)
    why = models.CharField(max_length=20, blank=True)
    provider = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=12, blank=True)
    about = models.CharField(max_length=200, blank=True)
    person_id = models.UUIDField(null=True)
    topic_id = models.UUIDField(null=True)
    message_id = models.UUIDField(null=True)
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("incoming event")
        verbose_name_plural = _("incoming events")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person_id"], name="messaging_event_person"),
            models.Index(fields=["outcome", "kind"], name="messaging_event_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.outcome}"


class SuppressionComparison(models.Model):
    """One night's comparison of our suppressions with the mail provider's own list.

    Its differences name nobody: each has the beginning of the keyed hash of an address.
    """

    id = uuid7_key()
    compared_at = models.DateTimeField()
    provider = models.CharField(max_length=20)
    theirs = models.IntegerField(default=0)
    same = models.IntegerField(default=0)
    added_here = models.IntegerField(default=0)
    added_there = models.IntegerField(default=0)
    removed_there = models.IntegerField(default=0)
    lifted_here = models.IntegerField(default=0)
    not_added_there = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    differences = models.JSONField(default=list)

    class Meta:
        verbose_name = _("comparison with the mail provider")
        verbose_name_plural = _("comparisons with the mail provider")
        ordering: ClassVar[list[str]] = ["-compared_at"]

    def __str__(self) -> str:
        return f"{self.provider} {self.compared_at:%Y-%m-%d}"
