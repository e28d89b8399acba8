"""Take it along: ask for the archive, follow how far it is, fetch it."""

import uuid

from allauth.account.decorators import reauthentication_required
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from retention import exporting
from retention.policy import EXPORT_THERE
from retention.views.signed_in import signed_in


def wants_download(request: HttpRequest) -> bool:
    """Whether the page is asked to show the way to the file, for which we ask who it is."""
    return "download" in request.GET


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(enabled=wants_download)
def export_data(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    now = timezone.now()
    if request.method == "POST":
        exporting.request_export(user.pk, actor="self", now=now)
        return redirect("data_export")
    context = {
        "exports": exporting.exports_of(user.pk, now=now),
        "days": EXPORT_THERE.days,
        "proven": wants_download(request),
    }
    return render(request, "retention/export.html", context)


@never_cache
@login_required
@require_safe
@reauthentication_required
def download_export(request: HttpRequest, export_id: uuid.UUID) -> HttpResponseBase:
    """The archive, piece by piece. Somebody else's is not there, nor one whose days are over."""
    export = exporting.exports_of(signed_in(request).pk, now=timezone.now()).ready
    if export is None or export.pk != export_id:
        raise Http404
    return StreamingHttpResponse(
        exporting.read_export(export),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{exporting.file_name(export)}"',
            "Content-Length": str(export.size),
            # Packed already: packed once more on its way it would have no length to check.
            "Content-Encoding": "identity",
        },
    )
