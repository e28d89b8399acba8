"""What somebody sees of their part in the program: activities, uses with their words, calls."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Prefetch

from accounts.models import User
from consent.models import CallLimit, ReferenceText, ReferenceUse, SalesCall
from consent.policy import CALLS_A_YEAR
from foundation.calendar import months_later


@dataclass(frozen=True, slots=True)
class UseShown:
    """One place, its newest words, and the older ones."""

    use: ReferenceUse
    texts: list[ReferenceText]

    @property
    def newest(self) -> ReferenceText | None:
        return self.texts[0] if self.texts else None

    @property
    def is_asked(self) -> bool:
        """Whether words wait for the customer."""
        text = self.newest
        return (
            self.use.state in (ReferenceUse.State.PLANNED, ReferenceUse.State.PUBLISHED)
            and text is not None
            and text.customer_approved_at is None
            and text.customer_declined_at is None
        )

    @property
    def may_change(self) -> bool:
        return self.newest is not None and self.is_open

    @property
    def is_open(self) -> bool:
        return self.use.state in (ReferenceUse.State.PLANNED, ReferenceUse.State.PUBLISHED)

    @property
    def standing(self) -> ReferenceText | None:
        """The words both sides approved last: those that are shown."""
        approved = (
            each for each in self.texts if each.staff_approved_at and each.customer_approved_at
        )
        return next(approved, None)


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody's part in the program."""

    uses: list[UseShown] = field(default_factory=list)
    calls: list[SalesCall] = field(default_factory=list)
    calls_a_year: int = CALLS_A_YEAR

    @property
    def open_call(self) -> SalesCall | None:
        return next((each for each in self.calls if each.answer == SalesCall.Answer.OPEN), None)

    @property
    def other_calls(self) -> list[SalesCall]:
        return [each for each in self.calls if each.answer != SalesCall.Answer.OPEN]


def part_of(person: User, *, now: datetime) -> Part:
    """Every use of theirs, the ones that wait for them first, and the calls of the last year."""
    uses = (
        ReferenceUse.objects.filter(person=person)
        .select_related("topic", "takedown")
        .prefetch_related(
            "topic__wordings", Prefetch("texts", ReferenceText.objects.order_by("-version"))
        )
        .order_by("-planned_at")
    )
    shown = [UseShown(use, list(use.texts.all())) for use in uses]
    limit = CallLimit.objects.filter(person=person).values_list("a_year", flat=True).first()
    return Part(
        uses=sorted(shown, key=lambda each: (not each.is_asked, not each.is_open)),
        calls=list(recent_calls(person.pk, now=now)),
        calls_a_year=CALLS_A_YEAR if limit is None else limit,
    )


def recent_calls(person_id: uuid.UUID, *, now: datetime) -> list[SalesCall]:
    """Newest first. One that nobody answered in time is told as such before the task says so."""
    calls = list(SalesCall.objects.filter(person_id=person_id, asked_at__gt=months_later(now, -12)))
    for call in calls:
        if call.answer == SalesCall.Answer.OPEN and call.answer_until < now:
            call.answer = SalesCall.Answer.EXPIRED
    return calls
