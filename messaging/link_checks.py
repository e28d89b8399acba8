"""Whether the links of a mail lead anywhere: tried when somebody asks, and remembered for a while.

Addresses come from whoever writes a mail, so none may lead into our own network: each is resolved
once and the connection goes to the very address that was checked (`consent.webhooks.addresses`),
every redirect anew. HEAD first, GET for servers that do not know it; nothing of a page is read.
What was found stands in the cache alone, under a hash, and may vanish: then it is simply unknown.
"""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from socket import EAI_AGAIN
from urllib.parse import urljoin, urlsplit, urlunsplit

import redis
import requests
from django.core.cache import cache
from django.core.exceptions import ValidationError
from urllib3.exceptions import HTTPError

from consent.webhooks.addresses import ForbiddenAddressError, check_url
from consent.webhooks.calling import CheckedAdapter
from consent.webhooks.cutting import cut_after
from messaging.policy import (
    LINK_BELIEVED,
    LINK_HOPS,
    LINK_SECONDS,
    LINKS_A_PRESS,
    LINKS_AT_ONCE,
)

_HEADERS = {
    "User-Agent": "portal-link-check/1",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}
# Servers that refuse HEAD, and guards that refuse every machine, say nothing about the page.
_GONE = frozenset({404, 410})
_FINE = range(200, 300)
_MOVED = frozenset({301, 302, 303, 307, 308})


class Found(StrEnum):
    """What trying a link told."""

    ALIVE = "alive"
    DEAD = "dead"
    # It answered, or did not, in a way that says nothing about a reader's browser.
    UNCLEAR = "unclear"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LinkState:
    """What is known of a link; `why` is a status, or a code that the checklist has words for."""

    found: Found
    why: str = ""


UNKNOWN = LinkState(Found.UNKNOWN)


def known_links(addresses: Iterable[str]) -> dict[str, LinkState]:
    """What was found lately; asks nobody but the cache, and goes without it."""
    keys = {_key(address): address for address in addresses}
    try:
        stored = cache.get_many(keys)
    except redis.RedisError:
        stored = {}
    return {
        address: LinkState(Found(stored[key][0]), stored[key][1]) if key in stored else UNKNOWN
        for key, address in keys.items()
    }


def check_links(addresses: Iterable[str]) -> dict[str, LinkState]:
    """Try each, several at a time; the result is what `known_links` tells from now on."""
    wanted = sorted(set(addresses))
    with ThreadPoolExecutor(LINKS_AT_ONCE) as pool:
        states = dict(zip(wanted, pool.map(try_link, wanted), strict=True))
    remembered = {_key(each): [state.found, state.why] for each, state in states.items()}
    try:
        cache.set_many(remembered, timeout=int(LINK_BELIEVED.total_seconds()))
    except redis.RedisError:
        return states
    return states


def try_some(addresses: Iterable[str]) -> int:
    """Try as many as one press may, those we know nothing of first; how many are left unknown."""
    known = known_links(addresses)
    wanted = sorted(known, key=lambda address: known[address].found is not Found.UNKNOWN)
    check_links(wanted[:LINKS_A_PRESS])
    return sum(known[address].found is Found.UNKNOWN for address in wanted[LINKS_A_PRESS:])


def try_link(address: str) -> LinkState:
    """Follow it as a browser would, to the end; over in a few seconds, whatever happens."""
    with cut_after(LINK_SECONDS) as deadline:
        state = _follow(address)
        if deadline.is_over and state.found is not Found.ALIVE:
            return LinkState(Found.UNCLEAR, "slow")
        return state


def _follow(address: str) -> LinkState:
    try:
        for _hop in range(LINK_HOPS):
            check_url(_without_fragment(address))
            status, leads_to = _ask("HEAD", address)
            if status not in _FINE and status not in _MOVED:
                status, leads_to = _ask("GET", address)
            if status not in _MOVED or not leads_to:
                return _judged(status)
            address = urljoin(address, leads_to)
        return LinkState(Found.UNCLEAR, "round")
    except ForbiddenAddressError as error:
        if error.__cause__ is None:
            return LinkState(Found.DEAD, "not_public")
        # A name server of ours that is down says nothing about the name.
        is_ours = getattr(error.__cause__, "errno", None) == EAI_AGAIN
        return LinkState(Found.UNCLEAR if is_ours else Found.DEAD, "no_name")
    except ValidationError:
        return LinkState(Found.DEAD, "not_public")
    except requests.exceptions.SSLError:
        return LinkState(Found.DEAD, "certificate")
    except (requests.RequestException, HTTPError, OSError, ValueError):
        return LinkState(Found.UNCLEAR, "no_answer")


def _ask(method: str, address: str) -> tuple[int, str]:
    """A status and where it leads; no cookie, no proxy, no redirect followed, no body read."""
    address = _without_fragment(address)
    headers = {**_HEADERS, "Host": urlsplit(address).netloc}
    request = requests.Request(method, address, headers=headers).prepare()
    with CheckedAdapter().send(request, stream=True, timeout=LINK_SECONDS, verify=True) as response:
        return response.status_code, response.headers.get("Location", "")


def _judged(status: int) -> LinkState:
    if status in _FINE:
        return LinkState(Found.ALIVE)
    return LinkState(Found.DEAD if status in _GONE else Found.UNCLEAR, str(status))


def _without_fragment(address: str) -> str:
    return urlunsplit(urlsplit(address)._replace(fragment=""))


def _key(address: str) -> str:
    return f"mail-link:{hashlib.sha256(address.encode()).hexdigest()}"
