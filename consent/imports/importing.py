"""One file from end to end: checked, sorted out and written, batch by batch.

Each batch is one transaction. Killed at any line, the import leaves whole batches behind; run
again, it finds those people here already and goes on.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched

from django.db import connection, transaction

from consent.imports.checking import Customer, Fault, Rejection, check_record
from consent.imports.columns import TOPICS
from consent.imports.duplicates import claims_kept, sort_out
from consent.imports.reading import CustomerFile, Record, UnusableFileError
from consent.imports.writing import Topics, write_batch

BATCH = 1000
LOCK = 0x494D504F5254  # "IMPORT": any number no other advisory lock uses


@dataclass(slots=True)
class Summary:
    new: int = 0
    known: int = 0
    suppressed: int = 0  # of the new ones
    stopped: int = 0  # a yes of somebody here that the file's newer no ended
    rejected: int = 0
    problems: Counter[str] = field(default_factory=Counter)


def import_customers(
    file: CustomerFile,
    *,
    now: datetime,
    reject: Callable[[Rejection], None],
    advance: Callable[[int], None],
    dry_run: bool = False,
) -> Summary:
    """Every record goes in, is here already, or is given to `reject`, in the order of the file."""
    summary = Summary()
    with _alone(), claims_kept():
        topics = Topics.read()
        if missing := sorted(set(TOPICS.values()) - set(topics.mail)):
            raise UnusableFileError(
                f"The portal has no topic {', '.join(missing)}; run `manage.py migrate` first."
            )
        for records in batched(file, BATCH):
            rejections = _import_batch(file, records, topics, summary, now=now, dry_run=dry_run)
            for rejection in sorted(rejections, key=lambda each: each.record.number):
                summary.rejected += 1
                summary.problems.update(f"{f.field}: {f.problem}" for f in rejection.faults)
                reject(rejection)
            advance(len(records))
    return summary


def _import_batch(
    file: CustomerFile,
    records: tuple[Record, ...],
    topics: Topics,
    summary: Summary,
    *,
    now: datetime,
    dry_run: bool,
) -> list[Rejection]:
    checked = [check_record(file, record, now) for record in records]
    rejections = [each for each in checked if isinstance(each, Rejection)]
    with transaction.atomic():
        found = sort_out([each for each in checked if isinstance(each, Customer)])
        if dry_run:
            lost = []
        else:
            written = write_batch(found.new, found.known, topics, now=now)
            lost = written.lost
            summary.suppressed += written.suppressed
            summary.stopped += written.stopped
    summary.new += len(found.new) - len(lost)
    summary.known += len(found.known)
    return [*rejections, *found.rejected, *map(_lost, lost)]


def _lost(customer: Customer) -> Rejection:
    fault = Fault(
        "user_id",
        "taken meanwhile",
        "Somebody took the customer number, e-mail address or user name while the import ran; run "
        "it again.",
    )
    return Rejection(customer.record, (fault,))


@contextmanager
def _alone() -> Iterator[None]:
    """Two imports at once would call each other's records duplicates."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if cursor.fetchone() != (True,):
            raise UnusableFileError("Another import is running; wait until it is done.")
    try:
        yield
    finally:
        if not connection.needs_rollback and connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
