"""Database roles: who may do what is decided by PostgreSQL, not by manners.

`portal_owner` migrates, `portal_app` serves, `portal_sender` resolves audiences and sends,
`portal_keeper` drops and erases, `portal_reader` publishes. A process logs in as `portal`, a
member of all of them with no right of its own, and takes one role by connection option; larger
installations give each process a login that is a member of its role only.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection
from psycopg import sql

OWNER, APP, SENDER, KEEPER, READER = (
    "portal_owner",
    "portal_app",
    "portal_sender",
    "portal_keeper",
    "portal_reader",
)
ROLES = (OWNER, APP, SENDER, KEEPER, READER)
LOGIN = "portal"


def bootstrap(admin: psycopg.Connection, *, database: str = "portal") -> None:
    """Create roles and database once, as the server's administrator; safe to call again."""
    admin.autocommit = True
    known = {row[0] for row in admin.execute("SELECT rolname FROM pg_roles")}
    for role in (*ROLES, LOGIN):
        if role not in known:
            admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    # Owners of partitions must be reachable by migrations; flushing a test needs the same.
    admin.execute("GRANT portal_keeper TO portal_owner")
    admin.execute("ALTER ROLE portal_owner CREATEDB")
    admin.execute("ALTER ROLE portal LOGIN NOINHERIT CREATEDB")
    for role in ROLES:
        admin.execute(
            sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(
                sql.Identifier(role), sql.Identifier(LOGIN)
            )
        )
    if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER portal_owner").format(sql.Identifier(database))
        )


def prepare_database() -> None:
    """Default rights for every table migrations will make; runs as the owner before they do."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            GRANT USAGE ON SCHEMA public TO portal_app, portal_sender, portal_keeper, portal_reader;
            GRANT CREATE ON SCHEMA public TO portal_keeper;
            ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner IN SCHEMA public
                GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO portal_app, portal_keeper;
            ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner IN SCHEMA public
                GRANT MAINTAIN ON TABLES TO portal_keeper;
            ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner IN SCHEMA public
                GRANT USAGE, SELECT ON SEQUENCES TO portal_app, portal_keeper;
            ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner
                REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
            """
        )


@contextmanager
def as_role(role: str) -> Iterator[None]:
    """Do one thing under another role, then take the former one back.

    PostgreSQL refuses when the login is not a member of the role.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        former = cursor.fetchone()[0]
        cursor.execute(f"SET ROLE {connection.ops.quote_name(role)}")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"SET ROLE {connection.ops.quote_name(former)}")
        else:
            connection.close()
