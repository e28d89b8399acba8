"""A question that is answered by phone: asked, called back, read by both, settled.

The member of staff uses no mouse.
"""

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
QUESTION = "What is line 3 on my invoice of October?"
SAID = "Line 3 is the number that you rent. Kari understood."
STEPS = 200


@pytest.mark.parametrize("language", ["en"])
def test_a_question_is_answered_by_phone(
    portal: RunningPortal, open_browser: Open, staff_state: dict[str, object], language: str
) -> None:
    page = open_browser(language)
    name = walk.new_name("support")
    walk.open_account(page, portal, walk.sign_up(page, portal, name))
    thread = ask_for_a_call(page, portal, language)
    reference = thread.rstrip("/").rpartition("/")[2]

    mail = portal.mail_to(walk.address_of(name), number=2)
    assert reference in mail.text
    assert QUESTION not in mail.text + mail.html

    staff = open_browser(language, storage_state=staff_state)
    find_question(staff, portal, reference)
    give_the_reason(staff, language)
    note_the_call(staff, language)

    page.goto(thread)
    expect(page.locator(".thread .answered")).to_contain_text(SAID)
    assert not inaccessible(page, *LOOKS[language])
    page.locator("button[name=close]").click()
    expect(page.locator("main form")).to_have_count(0)
    assert not inaccessible(page, *LOOKS[language])
    # Whoever wants a call is not written to: the welcome and the confirmation are all there is.
    assert len(portal.mails_to(walk.address_of(name))) == 2


def ask_for_a_call(page: Page, portal: RunningPortal, language: str) -> str:
    """The address of the thread."""
    page.goto(f"{portal.web}/preferences/")
    page.locator("nav.side a[href$='/account/support/']").click()
    assert not inaccessible(page, *LOOKS[language])
    page.select_option("[name=topic]", "billing")
    page.fill("[name=text]", QUESTION)
    page.locator("[name=channel][value=phone]").check(force=True)
    page.locator("main form button:not([name])").click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.locator("[name=text]")).to_have_value(QUESTION)
    page.fill("[name=phone]", "+47 22 00 00 00")
    page.fill("[name=call_when]", "after 15")
    page.locator("main form button:not([name])").click()
    page.wait_for_url(re.compile(r"/account/support/[0-9a-f-]{36}/$"))
    expect(page.locator("nav.side [aria-current]")).to_have_attribute("href", "/account/support/")
    assert not inaccessible(page, *LOOKS[language])
    return page.url


def find_question(page: Page, portal: RunningPortal, reference: str) -> None:
    """From the first page to the list, and by the reference to the one."""
    page.goto(f"{portal.web}/admin/")
    press(page, "a[href='/admin/accounts/supportquestion/']")
    page.wait_for_url("**/admin/accounts/supportquestion/")
    page.locator("#searchbar").focus()
    page.keyboard.type(reference)
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    press(page, "#result_list tbody th a")


def give_the_reason(page: Page, language: str) -> None:
    """The question itself is the reason; whoever has not taken it says so once."""
    page.wait_for_url("**/access/**")
    assert not inaccessible(page, *LOOKS[language])
    press(page, ".submit-row [type=submit]")
    page.wait_for_url(re.compile(r"/supportquestion/[0-9a-f-]+/change/"))


def note_the_call(page: Page, language: str) -> None:
    expect(page.locator("#asker ~ dl")).to_contain_text("+4722000000")
    expect(page.locator("#asker ~ dl")).to_contain_text("after 15")
    assert not inaccessible(page, *LOOKS[language])
    press(page, "button[name=take]")
    expect(page.locator("button[name=take]")).to_have_count(0)
    page.locator("textarea[name=text]").focus()
    page.keyboard.type(SAID)
    press(page, ".portal-answer button.main")
    expect(page.locator(".portal-thread li")).to_have_count(2)
    assert not inaccessible(page, *LOOKS[language])


def press(page: Page, selector: str) -> None:
    """Reached by Tab, seen to be reached, and pressed by Enter."""
    for _step in range(STEPS):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement?.matches(wanted)", selector):
            break
    else:
        raise AssertionError(f"{page.url}: Tab never reaches {selector}")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", f"{page.url}: {selector} does not show that it is reached"
    page.keyboard.press("Enter")
    page.wait_for_load_state()
