"""A worker of all queues in this process: what lies in the broker is really taken, and done."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import django
import pytest
import redis
from celery.contrib.testing import worker as testing
from celery.signals import task_failure, task_postrun, task_prerun
from django.conf import settings
from django.db import connection

from clicksend_portal.celery import app
from foundation.roles import APP, KEEPER, SENDER

# As `clicksend_portal.run.processes` starts them.
ROLES = {
    "mail": SENDER,
    "mailings": SENDER,
    "campaigns": SENDER,
    "webhooks": APP,
    "content": APP,
    "default": KEEPER,
    "retention": KEEPER,
    "log": KEEPER,
}
PATIENCE = 30.0


@contextmanager
def running_worker(queues: Collection[str] = tuple(ROLES)) -> Iterator[None]:
    """Each task under the role of the worker that its queue has; none may fail."""
    failed: list[str] = []

    def take_role(task: Any, **_kwargs: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {ROLES[queue_of(task.request)]}")

    def leave(**_kwargs: Any) -> None:
        connection.close()

    def note(sender: Any, exception: BaseException, **_kwargs: Any) -> None:
        failed.append(f"{sender.name}: {exception!r}")

    task_prerun.connect(take_role)
    task_postrun.connect(leave)
    task_failure.connect(note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            # Both would set up logging anew, past whoever listens.
            patch.setattr(testing, "setup_app_for_worker", lambda *_arguments: None)
            patch.setattr(django, "setup", lambda: None)
            with testing.start_worker(
                app,
                pool="solo",
                perform_ping_check=False,
                queues=list(queues),
                shutdown_timeout=PATIENCE,
            ):
                yield
    finally:
        task_prerun.disconnect(take_role)
        task_postrun.disconnect(leave)
        task_failure.disconnect(note)
    assert failed == []


def queue_of(request: Any) -> str:
    return str(request.delivery_info["routing_key"])


def work_through_the_queue(*tasks: str, but: Collection[str] = ()) -> None:
    """What waits in the broker, and then what beat would call, one after the other.

    The queues of workers that are down (`but`) stay as they are.
    """
    queues = [queue for queue in ROLES if queue not in but]
    with running_worker(queues), redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        wait_until_done(broker, queues)
        for name in tasks:
            app.send_task(name)
            wait_until_done(broker, queues)


def wait_until_done(broker: Any, queues: Collection[str]) -> None:
    """Nothing waits and nothing is in hand; only a queue that stands still is given up."""
    before: dict[str, int] = {}
    deadline = time.monotonic() + PATIENCE
    while any((left := left_in(broker, queues)).values()):
        if left != before:
            before, deadline = left, time.monotonic() + PATIENCE
        assert time.monotonic() < deadline, f"no call was taken for {PATIENCE} s: {left}"
        time.sleep(0.02)


def left_in(broker: Any, queues: Collection[str]) -> dict[str, int]:
    return {queue: broker.llen(queue) for queue in queues} | {"in hand": broker.hlen("unacked")}
