"""Reading the CSV file: as a whole before anything is written, then record by record."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from consent.imports.columns import COLUMNS, REMARKS, restore


class UnusableFileError(Exception):
    """Why nothing of this file can be imported, in one sentence for the operator."""


class Record(NamedTuple):
    number: int  # counts records, the header is 1
    cells: list[str]


class CustomerFile:
    """A file whose encoding, quoting and header are known to be good to its end.

    It is read twice: a fault that only shows at the end must not be found after half the file has
    been imported. Nothing of it is kept in memory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._records() as records:
            first = next(records, None)
            if first is None:
                raise UnusableFileError(f"{path.name} is empty; export the customers again.")
            self.header = [name.strip(" ") for name in first.cells]
            check_header(self.header, path.name)
            self.count = sum(1 for _ in records)
        self.order = [self.header.index(name) for name in COLUMNS]
        self.amended = any(name in REMARKS for name in self.header)

    def __iter__(self) -> Iterator[Record]:
        """Every record after the header, with its cells as they stand in the file."""
        with self._records() as records:
            next(records, None)
            yield from records

    def values(self, record: Record) -> dict[str, str]:
        """The record by column; its number of cells is known to be right."""
        clean = restore if self.amended else str
        return {
            name: clean(record.cells[index]).strip(" ")
            for name, index in zip(COLUMNS, self.order, strict=True)
        }

    @contextmanager
    def _records(self) -> Iterator[Iterator[Record]]:
        """Rows as a spreadsheet counts them; empty ones are counted and left out."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                yield (Record(n, cells) for n, cells in enumerate(reader, 1) if cells)
        except OSError as error:
            raise UnusableFileError(
                f"{self.path} cannot be read: {(error.strerror or str(error)).lower()}."
            ) from error
        except UnicodeDecodeError as error:
            raise UnusableFileError(
                f"{self.path.name} is not UTF-8 (line {first_bad_line(self.path)}); save it as "
                f"CSV in UTF-8 and import it again."
            ) from error
        except csv.Error as error:
            raise UnusableFileError(
                f"{self.path.name} is not CSV up to its end (line {reader.line_num}: {error}); put "
                f"the quotation marks right and import it again."
            ) from error


def first_bad_line(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):  # noqa: B007 - the line the loop stopped at
            try:
                line.decode()
            except UnicodeDecodeError:
                break
    return number


def check_header(header: list[str], name: str) -> None:
    """Order is free, names are not: a column nobody asked for may hold what we must not store."""
    known = (*COLUMNS, *REMARKS)
    wrong = {
        "lacks": [column for column in COLUMNS if column not in header],
        "has the unknown": [column for column in header if column not in known],
        "repeats": [column for column in COLUMNS if header.count(column) > 1],
    }
    said = [f"{verb} {', '.join(map(repr, names))}" for verb, names in wrong.items() if names]
    if said:
        raise UnusableFileError(
            f"The header of {name} {' and '.join(said)}; the first record names the columns, with "
            f"a comma between them."
        )
