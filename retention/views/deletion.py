"""Have everything deleted: now, or in 14 days with a way back; and how far it is."""

import uuid
from datetime import datetime
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from retention import services
from retention.asking import day_of
from retention.erasure import held_of
from retention.holdings import PIECES, preview_erasure
from retention.models import DeletionRequest, DeletionStep, Scope, Source
from retention.policy import WAY_BACK
from retention.staying import entry_named
from retention.views.signed_in import signed_in

State = DeletionRequest.State


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)
def delete_data(request: HttpRequest) -> HttpResponse:
    """GET says what would happen, or what waits; POST does it, with `when=later` in 14 days."""
    user = signed_in(request)
    now = timezone.now()
    if user.is_staff or user.is_superuser:
        return render(request, "retention/delete_staff.html", {"section": "data"})
    if request.method != "POST":
        context = {
            "preview": preview_erasure(user.pk, now=now),
            "waiting": waiting_of(user.pk),
            "begins": now + WAY_BACK,
            "section": "data",
        }
        return render(request, "retention/delete.html", context)
    wish = services.request_deletion(
        user.pk,
        source=Source.CUSTOMER,
        actor="self",
        now=now,
        wait=request.POST.get("when") == "later",
    )
    logout(request)
    return redirect("deletion_status", reference=wish.reference)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def take_back(request: HttpRequest) -> HttpResponse:
    """The owner is signed in, and that is enough: nothing goes by it."""
    wish = waiting_of(signed_in(request).pk)
    if request.method != "POST" or wish is None:
        return redirect("deletion_start")
    try:
        services.withdraw_deletion(wish.reference, actor="self", now=timezone.now())
    except services.TooLateError:
        messages.error(request, _("It has begun, and can no longer be taken back."))
        return redirect("deletion_status", reference=wish.reference)
    messages.success(request, _("The deletion is taken back. Your account is as it was."))
    return redirect("data_overview")


def waiting_of(person_id: uuid.UUID) -> DeletionRequest | None:
    """Their deletion of everything that begins on its day."""
    found: DeletionRequest | None = DeletionRequest.objects.filter(
        person_id=person_id, scope=Scope.EVERYTHING, state=State.SCHEDULED
    ).first()
    return found


@never_cache
@require_safe
def show_deletion(request: HttpRequest, reference: uuid.UUID) -> HttpResponse:
    """Readable by whoever has the address of the page; says how far it is, and nothing more."""
    wish = get_object_or_404(DeletionRequest, reference=reference)
    return render(request, "retention/deletion.html", progress_of(wish, now=timezone.now()))


def progress_of(wish: DeletionRequest, *, now: datetime) -> dict[str, Any]:
    """Steps and rows, the step at work, and the classes that a hold keeps."""
    steps = list(wish.steps.all())
    left = [step for step in steps if step.finished_at is None]
    return {
        "wish": wish,
        "whole": wish.scope == Scope.EVERYTHING,
        "under_way": wish.state == State.REQUESTED,
        "late": is_late(wish, now),
        "done": len(steps) - len(left),
        "total": len(steps),
        "rows": sum(step.removed for step in steps),
        "classes": [
            (title_of(step), step) for step in steps if step.removed and step.name not in PIECES
        ],
        "held": held_classes(wish, left, now),
    }


def is_late(wish: DeletionRequest, now: datetime) -> bool:
    """Whether the last day of the law's month has ended where the customer is."""
    user = User.objects.filter(pk=wish.person_id).first()
    return user is not None and wish.due_on is not None and day_of(user, now) > wish.due_on


def held_classes(wish: DeletionRequest, left: list[DeletionStep], now: datetime) -> list[str]:
    """What waits although everything before it is done: a legal hold keeps it."""
    done = any(step.finished_at for step in wish.steps.all())
    if wish.state != State.REQUESTED or not done or wish.person_id is None:
        return []
    entries = held_of(wish.person_id, [step.name for step in left], now=now)
    return sorted({str(entry.title) for entry in entries})


def title_of(step: DeletionStep) -> str:
    return str(entry_named(step.name).title)
