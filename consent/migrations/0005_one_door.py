"""A choice changes through functions of the database only; no role can write it directly.

Four doors: `consent_change` (a yes or a no), `consent_pause`, `consent_undo`, `consent_import`.
They run with the owner's rights, and keep inside themselves what must hold whoever calls them:
preference and event together, a yes by its owner's own act alone, nothing undone but the latest.
Preferences are locked by topic, as the hand-over and an erasure lock them. Whoever may write a
first choice, which an erasure must not miss, locks the person's row before (the full way of
`consent_change`, and `consent_import`). The one-click way of `consent_change`, `consent_pause` and
`consent_undo` never lock it: they change only rows that are there, ask for nothing more once they
hold them (a detail refers to no other row), and so can be waited for, yet close no circle. An
erasure that holds the person deletes these rows after them, or before, and then they find none. A
transaction that has called one of them must not go on to lock the person.
"""

from django.db import migrations

# What comes from a mail may come from whoever it was forwarded to, so the same link may take it
# back, for an hour (`consent.policy.UNDO_FROM_MAIL`). A no by any other way, said while that hour
# runs, is an event although it changes no state: what the mail could take back is not the latest
# any more, and no yes comes back after a later no. The same for a pause.
FROM_MAIL = "('one_click', 'link', 'mail_preferences')"
UNDO_FROM_MAIL = "interval '1 hour'"

# The one door: preference and event detail in one statement. A person or topic that does not exist
# joins to no row, so whoever is named, the work is the same; saying the same again changes nothing
# and writes nothing, but for a no that must outlive an undo from a mail. A yes that rests already
# keeps its day and way: only the rest ends.
# `p_expected` names the version the choice must still have, 0 for "never asked".
CHANGE = f"""
DROP FUNCTION consent_change(uuid, uuid[], text[], text, text, text, text, int, boolean, int,
    timestamptz, timestamptz);
CREATE FUNCTION consent_change(p_person uuid, p_topics uuid[], p_states text[], p_source text,
    p_actor text, p_reason text, p_language text, p_wording int, p_wording_unknown boolean,
    p_mailing int, p_now timestamptz, p_received timestamptz, p_expected int DEFAULT NULL)
RETURNS SETOF uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- The way of nearly every one-click POST: one topic, a standing yes.
    IF p_states = ARRAY['refused'] AND p_expected IS NULL THEN
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
               CASE WHEN NOT p_wording_unknown THEN COALESCE(p_wording, t.wording_version) END,
               p_mailing, p_now, p_received, uuid_send(gen_random_uuid())
          FROM changed c JOIN consent_topic t ON t.id = c.topic_id
        RETURNING d.topic_id;
        IF FOUND THEN RETURN; END IF;
    END IF;
    IF NOT p_states <@ ARRAY['granted', 'refused'] THEN
        RAISE EXCEPTION 'a choice is a yes or a no' USING ERRCODE = 'check_violation';
    END IF;
    IF 'granted' = ANY (p_states) AND p_source <> ALL
        (ARRAY['signup', 'preferences', 'confirmed', 'api_signed_in']) THEN
        RAISE EXCEPTION 'by way of % nobody says yes', p_source USING ERRCODE = 'check_violation';
    END IF;
    -- Held to the end: the person cannot be erased between this and the commit.
    PERFORM 1 FROM accounts_user WHERE id = p_person FOR KEY SHARE;
    IF NOT FOUND THEN RETURN; END IF;
    RETURN QUERY WITH asked AS (
    SELECT t.id AS topic_id, a.state, COALESCE(p_wording, t.wording_version) AS wording
      FROM unnest(p_topics, p_states) AS a (topic_id, state)
      JOIN consent_topic t ON t.id = a.topic_id
     WHERE (a.state = 'refused' OR t.retired_at IS NULL)
       AND (p_expected IS NULL OR p_expected = COALESCE((SELECT version FROM consent_preference
             WHERE person_id = p_person AND topic_id = t.id), 0))
       -- Events without their choice: it is being erased, step by step, and nothing is added.
       AND (EXISTS (SELECT FROM consent_preference WHERE person_id = p_person AND topic_id = t.id)
            OR NOT EXISTS (SELECT FROM consent_consentdetail
                            WHERE person_id = p_person AND topic_id = t.id))
), changed AS (
    INSERT INTO consent_preference AS p (person_id, topic_id, state, version, source, since)
    SELECT p_person, asked.topic_id, asked.state, 1, p_source, p_now
      FROM asked ORDER BY asked.topic_id
    ON CONFLICT (person_id, topic_id) DO UPDATE
       SET state = CASE WHEN excluded.state = 'refused' AND p.state <> 'refused'
                        THEN 'withdrawn' ELSE excluded.state END,
           paused_until = NULL, version = p.version + 1,
           source = CASE WHEN excluded.state = p.state THEN p.source ELSE excluded.source END,
           since = CASE WHEN excluded.state = p.state THEN p.since ELSE excluded.since END
     WHERE ((excluded.state = 'granted') IS DISTINCT FROM (p.state = 'granted')
            OR p.paused_until IS NOT NULL
            OR (excluded.state = 'refused' AND p.state = 'withdrawn'
                AND p.source IN {FROM_MAIL} AND p_source NOT IN {FROM_MAIL}
                AND p_now - p.since < {UNDO_FROM_MAIL}))
       AND (p_expected IS NULL OR p.version = p_expected)
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
"""

