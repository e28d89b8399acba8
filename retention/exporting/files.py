"""The two forms in which a table's rows stand in an archive: what is before, in and behind them."""

from typing import Final, Protocol

from retention.exporting.archive import csv_head, csv_lines, json_lines, json_text
from retention.exporting.tables import Row, Table


class Form(Protocol):
    """A file is its head, its pages, its tail; nothing of a page depends on those before it but
    whether there are any."""

    def name(self, table: Table) -> str: ...
    def head(self, table: Table) -> bytes: ...
    def page(self, table: Table, rows: list[Row], *, is_first: bool) -> bytes: ...
    def tail(self, table: Table, *, is_empty: bool) -> bytes: ...


class CSV:
    def name(self, table: Table) -> str:
        return table.csv_name

    def head(self, table: Table) -> bytes:
        return csv_head(table.headers)

    def page(self, table: Table, rows: list[Row], *, is_first: bool) -> bytes:
        return csv_lines(rows, table.headers)

    def tail(self, table: Table, *, is_empty: bool) -> bytes:
        return b""


class JSON:
    """A row a line, or for few rows one list of them."""

    def name(self, table: Table) -> str:
        return table.json_name

    def head(self, table: Table) -> bytes:
        return b"" if table.is_bulk else b"["

    def page(self, table: Table, rows: list[Row], *, is_first: bool) -> bytes:
        if table.is_bulk:
            return json_lines(rows)
        return (b"\n" if is_first else b",\n") + b",\n".join(
            json_text(row).encode() for row in rows
        )

    def tail(self, table: Table, *, is_empty: bool) -> bytes:
        if table.is_bulk:
            return b""
        return b"]\n" if is_empty else b"\n]\n"


FORMS: Final[tuple[Form, ...]] = (CSV(), JSON())
