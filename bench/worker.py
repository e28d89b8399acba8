"""A sender process of the benchmarks: empties the outbox each time it is told to.

A line on standard input starts a round, one on standard output ends it; without a Celery broker
between, whose part is to wake a worker, not to send.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from os import environ
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent


class Worker:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def start(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("send\n")
        self.process.stdin.flush()

    def finish(self) -> int:
        """How many it saw accepted."""
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    @property
    def peak_mb(self) -> float:
        """The most memory it has had resident in its life, as the kernel says it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024


@contextmanager
def running_workers(number: int, **settings: str) -> Iterator[list[Worker]]:
    """They end when their standard input does."""
    environment = environ | {"DATABASE_ROLE": "portal_sender"} | settings
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "bench.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=ROOT,
                    env=environment,
                )
            )
            for _ in range(number)
        ]
        workers = [Worker(each) for each in processes]
        for worker in workers:
            worker.finish()  # it says 0 when it is ready
        yield workers


def main() -> None:
    environ.setdefault("DJANGO_SETTINGS_MODULE", "clicksend_portal.settings")
    django.setup()
    from messaging.services import deliver_pending

    print(0, flush=True)
    for _ in sys.stdin:
        print(deliver_pending(), flush=True)


if __name__ == "__main__":
    main()
