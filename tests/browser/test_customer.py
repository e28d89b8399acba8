"""A customer at a real browser, with worker and beat behind it and mails from the catcher."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import walk
from tests.browser.conftest import Open
from tests.browser.portal import RunningPortal
from tests.browser.reader import DARK, DESKTOP, LIGHT, PHONE, inaccessible

EVERY_LOOK = ((LIGHT, DESKTOP), (DARK, DESKTOP), (DARK, PHONE), (LIGHT, PHONE))


def saved_topic(page: Page, number: int) -> str:
    """The choice that a fresh look at the page shows."""
    page.goto(page.url)
    return page.locator(f"#topic-{number} [name=choice]:checked").get_attribute("value") or ""


def test_from_sign_up_to_the_account_pages(portal: RunningPortal, open_browser: Open) -> None:
    """In Norwegian until the reader switches; everything saved at once, and taken back at once."""
    page = open_browser("nb", viewport={"width": 390, "height": 800})
    name = walk.new_name("life")
    welcome = walk.sign_up(page, portal, name)
    expect(page.locator("html")).to_have_attribute("lang", "nb")
    assert name in welcome.text
    assert 'lang="nb"' in welcome.html
    walk.open_account(page, portal, welcome)

    change_a_choice_and_take_it_back(page)
    pause_and_go_on(page)
    switch_to_english(page)
    sign_the_other_browser_out(page, open_browser("en"), portal, name)


def change_a_choice_and_take_it_back(page: Page) -> None:
    row = page.locator("#topic-1")
    expect(row.locator("[value=yes]")).to_be_checked()
    row.locator("label", has=page.locator("[value=no]")).click()
    undo = row.locator("[value=undo]")
    expect(undo).to_be_visible()
    assert not inaccessible(page, *EVERY_LOOK)
    undo.click()
    expect(row.locator("[value=yes]")).to_be_checked()
    assert saved_topic(page, 1) == "yes"


def pause_and_go_on(page: Page) -> None:
    page.locator("[name=months][value='3']").click()
    resume = page.locator("[value=resume]")
    expect(resume).to_be_visible()
    assert not inaccessible(page, (LIGHT, PHONE), (DARK, DESKTOP))
    resume.click()
    expect(page.locator("[name=months]").first).to_be_visible()


def switch_to_english(page: Page) -> None:
    page.locator("[name=language][value=en]").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_have_text("What do you want to hear about?")


def sign_the_other_browser_out(page: Page, other: Page, portal: RunningPortal, name: str) -> None:
    walk.sign_in(other, portal, name)
    expect(other.locator("html")).to_have_attribute("lang", "en")
    page.goto(f"{portal.web}/account/sessions/")
    assert not inaccessible(page, *EVERY_LOOK)
    page.locator("main [name=session]").click()
    expect(page.locator("main .row")).to_have_count(1)
    other.goto(f"{portal.web}/account/")
    expect(other).to_have_url(re.compile(r"/login/"))


def test_a_link_in_the_newsletter_unsubscribes_and_takes_it_back(
    portal: RunningPortal, open_browser: Open, staff_state: dict[str, object]
) -> None:
    """Written by staff, brought by the worker, stopped and taken back without a sign-in."""
    name = walk.new_name("news")
    reader = open_browser("en")
    walk.open_account(reader, portal, walk.sign_up(reader, portal, name))

    staff = open_browser("en", storage_state=staff_state)
    write_preview_test_approve_and_send(staff, portal)
    newsletter = portal.mail_to(walk.address_of(name), number=2)
    assert newsletter.subject == "November en"
    assert newsletter.link_to("u") in newsletter.html

    reader.context.clear_cookies()
    reader.goto(newsletter.link_to("u"))
    expect(reader.locator("h1")).to_contain_text("Special offers")
    assert not inaccessible(reader, *EVERY_LOOK)
    reader.locator("[name=scope][value=topic]").click()
    undo = reader.locator("[value=undo]")
    expect(undo).to_be_visible()
    assert not inaccessible(reader, *EVERY_LOOK)
    undo.click()
    expect(reader.locator("[name=scope][value=topic]")).to_be_visible()
    reader.goto(newsletter.link_to("p"))
    assert not inaccessible(reader, *EVERY_LOOK)
    walk.sign_in(reader, portal, name)
    assert reader.locator("#topic-3 [value=yes]").is_checked()


def write_preview_test_approve_and_send(staff: Page, portal: RunningPortal) -> None:
    form = walk.write_mailing(staff, portal, "campaign", "November", topic=3)
    assert not inaccessible(staff, (LIGHT, DESKTOP), (DARK, PHONE))
    staff.goto(form.replace("/change/", "/preview/"))
    source = staff.locator("iframe.portal-mail").get_attribute("src") or ""
    assert "Nytt i november</h1>" in staff.request.get(portal.web + source).text()
    assert not inaccessible(staff, (LIGHT, DESKTOP), (DARK, PHONE))

    staff.goto(form)
    walk.take_step(staff, "test")
    tests = [portal.mail_to("admin@clicksend-demo.example", number=n) for n in (1, 2)]
    assert {mail.subject.rpartition(" ")[2] for mail in tests} == {"nb", "en"}
    walk.take_step(staff, "approve")
    walk.take_step(staff, "start")
    # Nobody reloads this page: the numbers move by themselves until all is sent.
    panel = staff.locator("#mailing-panel")
    expect(panel.locator("dl")).to_be_visible()
    expect(panel).not_to_have_attribute("hx-trigger", re.compile(r"."), timeout=120_000)
    assert int(panel.locator("dd").first.inner_text()) > 0
    assert not inaccessible(staff, (LIGHT, DESKTOP), (DARK, PHONE))


def test_leaving_for_good_and_the_page_that_says_how_far_it_is(
    portal: RunningPortal, open_browser: Open
) -> None:
    page = open_browser("nb")
    name = walk.new_name("leaver")
    walk.open_account(page, portal, walk.sign_up(page, portal, name))
    page.goto(f"{portal.web}/data/delete/")
    assert not inaccessible(page, *EVERY_LOOK)
    page.locator("main form [name=when][value=now]").click()
    expect(page).to_have_url(re.compile(r"/data/delete/[\w-]{36}/"))
    # The page follows the keeper by itself.
    expect(page.locator("#progress")).not_to_have_attribute(
        "hx-trigger", re.compile(r"."), timeout=60_000
    )
    expect(page.locator("h1")).to_have_text("Slettingen er ferdig")
    assert not inaccessible(page, (LIGHT, DESKTOP), (DARK, PHONE))
    goodbye = portal.mail_to(walk.address_of(name), number=2)
    assert 'lang="nb"' in goodbye.html
    page.goto(f"{portal.web}/account/")
    expect(page).to_have_url(re.compile(r"/login/"))


@pytest.mark.parametrize("language", ["nb", "en"])
def test_a_deactivated_account_says_so_everywhere(
    portal: RunningPortal, open_browser: Open, language: str
) -> None:
    page = open_browser(language)
    name = walk.new_name("rest")
    walk.open_account(page, portal, walk.sign_up(page, portal, name))
    page.goto(f"{portal.web}/account/deactivate/")
    page.locator("main form button").click()
    expect(page).to_have_url(f"{portal.web}/account/")
    page.goto(f"{portal.web}/preferences/")
    assert not inaccessible(page, (LIGHT, PHONE), (DARK, DESKTOP))
    page.goto(f"{portal.web}/account/reactivate/")
    assert not inaccessible(page, (LIGHT, PHONE), (DARK, DESKTOP))
    page.locator("main form button").last.click()
    expect(page).to_have_url(f"{portal.web}/account/")
