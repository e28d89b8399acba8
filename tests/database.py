"""Test databases: migrated once, then copied for every process in a moment.

The template's name is a digest of what makes the schema, so a changed migration makes a new one.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import sql

from foundation.roles import OWNER
from tests.services import ADMIN_URL, FOLDER, process_name

SOURCES = (
    "*/migrations/*.py",
    "foundation/*.py",
    "*/roles.py",
    "clicksend_portal/management/commands/migrate.py",
    "requirements.txt",
)
TEMPLATE = "template_portal_"


@contextmanager
def test_database() -> Iterator[None]:
    """Point Django and its subprocesses at a fresh database of this process; drop it afterwards."""
    name = "_".join(filter(None, ("test_portal", process_name())))
    with administrator() as admin:
        drop(admin, name)
        create(admin, name, template=migrated_template(admin))
    use(name)
    yield
    disconnect()
    with administrator() as admin:
        drop(admin, name)


@contextmanager
def administrator() -> Iterator[psycopg.Connection]:
    with psycopg.connect(os.environ[ADMIN_URL], autocommit=True) as admin:
        yield admin


def migrated_template(admin: psycopg.Connection) -> str:
    """The name of a migrated database; the first process that needs it makes it."""
    name = TEMPLATE + schema_digest()
    with (FOLDER / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        former = admin.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [TEMPLATE]
        ).fetchall()
        if (name,) in former:
            return name
        for (each,) in former:
            drop(admin, each)
        part = f"{TEMPLATE}part"
        create(admin, part, template="template0")
        use(part)
        call_command("migrate", verbosity=0, interactive=False)
        disconnect()
        admin.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(part), sql.Identifier(name)
            )
        )
    return name


def schema_digest() -> str:
    """Partitions are made ahead of today, so the month belongs to it."""
    root = Path(settings.BASE_DIR)
    digest = hashlib.sha256(datetime.now(UTC).strftime("%Y-%m").encode())
    for path in sorted(path for pattern in SOURCES for path in root.glob(pattern)):
        digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def create(admin: psycopg.Connection, name: str, *, template: str) -> None:
    admin.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
        )
    )


def drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def disconnect() -> None:
    """A connection in the pool would keep its database from being copied."""
    connection.close()
    cast(DatabaseWrapper, connection).close_pool()


def use(name: str) -> None:
    disconnect()
    os.environ["DATABASE_URL"] = os.environ["DATABASE_URL"].replace(
        f"/{connection.settings_dict['NAME']}?", f"/{name}?"
    )
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name
