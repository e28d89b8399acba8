"""Deletion requests with their steps, the runs of the retention rules, and the journal's mark.

None of them holds a personal value once its work is done: what stays is how much of which
class went, when, by whom, and what was kept until which date.
"""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key
from retention.querysets import DeletionRequestQuerySet, RetentionRunQuerySet


class Source(models.TextChoices):
    """By which way a deletion was asked for."""

    CUSTOMER = "customer", _("by the customer, on the page")
    COMMAND = "command", _("by an operator, with erase_customer")
    REPLAY = "replay", _("once more after a restore, from the journal")


class DeletionRequest(models.Model):
    """One person's wish to be deleted, and afterwards the proof that it was done.

    `person_id` is a plain key, emptied when the last step is done. The web process may only add
    requests; their progress is written by the keeper.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", _("requested")
        FINISHED = "finished", _("finished")

    id = uuid7_key()
    # Names the request on a page that asks for no sign-in, so it is all chance.
    reference = models.UUIDField(_("reference"), default=uuid.uuid4, unique=True, editable=False)
    person_id = models.UUIDField(_("customer"), null=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.REQUESTED)
    source = models.CharField(_("asked for"), max_length=10, choices=Source)
    actor = models.CharField(_("who"), max_length=60)
    requested_at = models.DateTimeField(_("asked for at"))
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

    objects = DeletionRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("deletion request")
        verbose_name_plural = _("deletion requests")
        ordering: ClassVar[list[str]] = ["-requested_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person_id"], name="retention_one_open_request"),
            models.CheckConstraint(
                condition=models.Q(state="requested", finished_at__isnull=True)
                | models.Q(state="finished", finished_at__isnull=False, person_id__isnull=True),
                name="retention_finished_names_nobody",
            ),
        ]

    def __str__(self) -> str:
        return str(self.reference)

    @property
    def is_finished(self) -> bool:
        return self.state == self.State.FINISHED


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


class RetentionRun(models.Model):
    """One run of one rule. Written by the keeper only: the application cannot claim a run."""

    id = uuid7_key()
    rule = models.CharField(_("rule"), max_length=40)
    actor = models.CharField(_("who"), max_length=60)
    cutoff = models.DateTimeField(_("everything up to"))
    removed = models.BigIntegerField(_("rows removed"), default=0)
    partitions = ArrayField(
        models.CharField(max_length=63), verbose_name=_("months dropped"), default=list
    )
    started_at = models.DateTimeField(_("started"))
    duration = models.DurationField(_("took"), null=True)
    # The longest of its transactions: nobody can have waited longer for it.
    longest_batch = models.DurationField(_("longest lock"), null=True)
    # Why it removed nothing though something was due; a person must look.
    refused = models.CharField(_("not run, because"), max_length=200, blank=True, default="")

    objects = RetentionRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("retention run")
        verbose_name_plural = _("retention runs")
        ordering: ClassVar[list[str]] = ["-started_at", "rule"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["rule", "-started_at"], name="retention_newest_run"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.started_at:%Y-%m-%d}"

    @property
    def finished_at(self) -> datetime | None:
        """None while it runs, and for ever when it was killed."""
        return None if self.duration is None else self.started_at + self.duration


class JournalMark(models.Model):
    """How far this database knows the journal: one row, none before the first record.

    A restored database has the mark of its backup, and so cannot deny what was written since.
    Written by the keeper only.
    """

    THE_ONE = 1

    id = models.SmallIntegerField(primary_key=True, default=THE_ONE)
    position = models.BigIntegerField()
    chain = models.BinaryField(max_length=32)
    # How many leaves the journal holds, and the size of the newest head in it.
    leaves = models.BigIntegerField(default=0)
    head = models.BigIntegerField(default=0)
    # The highest number of a topic in it, and how many of them it holds as retired.
    topics = models.SmallIntegerField(default=0)
    retired = models.SmallIntegerField(default=0)
    moved_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("mark of the journal")
        verbose_name_plural = _("mark of the journal")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(id=1), name="retention_one_journal_mark"),
        ]

    def __str__(self) -> str:
        return str(self.position)
