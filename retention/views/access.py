"""`/data/access/`: who has looked at my data, its proof, and saying that it was not right."""

import uuid

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.policy import ACCESS_LASTS
from consent.proof.access_receipts import make_access_receipt
from consent.proof.receipts import NotPublishedYet
from retention import policy
from retention.desk import AnswerRefused, open_request
from retention.looks import LOOKS_ON_A_PAGE, looks_at, told
from retention.models import PrivacyRequest
from retention.views.signed_in import signed_in

OWN_WORDS_LENGTH = 2000


class ObjectionForm(forms.Form):
    """Whoever objects need not say why; it helps the privacy officer to look in the right place."""

    text = forms.CharField(
        label=gettext_lazy("What is wrong with it?"),
        help_text=gettext_lazy("You need not say; it helps us to look in the right place."),
        required=False,
        max_length=OWN_WORDS_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


@never_cache
@login_required
@require_safe
def show_access(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    page = Paginator(looks_at(user.pk), LOOKS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "looks": told(list(page.object_list), user.pk),
        "years": policy.ACCESS_EVENTS.months // 12,
        "minutes": ACCESS_LASTS.seconds // 60,
    }
    return render(request, "retention/access.html", context)


@never_cache
@login_required
@require_safe
def download_receipt(request: HttpRequest, event_id: uuid.UUID) -> HttpResponse:
    """What proves the line, for its reader alone."""
    user = signed_in(request)
    event = get_object_or_404(looks_at(user.pk), pk=event_id)
    (look,) = told([event], user.pk)
    try:
        receipt = make_access_receipt(event, in_words=look.sentence, now=timezone.now())
    except NotPublishedYet:
        return render(request, "retention/access_receipt_pending.html", status=409)
    name = f"access-receipt-{timezone.localdate(event.at):%Y-%m-%d}-{event.what}.json"
    return HttpResponse(
        receipt,
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def object_to_access(request: HttpRequest, event_id: uuid.UUID) -> HttpResponse:
    """Another's event and one that never was answer alike. Objecting twice is objecting once."""
    user = signed_in(request)
    event = get_object_or_404(looks_at(user.pk), pk=event_id)
    (look,) = told([event], user.pk)
    if look.objection is not None:
        return redirect("data_access")
    form = ObjectionForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        own_words = form.cleaned_data["text"].strip()
        try:
            open_request(
                kind=PrivacyRequest.Kind.OBJECTION,
                person=user,
                text="\n\n".join(filter(None, [look.sentence, own_words])),
                source=PrivacyRequest.Source.ACCESS_LOG,
                actor="self",
                now=timezone.now(),
                access_event_id=event.pk,
            )
        except AnswerRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Our privacy officer has your objection, and answers you."))
            return redirect("data_access")
    return render(request, "retention/access_objection.html", {"look": look, "form": form})
