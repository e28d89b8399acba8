"""A sending process that is killed in mid-campaign: nothing lost, nothing twice."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings

from messaging import services
from messaging.models import Message
from messaging.policy import LEASE
from tests.factories import make_campaign, make_customer
from tests.messaging.sink import Sink
from tests.messaging.test_hand_over import started

pytestmark = pytest.mark.django_db(transaction=True)

WORKER = """
import django
django.setup()
from django.conf import settings
from messaging.policy import Lane
from messaging.sender import deliver_pending
settings.SMTP_CONNECTIONS = 3
print(deliver_pending(lane=Lane.CAMPAIGNS), flush=True)
"""
CONNECTIONS = 3
AUDIENCE = 60


@pytest.mark.slow
def test_a_worker_killed_in_mid_campaign_loses_nothing_and_sends_nothing_twice(settings):
    people = [make_customer(yes=("newsletter",)) for _ in range(AUDIENCE)]
    campaign = started(make_campaign(), now=datetime.now(UTC))

    def slowly(number, verb, line):
        if verb == "BODY":
            time.sleep(0.02)

    with Sink(slowly) as sink:
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            cwd=django_settings.BASE_DIR,
            env={
                **os.environ,
                "DATABASE_ROLE": "portal_sender",
                "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
                # The journal is this test's own, as is its database.
                "JOURNAL_URL": django_settings.JOURNAL_URL,
            },
            stdout=subprocess.PIPE,
        )
        deadline = time.monotonic() + 60
        while len(sink.taken) < 15 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        assert worker.stdout is not None
        worker.stdout.close()
        time.sleep(0.2)  # what lies in the sockets still arrives
        taken = len(sink.taken)
        assert 15 <= taken < AUDIENCE
        # Another worker, once the lease is over.
        made = type(settings.MAIL_TRANSPORT)
        settings.MAIL_TRANSPORT = made(url="", host="127.0.0.1", port=sink.port)
        later = datetime.now(UTC) + LEASE + timedelta(seconds=1)
        services.deliver_pending(clock=lambda: later)
        recipients = [address for address, _ in sink.taken]
    doubtful = set(Message.objects.filter(state="in_doubt").values_list("to_address", flat=True))
    sent = set(Message.objects.filter(state="sent").values_list("to_address", flat=True))
    assert len(recipients) == len(set(recipients))
    assert len(doubtful) <= CONNECTIONS
    assert sent | doubtful == {person.email for person in people}
    assert sent <= set(recipients)
    services.run_mailings(now=later)
    campaign.refresh_from_db()
    assert campaign.state == "finished"
