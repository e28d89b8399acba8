"""In standstill (`foundation.standstill`) customer pages close, with a page that says so.

A no is accepted all the while: `/u/`, what mail providers report, and over the API, which answers
for itself. The one-click path does not even ask. Open are public pages, operations and what staff
need; a page that is not named is closed.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from foundation import standstill

type Respond = Callable[[HttpRequest], HttpResponse]

# One-click first: it is asked most.
OPEN = (
    "/u/",
    "/hooks/",
    # It answers for itself, and takes a no (consent.api.base).
    "/api/",
    "/static/",
    # Mails already delivered show them.
    "/mail/pictures/",
    "/privacy/",
    "/trust/",
    "/contact/",
    "/statistics/",
    "/language/",
    "/.well-known/",
    "/admin/",
    "/login/",
    "/logout/",
    # What a sign-in of staff asks after the password.
    "/account/security/authenticate/",
    "/account/security/webauthn/login/",
    "/account/security/reauthenticate/",
    "/reauthenticate/",
)
OPEN_EXACTLY = frozenset({"/", "/healthz", "/readyz", "/metrics", "/robots.txt"})
RETRY_SECONDS = 300


class StandstillMiddleware:
    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.startswith(OPEN) or path in OPEN_EXACTLY or not standstill.why(pages=True):
            return self.get_response(request)
        return closed()


def closed() -> HttpResponse:
    response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    return response
