"""A no that was stored in Python's small letters is found by the database's, too.

The two differ by the capital I with a dot, of which Python made two letters, and by the sigma that
ends a Greek word. How an address was written nobody knows any more, so its row stays beside the
new one: a no too many harms nobody. Two rows of one customer may come to the same.
"""

from typing import Any, ClassVar

from django.db import migrations

SMALL = "replace(replace(contact, 'i\u0307', 'i'), '\u03c2', '\u03c3')"

# Only the owner of the table sees every customer's at once, and it is the owner who migrates.
OPT_OUTS = f"""
INSERT INTO messaging_contactoptout (customer_id, contact, since)
SELECT customer_id, {SMALL}, min(since) FROM messaging_contactoptout
 WHERE octet_length(contact) > char_length(contact) AND contact <> {SMALL}
 GROUP BY 1, 2
    ON CONFLICT (customer_id, contact) DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[Any] = [("messaging", "0019_moved")]

    operations: ClassVar[Any] = [migrations.RunSQL(OPT_OUTS, migrations.RunSQL.noop)]
