"""How often each page is seen, and by nobody in particular (`pages-not-people`).

One counter per page and day, counted in Valkey and moved to the database once a minute. A page is
the name of its URL, never the path: a path may carry a token. There is no cookie, no identifier
and no address, so nothing can be joined to a person.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache

import redis
import structlog
from django.conf import settings
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from clicksend_portal.models import PageCount

COUNTERS = "portal:page-views"
# A counter must never be the reason why a page is slow.
PATIENCE = 0.25

log = structlog.get_logger(__name__)


class CountPageMiddleware:
    """Counts every page that was shown: HTML, asked for with GET, answered with 200."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if page := page_shown(request, response):
            count_view(page, now=timezone.now())
        return response


def page_shown(request: HttpRequest, response: HttpResponse) -> str:
    """The name of the page that this answer shows; empty when it shows none.

    The staff site is not counted: on a handful of people, a count says who was there.
    """
    match = request.resolver_match
    if (
        request.method != "GET"
        or response.status_code != 200
        or match is None
        or not match.url_name
        or match.app_names
        or not response.get("Content-Type", "").startswith("text/html")
    ):
        return ""
    return match.url_name


@cache
def counters() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.CACHES["default"]["LOCATION"],
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        decode_responses=True,
    )


def count_view(page: str, *, now: datetime) -> None:
    """One more view of the page today. Without Valkey the view goes uncounted, nothing else."""
    try:
        counters().hincrby(COUNTERS, f"{now.astimezone(UTC).date()}/{page}", 1)
    except redis.RedisError as error:
        log.warning("page_not_counted", error=type(error).__name__)


def flush_counts() -> int:
    """Move the counters to the database; how many views.

    They are taken in one step, then written: a kill in between loses up to a minute's counts, and
    no view is ever counted twice.
    """
    with counters().pipeline(transaction=True) as pipe:
        pipe.hgetall(COUNTERS)
        pipe.delete(COUNTERS)
        taken: dict[str, str] = pipe.execute()[0]
    views: Counter[tuple[str, date]] = Counter()
    for key, number in taken.items():
        counted_on, _, counted = key.partition("/")
        views[counted, date.fromisoformat(counted_on)] += int(number)
    for (page, day), total in sorted(views.items()):
        add_views(page, day, total)
    return views.total()


def add_views(page: str, day: date, number: int) -> None:
    """One statement where the row exists, as it does all day but for the first minute."""
    of_today = PageCount.objects.filter(page=page, day=day)
    if not of_today.update(views=F("views") + number):
        PageCount.objects.bulk_create([PageCount(page=page, day=day)], ignore_conflicts=True)
        of_today.update(views=F("views") + number)
