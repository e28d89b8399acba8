"""SendGrid: a list each for bounces, invalid addresses, complaints and global unsubscribes.

`GET /v3/suppression/<list>?limit=500&offset=…`; removals by address. Complaints of ours go into an
unsubscribe group of optional mail; the global list would stop account mail, too.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import batched
from typing import Any
from urllib.parse import quote

from messaging.providers.calling import Caller
from messaging.providers.entry import Because, Entry

PAGE = 500
LISTS = {
    "suppression/bounces": Because.BOUNCE,
    "suppression/invalid_emails": Because.BOUNCE,
    "suppression/spam_reports": Because.COMPLAINT,
    "suppression/unsubscribes": Because.UNSUBSCRIBE,
}
# Global unsubscribes are listed in one place and removed in another.
REMOVED_AT = {"suppression/unsubscribes": "asm/suppressions/global"}


class SendGridList:
    name = "sendgrid"

    def __init__(self, *, key: str, base: str, group: str) -> None:
        self._api = Caller(base, headers={"Authorization": f"Bearer {key}"})
        self._group_id = group
        self._group = f"asm/groups/{group}/suppressions" if group else ""

    @property
    def takes_additions(self) -> bool:
        return bool(self._group)

    def entries(self) -> Iterator[Entry]:
        for place, because in LISTS.items():
            for row in self._rows(place):
                yield Entry(
                    address=row["email"],
                    because=because,
                    since=datetime.fromtimestamp(int(row["created"]), UTC),
                    place=place,
                    told=str(row.get("status", "")),
                )
        if self._group:
            # The group's own list names no day; the list of all groups does.
            for row in self._api.get("asm/suppressions"):
                if str(row["group_id"]) == self._group_id:
                    yield Entry(
                        address=row["email"],
                        because=Because.UNSUBSCRIBE,
                        since=datetime.fromtimestamp(int(row["created_at"]), UTC),
                        place=self._group,
                    )

    def _rows(self, place: str) -> Iterator[Any]:
        offset = 0
        while rows := self._api.get(place, limit=PAGE, offset=offset):
            yield from rows
            if len(rows) < PAGE:
                return
            offset += PAGE

    def add(self, addresses: Iterable[str]) -> None:
        for some in batched(addresses, PAGE):
            self._api.post(self._group, json={"recipient_emails": list(some)})

    def remove(self, entry: Entry) -> None:
        place = REMOVED_AT.get(entry.place, entry.place)
        self._api.delete(f"{place}/{quote(entry.address, safe='')}")
