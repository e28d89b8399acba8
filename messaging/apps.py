"""App configuration."""

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class MessagingConfig(AppConfig):
    name = "messaging"
    verbose_name = _("Sending")

    def ready(self) -> None:
        from messaging import receivers  # noqa: F401  (hears mails written by lower apps)
        from messaging.checks import check_own_sender

        register(check_own_sender)
