"""Segments: some of those who chose tailoring, by profile, and never so few that one is known."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consent.models import Topic
from consent.topics import TAILORING
from foundation.calendar import day_after
from messaging.models import Campaign, Mailing, Segment
from messaging.policy import MIN_SEGMENT, SEGMENT_STEP
from messaging.reach import ANY_TOPIC, SEGMENTED, reached
from messaging.refusals import Unfit

State = Mailing.State
# As long as it may still be sent to, it stays what its campaign was approved with.
IN_USE = (State.APPROVED, State.SENDING, State.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What a segment asks for, saved or not; what is empty does not narrow."""

    countries: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    since_from: date | None = None
    since_until: date | None = None


def parameters(segment: Segment | Criteria) -> dict[str, Any]:
    """What `reach.IN_SEGMENT` is asked with."""
    tailoring = Topic.objects.live().filter(slug=TAILORING).values_list("pk", flat=True).first()
    after = day_after(segment.since_until) if segment.since_until else None
    return {
        "tailoring": tailoring,
        "countries": segment.countries,
        "languages": segment.languages,
        "since": segment.since_from and _midnight(segment.since_from),
        "before": after and _midnight(after),
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def count_segment(
    segment: Segment | Criteria, topic_id: UUID | None = None, *, now: datetime
) -> int:
    """How many it would reach: of everybody, or of those who asked for a topic.

    Exact, so for decisions only; `shown` is what a person may see of it.
    """
    joined = "LEFT JOIN consent_preference p ON p.person_id = u.id AND p.topic_id = %(topic)s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM accounts_user u {joined if topic_id else ''} "
            f"WHERE {reached(SEGMENTED if topic_id else ANY_TOPIC)} "
            f"AND {'(NOT u.is_staff OR p.state IS NOT NULL)' if topic_id else 'NOT u.is_staff'}",
            {"topic": topic_id, "now": now, **parameters(segment)},
        )
        return int(cursor.fetchone()[0])


def shown(count: int) -> int:
    """Rounded down to tens, none below 20: two segments alike but for one person look the same.

    A filter over free choices is otherwise a question about anybody (differencing).
    """
    return 0 if count < MIN_SEGMENT else count - count % SEGMENT_STEP


def shown_words(count: int) -> str:
    if count < MIN_SEGMENT:
        return _("fewer than %(number)s") % {"number": MIN_SEGMENT}
    return _("about %(number)s") % {"number": shown(count)}


def shown_preview(counted: dict[str, int]) -> dict[str, int]:
    """A preview whose segment cannot be told to the person; still the sum of all customers."""
    exact = counted.get("reached", 0)
    hidden = exact - shown(exact)
    outside = counted.get("outside_segment", 0) + hidden
    return {**counted, "reached": shown(exact), **({"outside_segment": outside} if outside else {})}


def why_too_few(segment: Segment | Criteria, topic_id: UUID | None = None, *, now: datetime) -> str:
    """Why it may not be used, in words; empty when it may."""
    if count_segment(segment, topic_id, now=now) >= MIN_SEGMENT:
        return ""
    few = {"number": MIN_SEGMENT}
    if topic_id is None:
        return (
            _(
                "Fewer than %(number)s of those who chose tailoring belong to it. Choose more "
                "countries or languages, or a longer time."
            )
            % few
        )
    return (
        _(
            "The segment would reach fewer than %(number)s who asked for the topic. Choose a wider "
            "segment, or none."
        )
        % few
    )


def refuse_small(campaign: Mailing, *, now: datetime) -> None:
    """A campaign whose segment has too few readers is neither approved nor started: `Unfit`.

    Holds the segment until the caller's transaction ends, so that no edit of it comes in between.
    """
    if isinstance(campaign, Campaign) and campaign.segment_id is not None:
        segment = Segment.objects.select_for_update().get(pk=campaign.segment_id)
        if why := why_too_few(segment, campaign.topic_id, now=now):
            raise Unfit(why)


def campaigns_using(segment: Segment) -> list[Campaign]:
    """Approved, being sent or paused with it: their audience must stay what was approved."""
    return list(Campaign.objects.filter(segment=segment, state__in=IN_USE).order_by("-created_at"))


def in_use_words(using: list[Campaign]) -> str:
    names = ", ".join(_("“%(name)s”") % {"name": campaign.subject} for campaign in using)
    return ngettext(
        "The campaign %(names)s uses this segment, so it stays as it is until that is over. For "
        "anything else make a new segment.",
        "The campaigns %(names)s use this segment, so it stays as it is until they are over. For "
        "anything else make a new segment.",
        len(using),
    ) % {"names": names}
