"""Who may write what retention records, and what other apps' tables need for it."""

from django.db import migrations

# The web process adds requests; their progress, and every run, is written by the keeper alone.
RIGHTS = """
REVOKE UPDATE, DELETE ON retention_deletionrequest, retention_deletionstep FROM portal_app;
REVOKE INSERT, UPDATE, DELETE ON retention_retentionrun FROM portal_app;
"""

# Mails that name nobody (a reset asked for an unknown address) are found by their address alone.
MAIL_TO_NOBODY = """
CREATE INDEX retention_mail_without_person ON messaging_message (lower(to_address))
    WHERE person_id IS NULL;
"""

# A new month gets its copy of the outbox's trigger, and whoever makes it must hold the function.
NEW_MONTHS = """
GRANT EXECUTE ON FUNCTION messaging_refuse_handing() TO portal_keeper;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("accounts", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("clicksend_portal", "0001_initial"),
        ("consent", "0002_rights"),
        ("messaging", "0002_rights"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
        migrations.RunSQL(MAIL_TO_NOBODY, migrations.RunSQL.noop),
        migrations.RunSQL(NEW_MONTHS, migrations.RunSQL.noop),
    ]
