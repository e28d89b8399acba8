"""Whether the portal may go on: each part that knows a reason to stop registers its check.

A check answers '' for go, or a reason for the operator's eyes. A check that fails stops as well.
Optional mail stops for any reason; pages that show or change data for those that say so. Answers
are fresh for a second in each process, so that asking costs nothing on a page. While one thread
asks, which may take seconds when something is down, the others go by the former answer.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)
FRESH_SECONDS = 1.0
# Without a former answer the others wait this long for the first, and then stop.
PATIENCE_SECONDS = 1.0
NOT_ASKED = "standstill"


@dataclass(frozen=True, slots=True)
class _Check:
    ask: Callable[[], str]
    closes_pages: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    reasons: dict[str, str]
    at: float


@dataclass(slots=True)
class _Known:
    """`answer` is replaced as a whole, so it is read without a lock."""

    answer: _Answer | None = None
    forgotten: int = 0
    told: dict[str, str] = field(default_factory=dict)


_checks: dict[str, _Check] = {}
_known = _Known()
_asking = threading.Lock()


def register(name: str, check: Callable[[], str], *, closes_pages: bool = False) -> None:
    """`check` says why optional mail must stop; with `closes_pages`, customer pages close too."""
    _checks[name] = _Check(check, closes_pages)


def why(*, pages: bool = False) -> str:
    """Why optional mail stands still, or with `pages` why customer pages are closed; '' is go."""
    return "; ".join(
        reason for name, reason in reasons().items() if not pages or _closes_pages(name)
    )


def reasons() -> dict[str, str]:
    """What stops the portal, by the name of the check."""
    answer = _known.answer
    if answer is not None and time.monotonic() - answer.at < FRESH_SECONDS:
        return dict(answer.reasons)
    if not _asking.acquire(timeout=PATIENCE_SECONDS if answer is None else 0):
        former = answer or _known.answer
        return {NOT_ASKED: "no check has answered yet"} if former is None else dict(former.reasons)
    try:
        latest = _known.answer
        if latest is not None and latest is not answer:
            return dict(latest.reasons)  # given while we waited for our turn
        return dict(_ask_all())
    finally:
        _asking.release()


def forget() -> None:
    """Ask anew next time: the database may be another one than before.

    Waits for nobody; what is being asked at this moment is no answer for the next either.
    """
    _known.forgotten += 1
    _known.answer = None


def _ask_all() -> dict[str, str]:
    forgotten = _known.forgotten
    found = {name: reason for name in _checks if (reason := _ask(name))}
    if found != _known.told:
        _tell(found)
        _known.told = found
    # Asking may have taken its time: fresh from now on.
    answer = _Answer(found, time.monotonic())
    if forgotten == _known.forgotten:
        _known.answer = answer
    return found


def _closes_pages(name: str) -> bool:
    return name not in _checks or _checks[name].closes_pages


def _ask(name: str) -> str:
    try:
        return _checks[name].ask()
    except Exception as error:  # noqa: BLE001 - what cannot be known must stop
        return f"{name} cannot be checked: {type(error).__name__}"


def _tell(found: dict[str, str]) -> None:
    """Once per change and process; the monitor asks `/readyz`."""
    if found:
        logger.error("standstill: %s", "; ".join(found.values()))
    else:
        logger.warning("standstill is over")
