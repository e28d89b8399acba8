"""The sender's indexes, built while mail is written and sent. Killed, it is simply run again."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from foundation.partitions import AddIndexByMonth, DropIndexSoon


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("messaging", "0007_segments")]

    operations: ClassVar[list[Operation]] = [
        AddIndexByMonth(
            "message",
            models.Index(
                fields=["mailing_id", "not_before"],
                name="messaging_due",
                condition=models.Q(lease__isnull=True, finished_at__isnull=True),
            ),
        ),
        AddIndexByMonth(
            "message",
            models.Index(
                fields=["lease_until"],
                name="messaging_leased",
                condition=models.Q(lease_until__isnull=False),
            ),
        ),
        AddIndexByMonth(
            "message",
            models.Index(
                fields=["mailing_id", "finished_at"],
                name="messaging_done",
                condition=models.Q(mailing_id__isnull=False),
            ),
        ),
        AddIndexByMonth(
            "message",
            models.Index(
                fields=["mailing_id"],
                name="messaging_refused",
                condition=models.Q(reason__startswith="5"),
            ),
        ),
        AddIndexByMonth(
            "providerevent",
            models.Index(
                fields=["mailing_id", "kind"],
                name="messaging_event_mailing",
                condition=models.Q(mailing_id__isnull=False),
            ),
        ),
        DropIndexSoon("message", "messaging_queue"),
        DropIndexSoon("message", "messaging_leases"),
        DropIndexSoon("message", "messaging_progress"),
    ]
