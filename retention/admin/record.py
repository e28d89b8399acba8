"""The record of processing activities, for auditors: beside the schedule, as a file."""

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone

from retention.papers.record import processing_record
from retention.papers.record_files import as_csv, as_pdf


def record_urls[M: ModelAdmin](admin: M) -> list[URLPattern]:  # type: ignore[type-arg]
    """Addresses below those of the admin whose viewers may have it."""

    def download(request: HttpRequest, *, kind: str) -> HttpResponse:
        if not admin.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        record = processing_record(now)
        body = as_pdf(record, now=now) if kind == "pdf" else as_csv(record)
        name = f"record-of-processing-{now:%Y-%m-%d}.{kind}"
        return HttpResponse(
            body,
            content_type="application/pdf" if kind == "pdf" else "text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return [
        path(
            f"schedule/record-of-processing.{kind}",
            admin.admin_site.admin_view(download),
            {"kind": kind},
            name=f"retention_record_{kind}",
        )
        for kind in ("csv", "pdf")
    ]
