"""One look at every address by each reader, kept for all that must hold of it.

Drawing every page of the portal takes a while, so it is done once in each language.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from django.template import Template
from django.test import Client
from django.utils.safestring import SafeString

from retention.admin import record
from tests.architecture.addresses import Address, addresses
from tests.architecture.pages import faults
from tests.architecture.tables import changed, digests, writes
from tests.architecture.world import make_world

READERS = ("anonymous", "customer", "staff")
LANGUAGES = ("nb", "en")
# HEAD shows no words: one language will do.
HEADS = "en"
# A mail as mail programs get it, shown to its author in a frame with a policy of its own.
MAIL = "_preview_mail"


@dataclass(frozen=True, slots=True)
class Visit:
    """What one address answered to GET, or to HEAD, of which the rows alone are looked at."""

    address: Address
    method: str
    status: int
    leads_to: str
    # Whether it showed a page, and what is wrong with that.
    is_page: bool = False
    faults: tuple[str, ...] = ()
    # Tables that have other rows than before.
    changes: tuple[str, ...] = ()
    # Of a mail alone.
    mail: str = ""
    policy: str = ""

    @property
    def name(self) -> str:
        return self.address.name or self.address.route


def all_addresses() -> list[Address]:
    return list({address.route: address for address in addresses()}.values())


@cache
def walks(language: str) -> Mapping[str, list[Visit]]:
    """By reader. It leaves its world behind, so the test that asks first takes it back."""
    world = make_world(language=language)
    paths = {address: address.path(world) for address in all_addresses()}
    return {
        reader: list(watched(visits(getattr(world, reader), paths, language))) for reader in READERS
    }


def visits(client: Client, paths: Mapping[Address, str], language: str) -> Iterator[Visit]:
    client.raise_request_exception = True
    for address, path in paths.items():
        if language == HEADS:
            with undrawn():
                yield visit_of(address, "HEAD", client.head(path))
        answer = client.get(path)
        yield read(visit_of(address, "GET", answer), answer, language)


def watched(seen: Iterator[Visit]) -> Iterator[Visit]:
    """Each visit with the tables it changed."""
    before, written = digests(), writes()
    for visit in seen:
        tables: list[str] = []
        if written != (written := writes()):
            after = digests()
            tables, before = changed(before, after), after
        yield replace(visit, changes=tuple(tables))
    assert not changed(before, digests())


def visit_of(address: Address, method: str, answer: Any) -> Visit:
    return Visit(address, method, answer.status_code, answer.get("Location", ""))


def read(visit: Visit, answer: Any, language: str) -> Visit:
    """Everything that answers with HTML is a page, errors included."""
    if answer.streaming or not answer.get("Content-Type", "").startswith("text/html"):
        return visit
    html = answer.content.decode()
    if visit.address.name.endswith(MAIL):
        return replace(visit, mail=html, policy=answer["Content-Security-Policy"])
    if not html:
        return visit
    return replace(visit, is_page=True, faults=tuple(faults(html, language=language)))


@contextmanager
def unwritten_refusals() -> Iterator[None]:
    """Hundreds of them are meant, and writing each with its traceback takes its time."""
    refusals = logging.getLogger("django.request")
    refusals.disabled = True
    yield
    refusals.disabled = False


@contextmanager
def undrawn() -> Iterator[None]:
    """What the views do is done; what GET draws, templates and paper, is not drawn twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "render", lambda self, context: SafeString())
        patch.setattr(record, "as_pdf", lambda *args, **named: b"")
        yield
