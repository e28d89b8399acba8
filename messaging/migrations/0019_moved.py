"""When an upload was last seen to go on: how long ago its file came says nothing of that."""

from typing import Any, ClassVar

from django.db import migrations, models

from foundation.partitions import AddEmptyFieldSoon


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar[Any] = [("messaging", "0018_line_by_line")]

    operations: ClassVar[Any] = [
        AddEmptyFieldSoon("listupload", "moved_at", models.DateTimeField(null=True)),
    ]
