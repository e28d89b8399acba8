"""What a legal hold may become, and what goes past the rights of those who ask for it."""

from django.db import migrations, models

# Nobody holds the right to delete the history of choices. Whoever names rows here gets rid of
# those alone that another choice has replaced for long: the function looks again.
SUPERSEDED = """
CREATE FUNCTION retention_remove_superseded(p_keys uuid[], p_before timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE removed bigint;
BEGIN
    DELETE FROM consent_consentdetail d
     WHERE d.id = ANY (p_keys) AND d.at < p_before AND EXISTS (
           SELECT 1 FROM consent_consentdetail later
            WHERE later.person_id = d.person_id AND later.topic_id = d.topic_id
              AND later.version > d.version AND later.at < p_before
              AND later.state <> d.state AND NOT EXISTS (
                  SELECT 1 FROM consent_consentdetail back
                   WHERE back.person_id = d.person_id AND back.topic_id = d.topic_id
                     AND back.version = later.version + 1 AND back.undone));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
REVOKE EXECUTE ON FUNCTION retention_remove_superseded(uuid[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_remove_superseded(uuid[], timestamptz) TO portal_keeper;
"""

# How much of these classes is held, or of all, for readings that may see nobody's rows.
HELD = """
CREATE FUNCTION retention_count_held(p_models text[]) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS 'SELECT count(*) FROM retention_heldrow
    WHERE cardinality(p_models) = 0 OR model = ANY (p_models)';
REVOKE EXECUTE ON FUNCTION retention_count_held(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_count_held(text[]) TO portal_app, portal_keeper, portal_reader;

-- Whether a month holds anything at all; of no other table. A view or a table of whoever asks
-- would run their code with the rights of this function: only what is or was a month of a table
-- of the keeper's is looked into, by the name under which it was found.
CREATE FUNCTION retention_month_holds(p_month regclass) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month name;
    found boolean;
BEGIN
    SELECT m.relname INTO month FROM pg_class m
     WHERE m.oid = p_month AND m.relkind = 'r'
       AND m.relnamespace = 'public'::regnamespace AND m.relowner = 'portal_keeper'::regrole
       AND EXISTS (SELECT FROM pg_class t
                    WHERE t.relkind = 'p' AND t.relnamespace = m.relnamespace
                      AND t.relowner = m.relowner
                      AND t.relname = regexp_replace(m.relname, '_y[0-9]{4}m[0-9]{2}$', '')
                      AND t.relname <> m.relname);
    IF month IS NULL THEN
        RAISE EXCEPTION 'no month' USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', month) INTO found;
    RETURN found;
END $$;
ALTER FUNCTION retention_month_holds(regclass) OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION retention_month_holds(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_month_holds(regclass)
    TO portal_app, portal_keeper, portal_reader;
"""

# The feed leaves contacts alone that a hold in force names: as `retention.holding.held_by` has it
# of a contact; an unapproved one counts for `policy.HOLD_UNAPPROVED`.
CONTACTS = """
CREATE OR REPLACE FUNCTION messaging_contacts_are_held(p_customer uuid, p_now timestamptz)
RETURNS boolean LANGUAGE sql STABLE AS $$
SELECT EXISTS (
    SELECT FROM retention_legalhold h
     WHERE h.released_at IS NULL
       AND (h.approved_at IS NOT NULL OR h.placed_at > p_now - interval '3 days')
       AND (h.customer_id IS NULL OR h.customer_id = p_customer)
       AND h.data_class IN ('', 'content')
       AND EXISTS (
           SELECT FROM messaging_contact c
            WHERE c.customer_id = p_customer
              AND (h.since IS NULL OR c.added_at >= h.since::timestamp AT TIME ZONE 'UTC')
              AND (h.until IS NULL OR c.added_at < (h.until + 1)::timestamp AT TIME ZONE 'UTC')))
$$;
"""

# What was placed stays as it was placed: who approves or releases it adds only that.
PLACED = """
REVOKE UPDATE ON retention_legalhold FROM portal_app;
GRANT UPDATE (approved_by_id, approved_at, review_on, released_by_id, released_at, release_reason)
    ON retention_legalhold TO portal_app;
"""

# Whether the journal knows more than the database is asked by every process, the sender too.
KNOWN = """
GRANT SELECT (id, approved_at, released_at) ON retention_legalhold TO portal_sender;
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0007_deletion"), ("messaging", "0011_feed")]

    operations = [
        migrations.RemoveConstraint(model_name="legalhold", name="retention_hold_says_what"),
        migrations.AddConstraint(
            model_name="legalhold",
            constraint=models.CheckConstraint(
                condition=models.Q(customer_id__isnull=False)
                | ~models.Q(data_class="")
                | models.Q(since__isnull=False)
                | models.Q(until__isnull=False)
                | models.Q(released_at__isnull=False),
                name="retention_hold_says_what",
            ),
        ),
        migrations.RunSQL(SUPERSEDED, migrations.RunSQL.noop),
        migrations.RunSQL(HELD, migrations.RunSQL.noop),
        migrations.RunSQL(CONTACTS, migrations.RunSQL.noop),
        migrations.RunSQL(PLACED, migrations.RunSQL.noop),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="journalmark",
            name="holds",
            field=models.BinaryField(default=b"", max_length=32),
        ),
        migrations.AddIndex(
            model_name="deletionrequest",
            index=models.Index(
                condition=models.Q(("journal_position__isnull", True), ("state", "withdrawn")),
                fields=["finished_at"],
                name="retention_taken_back_unsaid",
            ),
        ),
    ]
