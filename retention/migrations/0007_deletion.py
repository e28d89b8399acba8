"""How a request is moved on, taken back and checked: by functions, for the web only adds rows."""

from django.db import migrations, models

# What the web process adds is a wish, never a result: not finished, not journaled, not checked, and
# what staff begin for somebody waits for that somebody.
GUARD = """
CREATE FUNCTION retention_guard_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = 'portal_app' AND (
        NEW.person_id IS NULL OR NEW.due_on IS NULL
        OR NEW.state NOT IN ('unconfirmed', 'scheduled', 'requested')
        OR NEW.source NOT IN ('customer', 'staff')
        OR (NEW.source = 'staff') <> (NEW.state = 'unconfirmed')
        OR (NEW.state = 'scheduled' AND NEW.begins_at IS NULL)
        OR NEW.checked_by <> '' OR NEW.checked_again_by <> ''
        OR NEW.held_at IS NOT NULL OR NEW.journal_position IS NOT NULL OR NEW.removed <> '{}'::jsonb
    ) THEN
        RAISE EXCEPTION 'this is for the keeper to say' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER retention_guard_request BEFORE INSERT ON retention_deletionrequest
    FOR EACH ROW EXECUTE FUNCTION retention_guard_request();

CREATE FUNCTION retention_guard_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = 'portal_app' AND NEW.finished_at IS NOT NULL THEN
        RAISE EXCEPTION 'this is for the keeper to say' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER retention_guard_step BEFORE INSERT ON retention_deletionstep
    FOR EACH ROW EXECUTE FUNCTION retention_guard_step();
GRANT EXECUTE ON FUNCTION retention_guard_request(), retention_guard_step()
    TO portal_app, portal_keeper;
"""

# Forward only: from unconfirmed or scheduled, never from finished or taken back. The day on which
# it is due stays what it was when it was asked for.
#
# `checked` needs both checks on record. `confirmed` (the link of the mail) and `anew` (the customer
# asks on their page) are the caller's word: the database sees neither a link nor a sign-in. Where
# staff noted that somebody wants their 14 days, or where these run, only `anew` shortens them.
MOVE_ON = """
CREATE FUNCTION retention_move_on(p_request uuid, p_by text, p_begins timestamptz, p_waits boolean,
                                  p_deactivated boolean)
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
           deactivated = p_deactivated
     WHERE id = p_request AND CASE state
           WHEN 'unconfirmed' THEN p_by <> 'checked' OR checked_again_by <> ''
           WHEN 'scheduled' THEN p_by = 'anew' AND NOT p_waits
           ELSE false END;
    RETURN FOUND;
END $$;
REVOKE EXECUTE ON FUNCTION retention_move_on(uuid, text, timestamptz, boolean, boolean)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_move_on(uuid, text, timestamptz, boolean, boolean)
    TO portal_app, portal_keeper;
"""

# Only before the work may have begun, by the clock of the database too: a caller's clock may be
# ahead of it, not behind. It names nobody from then on, and what was noted about how somebody was
# recognised goes with it.
WITHDRAW = """
CREATE FUNCTION retention_withdraw(p_request uuid, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE retention_deletionrequest
       SET state = 'withdrawn', finished_at = p_now, person_id = NULL, contact_list_id = NULL,
           check_note = ''
     WHERE id = p_request AND (state = 'unconfirmed'
        OR (state = 'scheduled' AND begins_at > greatest(p_now, clock_timestamp())));
    RETURN FOUND;
END $$;
REVOKE EXECUTE ON FUNCTION retention_withdraw(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_withdraw(uuid, timestamptz) TO portal_app, portal_keeper;
"""

# `first`, `second`, `same` (nobody checks twice) or `late` (nothing waits for a check any more).
CHECK_IDENTITY = """
CREATE FUNCTION retention_check_identity(p_request uuid, p_actor text, p_note text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE wish retention_deletionrequest;
BEGIN
    SELECT * INTO wish FROM retention_deletionrequest WHERE id = p_request FOR UPDATE;
    IF NOT FOUND OR wish.state <> 'unconfirmed' OR wish.checked_again_by <> '' THEN
        RETURN 'late';
    END IF;
    IF p_actor = '' OR p_note = '' THEN
        RAISE EXCEPTION 'a check says who and how';
    END IF;
    IF wish.checked_by = p_actor THEN
        RETURN 'same';
    END IF;
    IF wish.checked_by = '' THEN
        UPDATE retention_deletionrequest SET checked_by = p_actor, check_note = left(p_note, 149)
         WHERE id = p_request;
        RETURN 'first';
    END IF;
    UPDATE retention_deletionrequest
       SET checked_again_by = p_actor, check_note = check_note || '; ' || left(p_note, 149)
     WHERE id = p_request;
    RETURN 'second';
END $$;
REVOKE EXECUTE ON FUNCTION retention_check_identity(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_check_identity(uuid, text, text) TO portal_app;
"""

# Whether the journal knows more than the database is asked by every process: a request that still
# waits, though the journal has it, is of an older state.
SENDER = """
GRANT SELECT (state) ON retention_deletionrequest TO portal_sender;
"""

# Requests under way have a day on which they are due, like those to come.
OPEN_REQUESTS = """
UPDATE retention_deletionrequest
   SET begins_at = requested_at,
       due_on = ((requested_at AT TIME ZONE 'Europe/Oslo')::date + interval '1 month')::date
 WHERE state = 'requested' AND due_on IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0006_rights_of_holds"), ("messaging", "0011_feed")]

    operations = [
        migrations.AddField(
            model_name="deletionrequest",
            name="held_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunSQL(OPEN_REQUESTS, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
        migrations.RunSQL(MOVE_ON, migrations.RunSQL.noop),
        migrations.RunSQL(WITHDRAW, migrations.RunSQL.noop),
        migrations.RunSQL(CHECK_IDENTITY, migrations.RunSQL.noop),
        migrations.RunSQL(SENDER, migrations.RunSQL.noop),
    ]
