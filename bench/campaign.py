"""A campaign of 100,000 over real SMTP while everything goes wrong, and who got what.

The workers, beat, the sealer and the web server run as `make run` starts them, with a broker of
their own. During the campaign 1,000 people press unsubscribe (RFC 8058, over HTTP), one worker
process is killed with -9, the mail server refuses for a while and stands still for a while, and
the broker is killed and comes back empty. Judged is what the mail server took; `bench.storm` says
what "after a no" means, and when a no was committed the database says itself.
"""

import http.client
import os
import random
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench import outbox
from bench.frame import Benchmark, Result, bound
from bench.one_click import portal
from bench.servers import administrator, servers
from bench.sink import Sink, Step, running_sink
from bench.storm import (
    Broker,
    Verdict,
    campaign_workers,
    judge,
    kill_sender,
    start_programs,
    states,
)
from clicksend_portal import environment
from clicksend_portal.embedded.family import Child
from clicksend_portal.embedded.folders import ServiceError
from clicksend_portal.run import processes

if TYPE_CHECKING:
    from messaging.models import Campaign

PEOPLE = int(os.environ.get("CAMPAIGN_PEOPLE", "100000"))
NOES = PEOPLE // 100
# The waits after a 4xx and the lease of the killed worker are part of it.
PATIENCE = 1_200.0
REFUSING, STANDING_STILL = 3.0, 8.0

# The database's own word for when each no was committed.
COMMITTED = """
SELECT u.email, EXTRACT(epoch FROM max(pg_xact_commit_timestamp(d.xmin)))::float
  FROM consent_consentdetail d JOIN accounts_user u ON u.id = d.person_id
 WHERE d.source = 'one_click' GROUP BY u.email
"""


def run() -> Iterator[Result]:
    outbox.seed_people(PEOPLE, events=True)
    from clicksend_portal.promises.readings.permission import read_obeyed

    with tempfile.TemporaryDirectory() as name, running_sink() as sink:
        folder = Path(name)
        verdict = through_the_storm(sink, folder)
    value = read_obeyed(datetime.now(UTC)).value
    if verdict.unfinished or verdict.said_wrongly or not verdict.spared:
        raise ServiceError(
            f"{len(verdict.unfinished)} messages never ended, {len(verdict.said_wrongly)} are said "
            f"to have ended otherwise than they did, and {verdict.spared} people said no in time."
        )
    yield bound("campaign, received twice", len(verdict.twice), 0, unit="people")
    yield bound("campaign, missing", len(verdict.missing), 0, unit="people")
    yield bound("campaign, after a no", len(verdict.after_no), 0, unit="mails")
    yield bound("campaign, after a no on /trust/", value["handed_after"], 0, unit="mails")
    yield bound("campaign, in doubt", len(verdict.in_doubt), connections(), unit="mails")


def connections() -> int:
    """Of one worker, for one is killed."""
    from django.conf import settings

    return int(settings.SMTP_CONNECTIONS)


def through_the_storm(sink: Sink, folder: Path) -> Verdict:
    from clicksend_portal.beat import sync_schedule
    from messaging import services

    sink.note()
    sync_schedule()
    campaign = outbox.make_campaign()
    broker = Broker(servers.family, folder)
    chosen = sending_programs()
    settings = {**os.environ, **broker.settings, "EMAIL_URL": sink.url}
    children = start_programs(servers.family, chosen, settings=settings, folder=folder)
    try:
        services.start(campaign, actor=None, now=datetime.now(UTC))
        with portal(folder) as address:
            leaving = Leaving(address, campaign)
            leaving.start()
            send_through(sink, broker, children[:1], leaving)
            wait_until(lambda: is_over(campaign), folder)
            leaving.join()
    finally:
        servers.family.stop(*children, broker.child, patience=5.0)
    if leaving.error is not None:
        raise ServiceError(f"An unsubscribe failed: {leaving.error}")
    with administrator() as admin:
        committed: dict[str, float] = dict(admin.execute(COMMITTED).fetchall())
        return judge(states(admin, campaign.pk), sink.notes(folder), committed)


def sending_programs() -> list[processes.Program]:
    """All that a campaign needs: its workers first."""
    programs = processes.programs(environment.read(), catcher=False)
    others = ("worker-mail", "worker-mailings", "worker-log", "beat")
    return [*campaign_workers(programs), *(each for each in programs if each.name in others)]


class Leaving(threading.Thread):
    """A thousand people who press the button, as many in each tenth of the campaign."""

    def __init__(self, address: str, campaign: "Campaign") -> None:
        super().__init__(daemon=True)
        self.host = urlsplit(address).netloc
        self.campaign = campaign
        self.may_leave = threading.Semaphore(0)
        self.error: Exception | None = None

    def run(self) -> None:
        from consent.tokens import RecipientToken, sign_token

        try:
            connection = http.client.HTTPConnection(self.host, timeout=30)
            for number in random.sample(range(1, PEOPLE + 1), NOES):
                token = RecipientToken(
                    person_id=uuid.UUID(f"01900000-0000-7000-8000-{number:012x}"),
                    topic=self.campaign.topic.number,
                    mailing=self.campaign.number,
                    wording_version=1,
                    issued_at=datetime.now(UTC),
                )
                self.may_leave.acquire()
                body = "List-Unsubscribe=One-Click"
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                connection.request("POST", f"/u/{sign_token(token)}/", body, kind)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise ServiceError(f"the portal answered {answer.status}")
        except Exception as error:  # noqa: BLE001 - told by the main thread
            self.error = error


def send_through(sink: Sink, broker: Broker, workers: Sequence[Child], leaving: Leaving) -> None:
    """Bad weather at its hour: each at a part of the way."""
    weather: list[tuple[float, Callable[[], object]]] = [
        (0.2, lambda: kill_sender(workers, sink.port)),
        (0.35, lambda: refuse(sink, Step.RCPT, "451 come back later")),
        (0.4, lambda: refuse(sink, Step.BODY, "452 no room")),
        (0.55, lambda: stand_still(sink)),
        (0.7, broker.restart),
    ]
    left, deadline = 0, time.monotonic() + PATIENCE
    while left < NOES or weather:
        way = sink.count() / PEOPLE
        while left < NOES and left < NOES * way / 0.9:
            leaving.may_leave.release()
            left += 1
        if weather and way >= weather[0][0]:
            weather.pop(0)[1]()
        if time.monotonic() > deadline or leaving.error is not None:
            raise ServiceError(f"The campaign stands still after {sink.count()} messages.")
        time.sleep(0.05)


def refuse(sink: Sink, step: Step, line: str) -> None:
    sink.answer(step, line)
    time.sleep(REFUSING)
    sink.behave()


def stand_still(sink: Sink) -> None:
    sink.stall()
    time.sleep(STANDING_STILL)
    sink.go_on()


def is_over(campaign: "Campaign") -> bool:
    campaign.refresh_from_db(fields=["state"])
    return campaign.state == campaign.State.FINISHED


def wait_until(reached: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            tails = [path.read_text(errors="replace")[-800:] for path in folder.glob("*.log")]
            raise ServiceError("The campaign never finished:\n" + "\n".join(tails))
        time.sleep(0.5)


BENCHMARK = Benchmark(
    "campaign",
    "100,000 over SMTP through opt-outs, a killed worker, refusals and a lost broker",
    run,
)
