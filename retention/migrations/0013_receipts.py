"""What receipts say: who answered for as long as they can be made, and nothing that nobody knows.

And a request about personal data that names nobody is emptied with the customer whose confirmed
address it bears.
"""

from django.db import migrations, models
from django.db.models.functions import Lower

# The whole function of 0010_desk; what differs is when the keeper empties a request.
KEEP_REQUEST = """
CREATE OR REPLACE FUNCTION retention_keep_request() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    fixed CONSTANT text[] := '{id,reference,kind,source,received_at,received_on,form,actor}';
    emptied CONSTANT text[] := '{person_id,name,email,text,answer,list_owner,identity_how,'
        'extended_because,access_event_id,deletion_reference,passed_to,assigned_to_id}';
    staff CONSTANT text[] := '{actor,identity_by,answered_by,assigned_to_id,passed_to}';
    -- A colleague who leaves hands on what they took.
    handled CONSTANT text[] := '{assigned_to_id}';
    allowed text[];
    why text;
    was jsonb;
    is_now jsonb := to_jsonb(NEW);
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR NEW.answer <> '' OR NEW.extended_at IS NOT NULL
           OR NEW.due_on > NEW.received_on + interval '1 month'
        THEN
            why := 'a request begins open, and is due within a month';
        END IF;
    ELSE
        was := to_jsonb(OLD);
        -- A colleague or the owner of a list is erased: what they did stays, their key goes.
        IF current_user = 'portal_keeper' AND was - staff = is_now - staff AND NOT EXISTS (
            SELECT FROM unnest(staff) AS name
             WHERE was -> name <> is_now -> name AND is_now -> name NOT IN ('null', '""'))
        THEN
            RETURN NEW;
        END IF;
        IF %(emptied)s
           AND current_user = 'portal_keeper'
        THEN
            IF NEW.state = 'open' THEN
                NEW.state := 'withdrawn';
                NEW.closed_at := now();
            END IF;
            RETURN NEW;
        END IF;
        IF EXISTS (SELECT FROM unnest(fixed) AS name WHERE was -> name <> is_now -> name)
           OR was -> 'person_id' <> is_now -> 'person_id'
        THEN
            why := 'who asked for what, and when, stands';
        ELSIF OLD.state <> 'open' THEN
            allowed := CASE current_user WHEN 'portal_keeper' THEN emptied ELSE handled END;
            IF was - allowed <> is_now - allowed OR EXISTS (
                SELECT FROM unnest(allowed) AS name
                 WHERE was -> name <> is_now -> name AND is_now -> name NOT IN ('null', '""'))
            THEN
                why := 'what was answered stands as it was answered';
            END IF;
        ELSIF (NEW.extended_at, NEW.extended_because, NEW.due_on) IS DISTINCT FROM
              (OLD.extended_at, OLD.extended_because, OLD.due_on)
        THEN
            IF OLD.extended_at IS NOT NULL OR NEW.extended_at IS NULL OR NEW.extended_because = ''
               -- The last day of whoever asks lasts until the next of this clock, west of it.
               OR (NEW.extended_at AT TIME ZONE 'UTC')::date > OLD.due_on + 1
               OR NEW.due_on > OLD.received_on + interval '3 months'
            THEN
                why := 'it takes longer once, told with the reason within the month';
            END IF;
        END IF;
        IF why IS NULL AND OLD.state = 'open' AND OLD.identity_at IS NOT NULL
           AND (NEW.identity_at, NEW.identity_by, NEW.identity_how) IS DISTINCT FROM
               (OLD.identity_at, OLD.identity_by, OLD.identity_how)
        THEN
            why := 'how we made sure of who is asking stands';
        END IF;
        IF why IS NULL AND OLD.state = 'open' AND NEW.state NOT IN ('open', 'withdrawn')
           AND (NEW.answer = '' OR NEW.answered_by = '')
        THEN
            why := 'an answer has words, and somebody who gave it';
        END IF;
    END IF;
    IF why IS NOT NULL THEN
        RAISE EXCEPTION '%%', why
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
"""
OF_A_CUSTOMER = "OLD.person_id IS NOT NULL AND NEW.person_id IS NULL"
OR_OF_AN_ADDRESS = """NEW.person_id IS NULL
           AND (OLD.person_id IS NOT NULL OR (OLD.email <> '' AND NEW.email = ''))"""

