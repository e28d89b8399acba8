"""Jobs that die where a test says, and jobs of which two run at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

from django.db import connection

from foundation.roles import KEEPER, as_role

Job = Callable[[datetime], int]


class Killed(BaseException):
    """Nothing in the portal may catch it, as nothing catches kill -9."""


def dying(step: Callable[..., Any], at: int, moment: str) -> Callable[..., Any]:
    calls = 0

    def do_and_die(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and moment == "before":
            raise Killed
        done = step(*args, **kwargs)
        if calls == at:
            raise Killed
        return done

    return do_and_die


def at_once(job: Job, now: datetime, number: int = 2) -> list[int]:
    """What each of so many workers says it did, each with a connection of its own."""
    together = Barrier(number)

    def work() -> int:
        try:
            with as_role(KEEPER):
                together.wait(30)
                return job(now)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return [each.result(timeout=60) for each in [pool.submit(work) for _ in range(number)]]
