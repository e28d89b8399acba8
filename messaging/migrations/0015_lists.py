"""Pages of large lists by an index of their own, and by which upload a contact was named last.

Built while lists are written and read. Killed, it is simply run again: what a killed run left half
built is dropped first.
"""

from importlib import import_module
from typing import Any, ClassVar

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from foundation.partitions import AddEmptyFieldSoon

# A landed migration never changes: what gives a function to the keeper is taken from there.
feed = import_module("messaging.migrations.0011_feed")

# Row-level security lets no condition into an index that could tell of other rows by an error, and
# PostgreSQL believes that of `lower`: the web process would read a whole list for one address. So
# the keeper looks, in the lists of the tenant that the transaction works for, and says only which.
FIND = """
CREATE OR REPLACE FUNCTION messaging_find_contacts(p_list uuid, p_contacts text[])
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    tenant uuid := NULLIF(current_setting('portal.tenant', true), '')::uuid;
    own uuid;
BEGIN
    FOR own IN SELECT l.id FROM messaging_contactlist l
                WHERE l.customer_id = tenant AND (p_list IS NULL OR l.id = p_list) LOOP
        -- One at a time: of many at once the planner, which may look at no statistics here,
        -- believes that every row fits.
        RETURN QUERY
            SELECT same.id FROM unnest(p_contacts) each CROSS JOIN LATERAL (
                SELECT c.id FROM messaging_contact c
                 WHERE c.contact_list_id = own AND c.phone_number <> '' AND c.phone_number = each
                OFFSET 0) same
             UNION
            SELECT same.id FROM unnest(p_contacts) each CROSS JOIN LATERAL (
                SELECT c.id FROM messaging_contact c
                 WHERE c.contact_list_id = own AND c.email <> '' AND lower(c.email) = each
                OFFSET 0) same;
    END LOOP;
END $$;
""" + feed.keepers("messaging_find_contacts(uuid, text[])")

# The index that came with the foreign key; the new one begins with the same column.
OF_THE_KEY = "messaging_contact_contact_list_id_b51b17ed"


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar[Any] = [("messaging", "0014_bills")]

    operations: ClassVar[Any] = [
        AddEmptyFieldSoon(
            "contact", "uploaded_at", models.DateTimeField(editable=False, null=True)
        ),
        migrations.RunSQL(FIND, "DROP FUNCTION messaging_find_contacts(uuid, text[])"),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS messaging_contact_place", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            "contact",
            models.Index(
                fields=["contact_list", "id"], include=["customer"], name="messaging_contact_place"
            ),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "contact",
                    "contact_list",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contacts",
                        to="messaging.contactlist",
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {OF_THE_KEY}",
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {OF_THE_KEY} "
                    "ON messaging_contact (contact_list_id)",
                ),
            ],
        ),
    ]
