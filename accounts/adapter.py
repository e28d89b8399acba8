"""allauth's door to us: its mails go through our outbox, in the person's language and time."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone, translation

from accounts.models import User
from accounts.zones import zone_named


class AccountAdapter(DefaultAccountAdapter):
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        user = context.get("user")
        known = user if isinstance(user, User) else None
        language = (known and known.language) or translation.get_language() or "nb"
        values = {
            **context,
            "email": email,
            "portal_url": settings.PORTAL_URL,
            "legal_name": settings.LEGAL_NAME,
            "postal_address": settings.POSTAL_ADDRESS,
            "support_email": settings.SUPPORT_EMAIL,
            "language": language,
        }
        zone = zone_named(known.timezone) if known else None
        with translation.override(language), timezone.override(zone):
            message = self.render_mail(template_prefix, email, values)
        message.portal_person_id = known and known.pk
        message.portal_purpose = template_prefix.rpartition("/")[2]
        message.portal_language = language
        message.send()

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """By what was typed alone, whatever host it was sent to: so it goes with the account."""
        return str(credentials.get("email") or credentials.get("username") or "").lower()

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """`ip-apart`: allauth would add the IP address and the browser; ours never see them."""
        if isinstance(user, User):
            values = {"timestamp": timezone.now(), "user": user, **(context or {})}
            self.send_mail(template_prefix, email or user.email, values)
