"""Deletion requests with their steps.

A finished request holds no personal value: what stays is how much of which class went, when, by
whom, and what was kept until which date.
"""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Value
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key
from retention.querysets import DeletionRequestQuerySet


class Source(models.TextChoices):
    """By which way a deletion was asked for."""

    CUSTOMER = "customer", _("by the customer, on the page")
    STAFF = "staff", _("by staff, for a customer who asked for it")
    COMMAND = "command", _("by an operator, with erase_customer")
    REPLAY = "replay", _("once more after a restore, from the journal")
    SCHEDULE = "schedule", _("by the schedule, for an account that nobody wants any more")


class Scope(models.TextChoices):
    """What a request is to let go."""

    EVERYTHING = "everything", _("everything")
    PROFILE = "profile", _("what the profile says beyond name and email")
    LIST = "list", _("one contact list")
    MESSAGES = "messages", _("messages of a period, with their records")
    CONTENT = "content", _("what messages of a period said, and to whom")


class DeletionRequest(models.Model):
    """One person's wish to be deleted, and afterwards the proof that it was done.

    `person_id` is a plain key, emptied when the last step is done. The web process may only add
    requests; their progress is written by the keeper.
    """

    class State(models.TextChoices):
        UNCONFIRMED = "unconfirmed", _("waits for the customer, or for a second check of identity")
        SCHEDULED = "scheduled", _("begins on its day; can be taken back until then")
        REQUESTED = "requested", _("requested")
        FINISHED = "finished", _("finished")
        WITHDRAWN = "withdrawn", _("taken back")

    id = uuid7_key()
    # Names the request on a page that asks for no sign-in, so it is all chance.
    reference = models.UUIDField(_("reference"), default=uuid.uuid4, unique=True, editable=False)
    person_id = models.UUIDField(_("customer"), null=True)
    scope = models.CharField(_("what"), max_length=10, choices=Scope, default=Scope.EVERYTHING)
    # Of one contact list; and the days of a period, both included, either end open.
    contact_list_id = models.UUIDField(null=True, editable=False)
    since = models.DateField(_("from"), null=True, blank=True)
    until = models.DateField(_("until"), null=True, blank=True)
    # Those days as moments, by the time zone the customer had when they asked: a zone that is
    # changed or deleted before the work is done moves no end of it.
    covers_from = models.DateTimeField(null=True, editable=False)
    covers_before = models.DateTimeField(null=True, editable=False)
    state = models.CharField(_("state"), max_length=11, choices=State, default=State.REQUESTED)
    source = models.CharField(_("asked for"), max_length=10, choices=Source)
    actor = models.CharField(_("who"), max_length=60)
    requested_at = models.DateTimeField(_("asked for at"))
    # The day by which the law wants it done (GDPR art. 12 (3)): a month after it was asked for.
    # While it waits for a word on what staff began, the last day for that.
    due_on = models.DateField(_("due"), null=True)
    # Where the desk had the request before staff began it: the law's day of that one, which may
    # come before the last day for the word, and is `due_on` once that was given (migration 0016).
    due_by_law = models.DateField(_("due by law"), null=True, editable=False)
    # When the work may begin; until then the customer can take it back.
    begins_at = models.DateTimeField(_("begins"), null=True)
    # Staff who checked who was asking, where the customer could not confirm it themselves.
    checked_by = models.CharField(_("identity checked by"), max_length=60, blank=True)
    checked_again_by = models.CharField(_("and by"), max_length=60, blank=True)
    check_note = models.CharField(_("how it was checked"), max_length=300, blank=True)
    # A deletion that waits also deactivates; taking it back undoes only what it did itself.
    deactivated = models.BooleanField(default=False, editable=False)
    warned_at = models.DateTimeField(null=True, editable=False)
    # Begun by staff, and over because nobody confirmed it in time: nobody took it back.
    lapsed = models.BooleanField(_("lapsed"), default=False, db_default=False, editable=False)
    # When a round last found that a legal hold, and nothing else, keeps it open.
    held_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(_("done at"), null=True)
    # Null where nobody recorded it: a deletion that only the journal remembers after a restore.
    removed: "models.JSONField[Any, Any]" = models.JSONField(
        _("deleted, per class"), default=dict, null=True
    )
    # Of those, the rows that stayed: `{class: {"count": rows, "fields": columns emptied}}`.
    blanked: "models.JSONField[Any, Any]" = models.JSONField(
        _("blanked, per class"), default=dict, editable=False
    )
    kept: "models.JSONField[Any, Any]" = models.JSONField(
        _("kept, per class"), default=list, null=True
    )
    # Where the journal says of it, and what the chain was there; none for one of before.
    journal_position = models.BigIntegerField(_("record of the journal"), null=True)
    journal_chain = models.BinaryField(max_length=32, null=True)
    # What other systems know it as. Of their deliveries only this and their state is left soon.
    announcement = models.UUIDField(null=True, editable=False)
    announced = models.PositiveSmallIntegerField(_("systems told"), default=0)
    # What became of each, by its key: `{"system": its name then, "answer": …, "at": …}`. Written by
    # the database when a notice is settled or goes (migration 0013), for no delivery stays as long.
    answers: "models.JSONField[Any, Any]" = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()), editable=False
    )

    objects = DeletionRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("deletion request")
        verbose_name_plural = _("deletion requests")
        ordering: ClassVar[list[str]] = ["-requested_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["person_id"],
                condition=models.Q(scope="everything"),
                name="retention_one_open_request",
            ),
            models.UniqueConstraint(
                fields=["person_id", "scope", "contact_list_id", "since", "until"],
                condition=models.Q(person_id__isnull=False) & ~models.Q(scope="everything"),
                nulls_distinct=False,
                name="retention_one_open_part",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["unconfirmed", "scheduled", "requested"], finished_at__isnull=True
                )
                | models.Q(
                    state__in=["finished", "withdrawn"],
                    finished_at__isnull=False,
                    person_id__isnull=True,
                ),
                name="retention_finished_names_nobody",
            ),
            models.CheckConstraint(
                condition=models.Q(lapsed=False) | models.Q(state="withdrawn"),
                name="retention_lapsed_is_over",
            ),
            # Two people look at who is asking, never one twice.
            models.CheckConstraint(
                condition=models.Q(checked_again_by="")
                | ~models.Q(checked_again_by=models.F("checked_by")),
                name="retention_checked_by_two",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["announcement"],
                condition=models.Q(announcement__isnull=False),
                name="retention_deletion_announced",
            ),
            models.Index(
                fields=["finished_at"],
                condition=models.Q(state="withdrawn", journal_position__isnull=True),
                name="retention_taken_back_unsaid",
            ),
        ]

    def __str__(self) -> str:
        return str(self.reference)

    @property
    def is_finished(self) -> bool:
        return self.state == self.State.FINISHED

    @property
    def standing(self) -> str:
        """Its state in words."""
        return str(
            _("lapsed: nobody confirmed it in time")
            if self.lapsed
            else self.State(self.state).label
        )

    @property
    def law_day(self) -> date | None:
        """By when the law wants it done, whatever it waits for."""
        return self.due_by_law or self.due_on

    def is_past_due(self, moment: datetime | None) -> bool:
        """Whether what is done then is done after the law's month. Only the days to think it over
        may lead there: they count from when the customer confirmed what staff began for them."""
        return moment is not None and self.law_day is not None and moment.date() > self.law_day

    @property
    def begins_past_due(self) -> bool:
        return self.is_past_due(self.begins_at)


class DeletionStep(models.Model):
    """One class of data of one request: the row that a killed worker comes back to."""

    id = uuid7_key()
    request = models.ForeignKey(DeletionRequest, models.CASCADE, related_name="steps")
    position = models.SmallIntegerField(_("order"))
    name = models.CharField(_("class of data"), max_length=100)
    removed = models.BigIntegerField(_("deleted"), default=0)
    # How many of those rows stayed, without the columns that led to the person.
    blanked = models.BigIntegerField(_("blanked"), default=0)
    finished_at = models.DateTimeField(_("done at"), null=True)

    class Meta:
        verbose_name = _("deletion step")
        verbose_name_plural = _("deletion steps")
        ordering: ClassVar[list[str]] = ["position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["request", "name"], name="retention_step_once"),
        ]

    def __str__(self) -> str:
        return self.name
