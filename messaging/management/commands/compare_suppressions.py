"""`manage.py compare_suppressions [--dry-run]`: ours beside the provider's list."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from messaging.providers.comparing import compare

COUNTS = (
    "theirs",
    "same",
    "added_here",
    "added_there",
    "removed_there",
    "lifted_here",
    "not_added_there",
    "failed",
)


class Command(BaseCommand):
    help = "Compares our suppressions with the mail provider's list, both ways."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Says what differs and changes nothing."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        row = compare(now=timezone.now(), dry_run=options["dry_run"])
        if row is None:
            self.stdout.write("No mail provider with a suppression list: nothing to compare.")
            return
        for name in COUNTS:
            self.stdout.write(f"{name.replace('_', ' ')}: {getattr(row, name)}")
        for difference in row.differences:
            self.stdout.write("  {what} {why} {address}".format(**difference))
        if row.error:
            raise CommandError(f"{row.provider}: {row.error}")
