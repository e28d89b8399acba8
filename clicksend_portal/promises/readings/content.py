"""Who can read what customers keep with us of their own: the database's catalogue is asked."""

from datetime import datetime

from django.utils.html import format_html
from django.utils.translation import gettext as _

from clicksend_portal.promises.promise import Finding, Value
from clicksend_portal.promises.readings import all_rows
from foundation.roles import APP, READER, SENDER
from retention.entries import DataClass
from retention.schedule import entries_of, model_of

# Of each table: whether its rows are shown to their tenant alone, whether a month of it can be
# read past that, and whether the role that sends, or the one that publishes, can read of it at all.
RIGHTS = """
SELECT c.relrowsecurity AND NOT EXISTS (
           SELECT FROM pg_policy p
            WHERE p.polrelid = c.oid AND p.polcmd IN ('r', '*')
              AND p.polroles && ARRAY[0::oid, %(app)s::regrole::oid]
              AND pg_get_expr(p.polqual, p.polrelid) NOT LIKE '%%portal.tenant%%'),
       EXISTS (
           SELECT FROM pg_inherits i
            WHERE i.inhparent = c.oid
              AND has_any_column_privilege(%(app)s::name, i.inhrelid, 'SELECT')),
       has_any_column_privilege(%(sender)s::name, c.oid, 'SELECT'),
       has_any_column_privilege(%(reader)s::name, c.oid, 'SELECT')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relname = ANY(%(tables)s)
"""


def rights() -> list[tuple[bool, bool, bool, bool]]:
    """For each table of customers' content: apart, by months, to the sender, to the publisher."""
    tables = [model_of(entry)._meta.db_table for entry in entries_of(DataClass.CONTENT)]
    roles = {"app": APP, "sender": SENDER, "reader": READER}
    return all_rows(RIGHTS, roles | {"tables": tables})


def read_content_private(now: datetime) -> Finding:
    """`content-private`: every table hands out one customer's rows at a time, to that customer."""
    found = rights()
    apart = sum(tenant and not by_month for tenant, by_month, _sender, _reader in found)
    others = sum(sender or reader for _tenant, _month, sender, reader in found)
    return Finding(
        holds=bool(found) and apart == len(found) and not others,
        value={"tables": len(found), "apart": apart, "others": others},
    )


def tell_content_private(value: Value) -> str:
    return format_html(
        _(
            "Of {tables} tables with customers' content the database hands out <b>{apart}</b> one "
            "customer at a time; what sends our mail and what publishes figures can read "
            "<b>{others}</b>."
        ),
        tables=value["tables"],
        apart=value["apart"],
        others=value["others"],
    )


def read_lists_untouched(now: datetime) -> Finding:
    """`lists-untouched`: the role that sends our own mail has no right to read any of it."""
    found = rights()
    readable = sum(sender for _tenant, _month, sender, _reader in found)
    return Finding(
        holds=bool(found) and not readable, value={"tables": len(found), "readable": readable}
    )


def tell_lists_untouched(value: Value) -> str:
    return format_html(
        _(
            "What sends our mail can read <b>{readable}</b> of {tables} tables with customers' "
            "lists, messages and reports."
        ),
        readable=value["readable"],
        tables=value["tables"],
    )
