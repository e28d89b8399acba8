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
    finished = json.dumps(
        {
            "event": "request",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": request.method,
            "route": match.route if match else "",
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
        }
    )
    return f"{finished}\n"
