"""Service keys: made with what they may do, shown once, looked at, and revoked. Never deleted:
events name the key that wrote them."""

import uuid
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from consent.models import ServiceKey
from consent.service_keys import make_service_key, revoke_service_key
from foundation.staff import BaseAdmin

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[ServiceKey]
else:
    BaseForm = forms.ModelForm


class KeyForm(BaseForm):
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("It may"),
        choices=ServiceKey.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = ServiceKey
        fields = ("name", "scopes")


@admin.register(ServiceKey)
class ServiceKeyAdmin(BaseAdmin):
    form = KeyForm
    actions = None
    change_form_template = "admin/consent/servicekey/change_form.html"
    list_display = ("name", "what_it_may", "is_in_use", "created_at", "last_used_on")
    ordering = ("-created_at",)

    def history_name(self, key: ServiceKey) -> str:
        """A key names a system, nobody."""
        return key.name

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("name", "scopes")
        return ("name", "what_it_may", "created_at", "last_used_on", "revoked_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What it may do is settled when it is made: another system's rights never grow unseen."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_revoke(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    @admin.display(description=gettext_lazy("may"))
    def what_it_may(self, key: ServiceKey) -> str:
        return ", ".join(str(ServiceKey.Scope(scope).label) for scope in key.scopes)

    @admin.display(description=gettext_lazy("in use"), boolean=True)
    def is_in_use(self, key: ServiceKey) -> bool:
        return key.revoked_at is None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made, obj.shown_secret = make_service_key(
            name=obj.name, scopes=form.cleaned_data["scopes"], now=timezone.now()
        )
        obj.pk = made.pk
        obj._state.adding = False

    @sensitive_variables()
    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The answer itself shows the secret: it stands in no session, message or address."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("The key, shown once"),
            "key": obj,
            "secret": obj.shown_secret,
        }
        response = TemplateResponse(request, "admin/consent/servicekey/secret.html", context)
        add_never_cache_headers(response)
        return response

    def get_urls(self) -> list[URLPattern]:
        revoke = path(
            "<uuid:pk>/revoke/",
            self.admin_site.admin_view(self.revoke),
            name="consent_servicekey_revoke",
        )
        return [revoke, *super().get_urls()]

    def revoke(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        key = self.get_object(request, str(pk))
        if key is None:
            raise Http404
        if not self.may_revoke(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if revoke_service_key(key, now=timezone.now()):
            self.log_change(request, key, _("Revoked the key."))
        messages.success(request, _("The key is revoked. It opens nothing any more."))
        return redirect("admin:consent_servicekey_change", pk)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        key = self.get_object(request, object_id)
        context = {
            **(extra_context or {}),
            "key": key,
            "may_revoke": self.may_revoke(request) and key is not None and key.revoked_at is None,
        }
        return super().change_view(request, object_id, form_url, context)
