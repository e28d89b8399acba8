"""What customers did to their own content, on its way into the journal."""

from importlib import import_module
from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import foundation.ids
from foundation.tenants import protect

# A landed migration never changes: what builds a function of the feed is taken from there.
feed = import_module("messaging.migrations.0011_feed")

# A customer's process says what it did; where the journal says of it is the keeper's to note, and
# the account's end and the schedule take it away.
RIGHTS = """
REVOKE UPDATE, DELETE ON messaging_owndeed FROM portal_app;
"""

# Whether this database is the one the journal goes on from is asked under any role, and for nobody.
# Of one that is to be done again the rows are still there; a no stands from the first.
KNOWS = """
CREATE FUNCTION messaging_knows_deed(p_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
SELECT EXISTS (SELECT FROM messaging_owndeed d
                WHERE d.id = p_id AND (NOT d.waits OR d.what = 'opt_out'))
$$;
ALTER FUNCTION messaging_knows_deed(uuid) OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION messaging_knows_deed(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION messaging_knows_deed(uuid) TO portal_app, portal_sender;
"""

# Who said no before a restore and is known by a hash alone. The hashes hold the customer's key and
# need one of ours, so that of another's nothing can be asked and nothing said.
UNNAMED = (
    f"""
CREATE FUNCTION messaging_owners_with_unnamed(p_user_ids bigint[])
RETURNS TABLE (user_id bigint, customer_id uuid, key smallint, digests bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    {feed.HOLD_LOCK}
    PERFORM FROM accounts_user u WHERE u.platform_id = ANY (p_user_ids)
      ORDER BY u.id FOR KEY SHARE;
    RETURN QUERY SELECT u.platform_id, u.id, d.key, d.digests
      FROM accounts_user u JOIN messaging_owndeed d ON d.customer_id = u.id
     WHERE u.platform_id = ANY (p_user_ids) AND d.waits AND d.what = 'opt_out';
END $$;
"""
    + feed.keepers("messaging_owners_with_unnamed(bigint[])")
    + """
CREATE FUNCTION messaging_name_opt_outs(p_digests bytea[], p_contacts text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
WITH named AS (
    UPDATE messaging_owndeed d SET waits = false
      FROM unnest(p_digests, p_contacts) AS n (digest, contact)
     WHERE d.waits AND d.what = 'opt_out' AND d.digests = n.digest
    RETURNING d.customer_id, n.contact, d.done_at)
INSERT INTO messaging_contactoptout (customer_id, contact, since)
SELECT customer_id, contact, min(done_at) FROM named GROUP BY customer_id, contact
    ON CONFLICT DO NOTHING;
$$;
"""
    + feed.keepers("messaging_name_opt_outs(bytea[], text[])")
)


class Migration(migrations.Migration):
    dependencies: ClassVar[Any] = [
        ("messaging", "0015_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[Any] = [
        migrations.CreateModel(
            name="OwnDeed",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=foundation.ids.UUIDv7(),
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("list", "contact list deleted"),
                            ("contact", "contact deleted"),
                            ("message", "messages deleted"),
                            ("report", "report deleted"),
                            ("upload", "upload thrown away"),
                            ("opt_out", "contact said no"),
                            ("opt_in", "no of a contact taken back"),
                        ],
                        max_length=7,
                        verbose_name="what",
                    ),
                ),
                ("key", models.SmallIntegerField()),
                ("digests", models.BinaryField()),
                ("is_numbered", models.BooleanField(default=False)),
                ("first", models.DateTimeField(null=True)),
                ("before", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(verbose_name="when")),
                ("journal_position", models.BigIntegerField(null=True)),
                ("journaled_at", models.DateTimeField(null=True)),
                ("waits", models.BooleanField(default=False)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "deed on its way into the journal",
                "verbose_name_plural": "deeds on their way into the journal",
                "indexes": [
                    models.Index(
                        condition=models.Q(("journal_position", None)),
                        fields=["id"],
                        name="messaging_deed_unsaid",
                    ),
                    models.Index(
                        condition=models.Q(("waits", True)),
                        fields=["customer", "what"],
                        name="messaging_deed_waits",
                    ),
                ],
            },
        ),
        migrations.RunSQL(protect("messaging_owndeed"), migrations.RunSQL.noop),
        *(
            migrations.RunSQL(statement, migrations.RunSQL.noop)
            for statement in (RIGHTS, KNOWS, UNNAMED)
        ),
    ]
