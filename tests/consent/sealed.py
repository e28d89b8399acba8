"""A log with something in it, for the tests that look at it."""

from datetime import datetime

from consent.models import Head
from consent.proof.heads import next_head, publish_head
from consent.proof.sealer import seal_pending


def publish(now: datetime) -> Head:
    """A head over all that is sealed, and is not under one yet."""
    head = next_head(now=now)
    assert head is not None
    publish_head(head)
    return head


def seal_and_publish(now: datetime) -> Head:
    seal_pending(now=now)
    return publish(now)
