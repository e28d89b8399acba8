"""Walks the URL map: looking changes nothing, and every address is for somebody in particular."""

from collections.abc import Sequence

import pytest

from accounts.models import User
from tests.architecture.addresses import KINDS
from tests.architecture.tables import changed, digests, writes
from tests.architecture.walk import HEADS, LANGUAGES, READERS, Visit, all_addresses, walks
from tests.factories import make_customer

pytestmark = pytest.mark.django_db
both_languages = pytest.mark.parametrize("language", LANGUAGES)


def looks(reader: str, language: str, *kinds: str) -> Sequence[Visit]:
    """Every GET by this reader, of addresses of these kinds."""
    found = [
        visit
        for visit in walks(language)[reader]
        if visit.method == "GET" and visit.address.kind in kinds
    ]
    assert found
    return found


def test_every_address_is_classified() -> None:
    unnamed = {address.name or address.route for address in all_addresses() if not address.kind}
    assert not unnamed, f"say in tests/architecture/addresses.py for whom these are: {unnamed}"


def test_every_classified_address_exists() -> None:
    assert KINDS.keys() <= {address.name for address in all_addresses()}


@pytest.mark.slow
@both_languages
@pytest.mark.parametrize("who", READERS)
def test_looking_at_a_page_changes_no_row(who: str, language: str) -> None:
    seen = walks(language)[who]
    for method in ("HEAD", "GET") if language == HEADS else ("GET",):
        asked = [visit.address for visit in seen if visit.method == method]
        assert asked == all_addresses()
    wrong = [
        f"{visit.method} {visit.name} changes {visit.changes}" for visit in seen if visit.changes
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@both_languages
def test_an_own_page_asks_a_stranger_to_sign_in(language: str) -> None:
    open_to_all = [
        f"{visit.name}: {visit.status}"
        for visit in looks("anonymous", language, "customer")
        if visit.status != 302 or "/login/" not in visit.leads_to
    ]
    assert not open_to_all, open_to_all


@pytest.mark.slow
@both_languages
@pytest.mark.parametrize("who", ["anonymous", "customer"])
def test_the_staff_site_shows_nothing_to_others(who: str, language: str) -> None:
    open_to_others = [
        f"{visit.name}: {visit.status}"
        for visit in looks(who, language, "staff")
        if visit.status not in (302, 403, 404)
    ]
    assert not open_to_others, open_to_others


@pytest.mark.slow
@both_languages
@pytest.mark.parametrize("kind", ["public", "link"])
def test_a_page_for_everyone_shows_itself_to_a_stranger(kind: str, language: str) -> None:
    failing = [
        f"{visit.name}: {visit.status}"
        for visit in looks("anonymous", language, kind)
        if visit.status >= 400 and visit.status != 405
    ]
    assert not failing, failing


def test_the_walk_would_notice_a_changed_row() -> None:
    make_customer()
    before, written = digests(), writes()
    User.objects.filter(is_staff=False).update(company="Changed")
    assert writes() > written
    assert changed(before, digests()) == ["accounts_user"]
