"""Mailgun: a list each for bounces, complaints and unsubscribes of a domain.

`GET /v3/<domain>/<list>?limit=1000`, then the address named `next` until a page is empty.
Complaints of ours become unsubscribes from the tag that optional mail carries: those leave account
mail alone, which has no tag.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from messaging.providers.calling import Caller
from messaging.providers.entry import Because, Entry, ProviderError
from messaging.providers.marking import OPTIONAL_TAG

PAGE = 1000
LISTS = {
    "bounces": Because.BOUNCE,
    "complaints": Because.COMPLAINT,
    "unsubscribes": Because.UNSUBSCRIBE,
}


class MailgunList:
    name = "mailgun"
    takes_additions = True

    def __init__(self, *, key: str, base: str, domain: str) -> None:
        self._api = Caller(base, auth=("api", key))
        self._domain = quote(domain, safe="")

    def entries(self) -> Iterator[Entry]:
        for place, because in LISTS.items():
            for row in self._rows(place):
                yield Entry(
                    address=row["address"],
                    because=because,
                    since=_moment(row.get("created_at")),
                    place=place,
                    told=str(row.get("error", "")),
                )

    def _rows(self, place: str) -> Iterator[Any]:
        page = self._api.get(f"{self._domain}/{place}", limit=PAGE)
        while rows := page["items"]:
            yield from rows
            following = page.get("paging", {}).get("next", "")
            if not following:
                return
            if not self._api.is_ours(following):
                raise ProviderError("the next page is somewhere else")
            page = self._api.get(following)

    def add(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            self._api.post(
                f"{self._domain}/unsubscribes", data={"address": address, "tag": OPTIONAL_TAG}
            )

    def remove(self, entry: Entry) -> None:
        self._api.delete(f"{self._domain}/{entry.place}/{quote(entry.address, safe='')}")


def _moment(text: Any) -> datetime | None:
    """`Fri, 21 Oct 2011 11:02:55 UTC`."""
    try:
        moment = parsedate_to_datetime(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
