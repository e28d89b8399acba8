"""Whether the portal may go on: each part that knows a reason to stop registers its check.

A check answers '' for go, or a reason for the operator's eyes. A check that fails stops as well.
Optional mail stops for any reason; pages that show or change data for those that say so. Answers
are fresh for a second in each process, so that asking costs nothing on a page.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)
FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Check:
    ask: Callable[[], str]
    closes_pages: bool


@dataclass(slots=True)
class _Answers:
    reasons: dict[str, str] = field(default_factory=dict)
    asked_at: float | None = None


_checks: dict[str, _Check] = {}
_answers = _Answers()
_asking = threading.Lock()


def register(name: str, check: Callable[[], str], *, closes_pages: bool = False) -> None:
    """`check` says why optional mail must stop; with `closes_pages`, customer pages close too."""
    _checks[name] = _Check(check, closes_pages)


def why(*, pages: bool = False) -> str:
    """Why optional mail stands still, or with `pages` why customer pages are closed; '' is go."""
    return "; ".join(
        reason for name, reason in reasons().items() if not pages or _checks[name].closes_pages
    )


def reasons() -> dict[str, str]:
    """What stops the portal, by the name of the check."""
    with _asking:
        asked_at = _answers.asked_at
        if asked_at is None or time.monotonic() - asked_at >= FRESH_SECONDS:
            found = {name: reason for name in _checks if (reason := _ask(name))}
            if found != _answers.reasons:
                _tell(found)
            # Asking may have taken its time; those who waited meanwhile need not ask again.
            _answers.reasons, _answers.asked_at = found, time.monotonic()
        return dict(_answers.reasons)


def forget() -> None:
    """Ask anew next time: the database may be another one than before."""
    with _asking:
        _answers.asked_at = None


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
