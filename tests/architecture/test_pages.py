"""Every page, as every reader sees it, in both languages."""

from collections.abc import Iterator

import pytest
from django.test import Client

from tests.architecture.addresses import addresses
from tests.architecture.pages import faults
from tests.architecture.world import World, make_world

pytestmark = pytest.mark.django_db
# A mail as mail programs get it, shown to its author in a frame with a policy of its own.
MAIL = "_preview_mail"


@pytest.fixture(params=["nb", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(language: str) -> World:
    return make_world(language=language)


def pages(world: World, client: Client) -> Iterator[tuple[str, str]]:
    """Name and HTML of everything that answers with HTML, error pages included."""
    for address in {address.route: address for address in addresses()}.values():
        if address.name.endswith(MAIL):
            continue
        answer = client.get(address.path(world))
        if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming:
            yield address.name or address.route, answer.content.decode()


@pytest.mark.parametrize("who", ["anonymous", "customer", "staff"])
def test_no_page_asks_another_host_or_breaks_the_content_policy(
    world: World, language: str, who: str
) -> None:
    seen = 0
    wrong = []
    for name, html in pages(world, getattr(world, who)):
        if not html:
            continue
        seen += 1
        wrong += [f"{name}: {fault}" for fault in faults(html, language=language)]
    assert seen > 10
    assert not wrong, "\n".join(sorted(set(wrong)))


@pytest.mark.parametrize(
    "fault",
    [
        '<img src="https://elsewhere.example/x.png">',
        "<script>alert(1)</script>",
        '<p style="color: red">',
        "<style>p {}</style>",
        '<a href="//elsewhere.example/">',
        '<button onclick="go()">',
        '<form action="http://elsewhere.example/">',
    ],
)
def test_the_reader_sees_each_fault(fault: str) -> None:
    assert faults(f'<html lang="nb">{fault}', language="nb")


def test_the_reader_accepts_what_is_ours() -> None:
    page = (
        '<html lang="nb"><script src="/static/x.js"></script><a href="mailto:a@b.example">'
        '<script type="application/json">{}</script><img src="data:image/png;base64,AA">'
    )
    assert not faults(page, language="nb")


def test_the_reader_sees_a_page_in_the_wrong_language() -> None:
    assert faults('<html lang="en">', language="nb")
    assert faults("<html>", language="nb")


def test_a_mail_shown_to_its_author_runs_nothing(world: World) -> None:
    shown = [address for address in addresses() if address.name.endswith(MAIL)]
    assert shown
    for address in shown:
        answer = world.staff.get(address.path(world))
        policy = answer["Content-Security-Policy"]
        assert "script-src" not in policy or "script-src 'none'" in policy
        assert "default-src 'none'" in policy
        assert "<script" not in answer.content.decode()
