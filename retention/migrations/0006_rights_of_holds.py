"""Archives and held rows: each customer sees their own; only the keeper holds rows aside."""

from django.db import migrations

from foundation.tenants import protect

TABLES = ("retention_export", "retention_exportpart", "retention_heldrow")

RIGHTS = """
REVOKE INSERT, UPDATE, DELETE ON retention_heldrow FROM portal_app;
REVOKE DELETE ON retention_legalhold, retention_destruction FROM portal_app;
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0005_holds_and_wishes")]

    operations = [
        migrations.RunSQL("".join(protect(table) for table in TABLES), migrations.RunSQL.noop),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
    ]
