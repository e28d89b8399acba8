"""Of a deletion of messages that is under way, no more words come in from the upgrade on.

One that is done names nobody, so of those nothing can be said.
"""

from django.db import migrations

# The owner of both tables, who migrates, sees every customer's rows.
CLOSE = """
INSERT INTO messaging_deidentifiedstretch (customer_id, first, before, made_at)
SELECT u.id, d.covers_from, d.covers_before, now()
  FROM retention_deletionrequest d JOIN accounts_user u ON u.id = d.person_id
 WHERE d.scope IN ('content', 'messages') AND d.state = 'requested'
   AND d.covers_before IS NOT NULL
    ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("messaging", "0019_moved"),
        ("retention", "0018_runs_and_items"),
    ]

    operations = [migrations.RunSQL(CLOSE, migrations.RunSQL.noop)]
