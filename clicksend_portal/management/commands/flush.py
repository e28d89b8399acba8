"""`flush`, as the role that owns the tables (transactional tests end with it)."""

from typing import Any

from django.core.management.commands.flush import Command as Flush

from foundation.roles import OWNER, as_role


class Command(Flush):
    def handle(self, **options: Any) -> None:
        with as_role(OWNER):
            super().handle(**options)
