"""Who told a customer to stop. About their lists alone; our own are never asked."""

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from messaging import policy
from messaging.content import services
from messaging.content.forms import OptOutForm
from messaging.content.phones import as_number
from messaging.content.signals import ContentHeld
from messaging.models import ContactOptOut, OwnDeed
from messaging.views.lists import asked_for, held_words, key_in
from messaging.views.own import country_of, own_content


@require_http_methods(["GET", "HEAD", "POST"])
@own_content
def show_opt_outs(request: HttpRequest, person: User) -> HttpResponse:
    """GET browses and searches; POST adds one, and takes the contact out of the lists."""
    form = OptOutForm(
        request.POST if request.method == "POST" else None, country=country_of(person)
    )
    if form.is_valid():
        contact = form.cleaned_data["contact"]
        gone = services.record_contact_opt_out(contact, customer_id=person.pk, now=timezone.now())
        if gone is None:
            messages.warning(request, still_there_words() % {"contact": contact})
            return redirect("list_opt_outs")
        said = ngettext(
            "%(contact)s is on your list of opt-outs, and out of %(number)s list.",
            "%(contact)s is on your list of opt-outs, and out of %(number)s lists.",
            gone,
        )
        messages.success(request, said % {"contact": contact, "number": gone})
        return redirect("list_opt_outs")
    search, words = asked_for(request)
    found = ContactOptOut.objects.filter(customer=person).order_by("-pk")
    if words:
        number = as_number(words, country_of(person))
        found = found.filter(contact__icontains=number or words)
    if before := key_in(request):
        found = found.filter(pk__lt=before)
    rows = list(found[: policy.CONTENT_PAGE + 1])
    shown = rows[: policy.CONTENT_PAGE]
    # Of before a restore, and known by a hash alone until somebody brings the contact in.
    unnamed = OwnDeed.objects.filter(customer=person, what=OwnDeed.What.OPT_OUT, waits=True)
    context = {
        "opt_outs": shown,
        "unnamed": unnamed.count(),
        "older": shown[-1].pk if len(rows) > len(shown) else None,
        "is_first": key_in(request) is None,
        "words": words,
        "query": urlencode({"q": words} if words else {}),
        "search": search,
        "form": form,
        "section": "lists",
    }
    return render(request, "messaging/content/opt_outs.html", context)


@own_content
@require_POST
def remove_opt_out(request: HttpRequest, person: User, opt_out_id: uuid.UUID) -> HttpResponse:
    opt_out = get_object_or_404(ContactOptOut, customer=person, pk=opt_out_id)
    try:
        services.withdraw_contact_opt_out(opt_out, now=timezone.now())
    except ContentHeld:
        messages.warning(request, held_words())
    else:
        messages.success(
            request, _("%(contact)s may be in your lists again.") % {"contact": opt_out}
        )
    return redirect("list_opt_outs")


def still_there_words() -> str:
    return _(
        "%(contact)s is on your list of opt-outs. The contact still stands in your lists, for it "
        "must be kept for a dispute or an authority: it is marked there, left out of what you "
        "download, and goes when that is over."
    )
