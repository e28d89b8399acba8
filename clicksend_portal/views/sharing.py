"""Which answers a shared cache may keep."""

from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

A_MINUTE = 60


def share(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Public for a minute, unless the page holds something of its reader's.

    The bar shows a signed-in reader another face, and a form's token belongs to one browser: an
    answer with either may be kept by that browser alone.
    """
    holds_token = request.META.get("CSRF_COOKIE_NEEDS_UPDATE", False)
    if holds_token or get_user(request).is_authenticated:
        patch_cache_control(response, private=True, no_cache=True)
    else:
        patch_cache_control(response, public=True, max_age=A_MINUTE)
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response
