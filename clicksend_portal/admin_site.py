"""The staff site: stock Django admin, entered with two factors by whom a colleague confirmed."""

import json
import time
from collections.abc import Iterable
from functools import wraps
from typing import Any, cast

from allauth.account.authentication import get_authentication_records
from allauth.account.decorators import secure_admin_login
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import ResolverMatch, URLPattern, URLResolver, path, resolve, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.staff.standing import confirmed_since
from clicksend_portal.dashboards.views import show_dashboards
from clicksend_portal.schedule_pages import SPOKEN
from clicksend_portal.work import work_of
from foundation import standstill
from foundation.staff import BaseAdmin, DeclaredLookups

SECOND_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
# Pages of other packages that show what staff have no use for: secrets, doubles of our own fields.
NOT_FOR_STAFF = frozenset(
    {
        "account.emailaddress",
        "account.emailconfirmation",
        "mfa.authenticator",
        # A role is widened by a new version of the portal, never by a form.
        "auth.group",
        "django_celery_beat.solarschedule",
        "django_celery_beat.clockedschedule",
    }
)


# Acts that open doors, begin a deletion, or let data out: whoever does one has proved within the
# last minutes (ACCOUNT_REAUTHENTICATION_TIMEOUT) that it is still them. Saying no, stopping and
# revoking wait for nobody.
SENSITIVE = frozenset(
    {
        "accounts_staffaccount_confirm",
        "accounts_staffaccount_end",
        "accounts_staffinvitation_add",
        "consent_servicekey_add",
        "consent_webhook_add",
        "consent_webhook_change",
        "retention_deletionrequest_start",
        "retention_deletionrequest_check",
        "retention_legalhold_step",
        "retention_privacyrequest_step",
        "retention_breach_close",
        "messaging_serviceannouncement_send_standing",
        "messaging_serviceannouncement_review",
        # What runs, and when; the list enables, disables and runs.
        "django_celery_beat_periodictask_add",
        "django_celery_beat_periodictask_change",
        "django_celery_beat_periodictask_changelist",
    }
)
# Of the steps under one address those that ask: a new secret, mails to everybody. Stopping never.
SENSITIVE_STEPS = {
    "consent_webhook_step": ("resume", "rotate"),
    "messaging_campaign_step": ("approve", "start", "resume"),
    "messaging_serviceannouncement_step": ("approve", "start", "resume"),
}


def is_sensitive(match: ResolverMatch) -> bool:
    name = match.url_name or ""
    return name in SENSITIVE or match.kwargs.get("step") in SENSITIVE_STEPS.get(name, ())


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


class PortalAdminSite(AdminSite):
    """Every page needs a session that gave its second factor, and an account that a colleague
    confirmed within the year; see `few-see`."""

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
            ours = (QuietHistory, DeclaredLookups, *SPOKEN.get(model._meta.label_lower, ()))
            bases: tuple[type, ...] = (*ours, admin_class or ModelAdmin)
            name = bases[-1].__name__
            quiet = type(name, bases, {"__module__": bases[-1].__module__})
            super().register(model, quiet, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return (
            super().has_permission(request)
            and gave_second_factor(request)
            and is_mfa_enabled(request.user, types=SECOND_FACTORS)
            and is_confirmed(request)
        )

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every staff page goes through here: the sensitive acts ask once more who it is."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def asked_again(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST":
                # A request that is taken up again after the question still names that page.
                request.resolver_match = resolve(request.path_info)
                if (
                    is_sensitive(request.resolver_match)
                    and self.has_permission(request)
                    and not proved_lately(request)
                ):
                    raise_if_reauthentication_required(request, app="admin")
            answer: HttpResponseBase = guarded(request, *args, **kwargs)
            return answer

        return asked_again

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Staff sign in at /login/ like everybody; whoever lacks a factor is sent to it."""
        response: HttpResponse = secure_admin_login(self._complete_sign_in)(request)
        return response

    def _complete_sign_in(self, request: HttpRequest) -> HttpResponse:
        target = next_page(request)
        if self.has_permission(request):
            return redirect(target)
        if request.user.is_staff and not is_confirmed(request):
            messages.warning(
                request,
                _("No colleague has confirmed your staff account within the year. Ask one to."),
            )
            return redirect("account_profile")
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
        work = work_of(request, self._registry, now=timezone.now())
        told = {"work": work, "stands_still": bool(standstill.why(pages=True))}
        return super().index(request, told | (extra_context or {}))

    def get_urls(self) -> "list[URLPattern | URLResolver]":
        page = self.admin_view(show_dashboards)
        return [path("dashboards/", page, name="dashboards"), *super().get_urls()]


def is_confirmed(request: HttpRequest) -> bool:
    """Whether a colleague said within the year that this account is needed; asked once a page."""
    if not hasattr(request, "portal_is_confirmed"):
        person = cast("User", request.user)
        found = confirmed_since(person, now=timezone.now())
        request.portal_is_confirmed = found  # type: ignore[attr-defined]
    return bool(request.portal_is_confirmed)  # type: ignore[attr-defined]


def gave_second_factor(request: HttpRequest) -> bool:
    """Whether this very session proved an authenticator; a password or a reset link does not."""
    user = request.user if request.user.is_authenticated else None
    return any(record["method"] == "mfa" for record in get_authentication_records(request, user))


def proved_lately(request: HttpRequest) -> bool:
    """Whether they proved lately who they are; to allauth a sign-in alone would not count."""
    user = request.user if request.user.is_authenticated else None
    since = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return any(record["at"] > since for record in get_authentication_records(request, user))


def next_page(request: HttpRequest) -> str:
    """Where the person was going, if that is a page of ours; the first staff page otherwise."""
    target = request.GET.get(REDIRECT_FIELD_NAME, "")
    if url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return reverse("admin:index")
