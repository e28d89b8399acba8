"""The same journeys for readers without a mouse, without JavaScript, or with a passkey."""

import re

from playwright.sync_api import CDPSession, Page, expect

from tests.browser import walk
from tests.browser.conftest import Open
from tests.browser.portal import RunningPortal
from tests.browser.reader import DARK, DESKTOP, LIGHT, PHONE, inaccessible

TAB_LIMIT = 80


def tab_to(page: Page, selector: str) -> None:
    """As a reader does: key by key until the wanted field has focus, and one sees that it has."""
    for _ in range(TAB_LIMIT):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            assert page.evaluate(OUTLINED), f"{selector} has focus, and nobody sees it"
            return
    raise AssertionError(f"the Tab key does not lead to {selector} at {page.url}")


# The ring is drawn by the element itself, or around it for a radio button that is drawn elsewhere.
OUTLINED = """() => {
  const drawn = (element) => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
      || style.boxShadow !== "none";
  };
  const active = document.activeElement;
  const around = [active, active.parentElement, active.nextElementSibling];
  return around.some((each) => each && drawn(each));
}"""


def test_by_keyboard_alone(portal: RunningPortal, open_browser: Open) -> None:
    page = open_browser("nb")
    page.goto(f"{portal.web}/signup/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    name = walk.new_name("keys")
    for field, text in (
        ("username", name),
        ("first_name", "Kari"),
        ("email", walk.address_of(name)),
    ):
        tab_to(page, f"[name={field}]")
        page.keyboard.type(text)
    for topic, key in (("newsletter", "Space"), ("product_news", "ArrowRight")):
        tab_to(page, f"[name=topic_{topic}]")
        page.keyboard.press(key)
    tab_to(page, "[name=topic_special_offers]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{portal.web}/signup/check-your-mail/")

    page.goto(portal.mail_to(walk.address_of(name)).link_to("welcome"))
    for field in ("password1", "password2"):
        tab_to(page, f"[name={field}]")
        page.keyboard.type(walk.PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{portal.web}/preferences/")
    expect(page.locator("#topic-1-yes")).to_be_checked()
    expect(page.locator("#topic-2-no")).to_be_checked()

    tab_to(page, "#topic-1-yes")
    page.keyboard.press("ArrowRight")
    undo = page.locator("#topic-1 [value=undo]")
    expect(undo).to_be_visible()
    # The row was replaced, yet the reader is where they were.
    expect(page.locator("#topic-1-no")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#topic-1-yes")).to_be_checked()


def test_without_javascript(portal: RunningPortal, open_browser: Open) -> None:
    page = open_browser("en", java_script_enabled=False)
    name = walk.new_name("plain")
    welcome = walk.sign_up(page, portal, name)
    walk.open_account(page, portal, welcome)

    row = page.locator("#topic-1")
    row.locator("[value=no]").check(force=True)
    row.locator("[data-without-js]").click()
    expect(row.locator("[value=no]")).to_be_checked()
    row.locator("[value=undo]").click()
    expect(row.locator("[value=yes]")).to_be_checked()
    page.locator("[name=months][value='1']").click()
    page.locator("[value=resume]").click()
    expect(page.locator("[name=months]").first).to_be_visible()
    page.locator("main > form [value=no], main form.buttons > [value=no]").click()
    expect(page.locator("#topic-3 [value=no]")).to_be_checked()
    page.goto(f"{portal.web}/data/")
    expect(page.locator("main a[href='/data/export/']").first).to_be_visible()


def test_unsubscribing_without_javascript(
    portal: RunningPortal, open_browser: Open, staff_state: dict[str, object]
) -> None:
    """A test mail has no link of its own reader, so a real one is sent, to few."""
    page = open_browser("nb", java_script_enabled=False)
    name = walk.new_name("plainly")
    walk.open_account(page, portal, walk.sign_up(page, portal, name))
    staff = open_browser("en", storage_state=staff_state)
    form = walk.write_mailing(staff, portal, "campaign", "Plain", topic=3)
    walk.take_step(staff, "approve")
    walk.take_step(staff, "start")
    link = portal.mail_to(walk.address_of(name), number=2).link_to("u")
    staff.goto(form)

    page.context.clear_cookies()
    page.goto(link)
    page.locator("[name=scope][value=all]").click()
    expect(page.locator("[value=undo]")).to_be_visible()
    page.locator("[value=undo]").click()
    expect(page.locator("[name=scope][value=all]")).to_be_visible()


def test_a_passkey_is_added_and_signs_in(portal: RunningPortal, open_browser: Open) -> None:
    page = open_browser("nb")
    name = walk.new_name("passkey")
    welcome = walk.sign_up(page, portal, name)
    give_authenticator(page)
    page.goto(welcome.link_to("welcome"))
    page.locator("[name=passkey]").click()
    expect(page).to_have_url(re.compile("/account/security/webauthn/add/"))
    assert not inaccessible(page, (LIGHT, PHONE), (DARK, DESKTOP))
    page.fill("[name=name]", "Min telefon")
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url(lambda url: "/add/" not in url)
    assert not inaccessible(page, (LIGHT, DESKTOP), (DARK, PHONE))

    page.locator("header form[action='/logout/'] button").click()
    page.goto(f"{portal.web}/login/")
    page.locator("#passkey_login").click()
    expect(page).to_have_url(f"{portal.web}/preferences/")


def give_authenticator(page: Page) -> CDPSession:
    """A device with a screen lock, as a phone or a laptop is one."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session
