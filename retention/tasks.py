"""Wake-ups of the keeper's worker. The work itself is rows; a lost task is made up by the next."""

from celery import shared_task
from django.utils import timezone

from retention import services
from retention.journal import keeping


@shared_task(name="retention.tasks.enforce_rules")
def enforce_rules() -> int:
    """Nightly: every rule of the schedule."""
    return len(services.enforce(timezone.now(), "beat"))


@shared_task(name="retention.tasks.run_deletions")
def run_deletions() -> int:
    """Take up open deletion requests."""
    return services.run_deletions(timezone.now())


@shared_task(name="retention.tasks.ensure_partitions")
def ensure_partitions() -> int:
    """Nightly: the months ahead."""
    return services.ensure_partitions(timezone.now())


@shared_task(name="retention.tasks.keep_log")
def keep_log() -> int:
    """Every few seconds: seal what is new, write it into the journal, sign the log."""
    return keeping.keep_log(timezone.now())
