"""A use stands only where its activity is granted, and a no takes it down in the same statement.

Whoever writes locks the person first, then the choice, then the use: as an erasure and an opt-out
do. The services take both locks by `consent_hold_grant`; a trigger that finds the choice locked by
somebody else gives up at once, so that the one who waits in a circle is never the opt-out.
"""

from typing import Any, ClassVar

from django.db import migrations

# `consent.policy`: TAKEDOWN_WITHIN, and CALLS_A_YEAR where the customer has set no number.
TAKEDOWN_WITHIN = "interval '14 days'"
CALLS_A_YEAR = 2
SALES_CALL = "reference_sales_call"
# `consent.reference.words`: who checked, where it was the portal; and what stands for a colleague's
# words once the customer is erased.
CHECK, ERASED = "check", "erased"
# These show no words of the customer; every other activity does, also one that staff may add.
WORDLESS = f"('reference_name', 'reference_logo', '{SALES_CALL}')"

SAFE = "SECURITY DEFINER SET search_path = public, pg_temp"

# A pause lets nothing new appear. A yes counts once the address is confirmed, and not while the
# account is deactivated, as in the days before a deletion.
GRANT = f"""
CREATE FUNCTION consent_hold_grant(p_person uuid, p_topic uuid) RETURNS boolean
LANGUAGE plpgsql {SAFE} AS $$
BEGIN
    PERFORM FROM accounts_user
      WHERE id = p_person AND email_confirmed_at IS NOT NULL
        AND deactivated_at IS NULL AND is_active FOR KEY SHARE;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM FROM consent_topic
      WHERE id = p_topic AND kind = 'reference' AND retired_at IS NULL;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM FROM consent_preference
      WHERE person_id = p_person AND topic_id = p_topic AND state = 'granted'
        AND (paused_until IS NULL OR paused_until <= statement_timestamp()) FOR SHARE;
    RETURN FOUND;
END $$;
REVOKE EXECUTE ON FUNCTION consent_hold_grant(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION consent_hold_grant(uuid, uuid) TO portal_app, portal_keeper;

CREATE FUNCTION consent_find_grant(p_person uuid, p_topic uuid) RETURNS boolean
LANGUAGE plpgsql {SAFE} AS $$
BEGIN
    PERFORM FROM consent_preference
      WHERE person_id = p_person AND topic_id = p_topic FOR SHARE NOWAIT;
    RETURN consent_hold_grant(p_person, p_topic);
END $$;
"""

