"""A service announcement is approved by another than whoever wrote it, and stays as it was read.

Held by the database, for every role: no process can bring words to customers that nobody else has
read, by whatever door it comes. What the database cannot know is who sits before a page; that the
names in a row are true is the business of the services and of the staff site's sign-in.
"""

from django.db import migrations

# What was approved before nobody knew that the author may not: it is read again, by another. What
# is under way may finish.
APPROVED_ALONE = """
UPDATE messaging_serviceannouncement
   SET state = 'draft', approved_by_id = NULL, approved_at = NULL
 WHERE state = 'approved';
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""

# The words change only while the row is a draft, or on its way back to one; what has been started
# never becomes a draft again, so its words are over.
KEEP_WORDS = """
CREATE FUNCTION messaging_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0]
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;

CREATE TRIGGER messaging_announcement_words
    BEFORE UPDATE ON messaging_serviceannouncement FOR EACH ROW
    WHEN ((OLD.subject_nb, OLD.subject_en, OLD.preheader_nb, OLD.preheader_en, OLD.body_nb,
           OLD.body_en, OLD.category, OLD.is_standing)
          IS DISTINCT FROM
          (NEW.subject_nb, NEW.subject_en, NEW.preheader_nb, NEW.preheader_en, NEW.body_nb,
           NEW.body_en, NEW.category, NEW.is_standing)
          AND NOT (OLD.state IN ('draft', 'approved') AND NEW.state = 'draft'))
    EXECUTE FUNCTION messaging_refuse_change('what was approved changes only as a draft');

CREATE TRIGGER messaging_campaign_words
    BEFORE UPDATE ON messaging_campaign FOR EACH ROW
    WHEN ((OLD.subject_nb, OLD.subject_en, OLD.preheader_nb, OLD.preheader_en, OLD.body_nb,
           OLD.body_en, OLD.topic_id, OLD.segment_id)
          IS DISTINCT FROM
          (NEW.subject_nb, NEW.subject_en, NEW.preheader_nb, NEW.preheader_en, NEW.body_nb,
           NEW.body_en, NEW.topic_id, NEW.segment_id)
          AND NOT (OLD.state IN ('draft', 'approved') AND NEW.state = 'draft'))
    EXECUTE FUNCTION messaging_refuse_change('what was approved changes only as a draft');

CREATE TRIGGER messaging_announcement_once
    BEFORE UPDATE ON messaging_serviceannouncement FOR EACH ROW
    WHEN (OLD.state NOT IN ('draft', 'approved') AND NEW.state IN ('draft', 'approved'))
    EXECUTE FUNCTION messaging_refuse_change('what was started is no draft any more');

CREATE TRIGGER messaging_campaign_once
    BEFORE UPDATE ON messaging_campaign FOR EACH ROW
    WHEN (OLD.state NOT IN ('draft', 'approved') AND NEW.state IN ('draft', 'approved'))
    EXECUTE FUNCTION messaging_refuse_change('what was started is no draft any more');
"""

# An approval that was taken back is none, also where the sender does it, who may name no approver.
TAKEN_BACK = """
CREATE FUNCTION messaging_approval_taken_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.approved_by_id := NULL;
    NEW.approved_at := NULL;
    RETURN NEW;
END $$;

-- By its name the first of these triggers to fire.
CREATE TRIGGER messaging_a_taken_back
    BEFORE UPDATE ON messaging_serviceannouncement FOR EACH ROW
    WHEN (OLD.state = 'approved' AND NEW.state = 'draft')
    EXECUTE FUNCTION messaging_approval_taken_back();

CREATE TRIGGER messaging_a_taken_back
    BEFORE UPDATE ON messaging_campaign FOR EACH ROW
    WHEN (OLD.state = 'approved' AND NEW.state = 'draft')
    EXECUTE FUNCTION messaging_approval_taken_back();
"""

# The month's count on /trust/ rests on these rows.
COUNTED = """
CREATE TRIGGER messaging_announcement_counted
    BEFORE UPDATE OF resolved_at ON messaging_serviceannouncement FOR EACH ROW
    WHEN (OLD.resolved_at IS NOT NULL AND NEW.resolved_at IS DISTINCT FROM OLD.resolved_at)
    EXECUTE FUNCTION messaging_refuse_change('when it was sent stays as it was');

