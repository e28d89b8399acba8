"""What the sender's statements and rights are made of.

A message is written four times on its way: queued, claimed, being handed over, sent. The indexes
(0008) are chosen so that the third of these changes no indexed column and stays on its page (a
heap-only tuple), and pages leave room for it.
"""

from typing import Any

from django.db import migrations

from foundation.partitions import existing_partitions

# Plans are made once per connection and must not lean on statistics of a table that a campaign
# has just filled: whatever they say, each row is reached by its key.
PLANNED = """SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off"""

# Each running mailing is asked for its share by its own part of the index: a paused one with a
# million rows costs nothing, and of two campaigns none waits for the other to end.
CLAIM = f"""
CREATE OR REPLACE FUNCTION messaging_claim(p_lease uuid, p_lease_until timestamptz, p_now timestamptz,
                                p_limit int, p_urgent boolean, p_campaigns boolean)
RETURNS TABLE (id uuid, kind varchar, purpose varchar, mailing_id uuid, person_id uuid,
               topic_id uuid, to_address varchar, language varchar, sender varchar, subject text,
               "text" text, html text, attempts smallint, first_name varchar, last_name varchar,
               company varchar)
LANGUAGE plpgsql {PLANNED} AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH running AS MATERIALIZED (
        SELECT a.id FROM messaging_serviceannouncement a WHERE p_urgent AND a.state = 'sending'
        UNION ALL
        SELECT c.id FROM messaging_campaign c WHERE p_campaigns AND c.state = 'sending'
    ), due AS MATERIALIZED (
        SELECT q.id FROM (
            SELECT m.id FROM messaging_message m
             WHERE m.mailing_id IS NULL AND m.lease IS NULL AND m.finished_at IS NULL
               AND m.state = 'queued' AND m.not_before <= p_now
               AND CASE m.kind WHEN 'optional' THEN p_campaigns ELSE p_urgent END
             ORDER BY m.not_before LIMIT p_limit FOR UPDATE SKIP LOCKED) q
        UNION ALL
        SELECT q.id FROM running r CROSS JOIN LATERAL (
            SELECT m.id FROM messaging_message m
             WHERE m.mailing_id = r.id AND m.lease IS NULL AND m.finished_at IS NULL
               AND m.state = 'queued' AND m.not_before <= p_now
             ORDER BY m.not_before
             LIMIT 1 + (p_limit - 1) / (SELECT count(*) FROM running)
               FOR UPDATE SKIP LOCKED) q
    ), claimed AS (
        UPDATE messaging_message m
           SET state = 'claimed', lease = p_lease, lease_until = p_lease_until
          FROM due WHERE m.id = due.id
        RETURNING m.*
    )
    SELECT m.id, m.kind, m.purpose, m.mailing_id, m.person_id, m.topic_id, m.to_address,
           m.language, m.sender, m.subject, m.text, m.html, m.attempts,
           COALESCE(u.first_name, ''), COALESCE(u.last_name, ''), COALESCE(u.company, '')
      FROM claimed m LEFT JOIN accounts_user u ON u.id = m.person_id
     ORDER BY m.priority, m.not_before;
END $$;
REVOKE EXECUTE ON FUNCTION messaging_claim(uuid, timestamptz, timestamptz, int, boolean, boolean)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION messaging_claim(uuid, timestamptz, timestamptz, int, boolean, boolean)
    TO portal_app, portal_sender, portal_keeper;
"""

# What was accepted is sent; the words of account mail go, and the address where nobody's row needs
# it (a person just erased, an address that turned out to have no account).
MARK_SENT = f"""
CREATE OR REPLACE FUNCTION messaging_mark_sent_many(p_ids uuid[], p_lease uuid, p_now timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER {PLANNED} AS $$
DECLARE
    ids uuid[] := array_sort(p_ids);
    lowest uuid := ids[1];
    highest uuid := ids[cardinality(ids)];
BEGIN
    UPDATE messaging_message m
       SET state = 'sent', finished_at = p_now, lease = NULL, lease_until = NULL,
           subject = '', text = '', html = '', reason = '',
           to_address = CASE WHEN m.person_id IS NULL THEN '' ELSE m.to_address END
     WHERE m.id = ANY (ids) AND m.id BETWEEN lowest AND highest
       AND m.lease = p_lease AND m.state = 'handing';
END $$;
REVOKE EXECUTE ON FUNCTION messaging_mark_sent_many(uuid[], uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION messaging_mark_sent_many(uuid[], uuid, timestamptz)
    TO portal_app, portal_sender, portal_keeper;
"""

