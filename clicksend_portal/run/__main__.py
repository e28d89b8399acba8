"""Start the portal or a part of it, show each step, and leave nothing behind."""

import argparse
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

from django.core.exceptions import ImproperlyConfigured

from clicksend_portal.embedded.folders import ServiceError
from clicksend_portal.run.display import refuse, say_if_heard
from clicksend_portal.run.portal import Portal
from clicksend_portal.run.processes import Part
from clicksend_portal.run.surroundings import Surroundings

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_AROUND = 0.5  # seconds


class Stopped(BaseException):
    """Someone asked us to stop; whatever is being done is left through its `finally`."""


class Ear:
    """Hears the first wish to stop; impatience afterwards must not interrupt the stopping."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.heard = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self.heard or (number == signal.SIGALRM and not self.surroundings.gone()):
            return
        self.heard = True
        raise Stopped(signal.Signals(number).name)


def listen() -> None:
    """A closed terminal ends us, unless `nohup` was asked for and no terminal is written to."""
    under_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN and not sys.stdout.isatty()
    ear = Ear(Surroundings())
    for number in (*STOP_SIGNALS, signal.SIGALRM):
        signal.signal(number, ear)
    if under_nohup:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, LOOK_AROUND, LOOK_AROUND)


def wished_part() -> Part:
    parser = argparse.ArgumentParser(prog="python -m clicksend_portal.run")
    parser.add_argument(
        "part",
        nargs="?",
        type=Part,
        choices=list(Part),
        default=Part.PORTAL,
        help="web: the pages without workers and beat; services: PostgreSQL and Valkey alone",
    )
    return Part(parser.parse_args().part)


def main(part: Part) -> int:
    listen()
    portal: Portal | None = None
    status = 0
    try:
        portal = Portal.planned(part)
        portal.start()
        while True:
            portal.supervisor.tend()
            time.sleep(0.25)
    except Stopped:
        say_if_heard("\nStopping …")
    except (ServiceError, ImproperlyConfigured) as error:
        refuse(str(error))
        status = 1
    except OSError as error:
        # Most likely the terminal or the pipe we write to went away before its signal came.
        status = 1
        with suppress(OSError):
            refuse(f"The portal stops: {error}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if portal is not None:
            portal.stop()
            say_if_heard("Stopped.")
    return status


if __name__ == "__main__":
    code = main(wished_part())
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
