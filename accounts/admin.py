"""Customers as staff see them: found quickly, read, never edited or deleted here.

`consent` adds what a customer chose and registers the page. Invoices are not shown: financial data
is for identity and billing only (`purpose-bound`).
"""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from accounts.models import User
from foundation.staff import ReadOnlyAdmin


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


class CountryFilter(admin.SimpleListFilter):
    """Only countries that customers have, not all 250."""

    title = _("country")
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        codes = User.objects.customers().values_list("country", flat=True).distinct().order_by()
        named = sorted((str(countries.name(code)), code) for code in codes if code)
        return [(code, name) for name, code in named]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        return queryset.filter(country=self.value()) if self.value() else queryset


class LanguageFilter(admin.SimpleListFilter):
    title = _("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(settings.LANGUAGES)

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        return queryset.filter(language=self.value()) if self.value() else queryset


class CustomerAdmin(ReadOnlyAdmin):
    """Search takes the beginning of a user name, address or name, or the customer number."""

    list_display = (
        "username",
        "full_name",
        "email",
        "country",
        "is_confirmed",
        "is_deactivated",
        "signed_up_at",
    )
    list_filter: ClassVar[Any] = (ConfirmedFilter, DeactivatedFilter, CountryFilter, LanguageFilter)
    search_fields = ("^username", "^email", "^first_name", "^last_name", "=platform_id", "=id")
    search_help_text = _("User name, e-mail address, name or customer number, from its beginning.")
    ordering = ("-signed_up_at", "username")
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

    @admin.display(description=_("name"), ordering="last_name")
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