CREATE TRIGGER messaging_announcement_stays
    BEFORE DELETE ON messaging_serviceannouncement FOR EACH ROW
    WHEN (OLD.resolved_at IS NOT NULL OR OLD.state <> 'draft')
    EXECUTE FUNCTION
        messaging_refuse_change('only a draft goes; what was sent is kept and counted');

-- Approved and started while somebody deletes the draft they saw: the deletion comes too late.
CREATE TRIGGER messaging_campaign_stays
    BEFORE DELETE ON messaging_campaign FOR EACH ROW
    WHEN (OLD.resolved_at IS NOT NULL OR OLD.state <> 'draft')
    EXECUTE FUNCTION messaging_refuse_change('only a draft goes; what was sent is kept');
"""

SECOND_PAIR = """
CREATE FUNCTION messaging_second_pair() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    former text := CASE TG_OP WHEN 'UPDATE' THEN OLD.state ELSE '' END;
    refusal text := '';
    -- The keeper takes a key away with its account; nobody else shortens the list.
    wrote uuid[] := CASE WHEN TG_OP = 'INSERT' OR current_user IN ('portal_keeper', 'portal_owner')
                         THEN NEW.writers ELSE OLD.writers END;
    writer uuid;
BEGIN
    IF former = 'approved' AND NEW.state = 'draft' THEN
        -- What stands there another has read. From here on only who changes it is a writer.
        wrote := '{}';
    END IF;
    FOREACH writer IN ARRAY ARRAY[NEW.author_id, NEW.edited_by_id] LOOP
        IF writer IS NOT NULL AND writer <> ALL (wrote) THEN
            wrote := array_append(wrote, writer);
        END IF;
    END LOOP;
    NEW.writers := wrote;

    -- Whose words they are. A name goes only with its account, which the keeper erases.
    IF TG_OP = 'UPDATE' THEN
        IF OLD.author_id <> NEW.author_id OR OLD.sent_by_id <> NEW.sent_by_id
           OR (OLD.author_id IS NULL AND NEW.author_id IS NOT NULL AND NEW.state <> 'draft')
           OR (NEW.edited_by_id IS NOT NULL AND NEW.state <> 'draft'
               AND NEW.edited_by_id IS DISTINCT FROM OLD.edited_by_id)
           OR NEW.prepared_from_id IS DISTINCT FROM OLD.prepared_from_id THEN
            refusal := 'who wrote or sent it stays as it was';
        ELSIF current_user NOT IN ('portal_keeper', 'portal_owner')
              AND ((OLD.author_id IS NOT NULL AND NEW.author_id IS NULL)
                   OR (OLD.edited_by_id IS NOT NULL AND NEW.edited_by_id IS NULL)
                   OR (OLD.sent_by_id IS NOT NULL AND NEW.sent_by_id IS NULL)) THEN
            refusal := 'a name goes only with its account';
        ELSIF NEW.approved_by_id IS NOT NULL
              AND NEW.approved_by_id IS DISTINCT FROM OLD.approved_by_id
              AND NOT (OLD.state = 'draft' AND NEW.state = 'approved') THEN
            refusal := 'it is approved by approving it';
        END IF;
    END IF;

    -- Towards the customers: approved, sending, paused (which is sending, held).
    IF refusal = '' AND NEW.state IN ('approved', 'sending', 'paused') AND NEW.state <> former
       AND former NOT IN ('sending', 'paused') THEN
        IF NEW.approved_by_id IS NULL OR NEW.approved_at IS NULL THEN
            refusal := 'nobody has approved it';
        ELSIF NEW.approved_by_id = ANY (NEW.writers) THEN
            refusal := 'whoever wrote it cannot approve it';
        ELSIF TG_OP = 'UPDATE' AND NEW.state <> 'approved' AND former <> 'approved' THEN
            refusal := 'it is approved before it is sent';
        END IF;
    END IF;

    -- On call: only what two people have read beforehand, byte for byte.
    IF refusal = '' AND TG_OP = 'INSERT' AND NEW.prepared_from_id IS NOT NULL THEN
        PERFORM FROM messaging_serviceannouncement origin
          WHERE origin.id = NEW.prepared_from_id
            AND origin.is_standing AND origin.state = 'approved'
            AND NOT NEW.is_standing AND NEW.state = 'sending' AND NEW.sent_by_id IS NOT NULL
            AND NEW.resolved_at IS NOT NULL
            AND (origin.subject_nb, origin.subject_en, origin.preheader_nb, origin.preheader_en,
                 origin.body_nb, origin.body_en, origin.category)
                = (NEW.subject_nb, NEW.subject_en, NEW.preheader_nb, NEW.preheader_en,
                   NEW.body_nb, NEW.body_en, NEW.category)
            AND (origin.author_id, origin.edited_by_id, origin.approved_by_id, origin.approved_at)
                IS NOT DISTINCT FROM
                (NEW.author_id, NEW.edited_by_id, NEW.approved_by_id, NEW.approved_at)
            AND origin.writers = NEW.writers
            -- An edit of the origin waits until this copy stands, or is seen here.
            FOR SHARE;
        IF NOT FOUND THEN
            refusal := 'only an approved standing text is sent without a second reader';
        END IF;
    END IF;

    -- And another looks at it afterwards, once.
    IF refusal = '' AND (NEW.reviewed_at IS NOT NULL OR NEW.reviewed_by_id IS NOT NULL
                         OR NEW.review_note <> '') THEN
        IF TG_OP = 'INSERT' OR OLD.reviewed_at IS NULL THEN
            IF TG_OP = 'INSERT' OR NEW.prepared_from_id IS NULL OR NEW.reviewed_at IS NULL
               OR NEW.reviewed_by_id IS NULL OR NEW.reviewed_by_id IN (OLD.sent_by_id) THEN
                refusal := 'whoever sent it cannot review it';
            END IF;
        ELSIF (OLD.reviewed_at, OLD.review_note) IS DISTINCT FROM (NEW.reviewed_at, NEW.review_note)
              OR (NEW.reviewed_by_id IS NOT NULL
                  AND NEW.reviewed_by_id IS DISTINCT FROM OLD.reviewed_by_id) THEN
            refusal := 'a review stays as it was written';
        END IF;
    ELSIF refusal = '' AND TG_OP = 'UPDATE' AND OLD.reviewed_at IS NOT NULL THEN
        refusal := 'a review stays as it was written';
    END IF;

    IF refusal <> '' THEN
        RAISE EXCEPTION '%', refusal
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER messaging_second_pair
    BEFORE INSERT OR UPDATE ON messaging_serviceannouncement
    FOR EACH ROW EXECUTE FUNCTION messaging_second_pair();

