"""The hand-over: permission and mark in one statement, and no other way to the mark."""

from django.db import migrations

# What was accepted is sent; the words of account mail go, and the address where nobody's row needs
# it (a person just erased, an address that turned out to have no account).
MARK_SENT = """
CREATE FUNCTION messaging_mark_sent(p_id uuid, p_lease uuid, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE messaging_message
       SET state = 'sent', finished_at = p_now, lease = NULL, lease_until = NULL,
           subject = '', text = '', html = '', reason = '',
           to_address = CASE WHEN person_id IS NULL THEN '' ELSE to_address END
     WHERE id = p_id AND lease = p_lease AND state = 'handing';
    RETURN FOUND;
END $$;
REVOKE EXECUTE ON FUNCTION messaging_mark_sent(uuid, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION messaging_mark_sent(uuid, uuid, timestamptz)
    TO portal_app, portal_sender, portal_keeper;
"""

# Returns '' (go), a reason (withheld), 'mailing_paused' (back in the queue) or 'lost' (not ours).
# Locks the person before any message, as an erasure does: in another order each waits for the other.
HAND_OVER = """
CREATE FUNCTION messaging_hand_over(p_id uuid, p_lease uuid, p_sent uuid, p_lease_until timestamptz,
                                    p_now timestamptz)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    m record;
    mailing text := 'sending';
    why text := '';
BEGIN
    SELECT kind, mailing_id, person_id, topic_id, to_address INTO m
      FROM messaging_message WHERE id = p_id AND lease = p_lease AND state = 'claimed';
    IF m.kind = 'optional' THEN
        SELECT state INTO mailing FROM messaging_campaign WHERE id = m.mailing_id;
        why := consent_withheld_reason(m.person_id, m.topic_id, m.to_address, p_now);
    ELSIF m.kind = 'service' THEN
        SELECT state INTO mailing FROM messaging_serviceannouncement WHERE id = m.mailing_id;
        SELECT CASE WHEN email_confirmed_at IS NULL THEN 'not_confirmed'
                    WHEN deactivated_at IS NOT NULL OR NOT is_active THEN 'deactivated'
                    WHEN email <> m.to_address THEN 'address_changed'
                    ELSE '' END
          INTO why FROM accounts_user WHERE id = m.person_id FOR SHARE;
        why := COALESCE(why, 'erased');
    END IF;
    IF p_sent IS NOT NULL THEN
        PERFORM messaging_mark_sent(p_sent, p_lease, p_now);
    END IF;
    IF mailing IS DISTINCT FROM 'sending' AND why = '' THEN
        why := CASE mailing WHEN 'paused' THEN 'mailing_paused' ELSE 'cancelled' END;
    END IF;
    IF why = '' THEN
        UPDATE messaging_message
           SET state = 'handing', handed_at = p_now, attempts = attempts + 1,
               lease_until = p_lease_until
         WHERE id = p_id AND lease = p_lease AND state = 'claimed';
    ELSIF why = 'mailing_paused' THEN
        UPDATE messaging_message SET state = 'queued', lease = NULL, lease_until = NULL
         WHERE id = p_id AND lease = p_lease AND state = 'claimed';
    ELSE
        UPDATE messaging_message
           SET state = 'withheld', reason = why, finished_at = p_now, lease = NULL,
               lease_until = NULL, subject = '', text = '', html = ''
         WHERE id = p_id AND lease = p_lease AND state = 'claimed';
    END IF;
    IF NOT FOUND THEN RETURN 'lost'; END IF;
    RETURN why;
END $$;
REVOKE EXECUTE ON FUNCTION messaging_hand_over(uuid, uuid, uuid, timestamptz, timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION messaging_hand_over(uuid, uuid, uuid, timestamptz, timestamptz)
    TO portal_app, portal_sender, portal_keeper;
"""

# Whoever is not the function above cannot declare a message handed over.
ONE_DOOR = """
CREATE FUNCTION messaging_refuse_handing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'only messaging_hand_over() hands a message over'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER messaging_one_door BEFORE INSERT OR UPDATE OF state ON messaging_message
    FOR EACH ROW WHEN (NEW.state = 'handing' AND current_user <> 'portal_owner')
    EXECUTE FUNCTION messaging_refuse_handing();
"""

SENDER = """
GRANT SELECT, INSERT, UPDATE ON messaging_message TO portal_sender;
GRANT SELECT ON messaging_campaign, messaging_serviceannouncement TO portal_sender;
GRANT UPDATE (state, resolved_at, resolved_through, resolved, finished_at)
    ON messaging_campaign, messaging_serviceannouncement TO portal_sender;
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial"), ("consent", "0002_rights")]

    operations = [
        migrations.RunSQL(MARK_SENT, migrations.RunSQL.noop),
        migrations.RunSQL(HAND_OVER, migrations.RunSQL.noop),
        migrations.RunSQL(ONE_DOOR, migrations.RunSQL.noop),
        migrations.RunSQL(SENDER, migrations.RunSQL.noop),
    ]
