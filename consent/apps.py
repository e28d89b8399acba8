"""App configuration."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ConsentConfig(AppConfig):
    name = "consent"
    verbose_name = _("Consent")

    def ready(self) -> None:
        from consent import receivers  # noqa: F401  (hears what accounts announce)
        from consent.reference import work  # noqa: F401  (a reason to look at a customer)

        post_migrate.connect(self.ensure_topics, sender=self)

    def ensure_topics(self, **_kwargs: Any) -> None:
        """A portal always has the topics the policy names; staff may add more."""
        from consent.topics import ensure_default_topics

        ensure_default_topics()
