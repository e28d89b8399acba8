"""Processors and declared accesses: kept here, shown on `/privacy/` and `/trust/`."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.staff import BaseAdmin, WorkItem, WorkList
from retention.desk import declared
from retention.models import DeclaredAccess, Processor
from retention.policy import DECLARED_FOR


class PublishedAdmin(BaseAdmin):
    """What everybody reads; ended by a day, never taken away, and looked at again every year."""

    actions = None
    empty_words = gettext_lazy("Nothing waits to be looked at again.")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        today = timezone.localdate()
        given = super().get_changeform_initial_data(request)
        return {"since": today, "confirmed_on": today, **given}

    def history_name(self, row: Processor | DeclaredAccess) -> str:
        """It names nobody."""
        return str(row)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def waiting(self) -> list[WorkItem]:
        raise NotImplementedError

    def old(self, rows: Any, url: str) -> list[WorkItem]:
        limit = declared.oldest_look(timezone.now())
        return [
            WorkItem(
                title=str(row),
                url=reverse(url, args=[row.pk]),
                note=_("to be looked at again"),
                due=row.confirmed_on + DECLARED_FOR,
            )
            for row in rows.filter(confirmed_on__lt=limit).order_by("confirmed_on")
        ]

    def work_list(self, request: HttpRequest) -> WorkList | None:
        if not self.has_view_permission(request):
            return None
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return WorkList(
            title=str(self.opts.verbose_name_plural).capitalize(),
            items=self.waiting(),
            empty=str(self.empty_words),
            url=reverse(f"admin:{name}_changelist"),
        )


@admin.register(Processor)
class ProcessorAdmin(PublishedAdmin):
    list_display = ("name", "country", "task_en", "transfer", "can_read", "since", "until")
    list_filter = ("transfer", "can_read", ("until", admin.EmptyFieldListFilter))
    search_fields = ("name",)
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "country", "can_read"),
                "description": gettext_lazy(
                    "Everybody reads this on the pages Privacy and Trust, at most a minute later."
                ),
            },
        ),
        (
            gettext_lazy("What for, and which data"),
            {"fields": ("task_nb", "task_en", "data_nb", "data_en")},
        ),
        (gettext_lazy("By what right"), {"fields": ("transfer", "agreement_on")}),
        (gettext_lazy("How long"), {"fields": ("since", "until", "confirmed_on")}),
    )

    def waiting(self) -> list[WorkItem]:
        rows = declared.processors_in_use(timezone.now())
        return self.old(rows, "admin:retention_processor_change")


@admin.register(DeclaredAccess)
class DeclaredAccessAdmin(PublishedAdmin):
    list_display = ("what", "people", "who_en", "processor", "since", "until", "confirmed_on")
    list_filter = ("what", ("until", admin.EmptyFieldListFilter))
    list_select_related = ("processor",)
    fieldsets = (
        (
            None,
            {
                "fields": ("what", "people", "processor"),
                "description": gettext_lazy(
                    "Everybody reads this on the pages Privacy and Trust: write nobody's name."
                ),
            },
        ),
        (gettext_lazy("Who"), {"fields": ("who_nb", "who_en")}),
        (gettext_lazy("What for"), {"fields": ("why_nb", "why_en")}),
        (gettext_lazy("How long"), {"fields": ("since", "until", "confirmed_on")}),
    )

    def waiting(self) -> list[WorkItem]:
        """What nobody has declared comes first: somebody holds it."""
        now = timezone.now()
        lacking = [
            WorkItem(
                title=str(DeclaredAccess.What(what).label),
                url=reverse("admin:retention_declaredaccess_add"),
                note=_("nobody is declared to hold it"),
            )
            for what in declared.undeclared(now)
        ]
        rows = declared.accesses_in_use(now)
        return lacking + self.old(rows, "admin:retention_declaredaccess_change")
