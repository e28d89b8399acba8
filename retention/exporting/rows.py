"""Reading what an archive holds, some rows at a time, each time as their owner.

Each page is a transaction of its own, found by the key of the last: nothing is kept open while the
archive is written, and the memory needed is that of one page, however many there are.
"""

import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from heapq import merge
from operator import itemgetter
from typing import Any

from consent.models import Topic
from foundation.tenants import as_tenant
from retention.entries import Entry
from retention.exporting.tables import Row, Table, TopicNames, columns_of
from retention.holdings import rows_about
from retention.schedule import ENTRIES


def count_rows(tables: Iterable[Table], person_id: uuid.UUID) -> dict[str, int]:
    """By class."""
    entries = [entry for table in tables for entry in table.entries]
    with as_tenant(person_id):
        return {each.model: rows_about(each, person_id).order_by().count() for each in entries}


def topic_names() -> TopicNames:
    return {topic.pk: (topic.slug, topic.name) for topic in Topic.objects.with_wording()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads what is one person's, `size` rows at a time."""

    person_id: uuid.UUID
    size: int
    topics: TopicNames = field(default_factory=topic_names)

    def read_twice(self, table: Table, *, count: int) -> Callable[[], Iterable[list[Row]]]:
        """For a table's two files: what fits one page is read once, more of it anew each time."""
        if count > self.size:
            return partial(self.pages, table)
        pages = list(self.pages(table))
        return lambda: pages

    def pages(self, table: Table) -> Iterator[list[Row]]:
        """The rows of a table; where it has two classes, joined by their key."""
        streams = [self.pages_of(entry) for entry in table.entries]
        if len(streams) == 1:
            yield from streams[0]
            return
        by_key = itemgetter("id")
        rows = merge(*(itertools.chain.from_iterable(stream) for stream in streams), key=by_key)
        joined = (
            {name: value for row in same for name, value in row.items()}
            for _key, same in itertools.groupby(rows, key=by_key)
        )
        for page in itertools.batched(joined, self.size):
            yield list(page)

    def pages_of(self, entry: Entry) -> Iterator[list[Row]]:
        columns = columns_of(entry)
        rows = rows_about(entry, self.person_id).order_by("pk")
        last: Any = None
        while True:
            with as_tenant(self.person_id):
                after = rows if last is None else rows.filter(pk__gt=last)
                page: list[Row] = list(after.values("pk", *columns)[: self.size])
            if page:
                yield [readable(row, columns, self.topics) for row in page]
            if len(page) < self.size:
                return
            last = page[-1]["pk"]


def readable(row: Row, columns: dict[str, str], topics: TopicNames) -> Row:
    """In the names of the file. A topic's key says nothing to a reader: its name is beside it."""
    found: Row = {}
    for column, header in columns.items():
        value = found[header] = row[column]
        if header == "topic_id":
            found["topic_slug"], found["topic_name"] = topics.get(value, (None, None))
    if {"model", "key", "row"} <= found.keys():
        found["row"] = shown_of_copy(found["model"], found["row"])
    return found


def shown_of_copy(model: str, copy: Row) -> Row:
    """Of a row held aside what the archive would show of it at its own place."""
    entry = ENTRIES.get(model)
    shown = set(columns_of(entry)) if entry else set()
    return {name: value for name, value in copy.items() if name in shown}
