"""What the database's own catalogue says: which columns exist, and who may read them."""

import re
from datetime import datetime

from django.utils.html import format_html
from django.utils.translation import gettext as _

from clicksend_portal.models import PageCount
from clicksend_portal.promises.promise import Finding, Value
from clicksend_portal.promises.readings import all_rows

ADDRESS_TYPES = ("inet", "cidr")
# `ip`, `client_ip`, `ip_address`, `remote_addr`, but not `zip` or `description`.
ADDRESS_NAME = re.compile(r"(^|_)ip(v?[46])?($|_)|ipaddr|(^|_)remote_(addr|host)($|_)")

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'm', 'v') AND NOT c.relispartition
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY c.relname, a.attnum
"""


def address_columns(columns: list[tuple[str, str, str]]) -> list[str]:
    """The columns that could hold an IP address, by their type or their name."""
    return [
        f"{table}.{column}"
        for table, column, kind in columns
        if kind.removesuffix("[]") in ADDRESS_TYPES or ADDRESS_NAME.search(column.lower())
    ]


def read_ip_apart(now: datetime) -> Finding:
    """`ip-apart`: no table of the portal has a place for an IP address."""
    columns = [(str(t), str(c), str(k)) for t, c, k in all_rows(COLUMNS)]
    found = address_columns(columns)
    return Finding(
        holds=not found,
        value={
            "tables": len({table for table, *_rest in columns}),
            "columns": len(columns),
            "found": found,
        },
    )


def tell_ip_apart(value: Value) -> str:
    return format_html(
        _("<b>{columns}</b> columns in {tables} tables seen, <b>{found}</b> for IP addresses."),
        columns=value["columns"],
        tables=value["tables"],
        found=len(value["found"]),
    )


def read_page_counts(now: datetime) -> Finding:
    """`pages-not-people`: the counter's table has a page, a day and a number, and no more."""
    table = PageCount._meta.db_table
    columns = [str(column) for name, column, _kind in all_rows(COLUMNS) if name == table]
    return Finding(holds=set(columns) == {"id", "page", "day", "views"}, value={"columns": columns})


def tell_page_counts(value: Value) -> str:
    kept = [column for column in value["columns"] if column != "id"]
    return format_html(_("All that is kept of a visit: <b>{columns}</b>."), columns=", ".join(kept))
