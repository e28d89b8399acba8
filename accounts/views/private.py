"""What surrounds pages whose address is a secret, or that show one person's data."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from accounts.models import User

type View[**P] = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def signed_in_person(request: HttpRequest) -> User:
    """Whose page this is; `login_required` has seen to it that there is somebody."""
    if not request.user.is_authenticated:
        raise PermissionDenied
    return request.user


def secret_address[**P](view: View[P]) -> View[P]:
    """The address lets its holder act: no cache keeps the page, no next site learns of it."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return guarded
