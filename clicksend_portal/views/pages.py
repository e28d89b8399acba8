"""The front page, and the policy in plain words."""

from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from clicksend_portal.promises.policy_text import CHAPTERS
from clicksend_portal.promises.registry import PROMISES
from clicksend_portal.views.sharing import share


@require_safe
def show_home(request: HttpRequest) -> HttpResponse:
    """For strangers what this is; whoever is signed in wants their own page."""
    person = get_user(request)
    if person.is_authenticated:
        return redirect("admin:index" if person.is_staff else "preferences")
    return share(request, render(request, "portal/home.html", {"promises": len(PROMISES)}))


@require_safe
def show_privacy(request: HttpRequest) -> HttpResponse:
    return share(request, render(request, "portal/privacy.html", {"chapters": CHAPTERS}))
