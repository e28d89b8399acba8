"""The staff site: stock Django admin, entered with two factors, its history free of names."""

import json
from collections.abc import Iterable
from typing import Any, cast

from allauth.account.authentication import get_authentication_records
from allauth.account.decorators import secure_admin_login
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from foundation.staff import BaseAdmin, WorkList

SECOND_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
# Pages of other packages that show what staff have no use for: secrets, doubles of our own fields.
NOT_FOR_STAFF = frozenset(
    {
        "account.emailaddress",
        "account.emailconfirmation",
        "mfa.authenticator",
        "django_celery_beat.solarschedule",
        "django_celery_beat.clockedschedule",
    }
)
SUPERUSERS_ONLY = frozenset({"auth", "django_celery_beat"})


class QuietHistory(BaseAdmin):
    """Admin's history names keys, never people: an erasure has nothing to look for in it.

    What changed is told by field names. A page whose objects name nobody may say more through a
    method `history_name`; this class comes before it and must not have one.
    """

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        return super().construct_change_message(request, form, None, add)  # type: ignore[arg-type]

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        return self._log(request, obj, ADDITION, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        return self._log(request, obj, CHANGE, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> list[LogEntry]:
        return [self._log(request, obj, DELETION, []) for obj in queryset]

    def _log(self, request: HttpRequest, obj: Any, flag: int, message: Any) -> LogEntry:
        name = getattr(self, "history_name", lambda each: str(each.pk))
        entry = LogEntry(
            user_id=cast("User", request.user).pk,
            content_type=ContentType.objects.get_for_model(obj, for_concrete_model=False),
            object_id=str(obj.pk),
            object_repr=name(obj)[:200],
            action_flag=flag,
        )
        entry.change_message = message if isinstance(message, str) else json.dumps(message)
        entry.save()
        return entry


class SuperusersOnly(BaseAdmin):
    """Machinery: schedules and groups."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request) and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request) and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request) and super().has_delete_permission(request, obj)


class PortalAdminSite(AdminSite):
    """Every page needs a session that gave its second factor; see `few-see`."""

    site_header = gettext_lazy("ClickSend staff")
    site_title = gettext_lazy("ClickSend staff")
    index_title = gettext_lazy("Work list")
    enable_nav_sidebar = True

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: "type[ModelAdmin[Any]] | None" = None,
        **options: Any,
    ) -> None:
        """Takes every registration, other packages' too: hides, reserves and quietens."""
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        for model in models:
            if model._meta.label_lower in NOT_FOR_STAFF:
                continue
            bases: tuple[type, ...] = (QuietHistory, admin_class or ModelAdmin)
            if model._meta.app_label in SUPERUSERS_ONLY:
                bases = (SuperusersOnly, *bases)
            name = bases[-1].__name__
            quiet = type(name, bases, {"__module__": bases[-1].__module__})
            super().register(model, quiet, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return (
            super().has_permission(request)
            and gave_second_factor(request)
            and is_mfa_enabled(request.user, types=SECOND_FACTORS)
        )

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Staff sign in at /login/ like everybody; whoever lacks a factor is sent to it."""
        response: HttpResponse = secure_admin_login(self._complete_sign_in)(request)
        return response

    def _complete_sign_in(self, request: HttpRequest) -> HttpResponse:
        target = next_page(request)
        if self.has_permission(request):
            return redirect(target)
        if not is_mfa_enabled(request.user, types=SECOND_FACTORS):
            messages.warning(
                request,
                _("Staff pages need two-step sign-in. Add an authenticator app or a passkey."),
            )
            return redirect("mfa_index")
        by_code = is_mfa_enabled(request.user, types=[Authenticator.Type.TOTP])
        page = reverse("mfa_reauthenticate" if by_code else "mfa_reauthenticate_webauthn")
        return redirect(f"{page}?{urlencode({REDIRECT_FIELD_NAME: target})}")

    def password_change(  # type: ignore[override]  # the parent answers with its own page
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        return redirect("account_change_password")

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        """The work list first, the models below it."""
        found = [
            work_list(request)
            for model_admin in self._registry.values()
            if (work_list := getattr(model_admin, "work_list", None)) is not None
            and model_admin.has_view_permission(request)
        ]
        lists: list[WorkList] = [each for each in found if each is not None]
        return super().index(request, {"work_lists": lists, **(extra_context or {})})


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def gave_second_factor(request: HttpRequest) -> bool:
    """Whether this very session proved an authenticator; a password or a reset link does not."""
    user = request.user if request.user.is_authenticated else None
    return any(record["method"] == "mfa" for record in get_authentication_records(request, user))


def next_page(request: HttpRequest) -> str:
    """Where the person was going, if that is a page of ours; the first staff page otherwise."""
    target = request.GET.get(REDIRECT_FIELD_NAME, "")
    if url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return reverse("admin:index")
