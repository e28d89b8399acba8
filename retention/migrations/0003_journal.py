"""The mark of the journal, and who may look whether the journal knows more than the database."""

import django.db.models.functions.datetime
from django.db import migrations, models

# Every process asks whether it stands on the database the journal belongs to; the keeper alone
# moves the mark. A hand-over asks as the sender, who sees of a deletion no more than its reference
# and of an event no more than its key.
RIGHTS = """
REVOKE INSERT, UPDATE, DELETE ON retention_journalmark FROM portal_app;
GRANT SELECT ON retention_journalmark, consent_leaf TO portal_sender;
GRANT SELECT (id, reference) ON retention_deletionrequest TO portal_sender;
GRANT SELECT (id) ON consent_consentdetail TO portal_sender;
"""

# Deletions that are under way reach the journal too, before their next step.
OPEN_DELETIONS = """
INSERT INTO retention_deletionstep (request_id, position, name, removed)
SELECT id, -1, 'journal', 0 FROM retention_deletionrequest WHERE state = 'requested';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0002_rights"),
        ("consent", "0004_log_rights"),
    ]

    operations = [
        migrations.CreateModel(
            name="JournalMark",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("position", models.BigIntegerField()),
                ("chain", models.BinaryField(max_length=32)),
                ("leaves", models.BigIntegerField(default=0)),
                ("head", models.BigIntegerField(default=0)),
                ("topics", models.SmallIntegerField(default=0)),
                ("retired", models.SmallIntegerField(default=0)),
                (
                    "moved_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
            ],
            options={
                "verbose_name": "mark of the journal",
                "verbose_name_plural": "mark of the journal",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="retention_one_journal_mark"
                    )
                ],
            },
        ),
        migrations.AlterField(
            model_name="deletionrequest",
            name="source",
            field=models.CharField(
                choices=[
                    ("customer", "by the customer, on the page"),
                    ("command", "by an operator, with erase_customer"),
                    ("replay", "once more after a restore, from the journal"),
                ],
                max_length=10,
                verbose_name="asked for",
            ),
        ),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
        migrations.RunSQL(OPEN_DELETIONS, migrations.RunSQL.noop),
    ]
