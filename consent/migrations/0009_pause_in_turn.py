"""A pause takes its locks in one order, whatever is answered for the first time meanwhile."""

from typing import Any, ClassVar

from django.db import migrations

FROM_MAIL = "('one_click', 'link', 'mail_preferences')"
UNDO_FROM_MAIL = "interval '1 hour'"

# Choices are locked by topic, one after the other, by every door. A choice that was made while this
# one waited was not seen and so is not locked: it comes after the pause. Taken along it would be
# locked out of turn, and whoever holds it may be waiting for what is held here.
PAUSE = f"""
CREATE OR REPLACE FUNCTION consent_pause(p_person uuid, p_topics uuid[], p_until timestamptz, p_source text,
    p_actor text, p_language text, p_wording_unknown boolean, p_mailing int, p_now timestamptz)
RETURNS SETOF uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    signed_in boolean := p_source IN ('preferences', 'api_signed_in');
    answered uuid[];
BEGIN
    SELECT array_agg(held.topic_id) INTO answered FROM (
        SELECT topic_id FROM consent_preference
         WHERE person_id = p_person AND topic_id = ANY (p_topics)
         ORDER BY topic_id FOR UPDATE) AS held;
    RETURN QUERY WITH changed AS (
        UPDATE consent_preference p
           SET paused_until = CASE WHEN signed_in THEN p_until
                                   ELSE GREATEST(p.paused_until, p_until) END,
               version = p.version + 1
         WHERE p.person_id = p_person AND p.topic_id = ANY (answered) AND p.state = 'granted'
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


class Migration(migrations.Migration):
    dependencies: ClassVar[Any] = [("consent", "0008_reference_doors")]

    operations: ClassVar[Any] = [migrations.RunSQL(PAUSE, migrations.RunSQL.noop)]
