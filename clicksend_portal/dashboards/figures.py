"""What the dashboards count, each by one statement over an index or the newest months."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language

from clicksend_portal.promises.readings import all_rows
from clicksend_portal.promises.readings.permission import LONGEST_WAIT, WAYS_OUT
from consent.models import Topic
from foundation.ids import uuid7_floor
from retention.ages import Age, ages

DAYS = 30
WEEKS = 13

STANDING = "SELECT topic_id, count(*) FROM consent_preference WHERE state = 'granted' GROUP BY 1"
# Of people who are customers still: an erased person's history went with them.
CHANGES = """
SELECT topic_id, floor(EXTRACT(epoch FROM %(now)s - at) / 604800)::int,
       count(*) FILTER (WHERE state = 'granted' AND state_before <> 'granted'),
       count(*) FILTER (WHERE state <> 'granted' AND state_before = 'granted')
  FROM consent_consentdetail
 WHERE at > %(since)s AND at <= %(now)s
 GROUP BY 1, 2
"""
# As the promise `obeyed-in-minutes` measures it, by day.
OPT_OUTS = """
SELECT day, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY took), max(took)
  FROM (SELECT (at AT TIME ZONE %(zone)s)::date AS day,
               GREATEST(EXTRACT(epoch FROM GREATEST(
                   at, uuid_extract_timestamp(id) + interval '1 ms') - received_at), 0)::float
               AS took
          FROM consent_consentdetail
         WHERE at > %(since)s AND at <= %(now)s AND state <> 'granted' AND NOT undone
           AND source = ANY (%(ways)s) AND received_at IS NOT NULL) AS taken
 GROUP BY GROUPING SETS ((day), ())
"""
SENDING = """
SELECT (COALESCE(handed_at, finished_at) AT TIME ZONE %(zone)s)::date, state, count(*)
  FROM messaging_message
 WHERE id >= %(floor)s AND COALESCE(handed_at, finished_at) > %(since)s
   AND COALESCE(handed_at, finished_at) <= %(now)s
   AND state IN ('sent', 'withheld', 'failed', 'in_doubt')
 GROUP BY 1, 2
"""
CAME_BACK = """
SELECT (received_at AT TIME ZONE %(zone)s)::date, kind, count(*)
  FROM messaging_providerevent
 WHERE id >= %(floor)s AND received_at > %(since)s AND received_at <= %(now)s
   AND kind IN ('hard_bounce', 'soft_bounce', 'complaint')
 GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class TopicName:
    """A topic as the page names it, in the language of whoever looks."""

    slug: str
    nb: str
    en: str

    @property
    def name(self) -> str:
        return self.en if (get_language() or "nb").startswith("en") else self.nb


@dataclass(frozen=True, slots=True)
class TopicFigures:
    """Standing yeses at the end of each week, oldest first, and what moved within them."""

    topic: TopicName
    standing: Sequence[int]
    yes: Sequence[int]
    no: Sequence[int]


@dataclass(frozen=True, slots=True)
class Took:
    """How long the opt-outs of a day, or of all days, took: in seconds."""

    number: int
    median: float
    late: float
    worst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFigures:
    """One rule by its name: how much of its period the oldest row has had, 1 being all of it."""

    name: str
    oldest: date | None
    share: float
    overdue: int
    held: int
    seen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    counted_at: datetime
    topics: Sequence[TopicFigures]
    opt_outs: dict[date, Took]
    all_opt_outs: Took | None
    sending: dict[str, dict[date, int]]
    came_back: dict[str, dict[date, int]]
    rules: Sequence[RuleFigures]

    @property
    def days(self) -> list[date]:
        """Where the portal is, oldest first."""
        today = timezone.localdate(self.counted_at, timezone=ZoneInfo(settings.TIME_ZONE))
        return [today - timedelta(days=DAYS - 1 - index) for index in range(DAYS)]


def collect(now: datetime) -> Figures:
    first = now - timedelta(days=DAYS)
    where = {"now": now, "since": first, "zone": settings.TIME_ZONE, "ways": list(WAYS_OUT)}
    # A mail is keyed by its queueing and an event by its happening, both before what is counted.
    where["floor"] = uuid7_floor(first - LONGEST_WAIT)
    taken = {day: Took(*row) for day, *row in all_rows(OPT_OUTS, where) if row[0]}
    overall = taken.pop(None, None)
    return Figures(
        counted_at=now,
        topics=topics(now),
        opt_outs=taken,
        all_opt_outs=overall,
        sending=by_name(all_rows(SENDING, where)),
        came_back=by_name(all_rows(CAME_BACK, where)),
        rules=[rule_figures(age, now) for age in ages(now)],
    )


def topics(now: datetime) -> list[TopicFigures]:
    standing = dict(all_rows(STANDING))
    moved: dict[tuple[Any, int], tuple[int, int]] = {
        (topic, ago): (yes, no)
        for topic, ago, yes, no in all_rows(
            CHANGES, {"now": now, "since": now - timedelta(weeks=WEEKS)}
        )
    }
    return [
        topic_figures(
            topic,
            standing.get(topic.pk, 0),
            [moved.get((topic.pk, ago), (0, 0)) for ago in range(WEEKS)],
        )
        for topic in Topic.objects.live().with_wording()
    ]


def topic_figures(topic: Topic, now: int, moved: Sequence[tuple[int, int]]) -> TopicFigures:
    """Walks back from today: the week before had those who came since less, those who left more."""
    standing = [now]
    for yes, no in moved[:-1]:
        standing.append(standing[-1] - yes + no)
    words = topic.wording
    return TopicFigures(
        TopicName(topic.slug, words.name_nb, words.name_en),
        standing[::-1],
        [yes for yes, _no in reversed(moved)],
        [no for _yes, no in reversed(moved)],
    )


def rule_figures(age: Age, now: datetime) -> RuleFigures:
    period = now - age.cutoff
    # Some clocks start ahead: at the day on which something runs out.
    share = max(0.0, (now - age.oldest) / period) if age.oldest and period else 0.0
    return RuleFigures(
        name=age.rule.name,
        oldest=age.oldest.date() if age.oldest else None,
        share=share,
        overdue=age.overdue,
        held=age.held,
        seen=age.seen,
    )


def by_name(rows: Sequence[tuple[Any, ...]]) -> dict[str, dict[date, int]]:
    found: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for day, name, number in rows:
        found[name][day] = number
    return dict(found)
