"""Postmark: one list per message stream.

`GET /message-streams/<stream>/suppressions/dump`; additions and removals of at most 50 addresses a
call, answered one by one. Postmark removes no complaint of its own.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import batched
from typing import Any

from django.utils.dateparse import parse_datetime

from messaging.providers.calling import Caller
from messaging.providers.entry import Because, Entry, ProviderError

BATCH = 50
REASONS = {
    "HardBounce": Because.BOUNCE,
    "SpamComplaint": Because.COMPLAINT,
    "ManualSuppression": Because.UNSUBSCRIBE,
}


class PostmarkList:
    name = "postmark"

    def __init__(self, *, key: str, base: str, stream: str, optional_stream: str) -> None:
        self._api = Caller(base, headers={"X-Postmark-Server-Token": key})
        self._optional = optional_stream
        self._streams = tuple(dict.fromkeys(filter(None, (stream, optional_stream))))

    @property
    def takes_additions(self) -> bool:
        return bool(self._optional)

    def entries(self) -> Iterator[Entry]:
        for stream in self._streams:
            answer = self._api.get(f"message-streams/{stream}/suppressions/dump")
            for row in answer["Suppressions"]:
                if because := REASONS.get(row["SuppressionReason"]):
                    yield Entry(
                        address=row["EmailAddress"],
                        because=because,
                        since=_moment(row.get("CreatedAt")),
                        place=stream,
                    )

    def add(self, addresses: Iterable[str]) -> None:
        self._change(f"message-streams/{self._optional}/suppressions", addresses)

    def remove(self, entry: Entry) -> None:
        self._change(f"message-streams/{entry.place}/suppressions/delete", [entry.address])

    def _change(self, path: str, addresses: Iterable[str]) -> None:
        for some in batched(addresses, BATCH):
            wanted = {"Suppressions": [{"EmailAddress": address} for address in some]}
            answer: Any = self._api.post(path, json=wanted)
            if any(row.get("Status") == "Failed" for row in answer["Suppressions"]):
                raise ProviderError("refused")


def _moment(text: Any) -> datetime | None:
    return parse_datetime(str(text))
