"""What stands in every table, as one digest each."""

from django.db import connection

# Counters, sessions, and that staff looked, are what looking at a page may write.
MAY_CHANGE = {
    "clicksend_portal_pagecount",
    "accounts_session",
    "accounts_accessevent",
    "accounts_accessgrant",
    "accounts_lookup",
}


def digests() -> dict[str, str]:
    """A digest of the rows of each table, also of those that Django does not know."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition "
            "ORDER BY 1"
        )
        tables = [str(row[0]) for row in cursor.fetchall() if row[0] not in MAY_CHANGE]
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) "
                f'FROM "{table}" t'
                for table in tables
            )
        )
        return dict(cursor.fetchall())


def writes() -> int:
    """How many rows this transaction has written so far, taken back or not; asked in no time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) "
            "FROM pg_stat_xact_user_tables WHERE relname <> ALL (%s)",
            [sorted(MAY_CHANGE)],
        )
        return int(cursor.fetchone()[0])


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(table for table in after if after[table] != before.get(table))
