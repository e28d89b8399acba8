"""`/preferences/receipt/<event>/`: the receipt of one event, for its owner alone."""

import uuid
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from consent.models import Topic
from consent.proof.receipts import NoSuchEvent, NotPublishedYet, find_event, make_receipt


@never_cache
@login_required
@require_safe
def consent_receipt(request: HttpRequest, event_id: uuid.UUID) -> HttpResponse:
    """Another person's event and one that never was answer alike."""
    person = cast("User", request.user)
    try:
        detail = find_event(person, event_id)
        receipt = make_receipt(person, event_id, now=timezone.now())
    except NoSuchEvent:
        raise Http404 from None
    except NotPublishedYet:
        return render(request, "consent/receipt_pending.html", status=409)
    topic = Topic.objects.get(pk=detail.topic_id)
    name = f"consent-receipt-{timezone.localdate(detail.at):%Y-%m-%d}-{topic.slug}.json"
    return HttpResponse(
        receipt,
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
