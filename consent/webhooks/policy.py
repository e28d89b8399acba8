"""Numbers of the deliveries, each with its reason. Knows no framework."""

from datetime import timedelta
from typing import Final

# The schedule that the Standard Webhooks specification recommends: three days in all.
WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MAX_ATTEMPTS: Final = len(WAITS) + 1
# Receivers that were down together must not all be called again at the same moment.
JITTER: Final = 0.2
# A receiver answers first and works afterwards. For each step: to connect, and each read.
TIMEOUT_SECONDS: Final = 10
# For all of a request: one that sends a byte now and then is cut off.
DEADLINE_SECONDS: Final = 20
# How long a claim holds: far longer than a request may take, so no other worker sends it beside.
LEASE: Final = timedelta(minutes=2)
# After a rotation both secrets sign, so that the receiver changes its own in peace.
FORMER_SECRET_SIGNS_FOR: Final = timedelta(hours=24)
# What waits for a paused webhook this long is given up: nothing about anyone waits for ever.
PAUSED_AT_MOST: Final = timedelta(days=30)
# The notice of an erasure still names who was erased, so it waits little longer than it is tried.
ERASURE_WAITS_AT_MOST: Final = timedelta(days=7)
# Of one webhook: one that hangs holds up its own, and never all the threads.
AT_ONCE: Final = 16
THREADS: Final = 8 * AT_ONCE
# One look into the log.
LEAVES_AT_ONCE: Final = 500
ANSWER_LENGTH: Final = 200
GONE: Final = 410


def wait_after(attempts: int, spread: float) -> timedelta | None:
    """How long to wait after so many attempts, `spread` from 0 to 1; None: give up."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return WAITS[attempts - 1] * (1 + JITTER * spread)
