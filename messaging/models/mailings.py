"""Campaigns and service announcements: what they share, and what sets them apart."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key
from messaging.querysets import MailingQuerySet


class Mailing(models.Model):
    """What campaigns and announcements share: two texts, a state, who wrote and who approved."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        APPROVED = "approved", _("approved")
        SENDING = "sending", _("sending")
        PAUSED = "paused", _("paused")
        CANCELLED = "cancelled", _("cancelled")
        FINISHED = "finished", _("finished")

    class StopReason(models.TextChoices):
        """What makes a mailing stop itself."""

        BOUNCES = "bounces", _("too many addresses do not exist")
        COMPLAINTS = "complaints", _("too many readers reported it as unwanted")
        TOO_FEW = "too_few", _("fewer than 20 people are left in the segment")

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
    # Whoever wrote the words that stand there; another must approve an announcement.
    edited_by = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    edited_at = models.DateTimeField(null=True, editable=False)
    # Why it paused itself; empty when a person did.
    stop_reason = models.CharField(
        max_length=12, choices=StopReason, blank=True, default="", db_default="", editable=False
    )

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
    segment = models.ForeignKey(
        "messaging.Segment",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("segment"),
        help_text=_("Empty: everybody who asked for the topic."),
    )
    in_customers_zone = models.BooleanField(
        _("at that hour where each customer is"),
        default=False,
        db_default=False,
        help_text=_("Off: one moment for all."),
    )

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
    # A text for incidents that two people have read beforehand; it is never sent itself.
    is_standing = models.BooleanField(
        _("standing text for incidents"),
        default=False,
        db_default=False,
        help_text=_("Approved beforehand; at night one person on call may send a copy of it."),
    )
    prepared_from = models.ForeignKey(
        "self", models.PROTECT, null=True, editable=False, related_name="copies"
    )
    sent_by = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    # Keys of all who wrote or changed it since its last approval; none of them may approve it. The
    # database keeps it (migration 0006), whatever a statement says.
    writers = ArrayField(
        models.UUIDField(), default=list, db_default=[], blank=True, editable=False
    )
    # What one person sent at night, another looks at afterwards.
    reviewed_by = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, editable=False)
    review_note = models.TextField(blank=True, default="", db_default="", editable=False)

    class Meta:
        verbose_name = _("service announcement")
        verbose_name_plural = _("service announcements")
        ordering: ClassVar[list[str]] = ["-created_at"]
        permissions: ClassVar[Any] = [
            ("approve_serviceannouncement", "Can approve service announcements"),
            ("send_standing_text", "Can send a standing text when on call"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(is_standing=False, prepared_from=None)
                | models.Q(category="incident"),
                name="messaging_standing_is_incident",
            ),
            models.CheckConstraint(
                condition=models.Q(is_standing=False) | models.Q(state__in=["draft", "approved"]),
                name="messaging_standing_never_sent",
            ),
        ]
