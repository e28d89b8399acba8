"""Where a person is signed in, without saying where in the world."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.models import Session
from accounts.tokens import session_handle
from accounts.views.private import signed_in_person


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """GET lists the browsers that are signed in; POST signs one out, or all others."""
    person = signed_in_person(request)
    current = request.session.session_key
    if request.method == "POST":
        if "others" in request.POST:
            ended = services.end_other_sessions(person, keep=current)
            text = ngettext("%(n)d browser is signed out.", "%(n)d browsers are signed out.", ended)
            messages.success(request, text % {"n": ended})
        elif services.end_session(person, request.POST.get("session", "")):
            messages.success(request, _("That browser is signed out."))
        return redirect("account_sessions")
    open_now = Session.objects.filter(user=person, expire_date__gt=timezone.now())
    rows = [
        {"row": row, "handle": session_handle(row.pk), "here": row.pk == current}
        for row in open_now.order_by("-seen_at")
    ]
    rows.sort(key=lambda each: not each["here"])
    return render(request, "accounts/sessions.html", {"sessions": rows})