# The answers are those of `consent_withheld_reason`, for all messages at once: '' (go), a reason
# (withheld), 'mailing_paused' (back in the queue), 'lost' (not ours any more) or 'busy'.
#
# Locks the person and their choice before any message, as an erasure does, and keeps both from
# changing until the mark has committed; then decides in a statement of its own, whose snapshot is
# younger than the locks. An opt-out has therefore either committed before (and is seen) or waits
# for the mark.
#
# One message waits for such a lock, a moment. Several do not: while holding others a wait might
# close a circle with someone who locks in another order, and one person's row would hold up all.
# What is locked elsewhere is 'busy', untouched, and asked again: no permission grows old meanwhile.
#
# `handed_at` is after all waits, for it is what the published readings compare with each no.
HAND_OVER = f"""
CREATE OR REPLACE FUNCTION messaging_hand_over_many(p_ids uuid[], p_lease uuid, p_sent uuid[],
                                         p_lease_until timestamptz, p_now timestamptz)
RETURNS TABLE (id uuid, answer text)
LANGUAGE plpgsql SECURITY DEFINER {PLANNED} SET lock_timeout = '250ms' AS $$
#variable_conflict use_column
DECLARE
    -- Between these two lie all: the months beyond are left out before anything of them is opened.
    ids uuid[] := array_sort(p_ids);
    lowest uuid := ids[1];
    highest uuid := ids[cardinality(ids)];
    lowest_sent uuid;
    highest_sent uuid;
    sent uuid[] := array_sort(p_sent);
    asked uuid[];
    kinds text[];
    mailings uuid[];
    persons uuid[];
    topics uuid[];
    addresses text[];
    tailored boolean;
    tailoring uuid;
    -- The rows we hold, as they stand: a row lock gives the newest version.
    held_persons uuid[];
    held_emails text[];
    held_why text[];
    choosers uuid[];
    chosen uuid[];
    choices text[];
    pauses timestamptz[];
BEGIN
    SELECT array_agg(m.id), array_agg(m.kind), array_agg(m.mailing_id), array_agg(m.person_id),
           array_agg(m.topic_id), array_agg(m.to_address),
           bool_or(c.segment_id IS NOT NULL)
      INTO asked, kinds, mailings, persons, topics, addresses, tailored
      FROM messaging_message m LEFT JOIN messaging_campaign c ON c.id = m.mailing_id
     WHERE m.id = ANY (ids) AND m.id BETWEEN lowest AND highest
       AND m.lease = p_lease AND m.state = 'claimed';
    IF tailored THEN
        SELECT t.id INTO tailoring FROM consent_topic t WHERE t.slug = 'tailoring';
        topics := array_append(topics, tailoring);
    END IF;
    IF cardinality(ids) = 1 AND kinds[1] <> 'account' THEN
        BEGIN
            PERFORM FROM accounts_user u WHERE u.id = persons[1] FOR SHARE;
            PERFORM FROM consent_preference p
              WHERE p.person_id = persons[1] AND p.topic_id = ANY (topics)
              ORDER BY p.topic_id FOR SHARE;
        EXCEPTION WHEN lock_not_available THEN
            NULL;  -- 'busy', as is found below
        END;
    END IF;
    IF array_position(kinds, 'optional') IS NOT NULL
       OR array_position(kinds, 'service') IS NOT NULL THEN
        SELECT array_agg(u.id), array_agg(u.email),
               array_agg(CASE WHEN u.email_confirmed_at IS NULL THEN 'not_confirmed'
                              WHEN u.deactivated_at IS NOT NULL OR NOT u.is_active
                              THEN 'deactivated' ELSE '' END)
          INTO held_persons, held_emails, held_why
          FROM (SELECT u.id, u.email, u.email_confirmed_at, u.deactivated_at, u.is_active
                  FROM accounts_user u WHERE u.id = ANY (persons) FOR SHARE SKIP LOCKED) u;
        SELECT array_agg(p.person_id), array_agg(p.topic_id), array_agg(p.state),
               array_agg(p.paused_until)
          INTO choosers, chosen, choices, pauses
          FROM (SELECT p.person_id, p.topic_id, p.state, p.paused_until
                  FROM consent_preference p
                 WHERE p.person_id = ANY (held_persons) AND p.topic_id = ANY (topics)
                   FOR SHARE SKIP LOCKED) p;
    END IF;
    IF cardinality(sent) > 0 THEN
        lowest_sent := sent[1];
        highest_sent := sent[cardinality(sent)];
        UPDATE messaging_message m
           SET state = 'sent', finished_at = p_now, lease = NULL, lease_until = NULL,
               subject = '', text = '', html = '', reason = '',
               to_address = CASE WHEN m.person_id IS NULL THEN '' ELSE m.to_address END
         WHERE m.id = ANY (sent) AND m.id BETWEEN lowest_sent AND highest_sent
           AND m.lease = p_lease AND m.state = 'handing';
    END IF;
    RETURN QUERY
    WITH decided AS MATERIALIZED (
        SELECT a.id,
               CASE
                 WHEN a.kind = 'account' THEN ''
                 WHEN u.id IS NULL THEN
                      CASE WHEN EXISTS (SELECT FROM accounts_user x WHERE x.id = a.person)
                           THEN 'busy' ELSE 'erased' END
                 WHEN u.why <> '' THEN u.why
                 WHEN u.email <> a.address THEN 'address_changed'
                 WHEN a.kind = 'optional' AND p.person IS NULL THEN
                      CASE WHEN EXISTS (SELECT FROM consent_preference x
                                         WHERE x.person_id = a.person AND x.topic_id = a.topic)
                           THEN 'busy' ELSE 'not_asked' END
                 WHEN p.choice <> 'granted' THEN p.choice
                 WHEN p.pause > p_now THEN 'paused'
                 WHEN t.retired_at IS NOT NULL THEN 'topic_retired'
                 WHEN a.kind = 'optional' AND EXISTS (
                      SELECT FROM accounts_user x JOIN consent_suppression s
                          ON s.address_hash = ANY (x.address_hashes)
                       WHERE x.id = a.person) THEN 'suppressed'
                 WHEN c.segment_id IS NOT NULL AND NOT EXISTS (
                      SELECT FROM unnest(choosers, chosen, choices) AS x (person, topic, choice)
                       WHERE x.person = a.person AND x.topic = tailoring
                         AND x.choice = 'granted')
                      THEN CASE WHEN EXISTS (
                           SELECT FROM consent_preference x
                            WHERE x.person_id = a.person AND x.topic_id = tailoring
                              AND x.state = 'granted') THEN 'busy' ELSE 'tailoring_off' END
                 WHEN COALESCE(c.state, n.state, '') = 'paused' THEN 'mailing_paused'
                 WHEN COALESCE(c.state, n.state, '') <> 'sending' THEN 'cancelled'
                 ELSE ''
               END::text AS why
          FROM unnest(asked, kinds, mailings, persons, topics, addresses)
               AS a (id, kind, mailing, person, topic, address)
          LEFT JOIN unnest(held_persons, held_emails, held_why) AS u (id, email, why)
            ON u.id = a.person
          LEFT JOIN unnest(choosers, chosen, choices, pauses) AS p (person, topic, choice, pause)
            ON p.person = a.person AND p.topic = a.topic
          LEFT JOIN consent_topic t ON t.id = a.topic
          LEFT JOIN messaging_campaign c ON c.id = a.mailing AND a.kind = 'optional'
          LEFT JOIN messaging_serviceannouncement n
            ON n.id = a.mailing AND a.kind = 'service'
         WHERE a.id IS NOT NULL
    ), marked AS (
        UPDATE messaging_message m
           SET state = CASE d.why WHEN '' THEN 'handing' WHEN 'mailing_paused' THEN 'queued'
                                  ELSE 'withheld' END,
               handed_at = CASE d.why WHEN ''
                                THEN p_now + (clock_timestamp() - statement_timestamp())
                                ELSE m.handed_at END,
               attempts = m.attempts + CASE d.why WHEN '' THEN 1 ELSE 0 END,
               lease = CASE d.why WHEN '' THEN m.lease END,
               -- Only where it runs short: the column is indexed.
               lease_until = CASE WHEN d.why <> '' THEN NULL
                                  WHEN m.lease_until - p_now < (p_lease_until - p_now) / 2
                                  THEN p_lease_until ELSE m.lease_until END,
               reason = CASE WHEN d.why IN ('', 'mailing_paused') THEN m.reason ELSE d.why END,
               finished_at = CASE WHEN d.why NOT IN ('', 'mailing_paused') THEN p_now END,
               subject = CASE WHEN d.why IN ('', 'mailing_paused') THEN m.subject ELSE '' END,
               text = CASE WHEN d.why IN ('', 'mailing_paused') THEN m.text ELSE '' END,
               html = CASE WHEN d.why IN ('', 'mailing_paused') THEN m.html ELSE '' END
          FROM decided d
         WHERE m.id = d.id AND m.id = ANY (ids) AND m.id BETWEEN lowest AND highest
           AND m.lease = p_lease AND m.state = 'claimed' AND d.why <> 'busy'
        RETURNING m.id, d.why
    )
    SELECT a.id, CASE WHEN k.id IS NOT NULL THEN k.why WHEN d.why = 'busy' THEN 'busy'
                      ELSE 'lost' END
      FROM unnest(p_ids) AS a (id)
      LEFT JOIN marked k ON k.id = a.id
      LEFT JOIN decided d ON d.id = a.id;
END $$;
REVOKE EXECUTE ON FUNCTION messaging_hand_over_many(uuid[], uuid, uuid[], timestamptz, timestamptz)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION messaging_hand_over_many(uuid[], uuid, uuid[], timestamptz, timestamptz)
    TO portal_app, portal_sender, portal_keeper;

CREATE OR REPLACE FUNCTION messaging_hand_over(p_id uuid, p_lease uuid, p_sent uuid,
                                               p_lease_until timestamptz, p_now timestamptz)
RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT answer FROM messaging_hand_over_many(
        ARRAY[p_id], p_lease, array_remove(ARRAY[p_sent], NULL), p_lease_until, p_now)
$$;
"""

