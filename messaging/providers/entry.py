"""One shape for every provider's list: whose mail it blocks, why, and since when."""

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Because(enum.StrEnum):
    """Why a provider blocks an address."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a provider's list. `place` is where it stands there, `told` what it was told."""

    address: str
    because: Because
    since: datetime | None
    place: str = ""
    told: str = ""


class ProviderError(Exception):
    """The provider did not answer as documented; the words name no address and no key."""


class SuppressionList(Protocol):
    """A provider's list. What is added must leave account mail alone."""

    name: str

    def entries(self) -> Iterator[Entry]: ...

    @property
    def takes_additions(self) -> bool:
        """Whether there is a place that blocks optional mail only."""
        ...

    def add(self, addresses: Iterable[str]) -> None: ...

    def remove(self, entry: Entry) -> None: ...
