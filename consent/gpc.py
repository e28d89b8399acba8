"""Global Privacy Control: what a browser asks with `Sec-GPC: 1`.

The signal says "do not sell or share my data, do not build on my profile". We sell and share
nothing, so what it changes here is tailoring: off in that visit, whatever the choice. It is no
opt-out of a newsletter, and it changes no stored choice.
"""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

type View = Callable[..., HttpResponse]


def asks_for_privacy(request: HttpRequest) -> bool:
    """Exactly `1`: the specification gives no other value a meaning."""
    return bool(request.headers.get("Sec-GPC") == "1")


def varies_on_gpc(view: View) -> View:
    """A page that depends on the signal: no cache may give one visitor another's answer."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        patch_vary_headers(response, ["Sec-GPC"])
        return response

    return wrapped
