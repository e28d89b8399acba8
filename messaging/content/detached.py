"""A customer's messages in months that no table shows: detached at night, and not dropped yet.

A run that was cut short, or waits for a lock, leaves one for a night, and a legal hold may bring it
back. The web process has no right on a month itself: functions of the database look there, for the
tenant of the transaction alone (migration 0012).
"""

import uuid
from collections.abc import Iterable

from django.db import connection

from foundation.ids import uuid7_floor
from messaging.content.querysets import MessageFilter


def find_messages(wanted: MessageFilter, *, limit: int) -> dict[uuid.UUID, str]:
    """About so many that the filter means, with the platform's numbers. Inside `as_tenant`.

    None by words: what a message said is dropped years before its record, so it matches none.
    """
    if wanted.words:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, message_id FROM messaging_find_detached(%s, %s, %s, %s, %s)",
            [
                wanted.since and uuid7_floor(wanted.since),
                wanted.before and uuid7_floor(wanted.before),
                wanted.newest,
                wanted.status,
                limit,
            ],
        )
        return dict(cursor.fetchall())


def delete_messages(keys: Iterable[uuid.UUID]) -> None:
    """Records and contents with these keys. After those of the tables themselves: a month that is
    detached meanwhile waits for us, and one that is attached again for our transaction's end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT messaging_delete_detached(%s)", [list(keys)])
