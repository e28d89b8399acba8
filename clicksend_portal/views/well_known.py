"""Standard addresses that programs look for."""

from datetime import UTC, date, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

A_DAY = 24 * 3600
# RFC 9116 advises less than a year; a portal that still answers still stands by the address.
SECURITY_CONTACT_HOLDS = timedelta(days=180)
# Since when the portal has sold and shared nothing: since the first version.
GPC_SINCE = date(2026, 11, 22)
PRIVATE_PATHS = ("/admin/", "/account/", "/data/", "/preferences/", "/p/", "/u/", "/welcome/")


@require_safe
@cache_control(public=True, max_age=A_DAY)
def show_robots(request: HttpRequest) -> HttpResponse:
    """The public pages may be found; links from mails and accounts are nobody else's."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE_PATHS)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=A_DAY)
def show_security_contact(request: HttpRequest) -> HttpResponse:
    """RFC 9116: where to report a weakness."""
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    expires = midnight + SECURITY_CONTACT_HOLDS
    lines = [
        f"Contact: mailto:{settings.PRIVACY_EMAIL}",
        f"Contact: {settings.PORTAL_URL}{reverse('contact')}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: nb, en",
        f"Canonical: {settings.PORTAL_URL}{reverse('security_txt')}",
        f"Policy: {settings.PORTAL_URL}{reverse('privacy')}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=A_DAY)
def show_gpc(request: HttpRequest) -> JsonResponse:
    """Global Privacy Control: nothing is sold or shared, so the signal is always honoured."""
    return JsonResponse({"gpc": True, "lastUpdate": GPC_SINCE.isoformat()})


@require_safe
def redirect_to_password_change(request: HttpRequest) -> HttpResponseRedirect:
    """Where password managers send people to change their password; temporary by the standard."""
    return redirect("account_change_password")
