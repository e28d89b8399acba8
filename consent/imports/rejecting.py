"""The file of rejected records, so that they can be put right and imported again."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from consent.imports.checking import Rejection
from consent.imports.columns import REMARKS, make_harmless
from consent.imports.reading import CustomerFile, UnusableFileError


class RejectedFile:
    def __init__(self, path: Path, file: CustomerFile) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        # A rejected file that was put right has our remarks in front; the new ones replace them.
        self.kept = [i for i, name in enumerate(file.header) if name not in REMARKS]
        self.header = [file.header[i] for i in self.kept]
        self.amended = file.amended
        self.width = len(file.header)
        self.count = 0

    @contextmanager
    def open(self) -> Iterator["RejectedFile"]:
        """Takes its place as a whole at the end; without a rejected record there is no file."""
        try:
            # Readable by its owner alone: it is about people.
            handle = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise UnusableFileError(
                f"{self.path} cannot be written ({(error.strerror or str(error)).lower()}); name "
                f"another place for rejected records with --rejected."
            ) from error
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
                self.writer = csv.writer(stream, lineterminator="\n")
                self.writer.writerow([*REMARKS, *self.header])
                yield self
                stream.flush()
                os.fsync(stream.fileno())
            if self.count:
                self.part.replace(self.path)
            else:
                self.path.unlink(missing_ok=True)
        finally:
            with suppress(FileNotFoundError):
                self.part.unlink()

    def write(self, rejection: Rejection) -> None:
        cells = rejection.record.cells
        original = [cells[i] for i in self.kept if i < len(cells)] + cells[self.width :]
        if not self.amended:  # there, what is a formula has its apostrophe already
            original = [make_harmless(cell) for cell in original]
        self.writer.writerow(
            [rejection.record.number, rejection.field, rejection.reason, *original]
        )
        self.count += 1
