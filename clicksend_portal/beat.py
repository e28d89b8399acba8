"""What happens by the clock. A task that comes late or twice does no harm; a missed one is made up.

The entries stand in the database, where staff may add their own; `sync_schedule` owns those whose
name begins with `portal.` and touches no other.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

PREFIX = "portal."
# An entry that has never run and started long ago is due at once, not after its first interval.
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Again and again; what waited longer than `expires` in the queue has been overtaken."""

    seconds: int
    expires: int
    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Nightly:
    """Once a day, at an hour and minute of UTC."""

    hour: int
    minute: int


Timing = Every | Nightly

SCHEDULE: dict[str, tuple[str, Timing]] = {
    # Starts timed mailings, resolves audiences, takes back lost leases, finishes.
    "run_mailings": ("messaging.tasks.run_mailings", Every(seconds=5, expires=5)),
    # A message wakes its worker itself; this finds those whose call was lost with the broker.
    "deliver": ("messaging.tasks.deliver", Every(seconds=5, expires=5)),
    "deliver_campaigns": ("messaging.tasks.deliver_campaigns", Every(seconds=5, expires=5)),
    # A no is in the log and in the journal within seconds; a round without news costs little.
    "keep_log": ("retention.tasks.keep_log", Every(seconds=3, expires=3, at_once=True)),
    "deliver_webhooks": ("consent.tasks.deliver_webhooks", Every(seconds=5, expires=5)),
    "expire_calls": ("consent.tasks.expire_calls", Every(seconds=3600, expires=1800)),
    "close_answered_questions": (
        "accounts.tasks.close_answered_questions",
        Nightly(hour=2, minute=40),
    ),
    "watch_look_ups": (
        "accounts.tasks.watch_look_ups",
        Every(seconds=3600, expires=1800),
    ),
    "warn_of_confirmations": ("accounts.tasks.warn_of_confirmations", Nightly(hour=5, minute=10)),
    "take_readings": (
        "clicksend_portal.tasks.take_readings",
        Every(seconds=3600, expires=1800, at_once=True),
    ),
    "flush_page_counts": (
        "clicksend_portal.tasks.flush_page_counts",
        Every(seconds=60, expires=60),
    ),
    # At once after a start, for keys change with a start.
    "renew_fingerprints": (
        "consent.tasks.renew_fingerprints",
        Every(seconds=6 * 3600, expires=3600, at_once=True),
    ),
    # Half a minute after a no the portal sees for itself that its own page shows it no more.
    "check_takedowns": ("consent.tasks.check_takedowns", Every(seconds=20, expires=20)),
    "remind_takedown_owners": (
        "consent.tasks.remind_takedown_owners",
        Every(seconds=600, expires=600),
    ),
    "run_deletions": ("retention.tasks.run_deletions", Every(seconds=30, expires=30)),
    # In the morning of whoever answers for privacy.
    "watch_deletions": ("retention.tasks.watch_deletions", Nightly(hour=6, minute=15)),
    "watch_desk": ("retention.tasks.watch_desk", Nightly(hour=6, minute=5)),
    # The law counts in hours here.
    "watch_breaches": ("retention.tasks.watch_breaches", Every(seconds=600, expires=600)),
    # After each round of readings, and when there is none: a look that fails to come is unknown.
    "alert_owners": (
        "clicksend_portal.tasks.alert_owners",
        Every(seconds=300, expires=300),
    ),
    # An archive asked for wakes its worker itself; this finds those whose call was lost.
    "wake_exports": ("retention.tasks.wake_exports", Every(seconds=30, expires=30)),
    # An upload wakes its reader itself; this finds those whose call was lost.
    "wake_uploads": ("messaging.wake_uploads", Every(seconds=60, expires=60)),
    "ask_to_return": ("retention.tasks.ask_to_return", Nightly(hour=1, minute=45)),
    # After the rules of the night, each a minute behind the one before.
    "renew_statistics": ("retention.tasks.renew_statistics", Nightly(hour=4, minute=20)),
    "ensure_partitions": ("retention.tasks.ensure_partitions", Nightly(hour=1, minute=15)),
    "compare_suppressions": (
        "messaging.compare_suppressions",
        Nightly(hour=3, minute=15),
    ),
    "let_journal_years_go": ("retention.tasks.let_journal_years_go", Nightly(hour=1, minute=45)),
    "remove_opted_out": ("messaging.remove_opted_out", Nightly(hour=2, minute=0)),
    "enforce_rules": ("retention.tasks.enforce_rules", Nightly(hour=2, minute=15)),
}


@transaction.atomic
def sync_schedule() -> None:
    """Make the entries in the database those of `SCHEDULE`; doing it again changes nothing.

    Whether an entry is switched off is staff's decision and stays.
    """
    known = {f"{PREFIX}{name}": entry for name, entry in SCHEDULE.items()}
    PeriodicTask.objects.filter(name__startswith=PREFIX).exclude(name__in=known).delete()
    present = PeriodicTask.objects.in_bulk(known, field_name="name")
    for name, (task, timing) in known.items():
        wanted = {"task": task, **columns(timing)}
        entry = present.get(name) or PeriodicTask(name=name)
        if any(getattr(entry, column) != value for column, value in wanted.items()):
            for column, value in wanted.items():
                setattr(entry, column, value)
            entry.save()


def columns(timing: Timing) -> dict[str, Any]:
    """The columns of `PeriodicTask` that say when."""
    same: dict[str, Any] = {"interval": None, "crontab": None, "args": json.dumps([])}
    match timing:
        case Every():
            every, _ = IntervalSchedule.objects.get_or_create(
                every=timing.seconds, period=IntervalSchedule.SECONDS
            )
            return same | {
                "interval": every,
                "expire_seconds": timing.expires,
                "start_time": LONG_AGO if timing.at_once else None,
            }
        case Nightly():
            night, _ = CrontabSchedule.objects.get_or_create(
                minute=str(timing.minute), hour=str(timing.hour), timezone="UTC"
            )
            return same | {"crontab": night, "expire_seconds": None, "start_time": None}
