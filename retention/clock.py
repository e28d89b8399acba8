"""Whether the clock may be believed, before anything goes for good because of it.

A clock can only be compared with what was written under it. Nights write runs of the rules, so
their moments tell how far the clock has come from one night to the next.
"""

from datetime import datetime

from django.db.models import Max, Q

from retention.models import RetentionRun
from retention.policy import CLOCK_SETTLES, is_clock_doubtful, is_clock_unsettled


def why_clock_doubtful(now: datetime) -> str:
    """Why no rule may run at night under a clock that says `now`; '' when it may be believed."""
    moments = RetentionRun.objects.newest_moments()
    if moments is None or not is_clock_doubtful(now, began=moments[0], finished=moments[1]):
        return ""
    began = moments[0]
    return (
        f"the clock says {now:%Y-%m-%d %H:%M}, the newest run began {began:%Y-%m-%d %H:%M}: a "
        "wrong clock, or rules that stood still for long"
    )


def why_clock_unsettled(now: datetime) -> str:
    """The same for what has no count to compare, and so waits after any gap of more than a night.

    A clock that jumped two weeks ahead looks like a portal that stood still for them. Beat makes up
    for the night at once in either case, so a fresh run alone proves nothing: the nights must have
    followed each other for a while. After a standstill that comes by itself.
    """
    if doubt := why_clock_doubtful(now):
        return doubt
    found = RetentionRun.objects.filter(refused="", started_at__lte=now).aggregate(
        newest=Max("started_at"),
        before=Max("started_at", filter=Q(started_at__lte=now - CLOCK_SETTLES)),
    )
    newest, before = found["newest"], found["before"]
    if newest is None or not is_clock_unsettled(now, newest=newest, before=before):
        return ""
    return (
        f"the clock says {now:%Y-%m-%d %H:%M}, and a night or more is missing after "
        f"{before or newest:%Y-%m-%d %H:%M}: a wrong clock, or a portal that stood still"
    )
