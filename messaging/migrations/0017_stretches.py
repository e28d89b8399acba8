"""Of a time whose messages a customer had de-identified, no words come in any more.

The feed asks as it asks for tombstones, with the accounts in hand: a deletion takes the account's
row for itself first, so a batch is either in before it, and its words go with the rest, or finds
the stretch.
"""

from importlib import import_module
from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import foundation.ids
from foundation.tenants import protect

# A landed migration never changes: what builds a function of the feed is taken from there.
feed = import_module("messaging.migrations.0011_feed")

# The keeper says so, before the first words go; the account's end and the schedule take it away.
RIGHTS = """
REVOKE INSERT, UPDATE, DELETE ON messaging_deidentifiedstretch FROM portal_app;
"""

# One question for both, and for most customers the only one. Accounts are read once, and each table
# is looked into by itself: asked of each account whether it is in one or the other, a batch of as
# many customers as lines took three times as long.
OWNERS = (
    f"""
CREATE OR REPLACE FUNCTION messaging_owners_with_tombstones(p_user_ids bigint[])
RETURNS TABLE (user_id bigint, customer_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    {feed.HOLD_LOCK}
    PERFORM FROM accounts_user u WHERE u.platform_id = ANY (p_user_ids)
      ORDER BY u.id FOR KEY SHARE;
    RETURN QUERY WITH held AS MATERIALIZED (
        SELECT u.platform_id, u.id FROM accounts_user u WHERE u.platform_id = ANY (p_user_ids))
      SELECT h.platform_id, h.id FROM held h
       WHERE EXISTS (SELECT FROM messaging_tombstone t WHERE t.customer_id = h.id)
       UNION
      SELECT h.platform_id, h.id FROM held h
       WHERE EXISTS (SELECT FROM messaging_deidentifiedstretch s WHERE s.customer_id = h.id);
END $$;
"""
    + feed.keepers("messaging_owners_with_tombstones(bigint[])")
)

# As `0012_tombstones` has it, for the release of before.
BEFORE = (
    f"""
CREATE OR REPLACE FUNCTION messaging_owners_with_tombstones(p_user_ids bigint[])
RETURNS TABLE (user_id bigint, customer_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    {feed.HOLD_LOCK}
    PERFORM FROM accounts_user u WHERE u.platform_id = ANY (p_user_ids)
      ORDER BY u.id FOR KEY SHARE;
    RETURN QUERY SELECT u.platform_id, u.id FROM accounts_user u
      WHERE u.platform_id = ANY (p_user_ids)
        AND EXISTS (SELECT FROM messaging_tombstone t WHERE t.customer_id = u.id);
END $$;
"""
)

FIND = """
CREATE FUNCTION messaging_find_stretches(p_customers uuid[])
RETURNS TABLE (customer_id uuid, first timestamptz, before timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
SELECT s.customer_id, s.first, s.before FROM messaging_deidentifiedstretch s
 WHERE s.customer_id = ANY (p_customers)
$$;
""" + feed.keepers("messaging_find_stretches(uuid[])")


class Migration(migrations.Migration):
    dependencies: ClassVar[Any] = [
        ("messaging", "0016_journaled"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[Any] = [
        migrations.CreateModel(
            name="DeidentifiedStretch",
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
                ("first", models.DateTimeField(null=True, verbose_name="from")),
                ("before", models.DateTimeField(verbose_name="until")),
                ("made_at", models.DateTimeField(verbose_name="when")),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "de-identified stretch of messages",
                "verbose_name_plural": "de-identified stretches of messages",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("customer", "first", "before"),
                        name="messaging_stretch_once",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        migrations.RunSQL(protect("messaging_deidentifiedstretch"), migrations.RunSQL.noop),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
        migrations.RunSQL(OWNERS, BEFORE),
        migrations.RunSQL(FIND, "DROP FUNCTION messaging_find_stretches(uuid[]);"),
    ]
