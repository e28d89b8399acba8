"""Alerts about promises, and for each promise what to do when it turns."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clicksend_portal.promises.handbook import INTRODUCTION, section_html
from clicksend_portal.promises.promise import State
from clicksend_portal.promises.registry import BY_ID
from clicksend_portal.promises.status import statuses
from foundation.staff import ReadOnlyAdmin, WorkItem, WorkList
from retention.models import PromiseAlert


@admin.register(PromiseAlert)
class PromiseAlertAdmin(ReadOnlyAdmin):
    """Rows are made and closed by the round that tells the owners; staff read."""

    list_display = ("promise", "turned", "turned_at", "told", "over_at")
    list_filter = (("over_at", admin.EmptyFieldListFilter),)
    search_fields = ("promise",)
    date_hierarchy = "turned_at"
    fields = ("promise", "turned", "turned_at", "told", "over_at", "what_to_do")
    readonly_fields = ("turned", "what_to_do")

    def history_name(self, alert: PromiseAlert) -> str:
        """A promise names nobody."""
        return alert.promise

    @admin.display(description=gettext_lazy("turned"), ordering="state")
    def turned(self, alert: PromiseAlert) -> str:
        return str(State(alert.state).label)

    @admin.display(description=gettext_lazy("what to do"))
    def what_to_do(self, alert: PromiseAlert) -> str:
        return section_html(alert.promise) or "–"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_handbook)
        own = path("what-to-do/<slug:promise_id>/", view, name="promise_handbook")
        return [own, *super().get_urls()]

    def show_handbook(self, request: HttpRequest, promise_id: str) -> HttpResponse:
        """Every member of staff may read it: it is documentation, and the alert links here."""
        if promise_id not in BY_ID:
            raise Http404
        promise = BY_ID[promise_id]
        (status,) = statuses(timezone.now(), [promise])
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": promise.sentence,
            "promise": promise,
            "status": status,
            "section": section_html(promise_id),
            "in_general": section_html(INTRODUCTION),
        }
        return TemplateResponse(request, "portal/admin/handbook.html", context)

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """Promises that are not kept right now."""
        if not self.has_view_permission(request):
            return None
        open_alerts = PromiseAlert.objects.filter(over_at=None).order_by("turned_at")
        items = [
            WorkItem(
                title=str(BY_ID[alert.promise].sentence),
                url=reverse("admin:promise_handbook", args=[alert.promise]),
                note=_("%(state)s since %(moment)s")
                % {
                    "state": State(alert.state).label,
                    "moment": date_format(
                        timezone.localtime(alert.turned_at), "SHORT_DATETIME_FORMAT"
                    ),
                },
            )
            for alert in open_alerts
            if alert.promise in BY_ID
        ]
        return WorkList(
            title=_("Promises that are not kept"),
            items=items,
            empty=_("Every promise in force is kept."),
            url=reverse("admin:retention_promisealert_changelist"),
        )
