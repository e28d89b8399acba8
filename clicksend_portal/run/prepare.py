"""What the database needs before the portal serves: its tables, some customers, two sign-ins.

`python -m clicksend_portal.run.prepare [RESULT STATE]` in a process of its own; the sign-ins go to
the file RESULT, and STATE is a folder that remembers an import that was cut short. Without them
only the tables are made: nobody is added to a database that waits for a replay.
"""

import io
import json
import sys
from pathlib import Path
from typing import cast

import django
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from clicksend_portal.environment import BASE_DIR
from clicksend_portal.run.display import say, step
from clicksend_portal.run.profile import write_private

CUSTOMERS = BASE_DIR.parent / "shared" / "data" / "customers.csv"


def main(*paths: str) -> None:
    with step("Looking at the database"):
        django.setup()
        pending = pending_migrations()
    migrate(pending)
    if paths:
        result, state = (Path(path) for path in paths)
        bring_in(result, state)
    cast(DatabaseWrapper, connection).close_pool()


def bring_in(result: Path, state: Path) -> None:
    fill(state)
    forget_rejected(result.parent)
    with step("Making sure of a demo customer and a demo staff member"):
        write_private(result, json.dumps(sign_ins()))


def pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate(pending: int) -> None:
    if pending:
        with step(f"Making the tables: {pending} migrations"):
            call_command("migrate", interactive=False, verbosity=0)


def fill(state: Path) -> None:
    """Bring in customers once; a run that was killed meanwhile is made up for by the next."""
    from django.contrib.auth import get_user_model

    unfinished = state / "filling"
    if get_user_model().objects.exists() and not unfinished.exists():
        return
    unfinished.touch()
    if CUSTOMERS.is_file():
        import_customers()
    else:
        with step("Making a small demo company"):
            seed()
    unfinished.unlink()


def import_customers() -> None:
    """The command shows its progress and counts itself; rejected records do not stop us.

    They are not written down: nobody who starts the portal waits for the file, and it would outlive
    every deletion.
    """
    say(f"Importing {CUSTOMERS.name}")
    try:
        call_command("import_customers", str(CUSTOMERS), "--no-rejected-file")
    except SystemExit:
        return
    except CommandError as error:
        say(str(error))


def forget_rejected(folder: Path) -> None:
    """Such files of former versions, and what a killed import left of one."""
    for path in folder.glob("*.rejected.csv*"):
        path.unlink()


def sign_ins() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(seed("--sign-ins") or "{}")
    return found


def seed(*options: str) -> str:
    """What the command says; it refuses on a public address, where the portal runs without."""
    said = io.StringIO()
    try:
        call_command("seed_demo", *options, stdout=said, verbosity=0)
    except CommandError as error:
        say(str(error))
        return ""
    return said.getvalue()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OperationalError as error:
        sys.exit(f"The database at DATABASE_URL does not answer or refuses us: {error}")