# Rests every yes among the topics. Only its owner, signed in, shortens or ends a rest: that lets
# mail come, and mails get forwarded. By any other way it gets longer or stays; one that a mail
# could still end is then confirmed by an event. The choice that stands keeps its day and its way.
PAUSE = f"""
CREATE FUNCTION consent_pause(p_person uuid, p_topics uuid[], p_until timestamptz, p_source text,
    p_actor text, p_language text, p_wording_unknown boolean, p_mailing int, p_now timestamptz)
RETURNS SETOF uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    signed_in boolean := p_source IN ('preferences', 'api_signed_in');
BEGIN
    PERFORM 1 FROM consent_preference WHERE person_id = p_person AND topic_id = ANY (p_topics)
      ORDER BY topic_id FOR UPDATE;
    RETURN QUERY WITH changed AS (
        UPDATE consent_preference p
           SET paused_until = CASE WHEN signed_in THEN p_until
                                   ELSE GREATEST(p.paused_until, p_until) END,
               version = p.version + 1
         WHERE p.person_id = p_person AND p.topic_id = ANY (p_topics) AND p.state = 'granted'
           AND (signed_in OR p_until > p_now)
           AND (CASE WHEN signed_in THEN p.paused_until IS DISTINCT FROM p_until
                     ELSE p_until > COALESCE(p.paused_until, p_now) END
                -- Under the lock, so this is the newest event.
                OR (p_until IS NOT NULL AND p_source NOT IN {FROM_MAIL}
                    AND EXISTS (SELECT FROM consent_consentdetail d
                                 WHERE d.person_id = p.person_id AND d.topic_id = p.topic_id
                                   AND d.version = p.version AND NOT d.undone
                                   AND d.source IN {FROM_MAIL}
                                   AND p_now - d.at < {UNDO_FROM_MAIL})))
     RETURNING new.topic_id, new.version, new.paused_until, old.paused_until AS paused_before
    )
    INSERT INTO consent_consentdetail AS d (person_id, topic_id, version, state_before, state,
           paused_until_before, paused_until, undone, source, actor, reason, language,
           wording_version, mailing, at, salt)
    SELECT p_person, c.topic_id, c.version, 'granted', 'granted', c.paused_before, c.paused_until,
           false, p_source, p_actor, '', p_language,
           CASE WHEN NOT p_wording_unknown THEN t.wording_version END, p_mailing, p_now,
           uuid_send(gen_random_uuid())
      FROM changed c JOIN consent_topic t ON t.id = c.topic_id
    RETURNING d.topic_id;
END $$;
"""

# Back to what stood before the event named, if that is still the newest. Signed in, any event; from
# a mail's link only what was done from a mail, within the hour. An event that changed nothing, the
# no or pause said once more, has nothing before it to go back to.
# The choice that then stands gets the day and the way of the act that once made it.
UNDO = f"""
CREATE FUNCTION consent_undo(p_person uuid, p_topic uuid, p_version int, p_source text,
    p_actor text, p_language text, p_mailing int, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last consent_consentdetail;
    made_source text;
    made_at timestamptz;
BEGIN
    PERFORM 1 FROM consent_preference
      WHERE person_id = p_person AND topic_id = p_topic AND version = p_version FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    SELECT * INTO last FROM consent_consentdetail
     WHERE person_id = p_person AND topic_id = p_topic AND version = p_version;
    IF NOT FOUND OR last.undone OR last.state_before = '' THEN RETURN false; END IF;
    IF last.state = last.state_before
       AND last.paused_until IS NOT DISTINCT FROM last.paused_until_before THEN
        RETURN false;
    END IF;
    IF p_source IN {FROM_MAIL} THEN
        IF last.source NOT IN {FROM_MAIL} OR p_now - last.at >= {UNDO_FROM_MAIL} THEN
            RETURN false;
        END IF;
    ELSIF p_source NOT IN ('preferences', 'api_signed_in') THEN
        RETURN false;
    END IF;
    IF last.state <> last.state_before THEN
        SELECT source, at INTO made_source, made_at FROM consent_consentdetail
         WHERE person_id = p_person AND topic_id = p_topic AND version < p_version
           AND state = last.state_before AND NOT undone
           AND (state <> 'granted' OR state_before <> 'granted')
         ORDER BY version DESC LIMIT 1;
    END IF;
    UPDATE consent_preference p
       SET state = last.state_before, paused_until = last.paused_until_before,
           version = p_version + 1, source = COALESCE(made_source, p.source),
           since = COALESCE(made_at, p.since)
     WHERE p.person_id = p_person AND p.topic_id = p_topic;
    INSERT INTO consent_consentdetail (person_id, topic_id, version, state_before, state,
           paused_until_before, paused_until, undone, source, actor, reason, language,
           wording_version, mailing, at, salt)
    SELECT p_person, p_topic, p_version + 1, last.state, last.state_before, last.paused_until,
           last.paused_until_before, true, p_source, p_actor, '', p_language, t.wording_version,
           p_mailing, p_now, uuid_send(gen_random_uuid())
      FROM consent_topic t WHERE t.id = p_topic;
    RETURN true;
END $$;
"""

