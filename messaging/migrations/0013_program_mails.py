"""Optional mail of the reference program belongs to no campaign: a single one, about a choice.

The hand-over asks of it what it asks of every optional mail, the account and the choice; there is
only no campaign that could have been paused or cancelled. Anything else without a campaign is
cancelled, as before.
"""

from importlib import import_module
from typing import Any, ClassVar

from django.db import migrations

_LANDED: str = import_module("messaging.migrations.0005_hand_over").HAND_OVER
_ASKED = "WHEN COALESCE(c.state, n.state, '') <> 'sending' THEN 'cancelled'"
_ASKED_OF_MAILINGS = """WHEN COALESCE(c.state, n.state, '') <> 'sending'
                      AND (a.mailing IS NULL AND a.kind = 'optional' AND t.kind = 'reference')
                          IS NOT TRUE THEN 'cancelled'"""
HAND_OVER = _LANDED.replace(_ASKED, _ASKED_OF_MAILINGS)
assert HAND_OVER != _LANDED


class Migration(migrations.Migration):
    dependencies: ClassVar[Any] = [("messaging", "0012_tombstones")]

    operations: ClassVar[Any] = [migrations.RunSQL(HAND_OVER, _LANDED)]
