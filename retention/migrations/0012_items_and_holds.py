"""Nobody signs for the destruction of an item that a legal hold keeps, by whatever door."""

from django.db import migrations

# As `retention.holding.held_by` has it of an item, which bears no date: a span alone names none,
# and any span meets one whose customer or class is named. An unapproved hold counts for
# `policy.HOLD_UNAPPROVED`.
HELD = """
CREATE FUNCTION retention_item_is_held(p_item uuid, p_now timestamptz)
RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM retention_legalhold h JOIN retention_physicalitem i ON i.id = p_item
     WHERE h.released_at IS NULL
       AND (h.approved_at IS NOT NULL OR h.placed_at > p_now - interval '3 days')
       AND (h.customer_id IS NOT NULL OR h.data_class <> '')
       AND (h.customer_id IS NULL OR h.customer_id = i.customer_id)
       AND h.data_class IN ('', 'proof'))
$$;
REVOKE EXECUTE ON FUNCTION retention_item_is_held(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_item_is_held(uuid, timestamptz) TO portal_app, portal_keeper;
"""

DESTRUCTIONS = """
CREATE OR REPLACE FUNCTION retention_keep_destruction() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    signature CONSTANT text[] := '{verified_by,countersigned_by_id,countersigned_at}';
    names CONSTANT text[] := '{signed_by_id,countersigned_by_id}';
    held CONSTANT text := 'a legal hold keeps this item';
    why text := 'what was signed stands as it was signed';
BEGIN
    IF TG_OP = 'INSERT' THEN
        why := 'a destruction begins with one signature';
        IF NEW.signed_by_id IS NOT NULL AND NEW.performed_by <> '' AND NEW.verified_by = ''
           AND NEW.countersigned_by_id IS NULL AND NEW.countersigned_at IS NULL
        THEN
            IF NOT retention_item_is_held(NEW.item_id, NEW.signed_at) THEN
                RETURN NEW;
            END IF;
            why := held;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        IF OLD.countersigned_at IS NULL OR current_user = 'portal_keeper' THEN
            RETURN OLD;
        END IF;
    ELSIF OLD.countersigned_at IS NULL AND NEW.countersigned_at IS NOT NULL THEN
        IF to_jsonb(NEW) - signature = to_jsonb(OLD) - signature
           AND NEW.countersigned_by_id IS NOT NULL AND NEW.verified_by <> ''
        THEN
            IF NOT retention_item_is_held(NEW.item_id, NEW.countersigned_at) THEN
                RETURN NEW;
            END IF;
            why := held;
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
"""

BEFORE = """
CREATE OR REPLACE FUNCTION retention_keep_destruction() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
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
DROP FUNCTION retention_item_is_held(uuid, timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0011_held_and_resumed")]

    operations = [
        migrations.RunSQL(HELD, migrations.RunSQL.noop),
        migrations.RunSQL(DESTRUCTIONS, BEFORE),
    ]
