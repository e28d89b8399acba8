"""One line a request: where it led and how it ended, never who asked or with which token.

The line names the route, not the path: paths of links carry their secret. It is written as it
stands, past `logging` and the processors of `logs.py`, for it holds nothing that must be taken out,
and on the one-click path those would cost as much as the rest of the request.
"""

import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from django.http import HttpRequest, HttpResponse

type Respond = Callable[[HttpRequest], HttpResponse]


class RequestLogMiddleware:
    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response
        self.wanted = logging.getLogger("portal.request").isEnabledFor(logging.INFO)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        if self.wanted:
            sys.stderr.write(line(request, response, seconds=time.perf_counter() - began))
        return response


def line(request: HttpRequest, response: HttpResponse, *, seconds: float) -> str:
    match = request.resolver_match
    route = match.route if match else ""
    told = beginning(request.method or "", route, response.status_code)
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return f'{told}, "timestamp": "{at}", "ms": {seconds * 1000:.1f}}}\n'


@lru_cache(maxsize=1024)
def beginning(method: str, route: str, status: int) -> str:
    """What is the same for many requests, without its closing bracket."""
    return json.dumps({"event": "request", "method": method, "route": route, "status": status})[:-1]
