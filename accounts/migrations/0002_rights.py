"""The sender reads what it writes into a mail, and no more."""

from django.db import migrations

SENDER = """
GRANT SELECT (id, username, first_name, last_name, email, address, address_hashes, company,
              country, language, timezone, email_confirmed_at, deactivated_at, is_active, is_staff)
    ON accounts_user TO portal_sender;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunSQL(SENDER, migrations.RunSQL.noop)]
