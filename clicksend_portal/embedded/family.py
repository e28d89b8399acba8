"""Child processes that never outlive the process that started them.

Three nets, each for what the one before cannot catch: an orderly stop; a watchdog that notices by
a closed pipe that we are gone; the kernel's parent-death signal, should the watchdog be killed
with us. Each child leads a session of its own, so Ctrl-C reaches us alone and we choose the order.

Start children from the main thread: the kernel takes the death of the *thread* for that of the
parent.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HERE = Path(__file__).parent
PYTHON = (sys.executable, "-I", "-S")


@dataclass(frozen=True, slots=True)
class Account:
    """The user a child runs as; PostgreSQL refuses to run as root."""

    user: int = -1
    group: int = -1


OURSELVES = Account()


@dataclass(slots=True, eq=False)
class Child:
    name: str
    process: subprocess.Popen[bytes]
    stop_signal: int

    @property
    def running(self) -> bool:
        return self.process.poll() is None


class Family:
    def __init__(self, *, hold: int | None = None) -> None:
        """`hold` is a lock's file descriptor, released once the last child is gone."""
        self.children: list[Child] = []
        self.watchdog = subprocess.Popen(
            [*PYTHON, str(HERE / "watchdog.py")],
            stdin=subprocess.PIPE,
            pass_fds=() if hold is None else (hold,),
            start_new_session=True,
        )

    def spawn(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: IO[bytes] | int | None,
        stop_signal: int = signal.SIGTERM,
        account: Account = OURSELVES,
        given: bytes | None = None,
        folder: Path | None = None,
    ) -> Child:
        """Start a child; `given` is what it reads from standard input, `output` takes the rest."""
        process = subprocess.Popen(
            tethered(command, account=account, stop_signal=stop_signal),
            env=dict(environment),
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
        )
        self._tell(f"+ {process.pid} {int(stop_signal)}")
        if given is not None and process.stdin is not None:
            process.stdin.write(given)
            process.stdin.close()
        child = Child(name, process, stop_signal)
        self.children.append(child)
        return child

    def forget(self, child: Child) -> None:
        """A child that ended by itself; what is left of its group goes too."""
        _kill_group(child)
        child.process.wait()
        self._tell(f"- {child.process.pid}")
        self.children.remove(child)

    def stop(self, *children: Child, patience: float) -> None:
        """Ask these children to end, and end them when `patience` seconds have passed."""
        for child in children:
            if child.running:
                child.process.send_signal(child.stop_signal)
        deadline = time.monotonic() + patience
        for child in children:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
            self.forget(child)

    def close(self, *, patience: float = 4.0) -> None:
        """Stop everything, the last started first to go; then let the watchdog end."""
        self.stop(*reversed(self.children), patience=patience)
        if self.watchdog.stdin is not None:
            self.watchdog.stdin.close()
        self.watchdog.wait()

    def _tell(self, line: str) -> None:
        if self.watchdog.stdin is None:
            return
        with suppress(BrokenPipeError):  # someone killed the watchdog; the kernel's net remains
            self.watchdog.stdin.write(line.encode() + b"\n")
            self.watchdog.stdin.flush()


def tethered(
    command: Sequence[str], *, account: Account, stop_signal: int = signal.SIGKILL
) -> list[str]:
    numbers = (os.getpid(), int(stop_signal), account.user, account.group)
    return [*PYTHON, str(HERE / "tether.py"), *(str(number) for number in numbers), *command]


def _kill_group(child: Child) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)
