"""The door before a customer: a staff page about a person opens for a reason only (`few-see`).

An admin about people takes `CustomerDoor` before its other bases. Every address of it that names an
object is behind the door, its own views too and those that do not exist yet; an address that shows
nothing of the person is named in `ungated`.
"""

import uuid
from functools import update_wrapper
from typing import Any, ClassVar, cast

import redis
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.signing import Signer
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.urls.resolvers import RoutePattern
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.access.services import grant_for, record_closed_door, record_seen, record_stranger
from accounts.models import User
from accounts.models.access import Seen
from accounts.policy import ACCESS_LASTS
from foundation.staff import AboutCustomers

AUTOCOMPLETE = "autocomplete"
COUNTED = "counted"


def counted_mark(request: HttpRequest, person_id: uuid.UUID) -> str:
    """That this very person was counted as a look-up of theirs before the page with the reason."""
    return Signer(salt=__name__).signature(f"{request.user.pk} {person_id}")


def is_counted(request: HttpRequest, person_id: uuid.UUID) -> bool:
    return constant_time_compare(request.GET.get(COUNTED, ""), counted_mark(request, person_id))


def first_look(staff: User, obj: Any) -> bool:
    """Taking, answering and closing one thing is one look, as a customer's opening is one."""
    key = f"stranger:{staff.pk}:{obj.pk}"
    try:
        return bool(cache.add(key, 1, timeout=int(ACCESS_LASTS.total_seconds())))
    except redis.RedisError:
        return True  # rather counted twice than not at all


class CustomerDoor(AboutCustomers):
    # What the customer reads that was looked at, on any page behind this door.
    seen: ClassVar[tuple[Seen, ...]]
    # Names of addresses of one object that show nothing of the person.
    ungated: ClassVar[frozenset[str]] = frozenset()

    def person_of(self, obj: Any) -> uuid.UUID | None:
        """Whom the object is about; nobody where it names no account."""
        raise NotImplementedError

    def shows_stranger(self, obj: Any) -> bool:
        """Whether it shows a person who has no account, and so no page that says who looked."""
        return False

    def seen_on(self, request: HttpRequest, obj: Any) -> tuple[Seen, ...]:
        """What this very request shows: less, where rights hide a part of the page."""
        return self.seen

    # --- the door ----------------------------------------------------------------------------

    @property
    def urls(self) -> list[URLPattern]:
        return [self.behind_the_door(pattern) for pattern in self.get_urls()]

    def behind_the_door(self, pattern: URLPattern) -> URLPattern:
        if not isinstance(pattern.pattern, RoutePattern):
            raise ImproperlyConfigured(f"{pattern}: a door reads the names of a route")
        blanks = list(pattern.pattern.converters)
        if not blanks or pattern.name in self.ungated:
            return pattern
        show, key = pattern.callback, blanks[0]

        def at_the_door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            closed = self.keep_closed(request, unquote(str(kwargs[key])))
            return closed or show(request, *args, **kwargs)

        guarded = update_wrapper(self.admin_site.admin_view(at_the_door), show)
        return URLPattern(pattern.pattern, guarded, pattern.default_args, pattern.name)

    def keep_closed(self, request: HttpRequest, key: str) -> HttpResponse | None:
        """What is answered instead of the page; None once the look is written down."""
        if not self.has_view_or_change_permission(request):
            self.note_attempt(request)
            raise PermissionDenied
        staff, now = cast("User", request.user), timezone.now()
        obj = self.get_object(request, key)
        if obj is None:
            record_closed_door(staff, found=False, now=now)
            messages.warning(request, _("There is nothing under this address, or no longer."))
            return redirect("admin:index")
        person_id = self.person_of(obj)
        if person_id is None and self.shows_stranger(obj) and first_look(staff, obj):
            record_stranger(staff, now=now)
        if person_id is None or person_id == staff.pk:
            return None
        grant = grant_for(staff, person_id, now=now)
        if grant is None:
            if not User.objects.filter(pk=person_id).exists():
                return None  # erased: nobody is left to be seen
            record_closed_door(staff, found=True, now=now)
            return self.ask_why(request, obj, person_id)
        for what in self.seen_on(request, obj):
            record_seen(grant, what, now=now)
        request.access_grant = grant  # type: ignore[attr-defined]  # the page says until when
        return None

    def ask_why(self, request: HttpRequest, obj: Any, person_id: uuid.UUID) -> HttpResponse:
        """To the page that asks for a reason, and from there back to where they were going."""
        target = request.get_full_path()
        if request.method not in ("GET", "HEAD"):
            # The page whose form was sent too late.
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            target = reverse(name, args=[obj.pk])
            messages.error(
                request,
                _("Nothing was saved: your access to this customer had run out. Open it again."),
            )
        page = reverse("admin:accounts_user_access", args=[person_id])
        told = {"next": target, COUNTED: counted_mark(request, person_id)}
        return redirect(f"{page}?{urlencode(told)}")

    # --- ways around it ----------------------------------------------------------------------

    def note_attempt(self, request: HttpRequest) -> None:
        """Refused, and counted as a look-up that found nobody; no page of ours leads there."""
        record_closed_door(cast("User", request.user), found=False, now=timezone.now())

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """An object is named by its key, by no other column."""
        allowed = to_field == self.opts.pk.name
        if not allowed:
            self.note_attempt(request)
        return allowed

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """No list of people behind a field that completes itself."""
        match = request.resolver_match
        if match is not None and match.url_name == AUTOCOMPLETE:
            self.note_attempt(request)
            raise PermissionDenied
        return super().get_search_results(request, queryset, search_term)