# A notice that an erasure was done points at nobody. What became of it is written into the request
# in the transaction that settles it, or that takes it away: with its webhook, before any answer, it
# is given up. By which system is said by its name at that moment.
ANSWERS = """
CREATE FUNCTION retention_note_answer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    notice consent_delivery := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    UPDATE retention_deletionrequest r
       SET answers = jsonb_build_object(w.id::text, jsonb_build_object(
               'system', w.name,
               'answer', CASE notice.state WHEN 'delivered' THEN 'acknowledged'
                                           ELSE 'given_up' END,
               'at', COALESCE(notice.finished_at, now())
           )) || r.answers
      FROM consent_webhook w
     WHERE w.id = notice.webhook_id AND r.announcement = notice.event_id;
    RETURN notice;
END $$;
REVOKE EXECUTE ON FUNCTION retention_note_answer() FROM PUBLIC;

CREATE TRIGGER retention_notice_settled AFTER UPDATE OF state ON consent_delivery
    FOR EACH ROW WHEN (NEW.person_id IS NULL AND OLD.state = 'waiting' AND NEW.state <> 'waiting')
    EXECUTE FUNCTION retention_note_answer();
CREATE TRIGGER retention_notice_goes BEFORE DELETE ON consent_delivery
    FOR EACH ROW WHEN (OLD.person_id IS NULL) EXECUTE FUNCTION retention_note_answer();

-- Those that are there still; what went before is not known any more.
UPDATE retention_deletionrequest r SET answers = said.answers
  FROM (SELECT d.event_id, jsonb_object_agg(w.id::text, jsonb_build_object(
                   'system', w.name,
                   'answer', CASE d.state WHEN 'delivered' THEN 'acknowledged'
                                          ELSE 'given_up' END,
                   'at', d.finished_at)) AS answers
          FROM consent_delivery d JOIN consent_webhook w ON w.id = d.webhook_id
         WHERE d.person_id IS NULL AND d.state <> 'waiting'
         GROUP BY d.event_id) AS said
 WHERE r.announcement = said.event_id;
"""
NO_ANSWERS = "DROP FUNCTION IF EXISTS retention_note_answer CASCADE"

# Of a part nobody looked what stays, and its receipt said that nothing does.
NOBODY_LOOKED = """
UPDATE retention_deletionrequest SET kept = NULL
 WHERE scope IN ('content', 'messages', 'list') AND kept = '[]';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0012_items_and_holds"),
        ("consent", "0008_reference_doors"),
    ]

    operations = [
        migrations.AddField(
            model_name="deletionrequest",
            name="answers",
            field=models.JSONField(
                default=dict,
                # Processes of before the migration add requests until they are restarted.
                db_default=models.Value({}, models.JSONField()),
                editable=False,
            ),
        ),
        migrations.AddIndex(
            model_name="deletionrequest",
            index=models.Index(
                fields=["announcement"],
                condition=models.Q(announcement__isnull=False),
                name="retention_deletion_announced",
            ),
        ),
        migrations.AddIndex(
            model_name="privacyrequest",
            index=models.Index(
                Lower("email"),
                condition=models.Q(person_id__isnull=True),
                name="retention_request_of_nobody",
            ),
        ),
        migrations.RunSQL(
            KEEP_REQUEST % {"emptied": OR_OF_AN_ADDRESS},
            KEEP_REQUEST % {"emptied": OF_A_CUSTOMER},
        ),
        migrations.RunSQL(ANSWERS, NO_ANSWERS),
        migrations.RunSQL(NOBODY_LOOKED, migrations.RunSQL.noop),
    ]
