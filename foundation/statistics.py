"""What PostgreSQL keeps of a column for its plans: common values and bounds, in `pg_statistic`.

They are copies of what stands in rows, and no row that goes takes them along. Columns that name
people or hold their words have none: `ANALYZE` passes over a column whose statistics target is 0.
Of those by which much is looked up it is told that hardly a value occurs twice, and no value.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection, migrations, transaction

# The parts of the table's indexes that are computed from one of the columns: `lower(email)` has
# statistics of its own, under the name of the index.
COMPUTED = """
SELECT DISTINCT i.indexrelid::regclass::text, a.attnum, a.attname
  FROM pg_index i
  JOIN pg_attribute a ON a.attrelid = i.indexrelid AND i.indkey[a.attnum - 1] = 0
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
  JOIN pg_attribute c ON c.attrelid = i.indrelid AND c.attnum = d.refobjsubid
 WHERE i.indrelid = %s::regclass AND c.attname = ANY (%s)
"""
PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"
CLEAR = """
SELECT pg_clear_attribute_stats('public', c.relname, a.attname, %s)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.oid = %s::regclass
"""
TELL = """
SELECT pg_restore_attribute_stats(
    'schemaname', 'public'::text, 'relname', %s::text, 'attname', %s::text, 'inherited', false,
    'null_frac', 0::real, 'avg_width', 16, 'n_distinct', -1::real)
"""
LEFT_OUT = """
SELECT attname FROM pg_attribute
 WHERE attrelid = %s::regclass AND attstattarget = 0 AND NOT attisdropped
"""


def keep_none(
    columns: Mapping[str, Iterable[str]], *, looked_up: Mapping[str, Iterable[str]]
) -> migrations.RunPython:
    """A migration step: no statistics of these columns from now on, and none of before.

    `looked_up` are those of them of which PostgreSQL shall know that hardly a value occurs twice.
    It waits for an `ANALYZE` or `VACUUM` under way; who reads or writes does not wait for it.
    """

    def forwards(apps: Any, schema_editor: Any) -> None:
        for table, names in columns.items():
            for relation in (table, *_partitions(table)):
                leave_out(relation, list(names))
        for table, names in looked_up.items():
            tell_distinct(table, list(names))

    def backwards(apps: Any, schema_editor: Any) -> None:
        for table, names in columns.items():
            for relation in (table, *_partitions(table)):
                leave_out(relation, list(names), target=-1)

    return migrations.RunPython(forwards, backwards)


@transaction.atomic
def leave_out(table: str, names: list[str], *, target: int = 0) -> None:
    """Of one table or partition, with what its indexes compute from the columns."""
    if not names:
        return
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        changes = ", ".join(f"ALTER {quote(name)} SET STATISTICS {target}" for name in names)
        cursor.execute(f"ALTER TABLE {quote(table)} {changes}")
        for name in names:
            _clear(table, name)
        cursor.execute(COMPUTED, [table, names])
        for index, number, name in cursor.fetchall():
            cursor.execute(f"ALTER INDEX {index} ALTER {number} SET STATISTICS {target}")
            _clear(index, name)


def tell_distinct(table: str, names: list[str]) -> None:
    """Else the planner takes a column for one of 200 values, and walks through whole lists."""
    with connection.cursor() as cursor:
        cursor.execute(COMPUTED, [table, names])
        computed = [(index, name) for index, _number, name in cursor.fetchall()]
        for place in [*((table, name) for name in names), *computed]:
            cursor.execute(TELL, place)


@transaction.atomic
def renew(relation: str, *, only: bool = False, looked_up: Iterable[str] = ()) -> None:
    """`ANALYZE`, and nothing of before is left: of a table that is empty by now it changes nothing.

    `only` is for a table by months, without its months.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLEAR, [only, relation])
        cursor.execute(f"ANALYZE {'ONLY ' if only else ''}{connection.ops.quote_name(relation)}")
    tell_distinct(relation, list(looked_up))


def left_out(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(LEFT_OUT, [table])
        return {name for (name,) in cursor.fetchall()}


def _partitions(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS, [table])
        return [name for (name,) in cursor.fetchall()]


def _clear(relation: str, column: str) -> None:
    """Of the rows of its own, and for a table by months of those of all months."""
    with connection.cursor() as cursor:
        for inherited in (False, True):
            cursor.execute(
                "SELECT pg_clear_attribute_stats('public', %s, %s, %s)",
                [relation, column, inherited],
            )
