"""`audit_consent`: replays every choice, computes the log anew, and reads the journal beside it.

For operators and monitors: exit 1 with the first difference, 0 with what was looked at.
"""

import sys
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from consent.proof import audit
from retention import policy
from retention.journal.audit import first_difference
from retention.models import DeletionRequest


class Command(BaseCommand):
    help = "Compute choices, log and heads anew and compare; exit 1 with the first difference."

    def handle(self, *args: Any, **options: Any) -> None:
        began, now = monotonic(), timezone.now()
        try:
            with audit.snapshot():
                counts = audit.examine(
                    now=now,
                    superseded_before=policy.SUPERSEDED_CHOICES.cutoff(now),
                    leaving=frozenset(
                        DeletionRequest.objects.filter(person_id__isnull=False).values_list(
                            "person_id", flat=True
                        )
                    ),
                )
            if journal := first_difference(now):
                raise audit.Difference(journal)
        except audit.Difference as difference:
            self.stdout.write(f"Not as it should be: {difference}")
            sys.exit(1)
        self.stdout.write(
            f"{counts.choices:,} choices as their {counts.events:,} events say "
            f"({counts.pending:,} not sealed yet), {counts.leaves:,} leaves and "
            f"{counts.heads:,} heads of the log as computed anew, {counts.accesses:,} accesses of "
            "staff as their leaves say, the journal as the log says, "
            f"in {monotonic() - began:.1f} s."
        )
