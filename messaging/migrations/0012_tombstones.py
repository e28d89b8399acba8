"""What a customer deleted stays deleted, whatever the platform sends again and wherever it stood.

The feed asks before a batch is copied, with the accounts in hand: a deletion takes the account's
row for itself first, so a batch is either in before it, and goes with the rest, or finds the
tombstone.
"""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import foundation.ids
from foundation.tenants import protect

# A landed migration never changes: what builds a function of the feed is taken from there.
feed = import_module("messaging.migrations.0011_feed")

# Nobody changes a tombstone, and its owner's wish does not take it away: the account's end and the
# schedule do.
RIGHTS = """
REVOKE UPDATE, DELETE ON messaging_tombstone FROM portal_app;
"""

# The hashes hold the customer's key, so that of another's nothing can be asked.
FIND = (
    f"""
CREATE FUNCTION messaging_owners_with_tombstones(p_user_ids bigint[])
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
    + feed.keepers("messaging_owners_with_tombstones(bigint[])")
    + """
CREATE FUNCTION messaging_find_tombstones(p_digests bytea[]) RETURNS SETOF bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS 'SELECT t.digest FROM messaging_tombstone t WHERE t.digest = ANY (p_digests)';
"""
    + feed.keepers("messaging_find_tombstones(bytea[])")
)

# A month that a run has detached and not dropped yet is shown by no table, and may come back for a
# hold. Only the rows of the tenant that the transaction works for are looked at, in tables of the
# keeper's alone, whose names follow the pattern; nobody else can make one.
DETACHED = (
    """
CREATE FUNCTION messaging_detached_months(p_table text) RETURNS SETOF name
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
SELECT c.relname FROM pg_class c
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
   AND c.relowner = 'portal_keeper'::regrole
   AND c.relname ~ ('^' || p_table || '_y[0-9]{4}m[0-9]{2}$')
   AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid AND NOT i.inhdetachpending)
$$;
ALTER FUNCTION messaging_detached_months(text) OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION messaging_detached_months(text) FROM PUBLIC;

CREATE FUNCTION messaging_find_detached(
    p_first uuid, p_before uuid, p_last uuid, p_status text, p_limit int)
RETURNS TABLE (id uuid, message_id varchar)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    tenant uuid := NULLIF(current_setting('portal.tenant', true), '')::uuid;
    month name;
