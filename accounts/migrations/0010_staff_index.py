"""The few staff among the many customers, found without a look at every account."""

from typing import Any, ClassVar

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar[Any] = [("accounts", "0009_access_doors")]

    operations: ClassVar[Any] = [
        # What a killed run left half built is dropped first.
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS accounts_user_staff", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            "user",
            models.Index(
                fields=["id"], condition=models.Q(is_staff=True), name="accounts_user_staff"
            ),
        ),
    ]
