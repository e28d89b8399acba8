"""What comes back about our mail."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key


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
    mailing_id = models.UUIDField(null=True)
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        verbose_name = _("incoming event")
        verbose_name_plural = _("incoming events")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person_id"], name="messaging_event_person"),
            models.Index(fields=["outcome", "kind"], name="messaging_event_outcome"),
            models.Index(
                fields=["mailing_id", "kind"],
                name="messaging_event_mailing",
                condition=models.Q(mailing_id__isnull=False),
            ),
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