# One way only: planned, published, being taken down, removed; or planned and dropped. What was
# approved stays what it is, but for an erasure, which empties it and takes it down. Words and proof
# go with the use they belong to.
USES = f"""
CREATE FUNCTION consent_check_use() RETURNS trigger LANGUAGE plpgsql {SAFE} AS $$
DECLARE
    activity text;
    approved boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'removed' THEN
            RAISE EXCEPTION 'a use goes once it is taken down'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_use_one_way';
        END IF;
        DELETE FROM consent_referencetext WHERE use_id = OLD.id;
        DELETE FROM consent_takedown WHERE use_id = OLD.id;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'planned' THEN
            RAISE EXCEPTION 'a use begins as planned'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_use_one_way';
        END IF;
    ELSE
        -- What a takedown is checked against.
        IF OLD.state <> 'planned' AND (NEW.url, NEW.copies) IS DISTINCT FROM (OLD.url, OLD.copies)
        THEN
            RAISE EXCEPTION 'where a use stands, stays once it is published'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_use_one_way';
        END IF;
        IF NEW.person_id IS NULL AND OLD.person_id IS NOT NULL THEN
            NEW.state := CASE NEW.state WHEN 'planned' THEN 'removed'
                                        WHEN 'published' THEN 'taking_down' ELSE NEW.state END;
        ELSIF (NEW.person_id, NEW.topic_id, NEW.place, NEW.title)
              IS DISTINCT FROM (OLD.person_id, OLD.topic_id, OLD.place, OLD.title) THEN
            RAISE EXCEPTION 'whom a use shows, and as what, stays'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_use_one_way';
        END IF;
        -- Of the erased only what somebody must still find is kept, and no longer than that.
        IF NEW.person_id IS NULL AND NEW.state = 'removed' THEN
            NEW.title := '';
            NEW.url := '';
            NEW.copies := '';
        END IF;
        IF NEW.state = OLD.state THEN RETURN NEW; END IF;
        IF (OLD.state, NEW.state) NOT IN (('planned', 'published'), ('planned', 'removed'),
             ('published', 'taking_down'), ('taking_down', 'removed'))
           OR OLD.state = 'taking_down' AND NOT EXISTS (
              SELECT FROM consent_takedown WHERE use_id = OLD.id AND closed_at IS NOT NULL) THEN
            RAISE EXCEPTION 'a use does not go from % to %', OLD.state, NEW.state
                USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_use_one_way';
        END IF;
    END IF;
    IF NEW.state IN ('planned', 'published')
       AND NOT consent_find_grant(NEW.person_id, NEW.topic_id) THEN
        RAISE EXCEPTION 'this activity is not granted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_use_only_granted';
    END IF;
    IF NEW.state = 'published' THEN
        SELECT slug INTO activity FROM consent_topic WHERE id = NEW.topic_id;
        SELECT staff_approved_at IS NOT NULL AND customer_approved_at IS NOT NULL INTO approved
          FROM consent_referencetext WHERE use_id = NEW.id ORDER BY version DESC LIMIT 1;
        IF NOT COALESCE(approved, activity IN {WORDLESS}) THEN
            RAISE EXCEPTION 'the newest words are not approved by both sides'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_use_words_approved';
        END IF;
        NEW.published_at := COALESCE(NEW.published_at, statement_timestamp());
    ELSIF NEW.state = 'removed' THEN
        NEW.removed_at := COALESCE(NEW.removed_at, statement_timestamp());
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_use_check BEFORE INSERT OR UPDATE OR DELETE ON consent_referenceuse
    FOR EACH ROW EXECUTE FUNCTION consent_check_use();

CREATE FUNCTION consent_open_takedown() RETURNS trigger LANGUAGE plpgsql {SAFE} AS $$
BEGIN
    INSERT INTO consent_takedown (use_id, opened_at, due_at, owner_id, checked, checked_by)
    VALUES (NEW.id, statement_timestamp(), statement_timestamp() + {TAKEDOWN_WITHIN},
            NEW.responsible_id, '', '')
    ON CONFLICT (use_id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER consent_use_taken_down AFTER UPDATE OF state, person_id ON consent_referenceuse
    FOR EACH ROW WHEN (NEW.state = 'taking_down' AND OLD.state <> 'taking_down')
    EXECUTE FUNCTION consent_open_takedown();

-- Of the erased the proof says that it is gone, and not what a colleague wrote of them; what the
-- portal found by itself names nobody.
CREATE FUNCTION consent_forget_proof() RETURNS trigger LANGUAGE plpgsql {SAFE} AS $$
BEGIN
    UPDATE consent_takedown SET checked = '{ERASED}'
     WHERE use_id = NEW.id AND checked <> '' AND checked_by <> '{CHECK}';
    RETURN NULL;
END $$;
CREATE TRIGGER consent_use_forgotten AFTER UPDATE OF person_id ON consent_referenceuse
    FOR EACH ROW WHEN (NEW.person_id IS NULL AND OLD.person_id IS NOT NULL)
    EXECUTE FUNCTION consent_forget_proof();
"""

