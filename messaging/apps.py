"""App configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagingConfig(AppConfig):
    name = "messaging"
    verbose_name = _("Sending")

    def ready(self) -> None:
        from messaging import receivers  # noqa: F401  (hears mails written by lower apps)
