"""A customer's pages through the web server: what a first visit weighs, and how long each takes.

The customer has 300,000 rows of their own: contacts, messages and their content. Everything comes
over one kept connection, so a time is the server's and the loopback's. What a page makes a browser
load is counted as it came over the wire; an address of somebody else's is an error.
"""

import gzip
import random
import re
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import requests

from bench.export import OWNER, fill
from bench.frame import Benchmark, Result, bound, percentile
from bench.one_click import portal
from bench.servers import administrator
from clicksend_portal.embedded.folders import ServiceError

ROWS, ROUNDS, WARMING = 300_000, 40, 4
MOST_KB, MOST_MS = 60.0, 50.0
WORDS = "only-this-customer-of-a-benchmark"
FOR_ALL = (
    "/",
    "/login/",
    "/signup/",
    "/references/",
    "/privacy/",
    "/privacy/retention/",
    "/trust/",
)
# But for the two that read everything: the preview of a deletion, and a search for words.
SIGNED_IN = (
    "/preferences/",
    "/account/",
    "/account/sessions/",
    "/account/support/",
    "/reference-program/",
    "/data/",
    "/data/access/",
    "/data/requests/",
    "/data/export/",
    "/lists/",
    f"/lists/{OWNER}/",
    "/lists/opt-outs/",
    "/messages/",
    "/reports/",
)
READS = {"Accept-Encoding": "gzip"}
# What a browser loads for an element without being asked.
LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}
LOADED_LINKS = {"stylesheet", "icon", "manifest", "preload", "modulepreload"}


def run() -> Iterator[Result]:
    fill(ROWS)
    make_customer()
    pages = (*FOR_ALL, *SIGNED_IN)
    times: dict[str, list[float]] = {path: [] for path in pages}
    with (
        tempfile.TemporaryDirectory() as name,
        portal(Path(name)) as address,
        requests.Session() as stranger,
        requests.Session() as customer,
    ):
        sign_in(customer, address)
        of = dict.fromkeys(FOR_ALL, stranger) | dict.fromkeys(SIGNED_IN, customer)
        weights = {path: first_visit(of[path], address, path) for path in pages}
        for number in range(WARMING + ROUNDS):
            for path in random.sample(pages, len(pages)):
                took = milliseconds(of[path], address + path)
                if number >= WARMING:
                    times[path].append(took)
    heaviest = max(weights, key=lambda path: weights[path])
    yield bound(f"pages, a first visit: {heaviest}", weights[heaviest], MOST_KB, unit="kB")
    all_times = [each for found in times.values() for each in found]
    yield bound("pages, p95 of all", percentile(all_times, 95), MOST_MS, unit="ms")
    slowest = max(times, key=lambda path: percentile(times[path], 95))
    p95 = percentile(times[slowest], 95)
    name = slowest.replace(str(OWNER), "…")
    yield bound(f"pages, p95 of the slowest: {name}", p95, MOST_MS, unit="ms")


def make_customer() -> None:
    """Who owns the rows has chosen, and can sign in."""
    from django.contrib.auth.hashers import make_password

    from consent.models import Source
    from consent.services import optional_topics, record_choices

    with administrator() as admin:
        admin.execute(
            "UPDATE accounts_user SET password = %s WHERE id = %s", [make_password(WORDS), OWNER]
        )
    answers = {each: number % 2 == 0 for number, each in enumerate(optional_topics())}
    record_choices(OWNER, answers, source=Source.SIGNUP, now=datetime.now(UTC))


def sign_in(browser: requests.Session, address: str) -> None:
    page, _ = load(browser, f"{address}/login/")
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    if found is None:
        raise ServiceError("The sign-in page has no form.")
    form = {"csrfmiddlewaretoken": found[1], "login": "owner", "password": WORDS}
    browser.post(f"{address}/login/", form, timeout=30, allow_redirects=False)
    load(browser, f"{address}/data/")


def milliseconds(browser: requests.Session, url: str) -> float:
    began = time.perf_counter()
    load(browser, url)
    return 1000 * (time.perf_counter() - began)


def load(browser: requests.Session, url: str) -> tuple[str, int]:
    """What it says, and its bytes on the wire with their headers."""
    answer = browser.get(url, headers=READS, timeout=30, allow_redirects=False, stream=True)
    body = answer.raw.read(decode_content=False)
    if answer.status_code != 200:
        raise ServiceError(f"{url} answered {answer.status_code}.")
    headers = sum(len(name) + len(value) + 4 for name, value in answer.headers.items())
    packed = answer.headers.get("Content-Encoding") == "gzip"
    return (gzip.decompress(body) if packed else body).decode(), headers + len(body)


def first_visit(browser: requests.Session, address: str, path: str) -> float:
    """The page and all that a browser without a cache loads for it, in kB."""
    page, size = load(browser, address + path)
    for each in sorted(loaded_by(page)):
        url = urljoin(address + path, each)
        if not url.startswith(f"{address}/"):
            raise ServiceError(f"{path} loads {url}, which is somebody else's.")
        text, bytes_of_it = load(browser, url)
        if "url(" in text or "@import" in text:
            raise ServiceError(f"{url} loads more, which is not counted yet.")
        size += bytes_of_it
    return size / 1000


def loaded_by(page: str) -> set[str]:
    parser = Loads()
    parser.feed(page)
    return parser.found


class Loads(HTMLParser):
    """The addresses that a browser asks for by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and not LOADED_LINKS & set((given.get("rel") or "").split()):
            return
        url = given.get(LOADED.get(tag, ""))
        if url and not url.startswith("data:"):
            self.found.add(url)


BENCHMARK = Benchmark(
    "pages", "a customer's pages: the weight of a first visit, and the time of each", run
)