# Words are written once, of a use that is not over, approved or declined once, and never written as
# approved by the other side; a new thought is a new version, and the old ones stay. Who of us wrote
# them is forgotten with an erased colleague: the keeper's own right, so these two functions run
# with the rights of whoever asks.
TEXTS = """
CREATE FUNCTION consent_check_text() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF (CASE WHEN NEW.by_customer THEN NEW.staff_approved_at ELSE NEW.customer_approved_at END)
           IS NOT NULL THEN
            RAISE EXCEPTION 'the other side approves words once they are written'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_text_by_both';
        END IF;
        PERFORM FROM consent_referenceuse
          WHERE id = NEW.use_id AND state IN ('planned', 'published') FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'this use is over'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_text_of_standing_use';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.use_id, NEW.version, NEW.text_nb, NEW.text_en, NEW.by_customer, NEW.written_at)
       IS DISTINCT FROM (OLD.use_id, OLD.version, OLD.text_nb, OLD.text_en, OLD.by_customer,
        OLD.written_at)
       OR NEW.written_by <> OLD.written_by
          AND NOT (NEW.written_by = '' AND current_user = 'portal_keeper')
       OR OLD.staff_approved_at IS DISTINCT FROM NEW.staff_approved_at
          AND OLD.staff_approved_at IS NOT NULL
       OR OLD.customer_approved_at IS DISTINCT FROM NEW.customer_approved_at
          AND OLD.customer_approved_at IS NOT NULL
       OR OLD.customer_declined_at IS DISTINCT FROM NEW.customer_declined_at
          AND OLD.customer_declined_at IS NOT NULL
       OR NEW.customer_approved_at IS NOT NULL AND NEW.customer_declined_at IS NOT NULL THEN
        RAISE EXCEPTION 'a version of the words is decided once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_text_decided_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_text_check BEFORE INSERT OR UPDATE ON consent_referencetext
    FOR EACH ROW EXECUTE FUNCTION consent_check_text();
REVOKE DELETE ON consent_referencetext FROM portal_app;
"""

# Takedowns are opened by a no alone, and closed once, with proof.
TAKEDOWNS = f"""
CREATE FUNCTION consent_check_takedown() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.use_id, NEW.opened_at, NEW.due_at) IS DISTINCT FROM
       (OLD.use_id, OLD.opened_at, OLD.due_at)
       OR OLD.closed_at IS NOT NULL
          AND ((NEW.checked_at, NEW.closed_at) IS DISTINCT FROM (OLD.checked_at, OLD.closed_at)
               OR NEW.checked <> OLD.checked
                  AND NOT (NEW.checked = '{ERASED}' AND EXISTS (
                      SELECT FROM consent_referenceuse WHERE id = NEW.use_id AND person_id IS NULL))
               OR NEW.checked_by <> OLD.checked_by
                  AND NOT (NEW.checked_by = '' AND current_user = 'portal_keeper')) THEN
        RAISE EXCEPTION 'a takedown is closed once, and keeps its days'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_takedown_closed_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_takedown_check BEFORE UPDATE ON consent_takedown
    FOR EACH ROW EXECUTE FUNCTION consent_check_takedown();

CREATE FUNCTION consent_close_takedown() RETURNS trigger LANGUAGE plpgsql {SAFE} AS $$
BEGIN
    UPDATE consent_referenceuse SET state = 'removed', removed_at = NEW.closed_at
     WHERE id = NEW.use_id AND state = 'taking_down';
    UPDATE consent_takedown SET checked = '{ERASED}'
     WHERE id = NEW.id AND checked_by <> '{CHECK}' AND EXISTS (
           SELECT FROM consent_referenceuse WHERE id = NEW.use_id AND person_id IS NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER consent_takedown_closed AFTER UPDATE OF closed_at ON consent_takedown
    FOR EACH ROW WHEN (OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL)
    EXECUTE FUNCTION consent_close_takedown();
REVOKE INSERT, DELETE ON consent_takedown FROM portal_app;
"""

