"""Customers as staff see them: a masked list, an exact search, one customer for a reason.

Nothing is edited or deleted here. `consent` adds what a customer chose and registers the page.
"""

import uuid
from typing import Any, ClassVar, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.access.forms import ReasonForm
from accounts.access.searching import search
from accounts.access.services import current_grant, open_access, record_closed_door
from accounts.access.work import work_about
from accounts.admin.door import CustomerDoor, is_counted
from accounts.masking import initials, masked_email
from accounts.models import Invoice, Seen, Transaction, User
from accounts.policy import ACCESS_LASTS
from foundation.staff import ReadOnlyAdmin

OPEN = "accounts.add_accessgrant"
MONEY = ("accounts.view_invoice", "accounts.view_transaction")
MONEY_SHOWN = 50


class SinceFilter(admin.SimpleListFilter):
    """Yes or no to "has this moment come for the customer?"."""

    field: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(**{f"{self.field}__isnull": self.value() == "no"})


class ConfirmedFilter(SinceFilter):
    title = _("e-mail confirmed")
    parameter_name = "confirmed"
    field = "email_confirmed_at"


class DeactivatedFilter(SinceFilter):
    title = _("deactivated")
    parameter_name = "deactivated"
    field = "deactivated_at"


class CustomerAdmin(CustomerDoor, ReadOnlyAdmin):
    """The list is masked; one customer opens with a reason, and is told."""

    seen = (Seen.PROFILE,)
    ungated = frozenset({"accounts_user_access"})
    list_display = (
        "masked_name",
        "masked_email",
        "is_confirmed",
        "is_deactivated",
        "signed_up_at",
    )
    # No country, language or choice: a filter over masked rows would tell them of a known key.
    list_filter: ClassVar[Any] = (ConfirmedFilter, DeactivatedFilter)
    # What is searched is decided by `get_search_results`; this shows the field.
    search_fields = ("=id",)
    search_help_text = _("The whole e-mail address, phone number or customer number.")
    ordering = ("-signed_up_at",)
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("username", "full_name", "email", "email_confirmed_at", "phone")}),
        (
            _("Profile"),
            {"fields": ("company", "country", "written_in", "timezone", "support_channel")},
        ),
        (
            _("Account"),
            {"fields": ("platform_id", "signed_up_at", "deactivated_at", "is_active", "id")},
        ),
    )
    readonly_fields = ("full_name", "written_in", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        found: QuerySet[User] = User.objects.customers()
        return found

    def person_of(self, obj: User) -> uuid.UUID:
        key: uuid.UUID = obj.pk
        return key

    def seen_on(self, request: HttpRequest, obj: User) -> tuple[Seen, ...]:
        money = (Seen.BILLING,) if may_see_money(request) else ()
        return (*super().seen_on(request, obj), *money)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Money is for identity and billing, so billing alone sees it (`purpose-bound`)."""
        context = dict(extra_context or {})
        if may_see_money(request):
            context |= {
                "may_see_money": True,
                "invoices": Invoice.objects.filter(customer__pk=object_id)[:MONEY_SHOWN],
                "transactions": Transaction.objects.filter(customer__pk=object_id)[:MONEY_SHOWN],
            }
        return super().change_view(request, object_id, form_url, context)

    # --- finding -----------------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A search stands alone: beside a filter it would tell that of whom it finds."""
        term = request.GET.get(SEARCH_VAR, "").strip()
        if term and set(request.GET) != {SEARCH_VAR}:
            return redirect(f"{request.path}?{urlencode({SEARCH_VAR: term})}")
        answer = super().changelist_view(request, extra_context)
        if term and not getattr(request, "found_people", True):
            messages.info(
                request,
                gettext(
                    "Nobody has exactly this e-mail address, phone number or customer number. "
                    "A part of it, a name or a user name finds nobody."
                ),
            )
        return answer

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Exactly or not at all, and written down once a request."""
        queryset, _duplicates = super().get_search_results(request, queryset, "")
        if not search_term.strip():
            return queryset, False
        kept = cast("Any", request)
        if not hasattr(kept, "found_people"):
            people = search(search_term, staff=kept.user, now=timezone.now())
            kept.found_people = [person.pk for person in people]
        return queryset.filter(pk__in=kept.found_people), False

    # --- opening -----------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        ask = path(
            "<uuid:person_id>/access/",
            self.admin_site.admin_view(self.ask_for_reason),
            name="accounts_user_access",
        )
        return [ask, *super().get_urls()]

    def ask_for_reason(self, request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
        """GET asks, POST opens and goes on to where they were going."""
        staff, now = cast("User", request.user), timezone.now()
        if not staff.has_perm(OPEN):
            raise PermissionDenied
        person = User.objects.customers().filter(pk=person_id).first()
        if person is None:
            record_closed_door(staff, found=False, now=now)
            raise Http404
        going_to = inner_page(request, person)
        if current_grant(staff, person.pk, now=now) is not None:
            return redirect(going_to)
        works = work_about(person.pk, staff=staff)
        form = ReasonForm(request.POST if request.method == "POST" else None, works=works)
        if form.is_valid():
            open_access(staff, person, **form.grounds(), now=now)
            return redirect(going_to)
        if not is_counted(request, person.pk):
            record_closed_door(staff, found=True, now=now)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Why do you want to see this customer?"),
            "form": form,
            "works": works,
            "minutes": int(ACCESS_LASTS.total_seconds() // 60),
            "name": initials(person),
            "next": going_to,
        }
        return TemplateResponse(request, "admin/accounts/user/access.html", context)

    # --- what one sees -----------------------------------------------------------------------

    @admin.display(description=_("name"))
    def masked_name(self, customer: User) -> str:
        return initials(customer)

    @admin.display(description=_("e-mail address"))
    def masked_email(self, customer: User) -> str:
        return masked_email(customer.email)

    @admin.display(description=_("name"))
    def full_name(self, customer: User) -> str:
        return customer.get_full_name()

    @admin.display(description=_("language"))
    def written_in(self, customer: User) -> str:
        return str(dict(settings.LANGUAGES).get(customer.language, customer.language))

    @admin.display(description=_("confirmed"), boolean=True, ordering="email_confirmed_at")
    def is_confirmed(self, customer: User) -> bool:
        return customer.is_confirmed

    @admin.display(description=_("deactivated"), boolean=True, ordering="deactivated_at")
    def is_deactivated(self, customer: User) -> bool:
        return customer.is_deactivated


def may_see_money(request: HttpRequest) -> bool:
    return request.user.has_perms(MONEY)


def inner_page(request: HttpRequest, person: User) -> str:
    """Where they were going, if that is a staff page of ours; the customer otherwise."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    if target.startswith(reverse("admin:index")) and url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return reverse("admin:accounts_user_change", args=[person.pk])
