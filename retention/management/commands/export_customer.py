"""`manage.py export_customer ID [--to FILE]`: the same archive as on the customer's page."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from foundation.roles import APP, as_role
from retention import exporting
from retention.management.commands.erase_customer import find_customer
from retention.models import Export

# It holds all of a person's data: nobody else on this machine reads it.
_FOR_ITS_OWNER = 0o600


class Command(BaseCommand):
    help = "Make the archive of a customer's data, tell them by mail, and write it into a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="the customer's key or customer number")
        parser.add_argument(
            "--to", metavar="FILE", type=Path, help="by default clicksend-data-<day>.zip here"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        with as_role(APP):
            person_id = find_customer(options["id"])
            wish = exporting.request_export(person_id, actor="operator", now=now, wake=False)
            export = exporting.make_export(wish.pk, person_id=person_id, now=now)
            if export is None:
                raise CommandError(
                    "A worker is making it at this moment. Try again when it is ready."
                )
            path = options["to"] or Path(exporting.file_name(export))
            self.write(export, path)
        self.stdout.write(f"{path}: {export.size} bytes, SHA-256 {export.sha256}")

    def write(self, export: Export, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            file = os.fdopen(os.open(path, flags, _FOR_ITS_OWNER), "wb")
        except OSError as error:
            raise CommandError(
                f"{path}: {error.strerror}. The archive is on their page."
            ) from error
        with file:
            for piece in exporting.read_export(export):
                file.write(piece)