-- Pressed twice it is sent once; and it is sent again only after somebody has looked at the former.
CREATE UNIQUE INDEX messaging_one_copy_until_reviewed
    ON messaging_serviceannouncement (prepared_from_id)
    WHERE prepared_from_id IS NOT NULL AND reviewed_at IS NULL;

-- A standing text goes out when somebody presses; it has no time of its own.
ALTER TABLE messaging_serviceannouncement ADD CONSTRAINT messaging_standing_untimed
    CHECK (NOT is_standing OR send_at IS NULL);
"""

# Back to what 0005 leaves; what was taken back to be read again stays a draft.
WITHOUT = """
ALTER TABLE messaging_serviceannouncement DROP CONSTRAINT messaging_standing_untimed;
DROP INDEX messaging_one_copy_until_reviewed;
DROP TRIGGER messaging_second_pair ON messaging_serviceannouncement;
DROP FUNCTION messaging_second_pair();
DROP TRIGGER messaging_announcement_words ON messaging_serviceannouncement;
DROP TRIGGER messaging_announcement_once ON messaging_serviceannouncement;
DROP TRIGGER messaging_announcement_counted ON messaging_serviceannouncement;
DROP TRIGGER messaging_announcement_stays ON messaging_serviceannouncement;
DROP TRIGGER messaging_campaign_words ON messaging_campaign;
DROP TRIGGER messaging_campaign_once ON messaging_campaign;
DROP TRIGGER messaging_campaign_stays ON messaging_campaign;
DROP FUNCTION messaging_refuse_change();
DROP TRIGGER messaging_a_taken_back ON messaging_serviceannouncement;
DROP TRIGGER messaging_a_taken_back ON messaging_campaign;
DROP FUNCTION messaging_approval_taken_back();
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0005_hand_over")]

    operations = [
        migrations.RunSQL(APPROVED_ALONE, migrations.RunSQL.noop),
        migrations.RunSQL(KEEP_WORDS + TAKEN_BACK + COUNTED + SECOND_PAIR, WITHOUT),
    ]
