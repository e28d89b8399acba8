"""The customer reference program: each published use of a customer's name, and how it comes down.

The choices are topics of the kind "reference", with the same events, log and receipts as any other
choice. A use may stand only where its activity is granted; a no opens a takedown in the same
statement, by whatever way it was said (`reference-by-will`).
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key

PERSON = "accounts.User"


class ReferenceUse(models.Model):
    """One place where we show that somebody is our customer, and in which words.

    Planned by staff; published once the customer has approved the newest words (`ReferenceText`).
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("being prepared")
        PUBLISHED = "published", _("published")
        TAKING_DOWN = "taking_down", _("being taken down")
        REMOVED = "removed", _("removed")

    class Place(models.TextChoices):
        REFERENCES = "references", _("our page of references")
        WEBSITE = "website", _("another web page")
        PRINT = "print", _("print")
        SLIDES = "slides", _("presentation")
        SOCIAL = "social", _("social media")
        SPOKEN = "spoken", _("told in conversation")

    id = uuid7_key()
    # Empty once the person is erased: what is published of them must come down all the same.
    person = models.ForeignKey(PERSON, models.SET_NULL, null=True, related_name="+")
    topic = models.ForeignKey("consent.Topic", models.PROTECT, related_name="+")
    place = models.CharField(_("where"), max_length=10, choices=Place)
    title = models.CharField(_("what"), max_length=150)
    # Of a web page; checked after a takedown.
    url = models.URLField(_("address"), max_length=500, blank=True)
    # Of anything else: which file, which print run, who has it.
    copies = models.CharField(_("files and copies"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=11, choices=State, default=State.PLANNED)
    planned_at = models.DateTimeField(db_default=Now(), editable=False)
    published_at = models.DateTimeField(_("since"), null=True, editable=False)
    removed_at = models.DateTimeField(_("removed"), null=True, editable=False)
    responsible = models.ForeignKey(
        PERSON, models.SET_NULL, null=True, related_name="+", verbose_name=_("responsible")
    )

    class Meta:
        verbose_name = _("use of a reference")
        verbose_name_plural = _("uses of references")
        ordering: ClassVar[list[str]] = ["-planned_at"]
        permissions: ClassVar[Any] = [
            ("publish_referenceuse", "Can publish uses of references and record takedowns"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person", "topic"], name="consent_use_person"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~models.Q(state="published") | models.Q(person__isnull=False),
                name="consent_use_of_somebody",
            ),
            models.CheckConstraint(
                condition=~models.Q(url="")
                | ~models.Q(copies="")
                | models.Q(place="references")
                | models.Q(state="removed"),
                name="consent_use_can_be_found",
                violation_error_message=_(
                    "Say where it is: an address, or which files and copies."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ReferenceText(models.Model):
    """The words of a use, version by version; nothing appears that both sides have not approved."""

    id = uuid7_key()
    use = models.ForeignKey(ReferenceUse, models.CASCADE, related_name="texts")
    version = models.SmallIntegerField()
    text_nb = models.TextField(_("text (Bokmål)"), blank=True)
    text_en = models.TextField(_("text (English)"), blank=True)
    # Either side may write the next version.
    by_customer = models.BooleanField(default=False)
    written_by = models.CharField(max_length=60)
    written_at = models.DateTimeField(db_default=Now())
    remark = models.CharField(_("remark"), max_length=300, blank=True)
    staff_approved_by = models.CharField(max_length=60, blank=True)
    staff_approved_at = models.DateTimeField(null=True)
    customer_approved_at = models.DateTimeField(null=True)
    customer_declined_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("wording of a reference")
        verbose_name_plural = _("wordings of references")
        ordering: ClassVar[list[str]] = ["-version"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["use", "version"], name="consent_use_text_version"),
            models.CheckConstraint(
                condition=~models.Q(text_nb="") | ~models.Q(text_en=""),
                name="consent_use_text_says_something",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.version}"


class Takedown(models.Model):
    """What must disappear because somebody left the program, until when, and who sees to it."""

    id = uuid7_key()
    use = models.OneToOneField(ReferenceUse, models.CASCADE, related_name="takedown")
    opened_at = models.DateTimeField(_("opened"))
    due_at = models.DateTimeField(_("due"))
    owner = models.ForeignKey(
        PERSON, models.SET_NULL, null=True, related_name="+", verbose_name=_("owner")
    )
    reminded_at = models.DateTimeField(null=True)
    # Proof: what was looked at, when, and by whom or by which check.
    checked = models.CharField(_("what was checked"), max_length=300, blank=True)
    checked_at = models.DateTimeField(_("checked"), null=True)
    checked_by = models.CharField(_("by"), max_length=60, blank=True)
    closed_at = models.DateTimeField(_("removed"), null=True)
    # The portal's own look once found it: only then does it not finding it prove anything.
    was_there = models.BooleanField(db_default=False, editable=False)
    # When the customer was told that all of it is gone.
    told_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("takedown")
        verbose_name_plural = _("takedowns")
        ordering: ClassVar[list[str]] = ["due_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True)
                | (models.Q(checked_at__isnull=False) & ~models.Q(checked="")),
                name="consent_takedown_closed_with_proof",
            ),
        ]

    def __str__(self) -> str:
        return str(self.use_id)


class SalesCall(models.Model):
    """One call with a prospective customer that somebody is asked for; theirs to accept."""

    class Answer(models.TextChoices):
        OPEN = "open", _("not answered")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        EXPIRED = "expired", _("too late")
        ENDED = "ended", _("no longer in the program")

    id = uuid7_key()
    person = models.ForeignKey(PERSON, models.CASCADE, related_name="+")
    asked_by = models.ForeignKey(PERSON, models.SET_NULL, null=True, related_name="+")
    about = models.CharField(_("about what"), max_length=300)
    with_whom = models.CharField(_("with whom"), max_length=150)
    asked_at = models.DateTimeField(_("asked"))
    answer_until = models.DateTimeField(_("answer until"))
    answer = models.CharField(_("answer"), max_length=8, choices=Answer, default=Answer.OPEN)
    answered_at = models.DateTimeField(_("answered"), null=True)
    # Until then an accepted call ends with the grant.
    made_at = models.DateTimeField(_("took place"), null=True)

    class Meta:
        verbose_name = _("sales call")
        verbose_name_plural = _("sales calls")
        ordering: ClassVar[list[str]] = ["-asked_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(answer="open"),
                name="consent_one_call_asked_at_once",
            ),
        ]

    def __str__(self) -> str:
        return self.about


class CallLimit(models.Model):
    """How many sales calls a year somebody is willing to take, as they set it themselves."""

    person = models.OneToOneField(PERSON, models.CASCADE, primary_key=True, related_name="+")
    a_year = models.SmallIntegerField(_("calls a year"))

    class Meta:
        verbose_name = _("limit of sales calls")
        verbose_name_plural = _("limits of sales calls")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(a_year__gte=0, a_year__lte=12), name="consent_calls_a_year"
            ),
        ]

    def __str__(self) -> str:
        return str(self.a_year)
