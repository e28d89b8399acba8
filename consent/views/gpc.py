"""`/privacy/global-privacy-control/`: what the signal is, and what it does here."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from consent.gpc import asks_for_privacy, varies_on_gpc


@require_safe
@varies_on_gpc
def gpc_explained(request: HttpRequest) -> HttpResponse:
    return render(request, "consent/gpc.html", {"gpc": asks_for_privacy(request)})
