"""Runs of the retention rules, and how far this database knows the journal."""

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from foundation.ids import uuid7_key
from retention.querysets import RetentionRunQuerySet


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
    # Which rule it was then, with the periods of our companies: the next night compares with it.
    # Defaults of the database: a keeper of the version before writes its runs during an upgrade.
    version = models.CharField(max_length=32, default="", db_default="", editable=False)
    # Rows that were due of each company, where the rule knows some with a period of their own.
    companies = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()), editable=False
    )
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
    # What the newest record of legal holds says, hashed; empty before the first.
    holds = models.BinaryField(max_length=32, default=b"")
    moved_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("mark of the journal")
        verbose_name_plural = _("mark of the journal")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(id=1), name="retention_one_journal_mark"),
        ]

    def __str__(self) -> str:
        return str(self.position)
