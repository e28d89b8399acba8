"""A customer asks for their data, the worker makes the archive, and a browser reads it."""

import json
import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from tests.browser import walk
from tests.browser.conftest import Open
from tests.browser.portal import RunningPortal
from tests.browser.reader import DARK, DESKTOP, LIGHT, PHONE, inaccessible

# Each language in two looks, both in all four.
LOOKS = {
    "nb": ((LIGHT, DESKTOP), (DARK, PHONE)),
    "en": ((DARK, DESKTOP), (LIGHT, PHONE)),
}
type Looks = tuple[tuple[str, tuple[int, int]], ...]
TITLES = {"nb": "Dataene dine", "en": "Your data"}


@pytest.mark.parametrize("language", ["nb"])
def test_from_the_wish_to_the_page_in_the_archive(
    portal: RunningPortal, open_browser: Open, language: str, tmp_path: Path
) -> None:
    page = open_browser(language, accept_downloads=True)
    name = walk.new_name("export")
    walk.open_account(page, portal, walk.sign_up(page, portal, name))

    ask_for_it(page, portal, LOOKS[language])
    mail = portal.mail_to(walk.address_of(name), number=2)
    assert f"{portal.web}/data/export/" in mail.text
    page.context.clear_cookies()
    walk.sign_in(page, portal, name)
    archive = fetch_it(page, portal, LOOKS[language], tmp_path)
    with ZipFile(archive) as zipped:
        assert zipped.testzip() is None
        assert name in json.dumps(json.loads(zipped.read("json/account.json")))
        zipped.extractall(tmp_path / "unpacked")
    read_it(open_browser(language), tmp_path / "unpacked" / "index.html", language)


def ask_for_it(page: Page, portal: RunningPortal, looks: Looks) -> None:
    page.goto(f"{portal.web}/data/")
    assert not inaccessible(page, *looks)
    page.locator("#ways a[href$='/data/export/']").click()
    assert not inaccessible(page, *looks)
    page.locator("main form button").click()
    # Nobody reloads this page: it says by itself when the worker is done.
    expect(page.locator("#ready")).to_be_visible(timeout=60_000)
    expect(page.locator("#progress")).not_to_have_attribute("hx-trigger", re.compile(r"."))
    assert not inaccessible(page, *looks)


def fetch_it(page: Page, portal: RunningPortal, looks: Looks, folder: Path) -> Path:
    """Some time later, so the page asks once more who it is."""
    page.goto(f"{portal.web}/data/export/")
    page.locator("#progress a.button").click()
    page.fill("[name=password]", walk.PASSWORD)
    page.locator("form:has([name=password]) button").click()
    expect(page).to_have_url(f"{portal.web}/data/export/?download")
    assert not inaccessible(page, *looks)
    with page.expect_download() as waiting:
        page.locator("a[download]").click()
    path = folder / "data.zip"
    waiting.value.save_as(path)
    return path


def read_it(page: Page, index: Path, language: str) -> None:
    """By itself, as from a disk: the watch hears of no request, and all it names is beside it."""
    page.set_content(index.read_text())
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("h1")).to_have_text(TITLES[language])
    assert not inaccessible(page, *LOOKS[language])
    for link in page.locator(".files a").all():
        address = link.get_attribute("href") or ""
        assert (index.parent / address).exists(), address
