"""Two thousand recipients over real SMTP through everything that may go wrong at once.

Real worker processes with a broker of their own; a hundred people press unsubscribe meanwhile, a
worker is killed with -9, the mail server refuses and stands still, the broker restarts. `make
bench` does the same with a hundred thousand.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from bench.sink import Sink, Step, running_sink
from bench.storm import Broker, Verdict, campaign_workers, judge, kill_sender, start_programs
from clicksend_portal import environment
from clicksend_portal.celery import app
from clicksend_portal.embedded.family import Child, Family
from clicksend_portal.promises.readings.permission import read_obeyed
from clicksend_portal.run import processes
from consent.tokens import RecipientToken, sign_token
from foundation.roles import OWNER, SENDER, as_role
from messaging import sender, services
from messaging.models import Campaign, Message
from messaging.policy import LEASE
from tests.factories import make_campaign, make_staff, topic
from tests.journeys.mail_program import URLENCODED

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PEOPLE, NOES = 2_000, 100
PATIENCE = 60.0

# Past the doors: what is tested begins at the campaign.
SEED = """
INSERT INTO accounts_user (id, password, username, first_name, last_name, email, address,
       address_hashes, phone, company, country, language, timezone, support_channel,
       email_confirmed_at, is_active, is_staff, is_superuser, signed_up_at,
       legal_entity)
SELECT uuidv7(), '!', 'reader' || n, 'Kari', 'Nordmann', 'reader' || n || '@example.test',
       'reader' || n || '@example.test', ARRAY[sha256(n::text::bytea)], '', '', 'NO', 'nb',
       'Europe/Oslo', 'email', now(), true, false, false, now(), ''
  FROM generate_series(1, %(people)s) n;
"""
CHOICES = """
INSERT INTO consent_preference (person_id, topic_id, state, version, source, since)
SELECT id, %(topic)s, 'granted', 1, 'signup', now() FROM accounts_user WHERE NOT is_staff
"""
EVENTS = """
INSERT INTO consent_consentdetail (person_id, topic_id, version, state_before, state, undone,
       source, actor, reason, language, wording_version, mailing, at, salt)
SELECT id, %(topic)s, 1, '', 'granted', false, 'signup', 'self', '', 'nb', 1, 0, now(),
       uuid_send(gen_random_uuid()) FROM accounts_user WHERE NOT is_staff
