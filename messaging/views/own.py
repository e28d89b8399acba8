"""Pages that show customers what is theirs: signed in, uncached, and inside their own content."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.views.private import signed_in_person
from foundation.tenants import as_tenant

type Own[**P] = Callable[Concatenate[HttpRequest, User, P], HttpResponseBase]
type View[**P] = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def own_page[**P](view: Own[P]) -> View[P]:
    """The view gets whose page it is. It opens `as_tenant` itself, for what takes several steps."""

    @never_cache
    @login_required
    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return view(request, signed_in_person(request), *args, **kwargs)

    return page


def own_content[**P](view: Own[P]) -> View[P]:
    """An own page that is one transaction: another customer's row is not found (404)."""

    @wraps(view)
    def inside(
        request: HttpRequest, person: User, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        with as_tenant(person.pk):
            return view(request, person, *args, **kwargs)

    return own_page(inside)


def country_of(person: User) -> str:
    """Where numbers without a country code are from, unless said otherwise."""
    return str(person.country or "NO")
