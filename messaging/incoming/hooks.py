"""`/hooks/…`: what the configured mail provider tells us, in anymail's normal form.

Without a provider these addresses do not exist. A body that cannot be read is answered with 400,
so that a provider neither takes it for done nor for our fault; a failure of ours raises, and the
provider tries again.
"""

import logging
from datetime import datetime
from typing import Any

from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.webhooks.base import AnymailBasicAuthMixin
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from messaging.incoming import services
from messaging.incoming.bodies import read_large_body

logger = logging.getLogger(__name__)


@csrf_exempt  # the caller is no browser; it shows HOOKS_SECRET, and its signature where it has one
@require_http_methods(["HEAD", "GET", "POST"])
def provider_hook(request: HttpRequest, what: str) -> HttpResponseBase:
    """`/hooks/anymail/<provider>/tracking/` and `…/inbound/`, as anymail names them."""
    return answer(request, what)


@csrf_exempt
@require_http_methods(["HEAD", "GET", "POST"])
def inbound_hook(request: HttpRequest, provider: str) -> HttpResponseBase:
    """`/hooks/inbound/<provider>/`: mail that the provider received for us."""
    return answer(request, f"{provider}/inbound/")


def answer(request: HttpRequest, what: str) -> HttpResponseBase:
    provider = settings.MAIL_TRANSPORT.esp
    if not provider or what.partition("/")[0] != provider:
        raise Http404
    try:
        found = resolve(f"/{what}", urlconf="anymail.urls")
    except Resolver404 as error:
        raise Http404 from error
    if request.method != "POST":
        return HttpResponse()  # some providers knock before they tell
    view: Any = found.func.view_class(**found.func.view_initkwargs)  # type: ignore[attr-defined]
    received_at = timezone.now()
    try:
        events = read_events(view, request)
    except AnymailWebhookValidationFailure:
        return HttpResponse("not authorised", status=403, content_type="text/plain")
    except UnreadableBody:
        return HttpResponse("not understood", status=400, content_type="text/plain")
    for event in events:
        receive_event(event, provider=provider, received_at=received_at)
    return HttpResponse("OK", content_type="text/plain")


class UnreadableBody(Exception):
    """The body is not what the provider's hooks look like."""


def read_events(view: Any, request: HttpRequest) -> list[Any]:
    try:
        # The secret first: nobody else makes us hold a large body. Signatures are made of the body.
        AnymailBasicAuthMixin.validate_request(view, request)
        read_large_body(request)
        view.run_validators(request)
        return list(view.parse_events(request))
    except AnymailWebhookValidationFailure:
        raise
    except SuspiciousOperation as error:  # larger than even a mail may be
        raise UnreadableBody from error
    # anymail's parsers take the provider's form for granted; a body of another form fails anyhow.
    except Exception as error:
        logger.warning("a provider's call cannot be read: %s", type(error).__name__)
        raise UnreadableBody from error


def receive_event(event: Any, *, provider: str, received_at: datetime) -> None:
    now = timezone.now()
    if event.event_type != "inbound":
        services.receive_tracking(event, provider=provider, received_at=received_at, now=now)
        return
    recipient = str(getattr(event.message, "envelope_recipient", "") or "")
    services.receive_mail(
        raw_mail(event.message),
        recipient=recipient,
        provider=provider,
        received_at=received_at,
        now=now,
    )


def raw_mail(message: Any) -> bytes:
    """As bytes, for one reader reads all; what cannot be written again keeps its headers."""
    try:
        return bytes(message)
    except (ValueError, LookupError, AttributeError):
        return "\n".join(f"{name}: {value}" for name, value in message.items()).encode(
            errors="replace"
        )
