"""Requests about personal data: made by a customer or a stranger, and what became of one's own."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.views.support import status_of, too_many
from foundation.addresses import normalise_address
from retention.asking import day_of
from retention.desk import AnswerRefused, open_request, take_back_request
from retention.desk.authorities import authority_for
from retention.desk_forms import RequestForm, StrangerRequestForm
from retention.models import PrivacyRequest
from retention.schedule import ENTRIES
from retention.views.signed_in import signed_in
from retention.whose import reader_of, rows_of


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def own_requests(request: HttpRequest) -> HttpResponse:
    """A customer's requests with their answers, and a form for a new one."""
    person = signed_in(request)
    form = RequestForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and not too_many(request, form, action="question", key=str(person.pk)):
        try:
            open_request(
                person=person,
                source=PrivacyRequest.Source.PAGE,
                actor="self",
                language=get_language() or "nb",
                now=timezone.now(),
                **form.cleaned_data,
            )
        except AnswerRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("We have your request, and a confirmation is on its way."))
        return redirect("privacy_requests")
    context = {
        "form": form,
        "requests": requests_of(person.pk).order_by("-received_at"),
        "today": day_of(person, timezone.now()),
        "authority": authority_for(person.legal_entity),
        "section": "data",
    }
    return render(request, "retention/requests.html", context, status=status_of(form))


def requests_of(person_id: uuid.UUID) -> QuerySet[PrivacyRequest]:
    """Also those they made without signing in, from an address that is confirmed as theirs."""
    return rows_of(ENTRIES[PrivacyRequest._meta.label], reader_of(person_id))


@login_required
@require_POST
def take_back(request: HttpRequest, reference: uuid.UUID) -> HttpResponse:
    person = signed_in(request)
    mine = get_object_or_404(requests_of(person.pk), reference=reference)
    take_back_request(mine, now=timezone.now())
    messages.success(request, _("Your request is taken back."))
    return redirect("privacy_requests")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask_as_stranger(request: HttpRequest) -> HttpResponse:
    """Also for who stands in a customer's list: it is registered and passed on, never searched."""
    if request.user.is_authenticated:
        return own_requests(request) if request.method == "POST" else redirect("privacy_requests")
    form = StrangerRequestForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and not too_many(
        request, form, action="contact", key=normalise_address(form.cleaned_data["email"])
    ):
        open_request(
            source=PrivacyRequest.Source.PAGE,
            actor="stranger",
            language=get_language() or "nb",
            now=timezone.now(),
            **form.cleaned_data,
        )
        return redirect("privacy_request_sent")
    context = {"form": form, "authority": authority_for("")}
    return render(request, "retention/request.html", context, status=status_of(form))


@require_http_methods(["GET", "HEAD"])
def request_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "retention/request_sent.html")