# The bulk door. A file starts choices of people who have none and whose address nothing bars; it
# brings a no to anyone, and a yes that stands ends when the file's no is the newer of the two. One
# that a mail could still bring back ends for good, whichever is newer. The reasons come as one
# object by person: joined as rows, a planner without statistics would compare each with every
# other.
IMPORT = f"""
CREATE FUNCTION consent_import(p_asked json, p_reasons jsonb, p_actor text, p_now timestamptz)
RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM accounts_user
      WHERE id IN (SELECT person FROM json_to_recordset(p_asked) AS a (person uuid))
      ORDER BY id FOR KEY SHARE;
    RETURN QUERY WITH changed AS (
        INSERT INTO consent_preference AS p (person_id, topic_id, state, version, source, since)
        SELECT u.id, t.id, a.state, 1, 'import', a.at
          FROM json_to_recordset(p_asked) AS a (person uuid, topic uuid, state text, at timestamptz)
          JOIN accounts_user u ON u.id = a.person
          JOIN consent_topic t ON t.id = a.topic
         WHERE (a.state <> 'granted' OR t.retired_at IS NULL AND u.platform_id IS NOT NULL
                AND NOT EXISTS (SELECT FROM consent_preference stored WHERE stored.person_id = u.id)
                AND NOT EXISTS (SELECT FROM consent_suppression s
                                 WHERE s.address_hash = ANY (u.address_hashes)))
           -- As in consent_change: nothing is added to what is being erased.
           AND (EXISTS (SELECT FROM consent_preference stored
                         WHERE stored.person_id = u.id AND stored.topic_id = t.id)
                OR NOT EXISTS (SELECT FROM consent_consentdetail d
                                WHERE d.person_id = u.id AND d.topic_id = t.id))
         ORDER BY u.id, t.id
        ON CONFLICT (person_id, topic_id) DO UPDATE
           SET state = 'withdrawn', paused_until = NULL, version = p.version + 1,
               source = excluded.source, since = GREATEST(p.since, excluded.since)
         WHERE excluded.state <> 'granted'
           AND (p.state = 'granted' AND excluded.since > p.since
                OR p.state = 'withdrawn' AND p.source IN {FROM_MAIL}
                AND p_now - p.since < {UNDO_FROM_MAIL})
     RETURNING new.person_id, new.topic_id, new.version, new.state AS state, new.since,
               old.state AS before, old.paused_until AS paused_before
    )
    INSERT INTO consent_consentdetail AS d (person_id, topic_id, version, state_before, state,
           paused_until_before, undone, source, actor, reason, language, wording_version, mailing,
           at, salt)
    SELECT c.person_id, c.topic_id, c.version, COALESCE(c.before, ''), c.state, c.paused_before,
           false, 'import', p_actor, COALESCE(p_reasons ->> c.person_id::text, ''), '', NULL, 0,
           c.since, uuid_send(gen_random_uuid())
      FROM changed c
    RETURNING d.state_before::text;
END $$;
"""

DOORS = (
    (
        "consent_change(uuid, uuid[], text[], text, text, text, text, int, boolean, int,"
        " timestamptz, timestamptz, int)"
    ),
    "consent_pause(uuid, uuid[], timestamptz, text, text, text, boolean, int, timestamptz)",
    "consent_undo(uuid, uuid, int, text, text, text, int, timestamptz)",
    "consent_import(json, jsonb, text, timestamptz)",
)
RIGHTS = "\n".join(
    f"REVOKE EXECUTE ON FUNCTION {door} FROM PUBLIC;"
    f"GRANT EXECUTE ON FUNCTION {door} TO portal_app, portal_keeper;"
    for door in DOORS
)

# Nobody but the doors writes. The keeper deletes preferences when it erases a person; for details
# its one function is `consent_remove_details`.
CLOSE = """
REVOKE INSERT, UPDATE, DELETE ON consent_preference, consent_consentdetail
    FROM portal_app, portal_keeper, portal_sender;
GRANT DELETE ON consent_preference TO portal_keeper;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0004_log_rights")]

    operations = [
        migrations.RunSQL(CHANGE, migrations.RunSQL.noop),
        migrations.RunSQL(PAUSE, migrations.RunSQL.noop),
        migrations.RunSQL(UNDO, migrations.RunSQL.noop),
        migrations.RunSQL(IMPORT, migrations.RunSQL.noop),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
        migrations.RunSQL(CLOSE, migrations.RunSQL.noop),
    ]
