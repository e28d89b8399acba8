"""Wake-ups of the keeper's worker. The work itself is rows; a lost task is made up by the next."""

import uuid

from celery import shared_task
from django.utils import timezone

from retention import exporting, policy, returning, services, statistics
from retention.desk.breaches import watch_breaches as watch_open_breaches
from retention.desk.watching import watch_requests
from retention.journal import keeping, leaving
from retention.schedule import RULES

# Rules take turns: two big ones at once would share the disk.
STAGGER_SECONDS = 60


@shared_task(name="retention.tasks.enforce_rules")
def enforce_rules() -> None:
    """Nightly: every rule of the schedule, each a job of its own."""
    for turn, name in enumerate(RULES):
        enforce_rule.apply_async(args=(name,), countdown=turn * STAGGER_SECONDS)


@shared_task(name="retention.tasks.enforce_rule")
def enforce_rule(name: str) -> int:
    """One rule; what is far from usual is left to a person. How many rows went."""
    runs = services.enforce(timezone.now(), policy.THE_NIGHT, only=[name], guarded=True)
    return sum(run.removed for run in runs)


@shared_task(name="retention.tasks.ask_to_return")
def ask_to_return() -> int:
    """Nightly: whether accounts deactivated for years are still wanted. How many were asked."""
    return returning.ask_to_return(timezone.now())


@shared_task(name="retention.tasks.run_deletions")
def run_deletions() -> int:
    """Take up open deletion requests."""
    return services.run_deletions(timezone.now())


@shared_task(name="retention.tasks.watch_deletions")
def watch_deletions() -> int:
    """Daily: tell the privacy address of requests whose month is running out."""
    return services.watch_deletions(timezone.now())


@shared_task(name="retention.tasks.ensure_partitions")
def ensure_partitions() -> int:
    """Nightly: the months ahead."""
    return services.ensure_partitions(timezone.now())


@shared_task(name="retention.tasks.renew_statistics")
def renew_statistics() -> int:
    """Nightly, after the rules: the database forgets what it had noted of rows that went."""
    return statistics.renew_statistics()


@shared_task(name="retention.tasks.make_exports")
def make_exports(export_id: str) -> int:
    """The archive a customer asked for; by a worker that sees one customer's data at a time."""
    owner = exporting.owner_of(uuid.UUID(export_id))
    return 0 if owner is None else exporting.make_exports(owner, now=timezone.now())


@shared_task(name="retention.tasks.wake_exports")
def wake_exports() -> int:
    """Offer archives that nobody makes to the workers: their call was lost, or they died."""
    return exporting.wake_makers(timezone.now())


@shared_task(name="retention.tasks.keep_log")
def keep_log() -> int:
    """Every few seconds: seal what is new, write it into the journal, sign the log."""
    return keeping.keep_log(timezone.now())


@shared_task(name="retention.tasks.let_journal_years_go")
def let_journal_years_go() -> int:
    """Nightly: the years of the journal that are over; most nights none is."""
    return leaving.let_years_go(timezone.now())


@shared_task(name="retention.tasks.watch_desk")
def watch_desk() -> int:
    """Daily: tell the privacy address of requests that came, and of those due soon."""
    return watch_requests(timezone.now())


@shared_task(name="retention.tasks.watch_breaches")
def watch_breaches() -> int:
    """Every ten minutes: what is left of the 72 hours of a breach."""
    return watch_open_breaches(timezone.now())
