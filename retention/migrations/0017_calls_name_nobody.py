"""A call in the broker's queue names an archive or a file, never the customer whose it is."""

from django.db import migrations

# Row-level security shows who works in the background no row before it says whose work it does.
# Each says of a row whose key the caller has whose it is, and nothing else of it.
OWNERS = """
CREATE OR REPLACE FUNCTION retention_owner_of_export(p_export uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS 'SELECT customer_id FROM retention_export WHERE id = p_export';
REVOKE EXECUTE ON FUNCTION retention_owner_of_export(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention_owner_of_export(uuid) TO portal_app, portal_keeper;

CREATE OR REPLACE FUNCTION messaging_owner_of_upload(p_upload uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS 'SELECT customer_id FROM messaging_listupload WHERE id = p_upload';
REVOKE EXECUTE ON FUNCTION messaging_owner_of_upload(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION messaging_owner_of_upload(uuid) TO portal_app, portal_keeper;
"""
NO_OWNERS = """
DROP FUNCTION IF EXISTS retention_owner_of_export(uuid), messaging_owner_of_upload(uuid);
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0016_law_and_sign_ins"), ("messaging", "0019_moved")]

    operations = [migrations.RunSQL(OWNERS, NO_OWNERS)]
