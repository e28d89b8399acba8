"""A customer's own lists and messages at a real browser, with the worker that reads a file."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import walk
from tests.browser.conftest import Open
from tests.browser.portal import PATIENCE, RunningPortal
from tests.browser.reader import DARK, DESKTOP, LIGHT, PHONE, inaccessible

LOOKS = ((LIGHT, DESKTOP), (DARK, PHONE))
OWN = "/lists/ /lists/upload/ /lists/opt-outs/ /messages/ /messages/delete/ /reports/"
FILE = (
    "Mobil;E-post;Fornavn\n"
    "987 65 432;kari@example.test;Kari\n"
    "12;;Feil\n"
    ";ola@example.test;Ola\n"
    "987 65 432;;Igjen\n"
)


@pytest.fixture
def contacts_csv(tmp_path: Path) -> Path:
    path = tmp_path / "julekort.csv"
    path.write_bytes(FILE.encode("utf-8-sig"))
    return path


def demo_customer(page: Page, portal: RunningPortal) -> None:
    walk.sign_in(page, portal, portal.customer["username"], portal.customer["password"])


def choose_file(page: Page, portal: RunningPortal, path: Path) -> None:
    page.goto(f"{portal.web}/lists/upload/")
    page.set_input_files("[name=file]", path)
    page.locator("form:has([name=file]) button").click()


def test_from_a_file_to_a_list_and_gone_again(
    portal: RunningPortal, open_browser: Open, contacts_csv: Path
) -> None:
    page = open_browser("nb")
    demo_customer(page, portal)
    choose_file(page, portal, contacts_csv)
    expect(page.locator("[name=column_0]")).to_have_value("phone_number")
    expect(page.locator("[name=column_1]")).to_have_value("email")
    assert not inaccessible(page, *LOOKS)
    page.locator("form:has([name=column_0]) button").click()
    # The page follows the worker by itself.
    expect(page.locator("dl.facts").first).to_contain_text("2", timeout=PATIENCE * 1000)
    download = page.locator("a[href$='lines-to-mend.csv']")
    page.wait_for_timeout(100)
    page.reload()
    expect(download).to_be_visible()
    assert not inaccessible(page, *LOOKS)
    with page.expect_download() as waiting:
        download.click()
    assert "12" in Path(waiting.value.path()).read_text("utf-8-sig")

    page.locator("a.button[href^='/lists/']").first.click()
    expect(page.locator("tbody tr")).to_have_count(2)
    assert not inaccessible(page, *LOOKS)
    page.locator("a.danger").click()
    assert not inaccessible(page, *LOOKS)
    page.locator("button.danger").click()
    expect(page).to_have_url(f"{portal.web}/lists/")
    expect(page.locator(".message")).to_be_visible()


def test_without_javascript_a_link_asks_again(
    portal: RunningPortal, open_browser: Open, contacts_csv: Path
) -> None:
    page = open_browser("en", java_script_enabled=False)
    demo_customer(page, portal)
    choose_file(page, portal, contacts_csv)
    page.fill("[name=new_list]", "Without script")
    page.locator("form:has([name=column_0]) button").click()
    # In the language that the account reads, whichever journey chose it last.
    taken_in = re.compile("Your contacts are taken in|Kontaktene dine er tatt inn")
    until = time.monotonic() + PATIENCE
    while not taken_in.fullmatch(page.locator("h1").inner_text()) and time.monotonic() < until:
        page.locator("main p > a").first.click()
    expect(page.locator("h1")).to_have_text(taken_in)
    expect(page.locator("tbody tr")).to_have_count(2)


@pytest.mark.parametrize("language", ["nb", "en"])
def test_pages_of_own_content(portal: RunningPortal, open_browser: Open, language: str) -> None:
    page = open_browser(language)
    demo_customer(page, portal)
    other = page.locator("header.bar form button, .bar form button").first
    if page.locator("html").get_attribute("lang") != language:
        other.click()
    found = []
    for address in OWN.split():
        answer = page.goto(portal.web + address)
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"
        expect(page.locator("html")).to_have_attribute("lang", language)
        found += inaccessible(page, *LOOKS)
    assert not found, "\n".join(found)


def test_a_message_is_found_by_its_words(portal: RunningPortal, open_browser: Open) -> None:
    page = open_browser("nb")
    demo_customer(page, portal)
    page.goto(f"{portal.web}/messages/")
    before = page.locator("tbody tr").count()
    assert before > 10
    page.fill("[name=q]", "julekortene")
    page.locator("form.search button").click()
    expect(page.locator("tbody tr").first).to_contain_text(re.compile("julekortene"))
    assert not inaccessible(page, *LOOKS)
