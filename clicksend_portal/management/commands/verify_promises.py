"""`verify_promises`: looks at every promise now, stores what it found, and says it.

For monitors: exit 1 when a promise in force is broken, or unknown because it could not be read.
"""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from clicksend_portal.promises.promise import State
from clicksend_portal.promises.services import take_readings
from clicksend_portal.promises.status import statuses


class Command(BaseCommand):
    help = "Look at every promise of the policy; exit 1 when one is broken or unknown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="a list for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        take_readings(now=now)
        found = statuses(now)
        if options["json"]:
            records = [status.as_record() for status in found]
            self.stdout.write(json.dumps(records, indent=2, ensure_ascii=False))
        else:
            for status in found:
                self.stdout.write(status.as_line())
        if any(status.state in (State.BROKEN, State.UNKNOWN) for status in found):
            sys.exit(1)
