"""Questions to us, and the thread of each (policy, "Kundeservice")."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models.people import SupportChannel, User
from foundation.ids import uuid7_key


class SupportQuestion(models.Model):
    """One question, from a customer or a stranger, and how they wish to be answered."""

    class Topic(models.TextChoices):
        SERVICE = "service", _("Using the service")
        BILLING = "billing", _("Invoices and payments")
        ACCOUNT = "account", _("My account")
        PRIVACY = "privacy", _("Privacy")
        OTHER = "other", _("Something else")

    class State(models.TextChoices):
        OPEN = "open", _("waits for us")
        ANSWERED = "answered", _("answered")
        CLOSED = "closed", _("closed")

    id = uuid7_key()
    # Names the thread for whoever asked without an account; all chance.
    reference = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    # Of a stranger; a customer's own are read from the account.
    name = models.CharField(_("name"), max_length=150, blank=True)
    email = models.EmailField(_("email"), blank=True)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    topic = models.CharField(_("about"), max_length=7, choices=Topic)
    channel = models.CharField(_("answer me by"), max_length=5, choices=SupportChannel)
    # "Weekdays after 15": free words, only where the channel is the phone.
    call_when = models.CharField(_("when to call"), max_length=100, blank=True)
    language = models.CharField(max_length=5)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    assigned_to = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="+", verbose_name=_("assigned to")
    )
    asked_at = models.DateTimeField(_("asked"))
    moved_at = models.DateTimeField(_("last entry"))
    closed_at = models.DateTimeField(_("closed"), null=True)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering: ClassVar[list[str]] = ["-moved_at"]
        permissions: ClassVar[Any] = [
            ("view_every_question", "Can view questions about anything, not about billing alone"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(customer__isnull=False) | ~models.Q(email=""),
                name="accounts_question_can_be_answered",
            ),
            models.CheckConstraint(
                condition=models.Q(channel="email")
                | models.Q(customer__isnull=False)
                | ~models.Q(phone=""),
                name="accounts_question_can_be_called",
            ),
            models.CheckConstraint(
                condition=models.Q(state="closed", closed_at__isnull=False)
                | (~models.Q(state="closed") & models.Q(closed_at__isnull=True)),
                name="accounts_question_closed_once",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "moved_at"], name="accounts_question_waiting"),
        ]

    def __str__(self) -> str:
        return str(self.reference)


class SupportEntry(models.Model):
    """One contribution to a thread: the question, an answer by email, the note of a call, or that
    nobody answered ours."""

    class Kind(models.TextChoices):
        QUESTION = "question", _("question")
        ANSWER = "answer", _("answer by email")
        CALL = "call", _("note of a call")
        ATTEMPT = "attempt", _("call that reached nobody")

    id = uuid7_key()
    question = models.ForeignKey(SupportQuestion, models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=8, choices=Kind)
    text = models.TextField(_("text"))
    written_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(db_default=Now())
    # The same form sent twice is one entry.
    form = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        verbose_name = _("entry of a question")
        verbose_name_plural = _("entries of a question")
        ordering: ClassVar[list[str]] = ["at", "id"]

    def __str__(self) -> str:
        return str(self.kind)
