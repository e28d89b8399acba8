"""Reading what an archive holds, some rows at a time, each time as their owner.

Each page is a transaction of its own, found by the key of the last: nothing is kept open while the
archive is written, and the memory needed is that of one page, however many there are.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from operator import itemgetter
from typing import Any

from consent.models import Topic
from foundation.tenants import as_tenant
from retention.entries import Entry
from retention.exporting.tables import Row, Table, TopicNames, columns_of
from retention.finding import models_with_rows
from retention.holdings import PIECES
from retention.schedule import ENTRIES, model_of, personal_entries
from retention.whose import Person, rows_shown


def count_rows(tables: Iterable[Table], person: Person) -> dict[str, int]:
    """By class."""
    entries = [entry for table in tables for entry in table.entries]
    with as_tenant(person.id):
        return {each.model: rows_shown(each, person).order_by().count() for each in entries}


def held_apart(person: Person) -> list[Entry]:
    """The classes of which there is something, and no file: the archive names them."""
    apart = [each for each in personal_entries() if not each.exported and each.model not in PIECES]
    with as_tenant(person.id):
        present = models_with_rows(person, [entry.model for entry in apart])
    return [entry for entry in apart if entry.model in present]


def topic_names() -> TopicNames:
    return {topic.pk: (topic.slug, topic.name) for topic in Topic.objects.with_wording()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows in the names of the file, and the key of the last."""

    rows: list[Row]
    last: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads what is one person's, `size` rows at a time."""

    person: Person
    size: int
    topics: TopicNames = field(default_factory=topic_names)

    def read_twice(self, table: Table, *, count: int) -> Callable[[str], Iterable[Page]]:
        """For a table's two files, from behind a key or '': what fits one page is read once, more
        of it anew each time."""
        if count > self.size:
            return lambda after: self.pages(table, after)
        pages: list[Page] = []

        def read(after: str) -> Iterable[Page]:
            if after:
                return self.pages(table, after)
            if not pages:
                pages.extend(self.pages(table, ""))
            return pages

        return read

    def pages(self, table: Table, after: str) -> Iterator[Page]:
        """The rows of a table; where it has two classes, joined by their key."""
        streams = [self.pages_of(entry, after) for entry in table.entries]
        if len(streams) == 1:
            yield from streams[0]
            return
        by_key = itemgetter("id")
        rows = merge(
            *(itertools.chain.from_iterable(page.rows for page in stream) for stream in streams),
            key=by_key,
        )
        joined = (
            {name: value for row in same for name, value in row.items()}
            for _key, same in itertools.groupby(rows, key=by_key)
        )
        for some in itertools.batched(joined, self.size):
            yield Page(rows=list(some), last=some[-1]["id"])

    def pages_of(self, entry: Entry, after: str) -> Iterator[Page]:
        columns = columns_of(entry)
        rows = rows_shown(entry, self.person).order_by("pk")
        last: Any = model_of(entry)._meta.pk.to_python(after) if after else None
        while True:
            with as_tenant(self.person.id):
                rest = rows if last is None else rows.filter(pk__gt=last)
                page: list[Row] = list(rest.values("pk", *columns)[: self.size])
            if page:
                last = page[-1]["pk"]
                told = [readable(row, columns, self.topics) for row in page]
                yield Page(rows=told, last=last)
            if len(page) < self.size:
                return


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
