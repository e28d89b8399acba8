"""The same words to the same sink over the same database server, in turn: a table of ratios."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path

import django
from rich.console import Console

from bench import outbox
from bench.frame import median, paired
from bench.sending import PEOPLE, WORKERS, by_smtplib, emptied, prebuilt
from bench.servers import migrate, new_database, running, servers
from bench.sink import Sink, running_sink
from bench.worker import running_workers

ROUNDS, MESSAGES, THEIRS = 3, 30_000, 1_500
THEIR_SCRIPT = Path(__file__).with_name("theirs.py")
DATABASE = "peers"


def main() -> None:
    console = Console()
    with running():
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clicksend_portal.settings")
        django.setup()
        migrate()
        rates = compare()
    ours, smtplib_rates = rates["this portal, two workers"], rates["smtplib, ready bytes"]
    console.print(f"{'sender':34}{'messages/s':>12}{'of smtplib':>12}", highlight=False)
    for name, found in sorted(rates.items(), key=lambda item: -median(item[1])):
        ratio = paired(found, smtplib_rates)
        console.print(f"{name:34}{median(found):12,.0f}{ratio:12.2f}", highlight=False)
    console.print(f"{len(ours)} rounds in changing order, medians", highlight=False)


def compare() -> dict[str, list[float]]:
    outbox.seed_people(PEOPLE)
    campaign = outbox.make_campaign()
    with running_sink() as sink, running_workers(WORKERS, EMAIL_URL=sink.url) as workers:

        def send(messages: int) -> float:
            outbox.fill_outbox(campaign, people=PEOPLE, messages=messages)
            return emptied(workers, sink, messages)

        outbox.fill_outbox(campaign, people=PEOPLE, messages=THEIRS)
        mails = prebuilt(THEIRS)
        theirs = Peers(sink, mails[0][2])
        senders: dict[str, Callable[[], float]] = {
            "this portal, two workers": lambda: send(MESSAGES),
            "smtplib, ready bytes": lambda: by_smtplib(mails, sink),
            "Django send_messages": lambda: theirs.rate("django"),
            "django-post-office send_queued": lambda: theirs.rate("post_office"),
            "django-newsletter submit": lambda: theirs.rate("newsletter"),
        }
        rates: dict[str, list[float]] = {name: [] for name in senders}
        for number in range(ROUNDS + 1):
            for name in random.sample(list(senders), len(senders)):
                rate = senders[name]()
                if number:  # the first warms everybody
                    rates[name].append(rate)
    return rates


class Peers:
    """The others in a process of their own virtual environment, with a database of their own."""

    def __init__(self, sink: Sink, body: bytes) -> None:
        new_database(DATABASE)
        mail = message_from_bytes(body, policy=policy.default)
        parts = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
        given = {
            "database": servers.admin_url.replace("/bench?", f"/{DATABASE}?"),
            "port": sink.port,
            "messages": THEIRS,
            "subject": mail["Subject"],
            "text": parts["plain"].get_content() if parts["plain"] else "",
            "html": parts["html"].get_content() if parts["html"] else "",
        }
        self.sink = sink
        self.process = subprocess.Popen(
            [os.environ["PEERS_PYTHON"], str(THEIR_SCRIPT), json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.answer() != "ready":
            sys.exit("The others did not start.")

    def answer(self) -> str:
        assert self.process.stdout is not None
        line: str = self.process.stdout.readline()
        return line.strip()

    def rate(self, name: str) -> float:
        assert self.process.stdin is not None
        before = self.sink.count()
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        seconds = float(self.answer())
        if (came := self.sink.count() - before) != THEIRS:
            sys.exit(f"Of {THEIRS} mails by {name} {came} came.")
        return THEIRS / seconds


if __name__ == "__main__":
    main()
