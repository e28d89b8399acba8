"""What PostgreSQL noted of names, addresses and words for its plans goes, and is noted no more.

The columns are those of `retention.statistics` on the day of this migration. The keeper may look
anew at every table (`ANALYZE`), as it does each night. A month that the feed makes is like its
table in this too.
"""

from importlib import import_module

from django.db import migrations

from foundation.statistics import keep_none

# A landed migration never changes: rights of the function, and what it was, are taken from there.
feed = import_module("messaging.migrations.0011_feed")

COLUMNS = {
    "accounts_invoice": "billed_to",
    "messaging_message": "html subject text to_address",
    "messaging_providerevent": "about status why",
    "messaging_serviceannouncement": "writers",
    "messaging_uploadproblem": "value",
    "messaging_uploadpart": "data",
    "messaging_listupload": "file_name",
    "messaging_contact": "address_city address_country address_line_1 address_line_2 address_postal_code address_state custom_1 custom_2 custom_3 custom_4 email first_name last_name organization_name phone_number",
    "messaging_contactlist": "list_name",
    "messaging_contactoptout": "contact",
    "messaging_messagecontent": "body contact_id custom_string first_name last_name sent_from sent_to",
    "messaging_report": "content report_name",
    "retention_exportpart": "data",
    "retention_heldrow": "row",
    "consent_salescall": "about with_whom",
    "consent_referencetext": "remark staff_approved_by text_en text_nb written_by",
    "consent_takedown": "checked_by",
    "consent_referenceuse": "copies title url",
    "accounts_supportentry": "text",
    "accounts_supportquestion": "call_when email name phone",
    "consent_consentdetail": "actor language reason state_before",
    "consent_delivery": "body",
    "accounts_accessevent": "actor reason",
    "accounts_accessgrant": "reason",
    "accounts_accessalarm": "finding",
    "accounts_staffinvitation": "email",
    "django_admin_log": "change_message object_id object_repr",
    "accounts_personaltoken": "name scopes",
    "account_emailaddress": "email",
    "retention_privacyrequest": "actor answer answered_by email extended_because identity_by identity_how list_owner name text",
    "retention_destruction": "performed_by verified_by",
    "retention_physicalitem": "contains name",
    "retention_deletionrequest": "actor check_note checked_again_by checked_by",
    "retention_legalhold": "reason release_reason",
    "retention_retentionrun": "actor",
    "accounts_user": "address company email first_name last_name phone platform_id username",
}
LOOKED_UP = {
    "messaging_contact": ("phone_number", "email"),
    "messaging_contactoptout": ("contact",),
}

# As before, and what neither LIKE nor ATTACH carries: of which columns nothing is noted. The names
# that are run are those of the month just made and of its indexes, looked up by number.
MONTH = """
CREATE OR REPLACE FUNCTION messaging_make_month(p_table text, p_month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET timezone = 'UTC' SET lock_timeout = '3s' AS $$
DECLARE
    first timestamptz := date_trunc('month', p_month::timestamptz);
    name text := p_table || to_char(first, '"_y"YYYY"m"MM');
    change text;
BEGIN
    IF p_table NOT IN ('messaging_messagerecord', 'messaging_messagecontent')
       OR first NOT BETWEEN now() - interval '10 years' AND now() + interval '2 years' THEN
        RAISE EXCEPTION 'no month of %', p_table USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM pg_inherits
                WHERE inhparent = p_table::regclass AND inhrelid = to_regclass(name)) THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('months'), hashtext(p_table));
    -- By a look at the table itself: what this session remembers of names is older than the lock.
    IF EXISTS (SELECT FROM pg_class
                WHERE relname = name AND relnamespace = 'public'::regnamespace) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
                   'INCLUDING INDEXES INCLUDING STORAGE)', name, p_table);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   p_table, name, messaging_month_floor(first),
                   messaging_month_floor(first + interval '1 month'));
    FOR change IN
        SELECT CASE relkind
               WHEN 'i' THEN format('ALTER INDEX %s ALTER %s SET STATISTICS 0', c.oid::regclass, attnum)
               ELSE format('ALTER TABLE %s ALTER %I SET STATISTICS 0', c.oid::regclass, attname) END
          FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
          JOIN pg_attribute a ON a.attrelid = i.inhparent AND attstattarget = 0 AND NOT attisdropped
         WHERE c.oid = name::regclass
            OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = name::regclass)
    LOOP
        EXECUTE change;
    END LOOP;
    RETURN true;
END $$;
""" + feed.keepers("messaging_make_month(text, date)")


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0013_receipts"),
        ("accounts", "0010_staff_index"),
        ("consent", "0008_reference_doors"),
        ("messaging", "0016_journaled"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [
        migrations.RunSQL(
            "GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO portal_keeper",
            "REVOKE MAINTAIN ON ALL TABLES IN SCHEMA public FROM portal_keeper",
        ),
        keep_none(
            {table: names.split() for table, names in COLUMNS.items()}, looked_up=LOOKED_UP
        ),
        migrations.RunSQL(
            MONTH, feed.MONTH.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
        ),
    ]
