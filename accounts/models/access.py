"""Staff looking at a customer's data: for a reason, for a while, and told to the customer."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key

PERSON = "accounts.User"


class Basis(models.TextChoices):
    """Why a member of staff may look: an assigned piece of work, or a reason they wrote."""

    QUESTION = "question", _("a question the customer asked us")
    DELETION = "deletion", _("a request to delete data")
    REQUEST = "request", _("a request to the privacy officer")
    REFERENCE = "reference", _("the customer reference program")
    REVIEW = "review", _("a review of content against our terms")
    REASON = "reason", _("another reason")


class Seen(models.TextChoices):
    """What was looked at; never its content."""

    SEARCH = "search", _("that you are a customer")
    PROFILE = "profile", _("your contact details")
    CHOICES = "choices", _("your choices and their history")
    MAILS = "mails", _("the emails we sent you")
    QUESTION = "question", _("your questions to us")
    REQUESTS = "requests", _("your requests about your data")
    REFERENCE = "reference", _("your part in the customer reference program")
    BILLING = "billing", _("your invoices and payments")
    CONTENT = "content", _("content of yours")


class AccessGrant(models.Model):
    """For so long one member of staff may look at one customer (`policy.ACCESS_LASTS`)."""

    id = uuid7_key()
    # Empty once the colleague is erased: what they opened stays told to the customer.
    staff = models.ForeignKey(PERSON, models.SET_NULL, null=True, related_name="+")
    person = models.ForeignKey(PERSON, models.CASCADE, related_name="+")
    basis = models.CharField(_("why"), max_length=10, choices=Basis)
    # The number of the question, request or case; of another reason whatever leads back to it.
    reference = models.CharField(_("reference"), max_length=80, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    opened_at = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("access to a customer's data")
        verbose_name_plural = _("accesses to customers' data")
        ordering: ClassVar[list[str]] = ["-opened_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["staff", "person", "-until"], name="accounts_access_open"),
            models.Index(fields=["person"], name="accounts_access_person"),
            models.Index(fields=["opened_at"], name="accounts_access_opened"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(reference__gt="")
                & (~models.Q(basis="reason") | models.Q(reason__gt="")),
                name="accounts_access_says_why",
                violation_error_message=_("Say why, and what it belongs to."),
            ),
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("opened_at")),
                name="accounts_access_ends",
            ),
            models.CheckConstraint(
                condition=~models.Q(staff=models.F("person")), name="accounts_access_of_another"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class AccessEvent(models.Model):
    """That staff saw something of a customer: who, what, why, when. Append-only.

    A leaf of the same signed log as consent events; the keys are plain, so that the erasing
    function needs no lock on other tables and an erased colleague leaves only a number.
    """

    id = uuid7_key()
    person_id = models.UUIDField()
    # "staff:<key of the account>", as in consent events; the customer is shown the role.
    actor = models.CharField(max_length=50)
    role = models.CharField(max_length=30)
    what = models.CharField(_("what"), max_length=10, choices=Seen)
    basis = models.CharField(_("why"), max_length=10, choices=Basis)
    reference = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    # Empty for a search, which comes before any grant.
    grant_id = models.UUIDField(null=True)
    at = models.DateTimeField(_("when"))
    salt = models.BinaryField(max_length=16)

    class Meta:
        verbose_name = _("access event")
        verbose_name_plural = _("access events")
        ordering: ClassVar[list[str]] = ["-at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person_id", "-at"], name="accounts_access_of_person"),
            models.Index(fields=["actor", "-at"], name="accounts_access_by"),
            models.Index(fields=["at"], name="accounts_access_at"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # Looking twice in the same half-hour is one look.
            models.UniqueConstraint(fields=["grant_id", "what"], name="accounts_seen_once"),
            models.CheckConstraint(
                condition=models.Q(what="search") | models.Q(grant_id__isnull=False),
                name="accounts_seen_with_a_grant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.at:%Y-%m-%d}"


class LookUp(models.Model):
    """That staff searched for somebody: by what, and whether one was found; not for whom.

    Counted for the alarm at unusual numbers. Whom it found has an `AccessEvent`.
    """

    class By(models.TextChoices):
        EMAIL = "email", _("e-mail address")
        PHONE = "phone", _("phone")
        KEY = "key", _("customer number or key")

    id = uuid7_key()
    staff = models.ForeignKey(PERSON, models.CASCADE, related_name="+")
    by = models.CharField(max_length=5, choices=By)
    found = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("search by staff")
        verbose_name_plural = _("searches by staff")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["at"], name="accounts_look_up_at"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class AccessAlarm(models.Model):
    """An unusual number of look-ups by one member of staff on one day, until somebody asked why."""

    id = uuid7_key()
    staff = models.ForeignKey(PERSON, models.CASCADE, related_name="+", verbose_name=_("staff"))
    day = models.DateField(_("day"))
    number = models.IntegerField(_("look-ups"))
    usual = models.IntegerField(_("usual"))
    raised_at = models.DateTimeField(db_default=Now())
    closed_by = models.ForeignKey(PERSON, models.SET_NULL, null=True, related_name="+")
    closed_at = models.DateTimeField(_("looked into"), null=True)
    finding = models.CharField(_("what it was"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("alarm about look-ups")
        verbose_name_plural = _("alarms about look-ups")
        ordering: ClassVar[list[str]] = ["-day"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["staff", "day"], name="accounts_one_alarm_a_day"),
            models.CheckConstraint(
                condition=models.Q(closed_at=None)
                | (models.Q(finding__gt="") & ~models.Q(closed_by=models.F("staff"))),
                name="accounts_alarm_closed_by_another",
                violation_error_message=_("Somebody else must look into it, and say what it was."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"
