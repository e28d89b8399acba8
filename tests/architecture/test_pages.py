"""Every page, as every reader sees it, in both languages."""

import pytest

from tests.architecture.pages import faults
from tests.architecture.walk import LANGUAGES, READERS, walks

pytestmark = pytest.mark.django_db


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", READERS)
def test_no_page_asks_another_host_or_breaks_the_content_policy(who: str, language: str) -> None:
    pages = [visit for visit in walks(language)[who] if visit.is_page]
    assert len(pages) > 10
    wrong = {f"{page.name}: {fault}" for page in pages for fault in page.faults}
    assert not wrong, "\n".join(sorted(wrong))


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


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_shown_to_its_author_runs_nothing(language: str) -> None:
    shown = [visit for visit in walks(language)["staff"] if visit.mail]
    assert shown
    for visit in shown:
        assert "script-src" not in visit.policy or "script-src 'none'" in visit.policy
        assert "default-src 'none'" in visit.policy
        assert "<script" not in visit.mail
