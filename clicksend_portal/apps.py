"""App configuration of the project package and of the staff site."""

from typing import Any

from django.apps import AppConfig
from django.contrib.admin import apps as admin
from django.db.models.signals import post_migrate


class PortalConfig(AppConfig):
    name = "clicksend_portal"
    default = True

    def ready(self) -> None:
        post_migrate.connect(self.sync_schedule, sender=self)
        post_migrate.connect(self.sync_roles, sender=self)

    def sync_roles(self, apps: Any, **_kwargs: Any) -> None:
        """Who may do what follows the code that was just put into use."""
        from clicksend_portal.roles import sync_roles

        sync_roles(apps)

    def sync_schedule(self, **_kwargs: Any) -> None:
        """What happens by the clock follows the code that was just put into use."""
        from clicksend_portal.beat import sync_schedule

        sync_schedule()


class PortalAdminConfig(admin.AdminConfig):
    """Stock Django admin on our site class, which asks for MFA before the first page."""

    default = False
    default_site = "clicksend_portal.admin_site.PortalAdminSite"
