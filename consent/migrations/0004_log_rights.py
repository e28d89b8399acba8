"""The log is append-only by trigger and rights, as the two halves of an event are.

Leaves that were sealed before the tree was stored get the nodes above them here.
"""

from django.db import migrations

from consent.proof.merkle import Frontier

RIGHTS = """
CREATE TRIGGER consent_node_append_only BEFORE UPDATE OR DELETE ON consent_node
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
CREATE TRIGGER consent_head_append_only BEFORE UPDATE OR DELETE ON consent_head
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
CREATE TRIGGER consent_log_key_append_only BEFORE UPDATE OR DELETE ON consent_logkey
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_change();
REVOKE UPDATE, DELETE ON consent_node, consent_head, consent_logkey FROM portal_app, portal_keeper;
GRANT SELECT ON consent_node, consent_head, consent_logkey TO portal_reader;
"""
BATCH = 10_000


def build_nodes(apps, schema_editor):
    """Batch by batch, so that a log of any length is built in the memory of one batch."""
    frontier = Frontier()
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT hash FROM consent_leaf WHERE index >= %s ORDER BY index LIMIT %s",
                [frontier.size, BATCH],
            )
            leaves = cursor.fetchall()
            nodes = [
                (((2 * position + 1) << level) - 1, node)
                for (leaf,) in leaves
                for level, position, node in frontier.append(bytes(leaf))
            ]
            cursor.executemany("INSERT INTO consent_node (number, hash) VALUES (%s, %s)", nodes)
            if len(leaves) < BATCH:
                return


class Migration(migrations.Migration):
    dependencies = [("consent", "0003_proof_and_systems")]

    operations = [
        migrations.RunPython(build_nodes, migrations.RunPython.noop),
        migrations.RunSQL(
            RIGHTS,
            """
            DROP TRIGGER consent_node_append_only ON consent_node;
            DROP TRIGGER consent_head_append_only ON consent_head;
            DROP TRIGGER consent_log_key_append_only ON consent_logkey;
            """,
        ),
    ]