BEGIN
    FOR month IN SELECT messaging_detached_months('messaging_messagerecord') LOOP
        BEGIN
            RETURN QUERY EXECUTE format(
                'SELECT id, message_id FROM public.%I WHERE customer_id = $1'
                ' AND ($2 IS NULL OR id >= $2) AND ($3 IS NULL OR id < $3)'
                ' AND ($4 IS NULL OR id <= $4) AND ($5 = '''' OR upper(status) = upper($5))'
                ' LIMIT $6', month)
            USING tenant, p_first, p_before, p_last, p_status, p_limit;
        EXCEPTION WHEN undefined_table THEN
            NULL;  -- dropped meanwhile
        END;
    END LOOP;
END $$;
"""
    + feed.keepers("messaging_find_detached(uuid, uuid, uuid, text, int)")
    + """
CREATE FUNCTION messaging_delete_detached(p_keys uuid[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    tenant uuid := NULLIF(current_setting('portal.tenant', true), '')::uuid;
    month name;
    removed bigint;
    gone bigint := 0;
BEGIN
    FOR month IN SELECT messaging_detached_months('messaging_messagecontent')
           UNION ALL SELECT messaging_detached_months('messaging_messagerecord') LOOP
        BEGIN
            EXECUTE format(
                'DELETE FROM public.%I WHERE customer_id = $1 AND id = ANY ($2)', month)
            USING tenant, p_keys;
            GET DIAGNOSTICS removed = ROW_COUNT;
            gone := gone + removed;
        EXCEPTION WHEN undefined_table THEN
            NULL;
        END;
    END LOOP;
    RETURN gone;
END $$;
"""
    + feed.keepers("messaging_delete_detached(uuid[])")
)

# What a legal hold keeps, it keeps as it is: nothing is held until the app that knows of holds
# says otherwise (retention/0011).
HELD = "".join(
    f"""
CREATE FUNCTION messaging_{name}_is_held(p_id uuid, p_now timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS 'SELECT false';
ALTER FUNCTION messaging_{name}_is_held(uuid, timestamptz) OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION messaging_{name}_is_held(uuid, timestamptz) FROM PUBLIC;
"""
    for name in ("list", "report")
)


def renewed(function: str) -> str:
    return function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


LISTS = renewed(
    feed.taking(
        "messaging_take_contact_lists",
        "feed_contact_lists",
        feed.refuse(
            "feed_contact_lists",
            """EXISTS (SELECT FROM messaging_contactlist t
              JOIN accounts_user u ON u.id = t.customer_id
             WHERE u.platform_id = f.user_id AND t.list_id = f.list_id
               AND t.list_name <> f.list_name AND messaging_list_is_held(t.id, p_now))""",
            "list_name",
            "'held'",
        )
        + f"""
    INSERT INTO messaging_contactlist AS t (customer_id, list_id, list_name)
    SELECT DISTINCT ON (u.id, f.list_id) u.id, f.list_id, f.list_name
      FROM pg_temp.feed_contact_lists f {feed.OWNER}
     ORDER BY u.id, f.list_id, f.line DESC
        ON CONFLICT (customer_id, list_id) DO UPDATE SET list_name = excluded.list_name
     WHERE t.list_name <> excluded.list_name;
""",
        first=feed.HOLD_LOCK,
    )
)

REPORTS = renewed(
    feed.taking(
        "messaging_take_reports",
        "feed_reports",
        feed.refuse(
            "feed_reports",
            """EXISTS (SELECT FROM messaging_report t
              JOIN accounts_user u ON u.id = t.customer_id
             WHERE u.platform_id = f.user_id AND t.report_id = f.report_id
               AND (t.report_name, t.date, t.content)
                   IS DISTINCT FROM (f.report_name, f.date, f.content)
               AND messaging_report_is_held(t.id, p_now))""",
            "",
            "'held'",
        )
        + f"""
    INSERT INTO messaging_report AS t (customer_id, report_id, report_name, date, content)
    SELECT DISTINCT ON (u.id, f.report_id) u.id, f.report_id, f.report_name, f.date, f.content
      FROM pg_temp.feed_reports f {feed.OWNER}
     ORDER BY u.id, f.report_id, f.line DESC
        ON CONFLICT (customer_id, report_id) DO UPDATE
       SET (report_name, date, content)
         = (excluded.report_name, excluded.date, excluded.content)
     WHERE (t.report_name, t.date, t.content)
        IS DISTINCT FROM (excluded.report_name, excluded.date, excluded.content);
""",
        first=feed.HOLD_LOCK,
    )
)

# What landed without saying where it looks: a temporary table would come first.
LOOKS = """
ALTER FUNCTION messaging_refuse_handing() SET search_path = public, pg_temp;
ALTER FUNCTION messaging_refuse_change() SET search_path = public, pg_temp;
ALTER FUNCTION messaging_approval_taken_back() SET search_path = public, pg_temp;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0011_feed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Tombstone",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("list", "contact list"),
                            ("contact", "contact"),
                            ("message", "message"),
                            ("report", "report"),
                        ],
                        max_length=7,
                        verbose_name="what",
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("made_at", models.DateTimeField(verbose_name="when")),
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
                "verbose_name": "trace of something deleted",
                "verbose_name_plural": "traces of what was deleted",
            },
        ),
        migrations.RunSQL(protect("messaging_tombstone"), migrations.RunSQL.noop),
        *(
            migrations.RunSQL(statement, migrations.RunSQL.noop)
            for statement in (RIGHTS, FIND, DETACHED, HELD, LISTS, REPORTS, LOOKS)
        ),
    ]
