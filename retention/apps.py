"""App configuration."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _


class RetentionConfig(AppConfig):
    name = "retention"
    verbose_name = _("Retention")

    def ready(self) -> None:
        from accounts import signals
        from consent.suppression import lost_keys
        from foundation import standstill
        from retention import checks, content_kept, receivers  # noqa: F401  (they register)
        from retention.journal import guard, watching

        connection_created.connect(watching.notice_connection)
        signals.account_reactivated.connect(receivers.take_back_deletion)
        signals.staff_left.connect(receivers.free_requests)
        standstill.register("journal", guard.check, closes_pages=True)
        # Behind, but no older state: only optional mail waits until the round has caught up.
        standstill.register("log", guard.check_pace)
        # Who must not be written to can no longer be told; no page depends on it.
        standstill.register(
            "suppression_keys",
            lambda: "a suppression key is lost" if lost_keys() else "",
        )