# By whatever way a no comes in, and when the choice itself goes: what is planned is dropped, what
# is published comes down, and no call is made any more.
NO = f"""
CREATE FUNCTION consent_end_references() RETURNS trigger LANGUAGE plpgsql {SAFE} AS $$
DECLARE
    activity text;
BEGIN
    SELECT slug INTO activity FROM consent_topic WHERE id = OLD.topic_id AND kind = 'reference';
    IF NOT FOUND THEN RETURN NULL; END IF;
    UPDATE consent_referenceuse
       SET state = CASE state WHEN 'planned' THEN 'removed' ELSE 'taking_down' END
     WHERE person_id = OLD.person_id AND topic_id = OLD.topic_id
       AND state IN ('planned', 'published');
    IF activity = '{SALES_CALL}' THEN
        UPDATE consent_salescall SET answer = 'ended', answered_at = statement_timestamp()
         WHERE person_id = OLD.person_id AND answer IN ('open', 'accepted') AND made_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER consent_preference_no AFTER UPDATE ON consent_preference
    FOR EACH ROW WHEN (OLD.state = 'granted' AND NEW.state <> 'granted')
    EXECUTE FUNCTION consent_end_references();
CREATE TRIGGER consent_preference_gone AFTER DELETE ON consent_preference
    FOR EACH ROW WHEN (OLD.state = 'granted')
    EXECUTE FUNCTION consent_end_references();
"""

# Each request counts, whatever the answer: nobody is asked more often than they want. Two at once
# cannot pass together, for one of them meets the other's open request.
CALLS = f"""
CREATE FUNCTION consent_check_call() RETURNS trigger LANGUAGE plpgsql {SAFE} AS $$
DECLARE
    activity uuid;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.person_id, NEW.about, NEW.with_whom, NEW.asked_at) IS DISTINCT FROM
           (OLD.person_id, OLD.about, OLD.with_whom, OLD.asked_at)
           OR OLD.answer <> NEW.answer AND OLD.answer <> 'open'
              AND NOT (OLD.answer = 'accepted' AND NEW.answer IN ('declined', 'ended')
                       AND OLD.made_at IS NULL)
           OR NEW.made_at IS NOT NULL AND NEW.answer <> 'accepted' THEN
            RAISE EXCEPTION 'a request is answered once; a yes may become a no'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_call_answered_once';
        END IF;
        IF NEW.answer <> 'accepted' OR OLD.answer = 'accepted' THEN RETURN NEW; END IF;
    END IF;
    SELECT id INTO activity FROM consent_topic WHERE slug = '{SALES_CALL}';
    IF NOT consent_find_grant(NEW.person_id, activity) THEN
        RAISE EXCEPTION 'sales calls are not granted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_call_only_granted';
    END IF;
    IF TG_OP = 'INSERT' AND (
        SELECT count(*) FROM consent_salescall
         WHERE person_id = NEW.person_id AND asked_at > statement_timestamp() - interval '1 year'
       ) >= COALESCE((SELECT a_year FROM consent_calllimit WHERE person_id = NEW.person_id),
                     {CALLS_A_YEAR}) THEN
        RAISE EXCEPTION 'as many calls as they take in a year have been asked for'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_call_limit';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_call_check BEFORE INSERT OR UPDATE ON consent_salescall
    FOR EACH ROW EXECUTE FUNCTION consent_check_call();
REVOKE DELETE ON consent_salescall FROM portal_app;
"""

# What landed without saying where it looks: a temporary table would come first.
LOOKS = "ALTER FUNCTION consent_refuse_change() SET search_path = public, pg_temp"


class Migration(migrations.Migration):
    dependencies: ClassVar[Any] = [("consent", "0007_reference")]

    operations: ClassVar[Any] = [
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
        migrations.RunSQL(USES, migrations.RunSQL.noop),
        migrations.RunSQL(TEXTS, migrations.RunSQL.noop),
        migrations.RunSQL(TAKEDOWNS, migrations.RunSQL.noop),
        migrations.RunSQL(NO, migrations.RunSQL.noop),
        migrations.RunSQL(CALLS, migrations.RunSQL.noop),
        migrations.RunSQL(LOOKS, migrations.RunSQL.noop),
    ]
