"""Reports the platform made for a customer."""

import uuid
from itertools import islice

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from messaging import policy
from messaging.content import services
from messaging.content.facts import facts_of
from messaging.content.signals import ContentHeld
from messaging.models import Report
from messaging.views.lists import held_words
from messaging.views.own import own_content


@require_safe
@own_content
def show_reports(request: HttpRequest, person: User) -> HttpResponse:
    found = Report.objects.filter(customer=person).order_by("-date", "-pk")
    page = Paginator(found, policy.CONTENT_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "years": policy.REPORT_MONTHS // 12, "section": "reports"}
    return render(request, "messaging/content/reports.html", context)


@require_safe
@own_content
def show_report(request: HttpRequest, person: User, report_id: uuid.UUID) -> HttpResponse:
    report = get_object_or_404(Report, customer=person, pk=report_id)
    facts = list(islice(facts_of(report.content), policy.REPORT_ROWS + 1))
    context = {
        "report": report,
        "facts": facts[: policy.REPORT_ROWS],
        "has_more": len(facts) > policy.REPORT_ROWS,
        "section": "reports",
    }
    return render(request, "messaging/content/report.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@own_content
def delete_report(request: HttpRequest, person: User, report_id: uuid.UUID) -> HttpResponse:
    """GET says what goes; POST deletes it."""
    report = get_object_or_404(Report, customer=person, pk=report_id)
    if request.method != "POST":
        context = {"report": report, "section": "reports"}
        return render(request, "messaging/content/report_delete.html", context)
    try:
        services.delete_report(report, now=timezone.now())
    except ContentHeld:
        messages.warning(request, held_words())
        return redirect("report", report_id=report_id)
    messages.success(request, _("The report is deleted."))
    return redirect("reports")
