"""What PostgreSQL itself guarantees about consent: append-only halves, one decision, one eraser."""

from django.db import migrations

# Both halves refuse UPDATE for everyone, owner included. DELETE is a matter of rights: nobody but
# the owner holds it, and the owner's only function that uses it is the keeper's to call.
APPEND_ONLY = """
CREATE FUNCTION consent_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER consent_detail_append_only BEFORE UPDATE ON consent_consentdetail
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
CREATE TRIGGER consent_leaf_append_only BEFORE UPDATE OR DELETE ON consent_leaf
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
CREATE TRIGGER consent_wording_append_only BEFORE UPDATE ON consent_topicwording
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
REVOKE UPDATE, DELETE ON consent_consentdetail, consent_leaf, consent_topicwording
    FROM portal_app, portal_keeper;
"""

# Removes details of a person, or of superseded choices, at most `p_limit` at once. What proves the
# choice that stands stays: a pause supersedes nothing, nor does a change that was undone.
ERASE = """
CREATE FUNCTION consent_remove_details(p_person uuid, p_superseded_before timestamptz, p_limit int)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE removed bigint;
BEGIN
    IF (p_person IS NULL) = (p_superseded_before IS NULL) THEN
        RAISE EXCEPTION 'name either a person or a moment';
    END IF;
    WITH doomed AS (
        SELECT d.id FROM consent_consentdetail d
         WHERE CASE WHEN p_person IS NOT NULL THEN d.person_id = p_person
               ELSE d.at < p_superseded_before AND EXISTS (
                    SELECT 1 FROM consent_consentdetail later
                     WHERE later.person_id = d.person_id AND later.topic_id = d.topic_id
                       AND later.version > d.version AND later.at < p_superseded_before
                       AND later.state <> d.state AND NOT EXISTS (
                           SELECT 1 FROM consent_consentdetail back
                            WHERE back.person_id = d.person_id AND back.topic_id = d.topic_id
                              AND back.version = later.version + 1 AND back.undone))
               END
         LIMIT p_limit
    )
    DELETE FROM consent_consentdetail d USING doomed WHERE d.id = doomed.id;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
REVOKE EXECUTE ON FUNCTION consent_remove_details(uuid, timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION consent_remove_details(uuid, timestamptz, int) TO portal_keeper;
"""

# The one place that decides whether an optional message may go; '' means it may. Locks the rows
# it read, so that an opt-out either committed before (and is seen) or waits for the mark.
DECIDE = """
CREATE FUNCTION consent_withheld_reason(p_person uuid, p_topic uuid, p_address text,
                                        p_now timestamptz)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    u record;
    p record;
BEGIN
    SELECT email, address_hashes, email_confirmed_at, deactivated_at, is_active INTO u
      FROM accounts_user WHERE id = p_person FOR SHARE;
    IF NOT FOUND THEN RETURN 'erased'; END IF;
    IF u.email_confirmed_at IS NULL THEN RETURN 'not_confirmed'; END IF;
    IF u.deactivated_at IS NOT NULL OR NOT u.is_active THEN RETURN 'deactivated'; END IF;
    IF u.email <> p_address THEN RETURN 'address_changed'; END IF;
    SELECT state, paused_until INTO p
      FROM consent_preference WHERE person_id = p_person AND topic_id = p_topic FOR SHARE;
    IF NOT FOUND THEN RETURN 'not_asked'; END IF;
    IF p.state <> 'granted' THEN RETURN p.state; END IF;
    IF p.paused_until > p_now THEN RETURN 'paused'; END IF;
    IF EXISTS (SELECT 1 FROM consent_topic WHERE id = p_topic AND retired_at IS NOT NULL) THEN
        RETURN 'topic_retired';
    END IF;
    IF EXISTS (SELECT 1 FROM consent_suppression
                WHERE address_hash = ANY (u.address_hashes)) THEN
        RETURN 'suppressed';
    END IF;
    RETURN '';
END $$;
REVOKE EXECUTE ON FUNCTION consent_withheld_reason(uuid, uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION consent_withheld_reason(uuid, uuid, text, timestamptz)
    TO portal_app, portal_sender, portal_keeper;
"""

