"""A run says under which rule it was, and how much was due of each company of ours.

A mail to an address that names nobody stays readable for whose address it is, once it stands aside.

An item of an erased customer is due within 30 days also where one has signed for its destruction:
that signature may be taken back, and the item is there again.
"""

from django.db import migrations, models

# By the addresses that the tenant has confirmed, as `retention.whose` finds them.
MAILS = """
CREATE POLICY mails_naming_nobody ON retention_heldrow FOR SELECT TO portal_app USING (
    customer_id IS NULL AND model = 'messaging.Message' AND lower("row" ->> 'to_address') IN (
        SELECT lower(email) FROM account_emailaddress
         WHERE verified AND user_id = NULLIF(current_setting('portal.tenant', true), '')::uuid
        UNION ALL
        SELECT lower(email) FROM accounts_user
         WHERE email_confirmed_at IS NOT NULL
           AND id = NULLIF(current_setting('portal.tenant', true), '')::uuid));
"""

# What was of one erased customer alone is destroyed within 30 days (policy.ITEMS_OF_ERASED), not
# when it would have been, unless two people have signed that it is gone.
ITEMS = """
CREATE OR REPLACE FUNCTION retention_keep_item() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
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
    END IF;
    IF OLD.customer_id IS NOT NULL AND NEW.customer_id IS NULL
       AND current_user = 'portal_keeper'
       AND NOT EXISTS (SELECT FROM retention_destruction
                        WHERE item_id = OLD.id AND countersigned_at IS NOT NULL)
    THEN
        NEW.due_on := greatest(NEW.kept_since, least(NEW.due_on, current_date + 30));
    END IF;
    RETURN NEW;
END $$;
"""

BEFORE = """
CREATE OR REPLACE FUNCTION retention_keep_item() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
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
"""


class Migration(migrations.Migration):
    dependencies = [
        ("account", "0001_initial"),
        ("accounts", "0001_initial"),
        ("retention", "0017_calls_name_nobody"),
    ]

    operations = [
        migrations.AddField(
            model_name="retentionrun",
            name="version",
            field=models.CharField(db_default="", default="", editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name="retentionrun",
            name="companies",
            field=models.JSONField(
                db_default=models.Value({}, models.JSONField()), default=dict, editable=False
            ),
        ),
        migrations.RunSQL(MAILS, "DROP POLICY mails_naming_nobody ON retention_heldrow"),
        migrations.RunSQL(ITEMS, BEFORE),
    ]
