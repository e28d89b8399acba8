"""The law's month of what the desk had first, and a count of the sign-ins that a word ended."""

from importlib import import_module

from django.db import migrations, models

# A landed migration never changes: what the function was is taken from there.
before = import_module("retention.migrations.0007_deletion")

# As before, and: once it may begin, the day that counts is the law's, where the desk had the
# request first. Still no word of a caller moves it. And the sign-ins that ended with that word are
# counted, as where a deletion begins without one. A process of before counts none.
MOVE_ON = """
DROP FUNCTION retention_move_on(uuid, text, timestamptz, boolean, boolean);
CREATE FUNCTION retention_move_on(
    p_request uuid, p_by text, p_begins timestamptz, p_waits boolean, p_deactivated boolean,
    p_ended integer DEFAULT 0)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF p_by NOT IN ('checked', 'confirmed', 'anew') THEN
        RAISE EXCEPTION 'by what' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    UPDATE retention_deletionrequest
       SET state = CASE WHEN CASE p_by WHEN 'anew' THEN p_waits ELSE begins_at IS NOT NULL END
                        THEN 'scheduled' ELSE 'requested' END,
           begins_at = CASE WHEN p_by = 'anew' OR begins_at IS NULL THEN p_begins
                            ELSE greatest(p_begins, requested_at + interval '336 hours') END,
           due_on = coalesce(due_by_law, due_on),
           deactivated = p_deactivated
     WHERE id = p_request AND CASE state
           WHEN 'unconfirmed' THEN p_by <> 'checked' OR checked_again_by <> ''
           WHEN 'scheduled' THEN p_by = 'anew' AND NOT p_waits
           ELSE false END;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE retention_deletionstep SET removed = removed + p_ended
     WHERE request_id = p_request AND name = 'accounts.Session' AND p_ended > 0;
    RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION
    retention_move_on(uuid, text, timestamptz, boolean, boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    retention_move_on(uuid, text, timestamptz, boolean, boolean, integer)
    TO portal_app, portal_keeper;
"""
BEFORE = """
DROP FUNCTION retention_move_on(uuid, text, timestamptz, boolean, boolean, integer);
"""

# Where a deletion was open before the desk pressed the button, the day that comes first counts. The
# day is read here, so no word of a caller moves it, and nothing moves it back.
HASTEN = """
CREATE FUNCTION retention_hasten(p_deletion uuid, p_asked uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
UPDATE retention_deletionrequest d
   SET due_by_law = least(coalesce(d.due_by_law, d.due_on), p.due_on),
       due_on = CASE d.state WHEN 'unconfirmed' THEN d.due_on ELSE least(d.due_on, p.due_on) END
  FROM retention_privacyrequest p
 WHERE d.id = p_deletion AND p.id = p_asked
   AND p.person_id = d.person_id AND p.kind = 'erasure' AND p.state = 'open'
   AND d.scope = 'everything' AND d.state IN ('unconfirmed', 'scheduled', 'requested')
   AND p.due_on < coalesce(d.due_by_law, d.due_on)
$$;
REVOKE EXECUTE ON FUNCTION retention_hasten(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_hasten(uuid, uuid) TO portal_app;
"""
SLOW = "DROP FUNCTION retention_hasten(uuid, uuid);"

# What the desk has begun and is under way, by the first of the requests that came before it: one
# may also have been linked to a deletion that was open already.
UNDER_WAY = """
UPDATE retention_deletionrequest d
   SET due_by_law = p.due_on,
       due_on = CASE d.state WHEN 'unconfirmed' THEN d.due_on ELSE p.due_on END
  FROM (SELECT DISTINCT ON (p.deletion_reference) p.deletion_reference, p.due_on
          FROM retention_privacyrequest p
          JOIN retention_deletionrequest d ON d.reference = p.deletion_reference
           AND p.received_at <= d.requested_at
         ORDER BY p.deletion_reference, p.received_on, p.due_on) p
 WHERE p.deletion_reference = d.reference
   AND d.source = 'staff' AND d.state IN ('unconfirmed', 'scheduled', 'requested');
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0015_lapsed")]

    operations = [
        migrations.AddField(
            model_name="deletionrequest",
            name="due_by_law",
            field=models.DateField(editable=False, null=True, verbose_name="due by law"),
        ),
        migrations.RunSQL(MOVE_ON, BEFORE + before.MOVE_ON),
        migrations.RunSQL(HASTEN, SLOW),
        migrations.RunSQL(UNDER_WAY, migrations.RunSQL.noop),
    ]
