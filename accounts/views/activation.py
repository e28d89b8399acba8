"""Deactivating an account, and coming back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.views.private import signed_in_person


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: HttpRequest) -> HttpResponse:
    """GET says what stops and what stays; POST deactivates."""
    person = signed_in_person(request)
    if request.method == "POST":
        services.deactivate_account(person, now=timezone.now())
        messages.success(request, _("Your account is deactivated. We confirm it by email."))
        return redirect("account_profile")
    return render(request, "accounts/deactivate.html")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def reactivate(request: HttpRequest) -> HttpResponse:
    """GET says what comes back; POST reactivates."""
    person = signed_in_person(request)
    if request.method == "POST":
        services.reactivate_account(person, now=timezone.now())
        messages.success(request, _("Your account is active again."))
        return redirect("account_profile")
    return render(request, "accounts/reactivate.html")
