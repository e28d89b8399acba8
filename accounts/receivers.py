"""What accounts hear from allauth and Django."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import services
from accounts.agents import describe_agent
from accounts.models import User


@receiver(user_logged_in)
def name_the_browser(request: HttpRequest, **_kwargs: Any) -> None:
    """The session list names browser and system, never where they were."""
    request.session["agent"] = describe_agent(request.headers.get("User-Agent", ""))


@receiver([password_changed, password_reset, password_set])
def end_sessions_of_the_old_password(request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Whoever knew the old password is out everywhere; the browser that changed it stays in."""
    services.end_other_sessions(user, keep=request.session.session_key)
