"""`manage.py replay_journal [--dry-run | --start-anew REASON]`: the way out of a standstill."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from foundation.roles import KEEPER, as_role
from retention.journal import replay
from retention.journal.guard import Reason, StandstillError
from retention.journal.store import JournalMovedError, JournalUnreachableError

OPERATOR = "operator"


class Command(BaseCommand):
    help = "After a restore: make the database know again what the journal knows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--dry-run", action="store_true", help="say what would be done")
        either.add_argument(
            "--start-anew",
            metavar="REASON",
            help="the journal is lost or cut: begin another, and write down why",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with as_role(KEEPER), translation.override("en"):
            try:
                if options["start_anew"] is not None:
                    self.start_anew(options["start_anew"])
                else:
                    self.replay(dry_run=options["dry_run"])
            except replay.KeyLostError as error:
                raise CommandError(
                    f"{error}. Put the key back; it says whom a no is from."
                ) from error
            except replay.NothingLostError as error:
                raise CommandError(
                    "The journal is whole. There is nothing to begin anew."
                ) from error
            except StandstillError as error:
                raise CommandError(advice(error)) from error
            except (JournalUnreachableError, JournalMovedError) as error:
                raise CommandError("The journal cannot be written to; see JOURNAL_URL.") from error

    def start_anew(self, reason: str) -> None:
        if not reason.strip():
            raise CommandError("Say why; it is written into the new journal.")
        aside = replay.start_anew(reason.strip(), actor=OPERATOR, now=timezone.now())
        if aside:
            self.stdout.write(f"What there was is kept as {aside}.")
        self.stdout.write("A new journal has begun; the portal goes on and writes the log into it.")

    def replay(self, *, dry_run: bool) -> None:
        report = replay.replay(timezone.now(), dry_run=dry_run)
        for what, number in report.done.items():
            self.stdout.write(f"{number:8}  {what}")
        for subject in report.paused:
            self.stdout.write(f"Paused, for it was sent in part: {subject}")
        if dry_run:
            self.stdout.write("Nothing was changed.")
        elif report.done:
            self.stdout.write("The database knows the journal again; the portal goes on.")
        else:
            self.stdout.write("The database knows everything in the journal.")


def advice(error: StandstillError) -> str:
    match error.reason:
        case Reason.MISSING | Reason.SHORTENED | Reason.CHANGED:
            return (
                f"{error}. Put the right journal back (JOURNAL_URL). Only if it is lost for good: "
                "replay_journal --start-anew REASON."
            )
        case Reason.RESTORED:
            return f"{error}. Run replay_journal without --start-anew."
        case _:
            return f"{error}."
