"""Reads on mailings and the outbox that pages, admin and tasks share."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.db.models import Count, Q, QuerySet

from messaging.timing import head_start


class MailingQuerySet(QuerySet[Any]):
    def due(self, now: datetime) -> Self:
        """Approved and timed for now or earlier; for an hour in each zone, for the first one."""
        due = Q(send_at__lte=now)
        if hasattr(self.model, "in_customers_zone"):
            due |= Q(in_customers_zone=True, send_at__lte=now + head_start(now))
        return self.filter(due, state="approved")

    def running(self) -> Self:
        return self.filter(state="sending")


class MessageQuerySet(QuerySet[Any]):
    def of_mailing(self, mailing_id: uuid.UUID) -> Self:
        return self.filter(mailing_id=mailing_id)

    def of_person(self, person_id: uuid.UUID) -> Self:
        return self.filter(person_id=person_id)

    def unfinished(self) -> Self:
        """Their end has no moment yet; the index knows that, not the state."""
        return self.filter(finished_at__isnull=True, state__in=["queued", "claimed", "handing"])

    def counts(self) -> dict[str, int]:
        """Messages by state."""
        rows = self.values_list("state").annotate(Count("id")).order_by()
        return {str(state): int(number) for state, number in rows}
