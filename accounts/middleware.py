"""The account's language and time before the browser's, and when a session was last seen."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts.models import Session
from accounts.policy import SESSION_SEEN_EVERY, STAFF_IDLE, STAFF_SEEN_EVERY, STAFF_SESSION
from accounts.zones import zone_named

Respond = Callable[[HttpRequest], HttpResponse]

# A browser set to Norwegian asks for `no`, or for Nynorsk, which no page of ours is written in.
_NORWEGIAN = re.compile(r"(?<![\w-])(?:no|nn)(?:-\w+)*(?![\w-])", re.IGNORECASE)


class NorwegianMiddleware:
    """Whoever asks for any Norwegian gets Bokmål, not the next language of their list."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if asked := request.META.get("HTTP_ACCEPT_LANGUAGE"):
            request.META["HTTP_ACCEPT_LANGUAGE"] = _NORWEGIAN.sub("nb", asked)
        return self.get_response(request)


class AccountLanguageMiddleware:
    """A signed-in person reads the portal in the language and the time of their account."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Only a browser that carries a session can be signed in: nobody else costs a query.
        if not request.session.session_key or not request.user.is_authenticated:
            return self.get_response(request)
        if request.user.language:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language() or ""
        with timezone.override(zone_named(request.user.timezone)):
            return self.get_response(request)


class StaffSessionMiddleware:
    """A staff session that was left alone, or lasted a working day, is over before the page.

    Whoever comes back signs in anew, with both factors, and goes on where they were.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        signed_in = bool(request.session.session_key) and request.user.is_authenticated
        if signed_in and getattr(request.user, "is_staff", False):
            stored = getattr(request.session, "stored", None)
            if stored is not None and is_over(stored, now=timezone.now()):
                logout(request)
        return self.get_response(request)


def is_over(session: Session, *, now: datetime) -> bool:
    return now - session.seen_at >= STAFF_IDLE or now - session.started_at >= STAFF_SESSION


class SessionSeenMiddleware:
    """Writes "last seen" at most once an hour, after the answer; of staff once a minute."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        seen_at = getattr(request.session, "seen_at", None)
        now = timezone.now()
        if seen_at and now - seen_at > STAFF_SEEN_EVERY and request.user.is_authenticated:
            every = STAFF_SEEN_EVERY if request.user.is_staff else SESSION_SEEN_EVERY
            if now - seen_at > every:
                mark_seen(request.session.session_key, every=every, now=now)
        return response


def mark_seen(
    session_key: str | None, *, now: datetime, every: timedelta = SESSION_SEEN_EVERY
) -> None:
    Session.objects.filter(pk=session_key, seen_at__lt=now - every).update(seen_at=now)
