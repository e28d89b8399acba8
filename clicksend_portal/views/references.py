"""`/references/`: customers who let us show them, for as long as they do."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from consent.reference.publishing import public_references


@require_safe
def show_references(request: HttpRequest) -> HttpResponse:
    """Asked for anew by every reader: a no is obeyed by the next look."""
    found = public_references(now=timezone.now())
    context = {
        "told": [each for each in found if each.text],
        "named": [each for each in found if not each.text],
    }
    response = render(request, "portal/references.html", context)
    patch_cache_control(response, private=True, no_cache=True)
    return response
