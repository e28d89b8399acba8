"""Reads on mailings and the outbox that pages, admin and tasks share."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.db.models import Count, Q, QuerySet


class MailingQuerySet(QuerySet[Any]):
    def due(self, now: datetime) -> Self:
        """Approved and timed for now or earlier."""
        return self.filter(state="approved", send_at__lte=now)

    def running(self) -> Self:
        return self.filter(state="sending")


class MessageQuerySet(QuerySet[Any]):
    def of_mailing(self, mailing_id: uuid.UUID) -> Self:
        return self.filter(mailing_id=mailing_id)

    def of_person(self, person_id: uuid.UUID) -> Self:
        return self.filter(person_id=person_id)

    def unfinished(self) -> Self:
        return self.filter(Q(state="queued") | Q(state="claimed") | Q(state="handing"))

    def counts(self) -> dict[str, int]:
        """Messages by state."""
        rows = self.values_list("state").annotate(Count("id")).order_by()
        return {str(state): int(number) for state, number in rows}
