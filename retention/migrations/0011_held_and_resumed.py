"""The feed leaves held lists and reports as they are, and an archive goes on where it stopped."""

from django.db import migrations, models

# As `retention.holding.held_by` has it of a row of content that is of this moment; an unapproved
# hold counts for `policy.HOLD_UNAPPROVED`.
HELD = """
CREATE FUNCTION retention_holds_content(p_customer uuid, p_at timestamptz, p_now timestamptz)
RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM retention_legalhold h
     WHERE h.released_at IS NULL
       AND (h.approved_at IS NOT NULL OR h.placed_at > p_now - interval '3 days')
       AND (h.customer_id IS NULL OR h.customer_id = p_customer)
       AND h.data_class IN ('', 'content')
       AND (h.since IS NULL OR p_at >= h.since::timestamp AT TIME ZONE 'UTC')
       AND (h.until IS NULL OR p_at < (h.until + 1)::timestamp AT TIME ZONE 'UTC'))
$$;
ALTER FUNCTION retention_holds_content(uuid, timestamptz, timestamptz) OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION retention_holds_content(uuid, timestamptz, timestamptz) FROM PUBLIC;

-- A list is held with any contact or upload of it that is (`retention.holding.LEANS_ON`).
CREATE OR REPLACE FUNCTION messaging_list_is_held(p_id uuid, p_now timestamptz)
RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
SELECT EXISTS (SELECT FROM retention_legalhold h WHERE h.released_at IS NULL)
   AND EXISTS (
    SELECT FROM messaging_contactlist l
     WHERE l.id = p_id
       AND (retention_holds_content(l.customer_id, l.made_at, p_now)
         OR EXISTS (SELECT FROM messaging_contact c
                     WHERE c.contact_list_id = l.id
                       AND retention_holds_content(c.customer_id, c.added_at, p_now))
         OR EXISTS (SELECT FROM messaging_listupload u
                     WHERE u.contact_list_id = l.id
                       AND retention_holds_content(u.customer_id, u.made_at, p_now))))
$$;

CREATE OR REPLACE FUNCTION messaging_report_is_held(p_id uuid, p_now timestamptz)
RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
SELECT EXISTS (SELECT FROM messaging_report r
                WHERE r.id = p_id AND retention_holds_content(r.customer_id, r.date, p_now))
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0010_desk"), ("messaging", "0012_tombstones")]

    operations = [
        migrations.AddField(
            model_name="export",
            name="checkpoint",
            field=models.JSONField(default=dict, editable=False),
        ),
        migrations.RunSQL(HELD, migrations.RunSQL.noop),
    ]
