"""A worker that is killed in the middle of a deletion: another finishes it, once."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings

from accounts.models import User
from foundation.roles import KEEPER, as_role
from messaging.models import Message, MessageContent
from retention import services
from retention.journal.store import open_journal
from retention.models import DeletionRequest
from retention.models import Source as Way
from tests.factories import NOW
from tests.journal.life import entries_of
from tests.retention.belongings import give_message
from tests.retention.life import ALL_VALUES, COUNTS, STAYING, make_full_customer
from tests.retention.traces import tables_with

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WORKER = """
import django
django.setup()
from datetime import datetime
from retention import services
services.run_deletions(datetime.fromisoformat("{now}"), batch=2)
"""
MESSAGES = 600


def contents() -> int:
    with as_role(KEEPER):
        return MessageContent.objects.count()


@pytest.mark.parametrize("gone", [1, MESSAGES // 2], ids=["at once", "in the middle"])
def test_a_deletion_whose_worker_is_killed_is_finished_by_another_once(gone: int) -> None:
    person = make_full_customer()
    with as_role(KEEPER):
        for number in range(MESSAGES):
            give_message(person, f"more-{number}", now=NOW + timedelta(seconds=number))
    services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    there = contents()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER.format(now=NOW.isoformat())],
        cwd=settings.BASE_DIR,
        # The journal is this test's own, as is its database.
        env={**os.environ, "DATABASE_ROLE": KEEPER, "JOURNAL_URL": settings.JOURNAL_URL},
    )
    deadline = time.monotonic() + 60
    while contents() > there - gone and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    left = contents()
    assert 0 < left <= there - gone
    assert User.objects.filter(pk=person.pk, is_active=False).exists()

    with as_role(KEEPER):
        assert services.run_deletions(NOW, batch=1000) == 1
    wish = DeletionRequest.objects.get()
    assert wish.removed["messaging.MessageContent"] == there
    once = {name: number for name, number in COUNTS.items() if "Message" not in name}
    assert {name: wish.removed[name] for name in once} == once
    assert Message.objects.filter(purpose="deletion_confirmed").count() == 1
    assert len(entries_of(open_journal(), "erasure")) == 1
    Message.objects.all().delete()
    assert set(tables_with(*ALL_VALUES, str(person.pk))) <= STAYING
