"""Sending end to end from the outbox, beside smtplib with the same messages ready as bytes.

Two worker processes claim, render, put together, speak SMTP, ask and mark each message in a
transaction that is on the disk before its body leaves. The limit is one connection of smtplib that
sends prebuilt bytes to the same sink and asks nobody. Memory is the kernel's: what the fatter
worker's peak grew between its share of the first 10,000 messages and of the last.
`SENDING_MESSAGES=1000000` sends a million for that instead of 200,000.
"""

import os
import random
import smtplib
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bench import outbox
from bench.frame import Benchmark, Result, at_least, bound
from bench.servers import administrator
from bench.sink import Sink, running_sink
from bench.worker import Worker, running_workers
from clicksend_portal.embedded.folders import ServiceError

PEOPLE, WORKERS = 200_000, 2
ROUNDS, MESSAGES, PREBUILT = 5, 10_000, 4_000
LONG_RUN = int(os.environ.get("SENDING_MESSAGES", "200000"))
REACH, MOST_GROWTH_MB = 1.2, 20.0

type Mail = tuple[str, str, bytes]


def run() -> Iterator[Result]:
    outbox.seed_people(PEOPLE)
    campaign = outbox.make_campaign()
    with running_sink() as sink, running_workers(WORKERS, EMAIL_URL=sink.url) as workers:

        def send(messages: int) -> float:
            outbox.fill_outbox(campaign, people=PEOPLE, messages=messages)
            return emptied(workers, sink, messages)

        outbox.fill_outbox(campaign, people=PEOPLE, messages=PREBUILT)
        mails = prebuilt(PREBUILT)
        send(MESSAGES)  # warms plans and caches of both
        by_smtplib(mails, sink)
        before = [worker.peak_mb for worker in workers]
        rates: list[float] = []
        limits: list[float] = []
        for _ in range(ROUNDS):
            for side in random.sample(("portal", "smtplib"), 2):
                if side == "portal":
                    rates.append(send(MESSAGES))
                else:
                    limits.append(by_smtplib(mails, sink))
        yield at_least("sending", rates, limits, REACH, unit="messages/s")
        send(LONG_RUN)
        growth = max(worker.peak_mb - peak for worker, peak in zip(workers, before, strict=True))
    name = f"sending, memory growth to {LONG_RUN:,}"
    yield bound(name, growth, MOST_GROWTH_MB, unit="MB")


def emptied(workers: Sequence[Worker], sink: Sink, messages: int) -> float:
    """Messages a second until the last of them was accepted; each exactly once."""
    before, began = sink.count(), time.monotonic()
    for worker in workers:
        worker.start()
    accepted = sum(worker.finish() for worker in workers)
    seconds = time.monotonic() - began
    came = sink.count() - before
    left = outbox.unsent()
    if came != messages or accepted != messages or left:
        raise ServiceError(
            f"Of {messages} messages {came} came, {accepted} are said to have, and {left} are not "
            "marked as sent."
        )
    return messages / seconds


def prebuilt(number: int) -> list[Mail]:
    """The first messages of the outbox as they go over the wire."""
    from messaging import sender
    from messaging.rendering import compose

    mails: list[Mail] = []
    lease = uuid.uuid4()
    while len(mails) < number:
        now = datetime.now(UTC)
        for message in sender.claim(lease, now=now, optional=True):
            wire = compose(message, now=now)
            mails.append((wire.sender, wire.recipient, wire.body))
    return mails[:number]


def by_smtplib(mails: Sequence[Mail], sink: Sink) -> float:
    """Messages a second; no database, no check, nothing to put together."""
    with administrator() as admin:
        admin.execute("CHECKPOINT")
    with smtplib.SMTP(sink.host, sink.port) as smtp:
        smtp.ehlo()
        began = time.monotonic()
        for sender, recipient, body in mails:
            smtp.sendmail(sender, [recipient], body)
        return len(mails) / (time.monotonic() - began)


BENCHMARK = Benchmark(
    "sending", "a campaign's mails from the outbox to SMTP, beside smtplib with ready bytes", run
)
