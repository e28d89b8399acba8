"""Looking for a value in every table of the database, whatever its columns are called."""

from django.db import connection

from foundation.roles import OWNER, as_role


def tables_with(value: str) -> dict[str, int]:
    """Rows whose text holds the value in any case, by table; partitions are read by their table."""
    found = {}
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND relkind IN ('r', 'p') AND NOT relispartition"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" AS t '
                "WHERE position(lower(%s) IN lower(t::text)) > 0",
                [value],
            )
            if number := cursor.fetchone()[0]:
                found[table] = number
    return found
