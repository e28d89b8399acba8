"""What the reader of a mail about a deletion does: confirm what staff began, take one back."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.views.private import secret_address
from retention import services
from retention.holdings import Preview, preview_erasure
from retention.models import DeletionRequest, Scope
from retention.parts import preview_part
from retention.tokens import Purpose

State = DeletionRequest.State


@secret_address
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST takes back. The link is the authority: it went to the account's address."""
    wish = services.find_by_link(token, Purpose.WITHDRAW)
    if wish is not None and request.method == "POST":
        try:
            services.withdraw_deletion(wish.reference, actor="link", now=timezone.now())
        except services.TooLateError:
            wish = None
        else:
            return redirect("deletion_status", reference=wish.reference)
    in_time = wish is not None and wish.state == State.SCHEDULED
    context = {"wish": wish if in_time else None, "token": token}
    return render(request, "retention/withdraw.html", context)


@secret_address
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET says what it means, POST lets it run. Twice is once: then it leads to the progress."""
    now = timezone.now()
    wish = services.find_by_link(token, Purpose.CONFIRM)
    if wish is not None and (request.method == "POST" or wish.state != State.UNCONFIRMED):
        try:
            wish = services.confirm_deletion(wish.reference, now=now)
        except (services.TooLateError, services.StaffStaysError):
            wish = None
        else:
            return redirect("deletion_status", reference=wish.reference)
    begins = services.begins_if_confirmed(wish, now=now) if wish else None
    context = {
        "wish": wish,
        "token": token,
        "preview": preview_of(wish) if wish else None,
        "begins": begins,
        "past_due": wish is not None and wish.is_past_due(begins),
    }
    return render(request, "retention/confirm_deletion.html", context)


def preview_of(wish: DeletionRequest) -> Preview:
    now = timezone.now()
    assert wish.person_id is not None
    if wish.scope == Scope.EVERYTHING:
        return preview_erasure(wish.person_id, now=now)
    return preview_part(wish, wish.person_id, now=now)
