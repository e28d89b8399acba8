"""A person's data: see it, take it along, have it deleted; and the schedule for everybody."""

import uuid
from operator import attrgetter
from typing import Any, cast

from allauth.account.decorators import reauthentication_required
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from consent.history import readable_history
from consent.proof.receipts import NotPublishedYet
from retention import services
from retention.entries import DataClass
from retention.export import export_person
from retention.holdings import Holding, holdings, preview_erasure
from retention.models import DeletionRequest, RetentionRun, Source
from retention.receipts import NotFinishedYet, make_deletion_receipt
from retention.schedule import entries_of
from retention.words import kinds_of

# Where a class can be seen and changed in full.
PAGES = {
    "accounts.User": "account_profile",
    "accounts.Session": "account_sessions",
    "account.EmailAddress": "account_email",
    "mfa.Authenticator": "mfa_index",
    "consent.Preference": "preferences",
}


def signed_in(request: HttpRequest) -> User:
    return cast(User, request.user)


@never_cache
@login_required
@require_safe
def show_data(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    chapters: dict[DataClass, list[tuple[Holding, str]]] = {}
    for held in holdings(user.pk):
        page = PAGES.get(held.entry.model, "")
        chapters.setdefault(held.entry.data_class, []).append((held, page))
    context = {"chapters": chapters.items(), "history": readable_history(user.pk)}
    return render(request, "retention/data.html", context)


@never_cache
@login_required
@require_safe
def download_data(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    name = f"clicksend-data-{now:%Y-%m-%d}.json"
    return JsonResponse(
        export_person(signed_in(request), now=now),
        json_dumps_params={"ensure_ascii": False, "indent": 2},
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)
def delete_data(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    now = timezone.now()
    if user.is_staff or user.is_superuser:
        return render(request, "retention/delete_staff.html", {"section": "data"})
    if request.method != "POST":
        context = {"preview": preview_erasure(user.pk, now=now), "section": "data"}
        return render(request, "retention/delete.html", context)
    wish = services.request_deletion(user.pk, source=Source.CUSTOMER, actor="self", now=now)
    logout(request)
    return redirect("deletion_status", reference=wish.reference)


@never_cache
@require_safe
def show_deletion(request: HttpRequest, reference: uuid.UUID) -> HttpResponse:
    """Readable by whoever has the address of the page; says how far it is, and nothing more."""
    wish = get_object_or_404(DeletionRequest, reference=reference)
    done = wish.steps.filter(finished_at__isnull=False).count()
    context = {"wish": wish, "done": done, "total": wish.steps.count()}
    return render(request, "retention/deletion.html", context)


@never_cache
@require_safe
def download_receipt(request: HttpRequest, reference: uuid.UUID) -> HttpResponse:
    """For whoever has the address of the status page; it names nobody."""
    wish = get_object_or_404(DeletionRequest, reference=reference)
    try:
        receipt = make_deletion_receipt(wish, now=timezone.now())
    except (NotFinishedYet, NotPublishedYet):
        answer = render(request, "retention/receipt_pending.html", {"wish": wish}, status=409)
    else:
        name = f"deletion-receipt-{wish.finished_at:%Y-%m-%d}.json"
        answer = HttpResponse(
            receipt,
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    answer["X-Robots-Tag"] = "noindex"
    return answer


@require_safe
def show_schedule(request: HttpRequest) -> HttpResponse:
    return render(request, "retention/schedule.html", schedule_context())


def schedule_context() -> dict[str, Any]:
    """The schedule by chapters, each class with the last run of its rules, like tables once."""
    last = RetentionRun.objects.newest_per_rule()
    chapters = []
    for data_class in DataClass:
        rows = {}
        for entry in entries_of(data_class):
            runs = [last[rule.name] for rule in entry.rules if rule.name in last]
            newest = max(runs, key=attrgetter("started_at"), default=None)
            rows[str(entry.title), entry.until] = (entry, kinds_of(entry), newest)
        chapters.append((data_class, list(rows.values())))
    return {"chapters": chapters}
