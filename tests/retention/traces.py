"""Looking for a value in every table of the database, whatever its columns are called."""

from django.db import connection

from foundation.roles import OWNER, as_role


def tables_with(*values: str) -> dict[str, int]:
    """Rows that hold one of the values, by table; partitions are read by their table.

    Text is searched in any case; columns of bytes come out as hexadecimal, so the value's bytes
    are looked for as well.
    """
    wanted = [value.lower() for value in values] + [value.encode().hex() for value in values]
    found = {}
    with as_role(OWNER), connection.cursor() as cursor:
        for table in all_tables():
            cursor.execute(
                f'SELECT count(*) FROM (SELECT lower(t::text) AS said FROM "{table}" AS t) AS rows '
                "WHERE EXISTS (SELECT FROM unnest(%s::text[]) AS v WHERE position(v IN said) > 0)",
                [wanted],
            )
            if number := cursor.fetchone()[0]:
                found[table] = number
    return found


def all_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
        )
        return [name for (name,) in cursor.fetchall()]
