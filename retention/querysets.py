"""Reads on requests and runs that pages, admin and tasks share."""

from datetime import date, datetime
from typing import Any, Self

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Coalesce

from retention.policy import WARN_BEFORE

# As `DeletionRequest.law_day`.
LAW_DAY = Coalesce("due_by_law", "due_on")


class DeletionRequestQuerySet(QuerySet[Any]):
    def open(self) -> Self:
        """Asked for and not yet done, oldest first."""
        return self.filter(state="requested").order_by("requested_at")

    def ready_to_begin(self, now: datetime) -> Self:
        """Those that waited for their day, and it has come."""
        return self.filter(state="scheduled", begins_at__lte=now).order_by("begins_at")

    def unconfirmed(self) -> Self:
        """Begun by staff, and nobody has said yet that it is the customer who asked."""
        return self.filter(state="unconfirmed")

    def not_begun(self) -> Self:
        """Nothing of theirs is in the journal: what is, was done, whatever a backup says."""
        return self.filter(state__in=["unconfirmed", "scheduled"])

    def unsaid(self) -> Self:
        """Taken back, and the journal does not know it yet."""
        return self.filter(state="withdrawn", journal_position=None).order_by("finished_at")

    def under_way(self) -> Self:
        """Neither done nor taken back; what is due first, first."""
        waiting = ["unconfirmed", "scheduled", "requested"]
        return self.filter(state__in=waiting).order_by(LAW_DAY, "requested_at")

    def late(self, today: date) -> Self:
        """The law's month is over, and it is not done."""
        return self.under_way().alias(law_day=LAW_DAY).filter(law_day__lt=today)

    def due_soon(self, today: date) -> Self:
        """Not late yet, and no more than the last days of the law's month are left."""
        days = (today, today + WARN_BEFORE)
        return self.under_way().alias(law_day=LAW_DAY).filter(law_day__range=days)

    def lapsed(self) -> Self:
        """Begun by staff, and over because nobody confirmed it; the newest first."""
        return self.filter(lapsed=True).order_by("-finished_at")


class RetentionRunQuerySet(QuerySet[Any]):
    def newest_per_rule(self) -> dict[str, Any]:
        """The last finished run of each rule that was not refused."""
        return self.filter(refused="")._newest()

    def refused_since(self) -> list[Any]:
        """The rules whose newest run was refused: a person must look at them."""
        return [run for run in self._newest().values() if run.refused]

    def newest_moments(self) -> tuple[datetime, datetime] | None:
        """When the newest run not refused began, and the newest that ended; None before one did."""
        ran = self.filter(refused="")
        ended = Q(duration__isnull=False)
        found = ran.aggregate(began=Max("started_at"), ended=Max("started_at", filter=ended))
        return (found["began"], found["ended"]) if found["ended"] else None

    def _newest(self) -> dict[str, Any]:
        finished = self.filter(duration__isnull=False)
        newest = finished.values("rule").annotate(at=Max("started_at")).order_by()
        moments = {row["at"] for row in newest}
        found = finished.filter(started_at__in=moments).order_by("started_at")
        return {run.rule: run for run in found}
