"""`/admin/dashboards/`: one page of figures, for every staff account."""

from datetime import timedelta

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clicksend_portal.dashboards.keeping import FRESH, newest_figures
from clicksend_portal.dashboards.sections import sections


@require_safe
def show_dashboards(request: HttpRequest) -> TemplateResponse:
    found = newest_figures()
    context = {
        **admin.site.each_context(request),
        "title": _("Dashboards"),
        "sections": sections(found),
        "counted_at": found.counted_at,
        "fresh_minutes": FRESH // timedelta(minutes=1),
    }
    return TemplateResponse(request, "admin/dashboards.html", context)
