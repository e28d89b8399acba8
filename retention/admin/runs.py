"""Runs of the rules, and the schedule."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.staff import ReadOnlyAdmin, WorkItem, WorkList
from retention import services
from retention.admin.record import record_urls
from retention.models import RetentionRun
from retention.schedule import ENTRIES


@admin.register(RetentionRun)
class RetentionRunAdmin(ReadOnlyAdmin):
    change_list_template = "retention/admin/runs.html"
    list_display = (
        "rule",
        "started_at",
        "duration",
        "removed",
        "months",
        "cutoff",
        "actor",
        "refused",
    )
    list_filter = ("rule", ("refused", admin.EmptyFieldListFilter))
    date_hierarchy = "started_at"

    @admin.display(description=gettext_lazy("months dropped"))
    def months(self, run: RetentionRun) -> int:
        return len(run.partitions)

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """Rules that the night would not run: the operator looks at the plan and enforces it."""
        items = [
            WorkItem(
                title=f"{run.rule}: {run.refused}",
                url=reverse("admin:retention_retentionrun_change", args=[run.pk]),
                note=f"{run.started_at:%Y-%m-%d %H:%M}",
            )
            for run in RetentionRun.objects.refused_since()
        ]
        return WorkList(
            title=_("Retention rules that were not run"),
            items=items,
            empty=_("Every rule ran."),
            url=reverse("admin:retention_retentionrun_changelist"),
        )

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "schedule/",
            self.admin_site.admin_view(self.show_schedule),
            name="retention_schedule",
        )
        return [own, *record_urls(self), *super().get_urls()]

    def show_schedule(self, request: HttpRequest) -> HttpResponse:
        """Every rule with what would go now and its last run; every entry below."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Retention schedule"),
            "opts": self.model._meta,
            "states": services.plan(timezone.now()),
            "entries": ENTRIES.values(),
        }
        return TemplateResponse(request, "retention/admin/schedule.html", context)
