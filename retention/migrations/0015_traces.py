"""What PostgreSQL noted of names, addresses and words for its plans goes, and is noted no more.

The columns are those of `retention.statistics` on the day of this migration. The keeper may look
anew at every table (`ANALYZE`), as it does each night.
"""

from django.db import migrations

from foundation.statistics import keep_none

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


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0014_own_deletes"),
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
    ]
