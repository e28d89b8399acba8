"""In standstill (`foundation.standstill`) customer pages close, with a page that says so.

A no is accepted all the while: `/u/`, what mail providers report, and over the API, which answers
for itself. The one-click path does not even ask. Open are public pages, operations and what staff
need; a page that is not named is closed. Staff pages about customers close as well: a restored
database has people back who were erased.
"""

from collections.abc import Callable

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from foundation import standstill
from foundation.staff import AboutCustomers
from retention.schedule import ENTRIES

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
    "/login/",
    "/logout/",
    # What a sign-in of staff asks after the password.
    "/account/security/authenticate/",
    "/account/security/webauthn/login/",
    "/account/security/reauthenticate/",
    "/reauthenticate/",
)
OPEN_EXACTLY = frozenset({"/", "/healthz", "/readyz", "/metrics", "/robots.txt"})
STAFF = "/admin/"
# Whom their rows are about stands in the schedule, and yet they stay open: what must be kept can be
# held at once, and staff are looked after.
STAFF_NEED = frozenset(
    {"retention.LegalHold", "accounts.StaffInvitation", "accounts.AccessAlarm"},
)
RETRY_SECONDS = 300


class StandstillMiddleware:
    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if is_open(path) or not standstill.why(pages=True):
            return self.get_response(request)
        return closed("503_staff.html" if path.startswith(STAFF) else "503.html")


def is_open(path: str) -> bool:
    if path.startswith(STAFF):
        return not leads_to_customers(path)
    return path.startswith(OPEN) or path in OPEN_EXACTLY


def leads_to_customers(path: str) -> bool:
    """A staff page of a model about customers; the first page and the figures are of none."""
    app, _slash, rest = path.removeprefix(STAFF).partition("/")
    try:
        return is_about_customers(apps.get_model(app, rest.partition("/")[0]))
    except LookupError:
        return False


def is_about_customers(model: type[Model]) -> bool:
    """The schedule says whose a row is, or its page has the door before a customer."""
    entry = ENTRIES.get(model._meta.label)
    if entry is not None and entry.subject:
        return model._meta.label not in STAFF_NEED
    registered = admin.site.is_registered(model)
    return registered and isinstance(admin.site.get_model_admin(model), AboutCustomers)


def closed(page: str) -> HttpResponse:
    response = HttpResponse(render_to_string(page), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    return response
