"""The register of paper, disks and tapes: what was signed stands, and nothing leaves it unsigned.

Held by the database for every role, as with announcements: by whatever door a change comes, a
certificate says what two people signed. The keeper alone empties names when somebody is erased, and
lets a certificate go when its time is over.
"""

from django.db import migrations

RIGHTS = """
REVOKE DELETE ON retention_physicalitem FROM portal_app;
-- A first signature may be taken back, until the second stands: the trigger below.
GRANT DELETE ON retention_destruction TO portal_app;
"""

# An item whose end is signed for changes no more, but for names that an erasure empties. What was
# of one erased customer alone is destroyed within 30 days (policy.ITEMS_OF_ERASED), not when it
# would have been.
ITEMS = """
CREATE FUNCTION retention_keep_item() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    names CONSTANT text[] := '{customer_id,registered_by_id}';
BEGIN
    IF EXISTS (SELECT FROM retention_destruction WHERE item_id = OLD.id) THEN
        IF to_jsonb(NEW) - names <> to_jsonb(OLD) - names
           OR (NEW.customer_id IS NOT NULL AND NEW.customer_id IS DISTINCT FROM OLD.customer_id)
           OR (NEW.registered_by_id IS NOT NULL
               AND NEW.registered_by_id IS DISTINCT FROM OLD.registered_by_id)
        THEN
            RAISE EXCEPTION 'an item whose destruction is signed for changes no more'
                USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
        END IF;
    ELSIF OLD.customer_id IS NOT NULL AND NEW.customer_id IS NULL
          AND current_user = 'portal_keeper' THEN
        NEW.due_on := greatest(NEW.kept_since, least(NEW.due_on, current_date + 30));
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER retention_item_stands BEFORE UPDATE ON retention_physicalitem
    FOR EACH ROW EXECUTE FUNCTION retention_keep_item();
"""

# One change is left to a record: its second signature. Names of staff are emptied when they are
# erased; before the second signature by the keeper alone, for else the first could be hidden and
# the same person sign twice.
DESTRUCTIONS = """
CREATE FUNCTION retention_keep_destruction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    signature CONSTANT text[] := '{verified_by,countersigned_by_id,countersigned_at}';
    names CONSTANT text[] := '{signed_by_id,countersigned_by_id}';
    why text := 'what was signed stands as it was signed';
BEGIN
    IF TG_OP = 'INSERT' THEN
        why := 'a destruction begins with one signature';
        IF NEW.signed_by_id IS NOT NULL AND NEW.performed_by <> '' AND NEW.verified_by = ''
           AND NEW.countersigned_by_id IS NULL AND NEW.countersigned_at IS NULL
        THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        IF OLD.countersigned_at IS NULL OR current_user = 'portal_keeper' THEN
            RETURN OLD;
        END IF;
    ELSIF OLD.countersigned_at IS NULL AND NEW.countersigned_at IS NOT NULL THEN
        IF to_jsonb(NEW) - signature = to_jsonb(OLD) - signature
           AND NEW.countersigned_by_id IS NOT NULL AND NEW.verified_by <> ''
        THEN
            RETURN NEW;
        END IF;
    ELSIF to_jsonb(NEW) - names = to_jsonb(OLD) - names
          AND (NEW.signed_by_id IS NOT DISTINCT FROM OLD.signed_by_id
               OR NEW.signed_by_id IS NULL)
          AND (NEW.countersigned_by_id IS NOT DISTINCT FROM OLD.countersigned_by_id
               OR NEW.countersigned_by_id IS NULL)
          AND (OLD.countersigned_at IS NOT NULL OR current_user = 'portal_keeper')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '%', why
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;

CREATE TRIGGER retention_destruction_stands
    BEFORE INSERT OR UPDATE OR DELETE ON retention_destruction
    FOR EACH ROW EXECUTE FUNCTION retention_keep_destruction();
"""

GONE = """
DROP FUNCTION IF EXISTS retention_keep_item, retention_keep_destruction CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0008_holds")]

    operations = [
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
        migrations.RunSQL(ITEMS, GONE),
        migrations.RunSQL(DESTRUCTIONS, migrations.RunSQL.noop),
    ]
