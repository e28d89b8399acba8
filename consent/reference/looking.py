"""Looking at a web page of our own. Touches no database, so nothing is open while it waits.

Only pages of ours are asked for, by name and port, redirects included: what staff write as the
address of a reference must never become a way into our network.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from consent.webhooks.cutting import POOLS, cut_after
from consent.webhooks.policy import DEADLINE_SECONDS, TIMEOUT_SECONDS

MOST_BYTES: Final = 4 * 1024 * 1024
REDIRECTS: Final = 3
_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Page:
    """What an address answered: a status, or 0; its words if all of it could be read."""

    status: int = 0
    words: str | None = None


def is_ours(url: str) -> bool:
    """A page of the portal itself, or one by https on another site that the operator named."""
    portal = urlsplit(settings.PORTAL_URL)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None:
        return False
    if host == portal.hostname:
        return (parts.scheme, port) == (portal.scheme, portal.port)
    return parts.scheme == "https" and port is None and host in settings.OUR_HOSTS


def look_at(url: str, *, language: str) -> Page:
    """GET as a reader of that language; no proxy asked, no cookie kept, no cache's copy wanted."""
    with cut_after(DEADLINE_SECONDS) as deadline:
        try:
            page = _follow(url, language)
        except (requests.RequestException, HTTPError, OSError, ValueError):
            return Page()
        return Page(page.status) if deadline.is_over else page


def _follow(url: str, language: str) -> Page:
    for _redirect in range(REDIRECTS + 1):
        if not is_ours(url):
            return Page()
        headers = {
            "Accept": "text/html, application/json;q=0.5",
            "Accept-Encoding": "identity",
            "Accept-Language": language,
            "Cache-Control": "no-cache",
            "User-Agent": "portal-references/1",
        }
        get = requests.Request("GET", url, headers=headers).prepare()
        # Past a session, which would add what stands in the environment.
        with _Adapter().send(get, stream=True, timeout=TIMEOUT_SECONDS, verify=True) as answer:
            if answer.is_redirect:
                url = urljoin(url, answer.headers["Location"])
                continue
            return Page(answer.status_code, _words_of(answer))
    return Page()


def _words_of(answer: requests.Response) -> str | None:
    """None where the whole of it could not be read as text: half a page proves nothing."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not (kind.startswith("text/") or kind in ("application/xhtml+xml", "application/json")):
        return None
    raw: bytes = answer.raw.read(MOST_BYTES + 1, decode_content=True)
    if len(raw) > MOST_BYTES:
        return None
    # A page may lie about its letters: read both ways, a name is found in one of them.
    return " ".join(plain(raw.decode(letters, errors="replace")) for letters in ("utf-8", "cp1252"))


def plain(markup: str) -> str:
    """Its words alone, in small letters: as they are read, and as they stand in attributes."""
    return " ".join(
        (words_of(_TAG.sub("", markup)), words_of(_TAG.sub(" ", markup)), words_of(markup))
    )


def words_of(text: str) -> str:
    """The same words however they are set, quoted and spaced."""
    known = unicodedata.normalize("NFKC", html.unescape(text)).replace("\u00ad", "")
    return " ".join(_WORD.findall(known.casefold()))


class _Adapter(HTTPAdapter):
    """With connections that the deadline can cut."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = POOLS
