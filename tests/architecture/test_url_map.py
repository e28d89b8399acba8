"""Walks the URL map: looking changes nothing, and every address is for somebody in particular."""

import pytest
from django.test import Client

from accounts.models import User
from tests.architecture.addresses import KINDS, Address, addresses
from tests.architecture.tables import changed, digests, writes
from tests.architecture.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(language="en")


def all_addresses() -> list[Address]:
    return list({address.route: address for address in addresses()}.values())


def browser(world: World, who: str) -> Client:
    found: Client = getattr(world, who)
    found.raise_request_exception = True
    return found


def test_every_address_is_classified() -> None:
    unnamed = {address.name or address.route for address in all_addresses() if not address.kind}
    assert not unnamed, f"say in tests/architecture/addresses.py for whom these are: {unnamed}"


def test_every_classified_address_exists() -> None:
    assert KINDS.keys() <= {address.name for address in all_addresses()}


@pytest.mark.parametrize("who", ["anonymous", "customer", "staff"])
def test_looking_at_a_page_changes_no_row(world: World, who: str) -> None:
    client = browser(world, who)
    before, written = digests(), writes()
    wrong: list[str] = []
    for address in all_addresses():
        path = address.path(world)
        for look in (client.head, client.get):
            look(path)
            if written == (written := writes()):
                continue
            after = digests()
            if tables := changed(before, after):
                wrong.append(f"{look.__name__.upper()} {address.name or path} changes {tables}")
                before = after
    assert not wrong, "\n".join(wrong)
    assert not changed(before, digests())


def test_an_own_page_asks_a_stranger_to_sign_in(world: World) -> None:
    client = browser(world, "anonymous")
    open_to_all = []
    for address in all_addresses():
        if address.kind == "customer":
            answer = client.get(address.path(world))
            if answer.status_code != 302 or "/login/" not in answer["Location"]:
                open_to_all.append(f"{address.name}: {answer.status_code}")
    assert not open_to_all, open_to_all


@pytest.mark.parametrize("who", ["anonymous", "customer"])
def test_the_staff_site_shows_nothing_to_others(world: World, who: str) -> None:
    client = browser(world, who)
    open_to_others = []
    for address in all_addresses():
        if address.kind == "staff":
            answer = client.get(address.path(world))
            if answer.status_code not in (302, 403, 404):
                open_to_others.append(f"{address.name}: {answer.status_code}")
    assert not open_to_others, open_to_others


@pytest.mark.parametrize("kind", ["public", "link"])
def test_a_page_for_everyone_shows_itself_to_a_stranger(world: World, kind: str) -> None:
    client = browser(world, "anonymous")
    failing = []
    for address in all_addresses():
        if address.kind == kind:
            answer = client.get(address.path(world))
            if answer.status_code >= 400 and answer.status_code != 405:
                failing.append(f"{address.name}: {answer.status_code}")
    assert not failing, failing


def test_the_walk_would_notice_a_changed_row(world: World) -> None:
    before, written = digests(), writes()
    User.objects.filter(is_staff=False).update(company="Changed")
    assert writes() > written
    assert changed(before, digests()) == ["accounts_user"]
