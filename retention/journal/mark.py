"""The mark: how far this database knows the journal. It only ever moves on."""

import hashlib
import json
from dataclasses import dataclass

from django.db import connection

from retention.journal.record import START, Entry, Record, Tail
from retention.models import JournalMark

_MOVE = """
INSERT INTO retention_journalmark AS m (id, position, chain, leaves, head, topics, retired, holds)
VALUES (1, %(position)s, %(chain)s, %(leaves)s, %(head)s, %(topics)s, %(retired)s, %(holds)s)
ON CONFLICT (id) DO UPDATE
   SET position = excluded.position, chain = excluded.chain, moved_at = statement_timestamp(),
       leaves = GREATEST(m.leaves, excluded.leaves), head = GREATEST(m.head, excluded.head),
       topics = GREATEST(m.topics, excluded.topics),
       retired = GREATEST(m.retired, excluded.retired),
       holds = CASE excluded.holds WHEN '' THEN m.holds ELSE excluded.holds END
 WHERE m.position < excluded.position
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    tail: Tail = START
    leaves: int = 0
    head: int = 0
    topics: int = 0
    retired: int = 0
    holds: bytes = b""


def current_mark() -> Mark:
    row = JournalMark.objects.first()
    if row is None:
        return Mark()
    tail = Tail(row.position, bytes(row.chain))
    return Mark(
        tail=tail,
        leaves=row.leaves,
        head=row.head,
        topics=row.topics,
        retired=row.retired,
        holds=bytes(row.holds),
    )


def move_mark(record: Record) -> Mark:
    """The database knows this record now; whoever comes later moves nothing back."""
    entry = record.entry
    leaves = entry["first"] + len(entry["leaves"]) if entry["kind"] == "leaves" else 0
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVE,
            {
                "position": record.position,
                "chain": record.chain,
                "leaves": leaves,
                "head": entry["size"] if entry["kind"] == "head" else 0,
                "topics": entry["highest"] if entry["kind"] == "topics" else 0,
                "retired": len(entry["retired"]) if entry["kind"] == "topics" else 0,
                "holds": state_of_holds(entry) if entry["kind"] == "holds" else b"",
            },
        )
    return current_mark()


def begin_mark(tail: Tail) -> None:
    """The journal was begun anew: of what the log holds, nothing stands in it yet."""
    JournalMark.objects.update_or_create(
        id=JournalMark.THE_ONE,
        defaults={
            "position": tail.position,
            "chain": tail.chain,
            **dict.fromkeys(("leaves", "head", "topics", "retired"), 0),
            "holds": b"",
        },
    )


def state_of_holds(entry: Entry) -> bytes:
    """Another one whenever a hold is placed, approved, put off or released: nothing else of it
    can change. Of no key, so a new one makes no new record."""
    said = [
        [[each["id"], each["review"], each["approved"]] for each in entry["standing"]],
        [each["id"] for each in entry["released"]],
    ]
    return hashlib.sha256(json.dumps(said).encode()).digest()
