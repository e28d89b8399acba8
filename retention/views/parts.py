"""Have a part of it deleted: one list, messages of a period, what they said, the profile."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from foundation.tenants import as_tenant
from messaging.models import ContactList
from retention import services
from retention.models import DeletionRequest, Scope, Source
from retention.parts import preview_part
from retention.views.signed_in import signed_in
from retention.wish_forms import ListForm, PeriodForm


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)
def delete_profile(request: HttpRequest) -> HttpResponse:
    return answer(request, Scope.PROFILE, None)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)
def delete_messages(request: HttpRequest) -> HttpResponse:
    return answer(request, Scope.MESSAGES, PeriodForm(given(request)))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)
def de_identify(request: HttpRequest) -> HttpResponse:
    return answer(request, Scope.CONTENT, PeriodForm(given(request)))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)
def delete_list(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    with as_tenant(user.pk):
        lists = list(ContactList.objects.filter(customer_id=user.pk))
    return answer(request, Scope.LIST, ListForm(given(request), lists=lists))


def given(request: HttpRequest) -> Any:
    """POST acts; GET with `look` shows what would go; without, the form is empty."""
    if request.method == "POST":
        return request.POST
    return request.GET if "look" in request.GET else None


def answer(request: HttpRequest, scope: Scope, form: forms.Form | None) -> HttpResponse:
    """The form first, then what would go with its numbers, then the wish."""
    user = signed_in(request)
    now = timezone.now()
    if user.is_staff or user.is_superuser:
        return render(request, "retention/delete_staff.html", {"section": "data"})
    part: dict[str, Any] = {}
    ready = form is None or form.is_valid()
    if form is not None and ready:
        cleaned = form.cleaned_data
        if scope == Scope.LIST:
            part = {"contact_list_id": cleaned["contact_list"]}
        else:
            part = {"since": cleaned["since"], "until": cleaned["until"]}
    if request.method == "POST" and ready:
        wish = services.request_deletion(
            user.pk, source=Source.CUSTOMER, actor="self", now=now, scope=scope, **part
        )
        messages.success(request, _("We do it now. An email says when it is done."))
        return redirect("deletion_status", reference=wish.reference)
    context: dict[str, Any] = {"scope": scope, "form": form, "ready": ready, "section": "data"}
    if ready:
        asked = DeletionRequest(scope=scope, requested_at=now, **part)
        context["preview"] = preview_part(asked, user.pk, now=now)
        context["given"] = [(name, value) for name, value in (given(request) or {}).items()]
    return render(request, "retention/delete_part.html", context)