# The sender takes its places under the limits, and stops a mailing that bounces or annoys.
LIMITS_AND_STOPPING = """
GRANT SELECT, UPDATE (next_at) ON messaging_sendinglimit TO portal_sender;
GRANT SELECT (id, kind, outcome, mailing_id, message_id, person_id) ON messaging_providerevent
    TO portal_sender;
GRANT UPDATE (stop_reason) ON messaging_campaign, messaging_serviceannouncement TO portal_sender;
"""

# A page that leaves this much free takes the mark of a hand-over beside the row itself.
FILLFACTOR = 85


def leave_room(apps: Any, schema_editor: Any) -> None:
    for name in existing_partitions("messaging_message"):
        schema_editor.execute(
            f"ALTER TABLE {schema_editor.quote_name(name)} SET (fillfactor = {FILLFACTOR})"
        )

# Mails are rendered by the sender: where a picture lies and how large it is drawn, not its bytes.
PICTURES = """
GRANT SELECT (id, digest, content_type, width, height) ON messaging_mailimage TO portal_sender;
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0004_sender")]

    operations = [
        migrations.RunPython(leave_room, migrations.RunPython.noop),
        migrations.RunSQL(CLAIM, migrations.RunSQL.noop),
        migrations.RunSQL(MARK_SENT, migrations.RunSQL.noop),
        migrations.RunSQL(HAND_OVER, migrations.RunSQL.noop),
        migrations.RunSQL(LIMITS_AND_STOPPING, migrations.RunSQL.noop),
        migrations.RunSQL(PICTURES, migrations.RunSQL.noop),
    ]
