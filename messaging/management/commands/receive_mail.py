"""`manage.py receive_mail < message`: a mail from the MTA, by a pipe.

Exit codes are those of sysexits.h: 0 when the mail is ours to keep, 75 (EX_TEMPFAIL) when it is
not yet, so that the MTA keeps it and tries again. No mail is ever refused, and none is answered.
"""

import logging
import os
import sys
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from messaging.incoming.letter import LONGEST
from messaging.incoming.services import receive_mail

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Receives one raw mail on standard input: a request to stop, a complaint or a bounce."
    stealth_options = ("stdin",)
    # They take longer than the mail, and a mail must not wait for a model that lacks a rule.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--recipient",
            default="",
            help="The envelope's recipient, where the MTA knows it (a plus-address may hold the "
            "token). Postfix names it in ORIGINAL_RECIPIENT by itself.",
        )

    def handle(self, *args: Any, recipient: str = "", **options: Any) -> None:
        try:
            raw = read_all(options.get("stdin") or sys.stdin.buffer)
            now = timezone.now()
            outcome = receive_mail(
                raw,
                recipient=recipient or os.environ.get("ORIGINAL_RECIPIENT", ""),
                received_at=now,
                now=now,
            )
        # Whatever it is, the mail must not be lost: the MTA keeps it.
        except Exception as error:
            logger.exception("a mail could not be received; the mail server keeps it")
            self.stderr.write(f"temporary failure: {type(error).__name__}")
            sys.exit(os.EX_TEMPFAIL)
        self.stdout.write(str(outcome))


def read_all(stream: BinaryIO) -> bytes:
    """What is read; the rest is taken off the pipe, or the MTA would see it broken."""
    raw = stream.read(LONGEST)
    while stream.read(LONGEST):
        pass
    return raw
