"""What a process notices around it: another database behind it, a journal at a bad place."""

from typing import Any

from django.conf import settings
from django.core import checks

from foundation import standstill


def notice_connection(**_kwargs: object) -> None:
    """Behind a new connection there may be a restored database: what was answered is forgotten."""
    standstill.forget()


@checks.register(checks.Tags.security, deploy=True)
def check_place(**_kwargs: Any) -> list[checks.CheckMessage]:
    """With the database elsewhere, workers may run on several hosts, and each has its own `var`."""
    host = str(settings.DATABASES["default"].get("HOST", ""))
    if is_here(host) or default_place() != settings.JOURNAL_URL:
        return []
    return [
        checks.Warning(
            "The database is on another host, and the journal lies in the folder of this program.",
            hint="Set JOURNAL_URL: every process must reach the same journal, and it must not be "
            "lost with this host (docs/operations/journal.md).",
            id="retention.W001",
        )
    ]


def default_place() -> str:
    """Where `JOURNAL_URL` points when nobody has said where."""
    place: str = (settings.BASE_DIR / "var" / "journal.jsonl").as_uri()
    return place


def is_here(host: str) -> bool:
    """A socket, or this very host."""
    return host in {"", "localhost", "127.0.0.1", "::1"} or host.startswith("/")
