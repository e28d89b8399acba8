"""The receipt of a deletion: the signed file, and a paper of it to read and print."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from consent.proof.receipts import NotPublishedYet
from retention.models import DeletionRequest
from retention.papers.receipt import receipt_paper
from retention.receipts import NotFinishedYet, make_deletion_receipt


@never_cache
@require_safe
def download_receipt(request: HttpRequest, reference: uuid.UUID) -> HttpResponse:
    """For whoever has the address of the status page; it names nobody."""
    return answer(request, reference, kind="json")


@never_cache
@require_safe
def download_paper(request: HttpRequest, reference: uuid.UUID) -> HttpResponse:
    """The same on paper: carries the digest of the file above, and the file itself."""
    return answer(request, reference, kind="pdf")


def answer(request: HttpRequest, reference: uuid.UUID, *, kind: str) -> HttpResponse:
    wish = get_object_or_404(DeletionRequest, reference=reference)
    try:
        receipt = make_deletion_receipt(wish)
    except (NotFinishedYet, NotPublishedYet):
        page = render(request, "retention/receipt_pending.html", {"wish": wish}, status=409)
        page["X-Robots-Tag"] = "noindex"
        return page
    name = f"deletion-receipt-{wish.finished_at:%Y-%m-%d}.{kind}"
    return HttpResponse(
        receipt if kind == "json" else receipt_paper(receipt),
        content_type=f"application/{kind}",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Robots-Tag": "noindex",
        },
    )
