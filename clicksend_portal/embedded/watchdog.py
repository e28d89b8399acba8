"""Outlive the supervisor by a moment and stop what it left; run as a script, standard library only.

Lines on standard input say what lives: `+ <pid> <signal>` and `- <pid>`. When the supervisor is
gone, however that came, the input ends: everything still named gets its signal, newest first, and
after a few seconds its whole process group is killed. The supervisor's lock is inherited and so
stays taken until this is done.
"""

import contextlib
import os
import signal
import sys
import time

PATIENCE = 5.0


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def main() -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    living: dict[int, int] = {}
    for line in sys.stdin:
        match line.split():
            case ["+", pid, number]:
                living[int(pid)] = int(number)
            case ["-", pid]:
                living.pop(int(pid), None)
    for pid, wanted in reversed(living.items()):
        if alive(pid):
            os.kill(pid, wanted)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and any(alive(pid) for pid in living):
        time.sleep(0.05)
    for pid in living:
        kill_group(pid)


main()
