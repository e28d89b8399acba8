"""Where a journal lies: what both kinds of store can do, and what may go wrong with either."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from django.conf import settings

from retention.journal.record import Entry, Record, Tail


class JournalUnreachableError(Exception):
    """The store does not answer, or cannot be written to."""


class JournalDamagedError(Exception):
    """What stands there is no journal of ours: a record cannot be read or is out of order."""


class JournalMovedError(Exception):
    """Somebody else has written since the tail the writer knew; whoever writes looks anew."""


class Journal(Protocol):
    def tail(self) -> Tail:
        """The last whole record; `START` where there is none."""

    def at(self, position: int) -> Record | None: ...

    def read(self, *, after: int) -> Iterator[Record]:
        """Every later record that has not left, in order, without holding them all."""

    def append(self, entries: Sequence[Entry], *, after: Tail) -> Tail:
        """Once it returns they are on the disk. Each is written whole or not at all.

        Raises `JournalMovedError` unless the journal ends at `after`: so a writer can neither pass
        over what another wrote nor begin a new journal where one was lost.
        """

    def floor(self) -> Tail:
        """The last record that has left, with the chain there; `START` while nothing has."""

    def checkpoint(self) -> Record | None:
        """The record that says what has left; it stands in the chain as well."""

    def kept(self) -> Iterator[Record]:
        """What stays of the years that left, in order: single records, with gaps between them."""

    def let_go(self, checkpoint: Record) -> None:
        """Remove every record up to the one the checkpoint names, but of the kinds that stay.

        The checkpoint must be in the journal. May be killed at any line and done again.
        """

    def put_aside(self) -> str:
        """Keep what is there under another name, which is returned; '' when nothing is there."""


def open_journal() -> Journal:
    """The journal that `JOURNAL_URL` names."""
    return _opened(settings.JOURNAL_URL)


@cache
def _opened(url: str) -> Journal:
    parts = urlsplit(url)
    if parts.scheme == "file":
        from retention.journal.file import FileJournal

        return FileJournal(Path(unquote(parts.path)))
    from retention.journal.database import DatabaseJournal

    return DatabaseJournal(url)
