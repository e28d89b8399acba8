"""Reads on consent that pages, admin and tasks share."""

import uuid
from typing import Any, Self

from django.db.models import QuerySet


class TopicQuerySet(QuerySet[Any]):
    def live(self) -> Self:
        """Topics that are asked and may be sent."""
        return self.filter(retired_at__isnull=True)

    def mail(self) -> Self:
        return self.live().filter(kind="mail")

    def asked_of_customers(self) -> Self:
        """What a person chooses in the preference centre: mail, and tailoring beside it."""
        return self.live().filter(kind__in=["mail", "tailoring"])

    def with_wording(self) -> Self:
        return self.prefetch_related("wordings")


class PreferenceQuerySet(QuerySet[Any]):
    def of(self, person_id: uuid.UUID) -> Self:
        return self.filter(person_id=person_id)


class DetailQuerySet(QuerySet[Any]):
    def of(self, person_id: uuid.UUID) -> Self:
        """A person's history, newest first."""
        return self.filter(person_id=person_id)
