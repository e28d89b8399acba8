"""`/trust/`: a status page of promises, from stored readings alone. No person's data."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clicksend_portal.promises.registry import BY_ID, PROMISES
from clicksend_portal.promises.status import chapters, count_states, statuses
from clicksend_portal.views.sharing import share


@require_safe
def list_promises(request: HttpRequest) -> HttpResponse:
    found = statuses(timezone.now())
    context = {
        "chapters": chapters(found),
        "counts": count_states(found),
        "total": len(PROMISES),
    }
    return share(request, render(request, "portal/trust.html", context))


@require_safe
def show_promise(request: HttpRequest, promise_id: str) -> HttpResponse:
    if promise_id not in BY_ID:
        raise Http404
    (status,) = statuses(timezone.now(), [BY_ID[promise_id]])
    context = {"status": status, "promise": status.promise}
    return share(request, render(request, "portal/promise.html", context))
