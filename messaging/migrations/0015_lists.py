"""Pages of large lists by an index of their own, and by which upload a contact was named last.

Built while lists are written and read. Killed, it is simply run again: what a killed run left half
built is dropped first.
"""

from typing import Any, ClassVar

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from foundation.partitions import AddEmptyFieldSoon

# The index that came with the foreign key; the new one begins with the same column.
OF_THE_KEY = "messaging_contact_contact_list_id_b51b17ed"


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar[Any] = [("messaging", "0014_bills")]

    operations: ClassVar[Any] = [
        AddEmptyFieldSoon(
            "contact", "uploaded_at", models.DateTimeField(editable=False, null=True)
        ),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS messaging_contact_place", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            "contact",
            models.Index(
                fields=["contact_list", "id"], include=["customer"], name="messaging_contact_place"
            ),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "contact",
                    "contact_list",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contacts",
                        to="messaging.contactlist",
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {OF_THE_KEY}",
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {OF_THE_KEY} "
                    "ON messaging_contact (contact_list_id)",
                ),
            ],
        ),
    ]
