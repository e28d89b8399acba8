"""Rights for resolving a segment."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

# A segment narrows by country, language and since when; the sender may write down that it paused
# a campaign for too few.
SENDER = """
GRANT SELECT ON messaging_segment TO portal_sender;
GRANT SELECT (signed_up_at) ON accounts_user TO portal_sender;
GRANT UPDATE (stop_reason) ON messaging_campaign TO portal_sender;
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0006_second_pair"), ("accounts", "0002_rights")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(SENDER, migrations.RunSQL.noop),
    ]
