"""Customers' content: each sees their own rows alone, and the sender none at all."""

from django.db import migrations

from foundation.tenants import protect

TABLES = (
    "messaging_contactlist",
    "messaging_contact",
    "messaging_contactoptout",
    "messaging_messagerecord",
    "messaging_messagecontent",
    "messaging_report",
    "messaging_listupload",
    "messaging_uploadpart",
    "messaging_uploadproblem",
)

# The months made a moment ago could still be read by themselves, past the policies of the table.
MONTHS = """
DO $$
DECLARE month regclass;
BEGIN
    FOR month IN SELECT inhrelid FROM pg_inherits WHERE inhparent IN
        ('messaging_messagerecord'::regclass, 'messaging_messagecontent'::regclass)
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM portal_app', month);
    END LOOP;
END $$;
"""

# What the platform reports is written by its functions alone; a customer may delete.
RECORDS = """
REVOKE INSERT, UPDATE ON messaging_messagerecord, messaging_messagecontent FROM portal_app;
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0009_content")]

    operations = [
        migrations.RunSQL("".join(protect(table) for table in TABLES), migrations.RunSQL.noop),
        migrations.RunSQL(MONTHS, migrations.RunSQL.noop),
        migrations.RunSQL(RECORDS, migrations.RunSQL.noop),
    ]