"""


@pytest.fixture
def readers() -> list[UUID]:
    with as_role(OWNER), connection.cursor() as cursor:
        for statement in (SEED, CHOICES, EVENTS):
            cursor.execute(statement, {"people": PEOPLE, "topic": topic().pk})
        cursor.execute("SELECT id FROM accounts_user ORDER BY hashtext(username)")
        return [person_id for (person_id,) in cursor.fetchall()]


class Weather:
    """The campaign and its surroundings while it runs."""

    def __init__(
        self, sink: Sink, broker: Broker, workers: list[Child], campaign: Campaign, folder: Path
    ) -> None:
        self.sink, self.broker, self.workers = sink, broker, workers
        self.campaign, self.folder = campaign, folder
        self.noes: dict[str, float] = {}

    def wake(self) -> None:
        """What beat does every five seconds."""
        with app.connection_for_write(self.broker.settings["BROKER_URL"]) as connected:
            app.send_task("messaging.tasks.deliver_campaigns", connection=connected)

    def wait_until(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not reached():
            assert time.monotonic() < deadline, self.where_it_stands()
            self.hurry()
            time.sleep(0.2)

    def send_until(self, accepted: int) -> None:
        """The server itself stands still at this number, however fast the workers are."""
        self.sink.go_on(until=accepted)
        self.wait_until(self.sink.stands_still)

    def hurry(self) -> None:
        """The waiting of a temporary failure is cut short, its turn comes at once."""
        now = datetime.now(UTC)
        Message.objects.filter(state="queued", not_before__gt=now).update(not_before=now)
        self.wake()

    def say_no(self, person_ids: list[UUID]) -> None:
        """The button of a mail program; the answer comes after the commit."""
        for person_id in person_ids:
            token = RecipientToken(
                person_id=person_id,
                topic=topic().number,
                mailing=self.campaign.number,
                wording_version=1,
                issued_at=datetime.now(UTC),
            )
            body, content_type = URLENCODED
            answer = Client().post(f"/u/{sign_token(token)}/", body, content_type=content_type)
            assert answer.status_code == 200
            self.noes[addresses()[person_id]] = time.time()

    def where_it_stands(self) -> str:
        logs = [path.read_text()[-1500:] for path in self.folder.glob("*.log")]
        return "\n".join([str(Message.objects.counts()), *logs])

    def settle(self) -> None:
        """Until nothing is left but what the dead worker held, and then that too."""
        deadline, still, since = time.monotonic() + PATIENCE, 0, time.monotonic()
        while left := unfinished():
            assert time.monotonic() < deadline, self.where_it_stands()
            self.hurry()
            time.sleep(0.2)
            if (left, queued()) != (still, False):
                still, since = left, time.monotonic()
            elif time.monotonic() - since > 1.5:
                with as_role(SENDER):  # two minutes later, as far as leases know
                    sender.reclaim(now=datetime.now(UTC) + LEASE)


def addresses() -> dict[UUID | None, str]:
    return dict(Message.objects.values_list("person_id", "to_address"))


def unfinished() -> int:
    return int(Message.objects.unfinished().count())


def queued() -> bool:
    return bool(Message.objects.filter(state="queued").exists())


@contextmanager
def weather(folder: Path) -> Iterator[Weather]:
    """Workers as `make run` starts them, and a started campaign."""
    family = Family()
    try:
        with running_sink() as sink:
            sink.note()
            sink.stall()
            broker = Broker(family, folder)
            environ = {**os.environ, **broker.settings, "EMAIL_URL": sink.url}
            environ["JOURNAL_URL"] = settings.JOURNAL_URL
            environ["SMTP_TIMEOUT"] = "60"  # standing still is not yet being gone
            programs = campaign_workers(processes.programs(environment.read(), catcher=False))
            workers = start_programs(family, programs, settings=environ, folder=folder)
            staff, now = make_staff(), datetime.now(UTC)
            campaign = make_campaign()
            services.approve(campaign, actor=staff, now=now)
            services.start(campaign, actor=staff, now=now)
            with as_role(SENDER):
                services.run_mailings(now=now)
            yield Weather(sink, broker, workers, campaign, folder)
    finally:
        family.close(patience=2.0)


def through_the_storm(readers: list[UUID], folder: Path) -> tuple[Verdict, Mapping[str, Any]]:
    with weather(folder) as storm:
        early, late, last = readers[:40], readers[40:80], readers[80:NOES]
        storm.send_until(PEOPLE // 10)
        storm.say_no(early)
        kill_sender(storm.workers, storm.sink.port)
        storm.sink.answer(Step.RCPT, "451 come back later", times=60)
        storm.send_until(PEOPLE // 3)
        storm.say_no(late)
        storm.sink.answer(Step.BODY, "452 no room", times=60)
        storm.send_until(PEOPLE * 2 // 3)
        storm.broker.restart()
        storm.sink.go_on()
        storm.say_no(last)
        storm.settle()
        states = dict(
            Message.objects.of_mailing(storm.campaign.pk).values_list("to_address", "state")
        )
        verdict = judge(states, storm.sink.notes(folder), storm.noes)
        return verdict, read_obeyed(datetime.now(UTC)).value


def test_every_permitted_person_gets_exactly_one_and_nobody_after_a_no(
    readers: list[UUID], tmp_path: Path
) -> None:
    verdict, published = through_the_storm(readers, tmp_path)
    assert (verdict.twice, verdict.missing, verdict.after_no) == ([], [], [])
    assert (verdict.said_wrongly, verdict.unfinished) == ([], [])
    # One worker was killed: what it was just handing over, one a connection.
    assert len(verdict.in_doubt) <= settings.SMTP_CONNECTIONS
    # A storm that spared nobody, or in which nobody was late, would show nothing.
    assert 0 < verdict.spared <= NOES
    assert published["handed_after"] == 0
