"""A statement of a hot path, prepared once per connection and sent without a cursor.

psycopg's cursor spends three times libpq's CPU on a statement of a dozen parameters: it converts
the query, looks up dumpers, steps through generators. Here parameters are in PostgreSQL's text form
already, and the statement is one call of libpq, which lets other threads run while it waits.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import errors, pq

type Parameters = Sequence[str | None]


class PreparedStatement:
    """`name` is what connections know it by; parameters are `$1`, `$2`… of `statement`.

    For statements that may be said twice: a connection that turns out to be dead, as each is after
    a restart of the database, is replaced and asked again.
    """

    def __init__(self, name: str, statement: str) -> None:
        self.name = name.encode()
        self.mark = f"_portal_has_{name}"
        self.statement = statement

    def fetch_column(self, connection: BaseDatabaseWrapper, parameters: Parameters) -> list[str]:
        """The first column of every row, as text."""
        connection.ensure_connection()
        if not connection.get_autocommit():
            return self._within_transaction(connection, parameters)
        try:
            with connection.wrap_database_errors:
                return self._send(connection.connection, parameters)
        except DatabaseError:
            if connection.is_usable():
                raise
        connection.close()
        connection.ensure_connection()
        with connection.wrap_database_errors:
            return self._send(connection.connection, parameters)

    def _within_transaction(
        self, connection: BaseDatabaseWrapper, parameters: Parameters
    ) -> list[str]:
        """By a cursor: only with its own first statement does psycopg begin the transaction."""
        with connection.wrap_database_errors, psycopg.RawCursor(connection.connection) as cursor:
            cursor.execute(self.statement, parameters, prepare=True)
            return [str(row[0]) for row in cursor.fetchall()]

    def _send(self, driver: Any, parameters: Parameters) -> list[str]:
        encoded = [None if each is None else each.encode() for each in parameters]
        if not hasattr(driver, self.mark):
            self._prepare(driver)
        try:
            result = answered(driver.pgconn.exec_prepared(self.name, encoded))
        except errors.InvalidSqlStatementName:
            # After a rollback psycopg lets go of every statement of the connection, ours as well.
            self._prepare(driver)
            result = answered(driver.pgconn.exec_prepared(self.name, encoded))
        return [result.get_value(row, 0).decode() for row in range(result.ntuples)]

    def _prepare(self, driver: Any) -> None:
        answered(driver.pgconn.prepare(self.name, self.statement.encode()))
        setattr(driver, self.mark, True)


def answered(result: Any) -> Any:
    """The result, or the server's error as psycopg would raise it."""
    if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        raise errors.error_from_result(result)
    return result
