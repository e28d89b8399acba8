"""Staff pages of retention: they show. Nothing here is changed or deleted by hand."""

from typing import Any

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
from retention.models import DeletionRequest, DeletionStep, RetentionRun
from retention.schedule import ENTRIES

OPEN_SHOWN = 5


class StepInline(admin.TabularInline[DeletionStep, DeletionRequest]):
    model = DeletionStep
    fields = ("class_of_data", "removed", "finished_at")
    readonly_fields = fields
    can_delete = False
    extra = 0

    @admin.display(description=gettext_lazy("class of data"))
    def class_of_data(self, step: DeletionStep) -> str:
        entry = ENTRIES.get(step.name)
        return step.name if entry is None else str(entry.title)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(DeletionRequest)
class DeletionRequestAdmin(ReadOnlyAdmin):
    list_display = ("reference", "state", "source", "requested_at", "finished_at")
    list_filter = ("state", "source")
    date_hierarchy = "requested_at"
    fields = (
        "reference",
        "state",
        "source",
        "actor",
        "person_id",
        "requested_at",
        "finished_at",
        "deleted",
        "still_kept",
    )
    readonly_fields = ("deleted", "still_kept")
    inlines = (StepInline,)

    @admin.display(description=gettext_lazy("deleted, per class"))
    def deleted(self, wish: DeletionRequest) -> str:
        if wish.removed is None:
            return _("Not recorded")
        rows = [f"{title_of(model)}: {count}" for model, count in wish.removed.items()]
        return "; ".join(rows) or "–"

    @admin.display(description=gettext_lazy("kept, per class"))
    def still_kept(self, wish: DeletionRequest) -> str:
        if wish.kept is None:
            return _("Not recorded")
        rows = [f"{title_of(row['model'])}: {row['count']} ({row['until']})" for row in wish.kept]
        return "; ".join(rows) or "–"

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """Deletions under way: the keeper's worker ends them; one that stays here needs a look."""
        address = "admin:retention_deletionrequest"
        items = [
            WorkItem(
                title=str(wish.reference),
                url=reverse(f"{address}_change", args=[wish.pk]),
                note=f"{wish.requested_at:%Y-%m-%d %H:%M}",
            )
            for wish in DeletionRequest.objects.open()[:OPEN_SHOWN]
        ]
        return WorkList(
            title=_("Deletions under way"),
            items=items,
            empty=_("No deletion is under way."),
            url=reverse(f"{address}_changelist"),
        )


def title_of(model: str) -> str:
    entry = ENTRIES.get(model)
    return model if entry is None else str(entry.title)


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
        return [own, *super().get_urls()]

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
