"""`manage.py import_customers FILE [--dry-run]`"""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from consent.imports.checking import Rejection
from consent.imports.importing import Summary, import_customers
from consent.imports.reading import CustomerFile, UnusableFileError
from consent.imports.rejecting import RejectedFile

UNUSABLE = 2
SOME_REJECTED = 1


class Command(BaseCommand):
    help = (
        "Import existing customers and their choices from the account system's CSV export. "
        "Bad records go to FILE.rejected.csv. Exit status: 0 all in, 1 some rejected, 2 the file "
        "cannot be used and nothing was changed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--dry-run", action="store_true", help="check and report, write nothing at all"
        )
        place = parser.add_mutually_exclusive_group()
        place.add_argument(
            "--rejected",
            type=Path,
            metavar="FILE",
            help="where rejected records go; by default FILE.rejected.csv beside the file",
        )
        place.add_argument(
            "--no-rejected-file",
            action="store_true",
            help="count rejected records and why, and write none of them down",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        path: Path = options["file"]
        rejected = options["rejected"] or path.with_name(f"{path.name}.rejected.csv")
        if options["no_rejected_file"]:
            rejected = None
        started = time.monotonic()
        try:
            file = CustomerFile(path)
            summary = self._dry_run(file) if options["dry_run"] else self._run(file, rejected)
        except UnusableFileError as error:
            raise CommandError(str(error), returncode=UNUSABLE) from error
        self._report(summary, file.count, time.monotonic() - started, dry=options["dry_run"])
        if summary.rejected:
            if rejected is not None and not options["dry_run"]:
                self.stdout.write(f"Rejected records: {rejected}")
            raise SystemExit(SOME_REJECTED)

    def _run(self, file: CustomerFile, rejected: Path | None) -> Summary:
        with ExitStack() as stack:
            reject: Callable[[Rejection], None] = forget
            if rejected is not None:
                reject = stack.enter_context(RejectedFile(rejected, file).open()).write
            advance = stack.enter_context(progress(file.count))
            return import_customers(file, now=timezone.now(), reject=reject, advance=advance)

    def _dry_run(self, file: CustomerFile) -> Summary:
        with progress(file.count) as advance:
            return import_customers(
                file, now=timezone.now(), reject=self._tell, advance=advance, dry_run=True
            )

    def _tell(self, rejection: Rejection) -> None:
        self.stdout.write(
            f"Record {rejection.record.number}, {rejection.field}: {rejection.reason}"
        )

    def _report(self, summary: Summary, count: int, seconds: float, *, dry: bool) -> None:
        lines = [
            f"{summary.new:,} {'would come in' if dry else 'in'}",
            f"{summary.known:,} already here, profile untouched",
            f"{summary.rejected:,} rejected",
            *(f"    {number:,} × {problem}" for problem, number in summary.problems.most_common()),
        ]
        if summary.suppressed:
            lines.append(
                f"{summary.suppressed:,} of those in are on the suppression list; no yes of theirs "
                f"was taken over"
            )
        if summary.stopped:
            lines.append(f"{summary.stopped:,} standing yes ended by a newer no of the file")
        lines.append(f"{count / max(seconds, 0.001):,.0f} records/s")
        self.stdout.write("\n".join(lines))


def forget(_rejection: Rejection) -> None:
    """It is counted; a file of it would be a copy of people's data that nothing deletes."""


@contextmanager
def progress(count: int) -> Iterator[Any]:
    """A bar for people; for a log a line every few seconds."""
    if sys.stderr.isatty():
        columns = (
            TextColumn("Importing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("import", total=count)
            yield lambda number: bar.advance(task, number)
    else:
        yield Lines(count).advance


class Lines:
    EVERY = 5.0  # seconds

    def __init__(self, count: int) -> None:
        self.count = count
        self.done = 0
        self.said_at = time.monotonic()

    def advance(self, number: int) -> None:
        self.done += number
        if time.monotonic() - self.said_at >= self.EVERY:
            self.said_at = time.monotonic()
            sys.stderr.write(f"{self.done:,} of {self.count:,} records\n")
