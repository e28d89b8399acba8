"""A run says under which rule it was, and how much was due of each company of ours.

A mail to an address that names nobody stands open as it did in the outbox, once it stands aside.
"""

from django.db import migrations, models

# Queries find whose it is by the address, as they do in the outbox.
MAILS = """
CREATE POLICY mails_naming_nobody ON retention_heldrow FOR SELECT TO portal_app
    USING (customer_id IS NULL AND model = 'messaging.Message');
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0015_lapsed")]

    operations = [
        migrations.AddField(
            model_name="retentionrun",
            name="version",
            field=models.CharField(default="", editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name="retentionrun",
            name="companies",
            field=models.JSONField(default=dict, editable=False),
        ),
        migrations.RunSQL(MAILS, "DROP POLICY mails_naming_nobody ON retention_heldrow"),
    ]
