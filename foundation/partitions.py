"""Monthly range partitions on a UUIDv7 key: Django keeps one key, months drop as a whole."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db import OperationalError, connection, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models import Field
from psycopg.errors import LockNotAvailable

from foundation.calendar import month_start, months_later
from foundation.ids import uuid7_floor
from foundation.roles import APP, KEEPER
from foundation.statistics import leave_out, left_out

MONTHS_AHEAD = 12
# A migration waits this long for a lock of a table in use, and half a minute in all.
LOCK_MILLISECONDS = 300
LOCK_ATTEMPTS = 50


class CreatePartitionedModel(migrations.CreateModel):
    """`CreateModel`, as a table partitioned by range on its key and owned by the keeper."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        statement, params = schema_editor.table_sql(model)
        schema_editor.execute(f"{statement} PARTITION BY RANGE (id)", params or None)
        schema_editor.deferred_sql.extend(
            schema_editor._model_indexes_sql(model)  # type: ignore[attr-defined]
        )
        table = schema_editor.quote_name(model._meta.db_table)
        schema_editor.execute(f"ALTER TABLE {table} OWNER TO {KEEPER}")
        schema_editor.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO portal_app, portal_owner"
        )


class AddIndexByMonth(migrations.AddIndex):
    """`AddIndex` on a partitioned table in use: each month by itself, while rows are written.

    Only the empty index of the whole is made under a lock of the table, in a moment. Every step
    looks at what is there, so after a kill it goes on. For migrations that are not atomic.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        quote = schema_editor.quote_name
        table, name = model._meta.db_table, str(self.index.name)
        begins = f"CREATE INDEX {quote(name)} ON {quote(table)} "
        statement = str(self.index.create_sql(model, schema_editor))
        assert statement.startswith(begins), statement
        what = statement.removeprefix(begins)
        _patiently(f"CREATE INDEX IF NOT EXISTS {quote(name)} ON ONLY {quote(table)} {what}")
        for partition in existing_partitions(table):
            if _has_index(partition, name):
                continue
            own = f"{name}{partition.removeprefix(table)}"
            with connection.cursor() as cursor:
                # What a killed run left half built.
                cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quote(own)}")
                cursor.execute(f"CREATE INDEX CONCURRENTLY {quote(own)} ON {partition} {what}")
            _patiently(f"ALTER INDEX {quote(name)} ATTACH PARTITION {quote(own)}")


class DropIndexSoon(migrations.RemoveIndex):
    """`RemoveIndex` on a partitioned table in use, which needs it alone for a moment."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        _patiently(f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.name)}")


class AddEmptyFieldSoon(migrations.AddField):
    """`AddField` of a column that is empty in every row there is, on a table in use; twice is once.

    For migrations that are not atomic: they go on where they were killed.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        field = model._meta.get_field(self.name)
        assert isinstance(field, Field)
        assert field.column
        assert field.null
        assert not field.has_default()
        quote = schema_editor.quote_name
        _patiently(
            f"ALTER TABLE {quote(model._meta.db_table)} ADD COLUMN IF NOT EXISTS "
            f"{quote(field.column)} {field.db_type(connection)}"
        )


def _has_index(partition: str, name: str) -> bool:
    """Whether it has its part of that index; a month made meanwhile has from the start."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_inherits h JOIN pg_index i ON i.indexrelid = h.inhrelid "
            "WHERE h.inhparent = %s::regclass AND i.indrelid = %s::regclass)",
            [name, partition],
        )
        return bool(cursor.fetchone()[0])


def _patiently(statement: str) -> None:
    """Try again and again for the lock, each time so briefly that nobody behind it waits long."""
    for left in reversed(range(LOCK_ATTEMPTS)):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'")
                cursor.execute(statement)
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable) or not left:
                raise
            time.sleep(LOCK_MILLISECONDS / 1000)


def partition_name(table: str, month: datetime) -> str:
    """`<table>_y2026m11`."""
    return f"{table}_y{month:%Y}m{month:%m}"


def ensure_partitions(table: str, first: date, last: date) -> int:
    """Create the missing monthly partitions from `first`'s month to `last`'s; how many were made.

    Runs as the keeper, who owns the table. Two at once: the second waits and makes what is left.
    """
    made = 0
    month = month_start(first)
    quote = connection.ops.quote_name
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('months'), hashtext(%s))", [table])
        existing = existing_partitions(table)
        while month <= month_start(last):
            following = months_later(month, 1)
            name = partition_name(table, month)
            if name not in existing:
                # Made apart and then attached, which lets writers be: made as a part of the
                # table it would need the table alone, and everybody wait behind a long reader.
                cursor.execute(
                    f"CREATE TABLE IF NOT EXISTS {quote(name)} "
                    f"(LIKE {quote(table)} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
                    f"{storage_of(existing)}"
                )
                cursor.execute(f"ALTER TABLE {quote(name)} OWNER TO {KEEPER}")
                # Rows are reached through the table; a month by itself may only be looked at, and
                # not at all where row-level security guards the table: it does not guard a month.
                cursor.execute(f"REVOKE ALL ON {quote(name)} FROM {APP}")
                if not is_guarded(table):
                    cursor.execute(f"GRANT SELECT ON {quote(name)} TO {APP}")
                cursor.execute(
                    f"ALTER TABLE {quote(table)} ATTACH PARTITION {quote(name)} "
                    f"FOR VALUES FROM ('{uuid7_floor(month)}') TO ('{uuid7_floor(following)}')"
                )
                leave_out(name, sorted(left_out(table)))  # which neither LIKE nor ATTACH carries
                made += 1
            month = following
    return made


def is_guarded(table: str) -> bool:
    """Whether row-level security decides who sees which of its rows (`foundation.tenants`)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", [table])
        return bool(cursor.fetchone()[0])


def storage_of(partitions: Sequence[str]) -> str:
    """The newest partition's storage parameters, for the next one: the table itself has none."""
    if not partitions:
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = %s::regclass",
            [partitions[-1]],
        )
        options = cursor.fetchone()[0]
    return f" WITH ({options})" if options else ""


def existing_partitions(table: str) -> Sequence[str]:
    """Names of the table's attached partitions, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = %s::regclass AND NOT inhdetachpending ORDER BY 1",
            [table],
        )
        return [str(row[0]) for row in cursor.fetchall()]


def months_left(table: str, now: datetime) -> int:
    """How many whole months after the current one already have their partition."""
    names = set(existing_partitions(table))
    left = 0
    while partition_name(table, months_later(month_start(now), left + 1)) in names:
        left += 1
    return left


def forwards(table: str) -> Any:
    """A migration step that gives a new table this month's partition and those ahead."""

    def make(apps: Any, schema_editor: Any) -> None:
        today = datetime.now(UTC)
        ensure_partitions(table, months_later(today, -1), months_later(today, MONTHS_AHEAD))

    return make
