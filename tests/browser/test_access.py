"""Staff look at a customer for a reason, and the customer reads it and objects."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import walk
from tests.browser.conftest import Open
from tests.browser.portal import RunningPortal
from tests.browser.reader import DARK, DESKTOP, LIGHT, PHONE, inaccessible

LOOKS = {
    "nb": ((LIGHT, DESKTOP), (DARK, PHONE)),
    "en": ((DARK, DESKTOP), (LIGHT, PHONE)),
}
REASON = "The customer cannot sign in"


@pytest.mark.parametrize("language", ["en"])
def test_a_look_is_told_to_the_customer_who_objects(
    portal: RunningPortal, open_browser: Open, staff_state: dict[str, object], language: str
) -> None:
    page = open_browser(language)
    name = walk.new_name("access")
    walk.open_account(page, portal, walk.sign_up(page, portal, name))
    nobody_has_looked(page, portal, language)

    staff = open_browser(language, storage_state=staff_state)
    search(staff, portal, walk.address_of(name))
    open_for_a_reason(staff, language)

    page.reload()
    looks = page.locator("li.row[id^=look-]")
    expect(looks.filter(has_text=REASON).first).to_be_visible()
    # By role, not by name.
    expect(page.locator("main")).not_to_contain_text(portal.staff["username"])
    assert not inaccessible(page, *LOOKS[language])
    object_to(page, language)


def nobody_has_looked(page: Page, portal: RunningPortal, language: str) -> None:
    page.goto(f"{portal.web}/data/")
    page.locator("nav.side a[href$='/data/access/']").click()
    expect(page.locator("main .empty")).to_be_visible()
    assert not inaccessible(page, *LOOKS[language])


def search(page: Page, portal: RunningPortal, address: str) -> None:
    """A part of an address finds nobody; the whole of it one, masked."""
    page.goto(f"{portal.web}/admin/accounts/user/")
    for words, found in ((address.partition("@")[0], 0), (address, 1)):
        page.fill("#searchbar", words)
        page.keyboard.press("Enter")
        page.wait_for_load_state()
        expect(page.locator("#result_list tbody tr")).to_have_count(found)
    expect(page.locator("#result_list")).not_to_contain_text(address)
    page.locator("#result_list tbody th a").click()


def open_for_a_reason(page: Page, language: str) -> None:
    page.wait_for_url("**/access/**")
    expect(page.locator("body")).not_to_contain_text("@example.test\n")
    assert not inaccessible(page, *LOOKS[language])
    page.locator(".submit-row [type=submit]").click()
    expect(page.locator(".errornote")).to_be_visible()
    page.fill("[name=reference]", "call of Monday")
    page.fill("[name=reason]", REASON)
    page.locator(".submit-row [type=submit]").click()
    page.wait_for_url(re.compile(r"/accounts/user/[0-9a-f-]+/change/"))
    assert not inaccessible(page, *LOOKS[language])


def object_to(page: Page, language: str) -> None:
    page.locator("li.row[id^=look-]", has_text=REASON).first.locator("a.button").click()
    assert not inaccessible(page, *LOOKS[language])
    page.fill("main form textarea", "I never called you on Monday.")
    page.locator("main form button:not([name])").click()
    page.wait_for_url("**/data/**")
    page.goto(page.url.partition("/data/")[0] + "/data/access/")
    expect(page.locator("a[href$='/data/requests/']").first).to_be_visible()
    assert not inaccessible(page, *LOOKS[language])
