"""Whose content a transaction works for: PostgreSQL shows it that customer's rows and no other's.

Row-level security backs the scoping of the querysets (`content-private`): a request that forgot to
filter, or that said nothing, sees nothing of anybody.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from foundation.roles import APP, KEEPER

# The tenant of this transaction: '' where none was said, or once that transaction is over.
_TENANT = "(SELECT NULLIF(current_setting('portal.tenant', true), '')::uuid)"


@contextmanager
def as_tenant(customer_id: uuid.UUID) -> Iterator[None]:
    """Everything inside is one transaction and reads and writes this customer's content only.

    Inside another transaction the tenant from before is back at the end.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('portal.tenant', true), set_config('portal.tenant', %s, true)",
            [str(customer_id)],
        )
        before = cursor.fetchone()[0] or ""
        yield
        cursor.execute("SELECT set_config('portal.tenant', %s, true)", [before])


def protect(table: str, *, column: str = "customer_id") -> str:
    """SQL that shuts a table to all but its tenants, and leaves it open to the keeper.

    For a migration; the owner of the table is not bound by it.
    """
    return f"""
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON {table} FOR ALL TO {APP}
        USING ({column} = {_TENANT}) WITH CHECK ({column} = {_TENANT});
    CREATE POLICY keeper ON {table} FOR ALL TO {KEEPER} USING (true) WITH CHECK (true);
    """
