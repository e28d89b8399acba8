"""`migrate`, as the role that owns the tables."""

from typing import Any

from django.core.management.commands.migrate import Command as Migrate

from foundation.roles import OWNER, as_role, prepare_database


class Command(Migrate):
    def handle(self, *args: Any, **options: Any) -> None:
        with as_role(OWNER):
            prepare_database()
            super().handle(*args, **options)
