"""How often one may ask: counted per token, key or person, never per network address."""

from typing import Any

import structlog
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from consent.counts import COUNT_SECONDS, WINDOW_SECONDS, name_of_count
from consent.models import ServiceKey

PERSON_A_MINUTE = 120
SERVICE_A_MINUTE = 600

log = structlog.get_logger(__name__)


class MinuteThrottle(BaseThrottle):
    """So many requests in each minute of the clock: one counter, and no race between two."""

    left = WINDOW_SECONDS

    def allow_request(self, request: Request, view: Any) -> bool:
        seconds = int(timezone.now().timestamp())
        self.left = WINDOW_SECONDS - seconds % WINDOW_SECONDS
        is_service = isinstance(request.auth, ServiceKey)
        most = SERVICE_A_MINUTE if is_service else PERSON_A_MINUTE
        # A person's tokens and browsers count together.
        holder = request.auth.pk if is_service else request.user.pk
        try:
            return counted(name_of_count(holder, seconds // WINDOW_SECONDS)) <= most
        except RedisError as error:
            # Valkey holds nothing that may not vanish: without it nobody is turned away.
            log.warning("request_not_counted", error=type(error).__name__)
            return True

    def wait(self) -> float:
        return float(self.left)


def counted(key: str) -> int:
    """This request's number among those of the same holder and minute."""
    try:
        return int(cache.incr(key))
    except ValueError:
        return 1 if cache.add(key, 1, timeout=COUNT_SECONDS) else int(cache.incr(key))
