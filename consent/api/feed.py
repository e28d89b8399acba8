"""Changes of choices in the order of the sealed log.

Commit order is not the order of keys or times, so a reader by either would miss what commits late.
The sealer gives an event its index once it sees it, under one lock and without a gap: what stands
before the last index is complete for ever.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Max

from consent.models import Leaf

CHANGES_AT_MOST = 1000
FROM_THE_START = -1

# Leaves are counted, not what is left of them: a page of erased people still leads onwards.
_CHANGES = """
SELECT l.index, d.person_id, u.platform_id, t.slug, d.state, d.paused_until, d.at, d.source
  FROM (SELECT index, event_id FROM consent_leaf
         WHERE index > %(after)s ORDER BY index LIMIT %(limit)s) l
  LEFT JOIN consent_consentdetail d ON d.id = l.event_id
  LEFT JOIN consent_topic t ON t.id = d.topic_id
  LEFT JOIN accounts_user u ON u.id = d.person_id
 ORDER BY l.index
"""


class BeyondTheLogError(Exception):
    """The cursor names an index that this log has not reached: the database was restored."""


@dataclass(frozen=True, slots=True)
class Page:
    changes: list[dict[str, Any]]
    next: int
    more: bool


def changes_after(after: int, *, limit: int) -> Page:
    """The sealed changes behind an index, at most `limit` places of the log."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, {"after": after, "limit": limit + 1})
        rows = cursor.fetchall()
    if not rows and after > highest_index():
        raise BeyondTheLogError
    shown = rows[:limit]
    return Page(
        changes=[change(row) for row in shown if row[1] is not None],
        next=shown[-1][0] if shown else after,
        more=len(rows) > limit,
    )


def change(row: tuple[Any, ...]) -> dict[str, Any]:
    index, person, number, topic, state, paused_until, at, source = row
    return {
        "index": index,
        "customer": person,
        "customer_number": number,
        "topic": topic,
        "state": state,
        "paused_until": paused_until,
        "at": at,
        "source": source,
    }


def highest_index() -> int:
    highest = Leaf.objects.aggregate(highest=Max("index"))["highest"]
    return FROM_THE_START if highest is None else int(highest)