# The one door: preference and event detail in one statement. A function, so that its plan is made
# once per connection. A person or topic that does not exist joins to no row, so whoever is named,
# the work is the same; saying the same again changes nothing and writes nothing.
DOOR = """
CREATE FUNCTION consent_change(p_person uuid, p_topics uuid[], p_states text[], p_source text,
    p_actor text, p_reason text, p_language text, p_wording int, p_wording_unknown boolean,
    p_mailing int, p_now timestamptz, p_received timestamptz)
RETURNS SETOF uuid LANGUAGE plpgsql AS $$
BEGIN
    -- The way of nearly every one-click POST: one topic, a standing yes.
    IF p_states = ARRAY['refused'] THEN
        RETURN QUERY WITH changed AS (
            UPDATE consent_preference p
               SET state = 'withdrawn', paused_until = NULL, version = p.version + 1,
                   source = p_source, since = p_now
             WHERE p.person_id = p_person AND p.topic_id = p_topics[1] AND p.state = 'granted'
         RETURNING new.topic_id, new.version, old.paused_until AS paused_before
        )
        INSERT INTO consent_consentdetail AS d (person_id, topic_id, version, state_before, state,
               paused_until_before, undone, source, actor, reason, language, wording_version,
               mailing, at, received_at, salt)
        SELECT p_person, c.topic_id, c.version, 'granted', 'withdrawn',
               c.paused_before, false, p_source, p_actor, p_reason, p_language,
               CASE WHEN p_wording_unknown THEN NULL ELSE COALESCE(p_wording, t.wording_version) END,
               p_mailing, p_now, p_received, uuid_send(gen_random_uuid())
          FROM changed c JOIN consent_topic t ON t.id = c.topic_id
        RETURNING d.topic_id;
        IF FOUND THEN RETURN; END IF;
    END IF;
    RETURN QUERY WITH asked AS (
    SELECT t.id AS topic_id, a.state, COALESCE(p_wording, t.wording_version) AS wording
      FROM unnest(p_topics, p_states) AS a (topic_id, state)
      JOIN consent_topic t ON t.id = a.topic_id
     ORDER BY t.id
), changed AS (
    INSERT INTO consent_preference AS p (person_id, topic_id, state, version, source, since)
    SELECT u.id, asked.topic_id, asked.state, 1, p_source, p_now
      FROM asked JOIN accounts_user u ON u.id = p_person
    ON CONFLICT (person_id, topic_id) DO UPDATE
       SET state = CASE WHEN excluded.state = 'refused' AND p.state <> 'refused'
                        THEN 'withdrawn' ELSE excluded.state END,
           paused_until = NULL, version = p.version + 1,
           source = excluded.source, since = excluded.since
     WHERE (excluded.state = 'granted') IS DISTINCT FROM (p.state = 'granted')
        OR p.paused_until IS NOT NULL
 RETURNING new.topic_id, new.version, old.state AS before, new.state AS state,
           old.paused_until AS paused_before
)
INSERT INTO consent_consentdetail AS d (person_id, topic_id, version, state_before, state,
       paused_until_before, undone, source, actor, reason, language, wording_version, mailing,
       at, received_at, salt)
SELECT p_person, c.topic_id, c.version, COALESCE(c.before, ''), c.state,
       c.paused_before, false, p_source, p_actor, p_reason, p_language,
       CASE WHEN p_wording_unknown THEN NULL ELSE asked.wording END, p_mailing,
       p_now, p_received, uuid_send(gen_random_uuid())
  FROM changed c JOIN asked USING (topic_id)
RETURNING d.topic_id;
END $$;
REVOKE EXECUTE ON FUNCTION consent_change(uuid, uuid[], text[], text, text, text, text, int, boolean, int,
    timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION consent_change(uuid, uuid[], text[], text, text, text, text, int, boolean, int,
    timestamptz, timestamptz)
    TO portal_app, portal_keeper;
"""

SENDER = """
GRANT SELECT ON consent_topic, consent_topicwording, consent_preference, consent_suppression
    TO portal_sender;
GRANT SELECT ON consent_topic, consent_topicwording, consent_leaf TO portal_reader;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_initial"), ("accounts", "0002_rights")]

    operations = [
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        migrations.RunSQL(ERASE, migrations.RunSQL.noop),
        migrations.RunSQL(DECIDE, migrations.RunSQL.noop),
        migrations.RunSQL(DOOR, migrations.RunSQL.noop),
        migrations.RunSQL(SENDER, migrations.RunSQL.noop),
    ]
