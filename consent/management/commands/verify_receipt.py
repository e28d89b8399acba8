"""`manage.py verify_receipt FILE`: checks a receipt of any kind; no database is asked."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from consent.proof.verifying import Step, read_keys, verify


class Command(BaseCommand):
    help = (
        "Check a receipt of a consent or a deletion, without the database. "
        "Exit 1 with the reason when it fails."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the receipt as it was downloaded")
        parser.add_argument(
            "--keys",
            type=Path,
            help="the log's public keys as /trust/log/keys.json publishes them; without it, "
            "those of LOG_KEYS, which lack keys that were retired",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keys = self.given_keys(options["keys"]) if options["keys"] else ring_keys()
        verdict = verify(self.contents(options["file"]), keys)
        if not verdict.ok:
            hint = ""
            if verdict.step == Step.KEY and not options["keys"]:
                hint = " If the key was retired, pass the published keys with --keys."
            raise CommandError(f"NOT genuine ({verdict.step}): {verdict.reason}{hint}")
        self.stdout.write(self.style.SUCCESS("Genuine."))
        for name, value in verdict.facts.items():
            self.stdout.write(f"  {name:<11} {value}")
        if verdict.without:
            self.stdout.write(f"  {'not applied':<11} {', '.join(verdict.without)}")

    def given_keys(self, path: Path) -> dict[int, bytes]:
        try:
            return read_keys(self.contents(path))
        except ValueError as error:
            raise CommandError(f"{path}: {error}") from None

    def contents(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None


def ring_keys() -> dict[int, bytes]:
    """The public halves of the ring; the database would know retired ones too."""
    return {
        number: Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        for number, seed in settings.LOG_KEYS.items()
    }
