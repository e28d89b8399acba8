"""A reference is published, its customer opts out, and it is taken down, with proof.

On our own page the portal sees for itself that it is gone; of what is printed a person says so.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import walk
from tests.browser.conftest import Open
from tests.browser.portal import PATIENCE, RunningPortal
from tests.browser.reader import DARK, DESKTOP, LIGHT, PHONE, inaccessible

LOOKS = {
    "nb": ((LIGHT, DESKTOP), (DARK, PHONE)),
    "en": ((DARK, DESKTOP), (LIGHT, PHONE)),
}
QUOTE = 103
WORDS = "We text people when their prints are ready, and they come the same day."
CHECKED = "All 200 brochures are back and pulped; I counted them."
PLAN = "/admin/consent/referenceuse/add/"


@pytest.mark.parametrize("language", ["nb"])
def test_a_reference_is_published_opted_out_of_and_taken_down(
    portal: RunningPortal, open_browser: Open, staff_state: dict[str, object], language: str
) -> None:
    page = open_browser(language)
    name = walk.new_name("reference")
    walk.open_account(page, portal, walk.sign_up(page, portal, name))
    title = f"Trykk {name}"
    say(page, portal, "yes")
    assert not inaccessible(page, *LOOKS[language])

    staff = open_browser(language, storage_state=staff_state)
    ours = plan(staff, portal, name, title, place="references")
    assert not inaccessible(staff, *LOOKS[language])
    printed = plan(staff, portal, name, title, place="print", copies="200 brochures")
    for use in (ours, printed):
        write_words(staff, use)
        approve_words(page, portal)
    for use in (ours, printed):
        staff.goto(use)
        assert not inaccessible(staff, *LOOKS[language])
        staff.locator("#step-publish").click()
        expect(staff.locator("#step-publish")).to_have_count(0)

    everybody = open_browser(language)
    everybody.goto(f"{portal.web}/references/")
    expect(everybody.locator(".reference", has_text=title)).to_contain_text(WORDS)
    assert not inaccessible(everybody, *LOOKS[language])

    say(page, portal, "no")
    everybody.reload()
    expect(everybody.locator("main")).not_to_contain_text(title)
    assert title not in published(everybody, portal)
    expect(page.locator(".use .tag.warn").first).to_be_visible()
    assert not inaccessible(page, *LOOKS[language])

    take_down(staff, portal, printed, language)
    until_proof(page, portal)
    expect(page.locator(".use", has_text=CHECKED)).to_have_count(1)
    assert not inaccessible(page, *LOOKS[language])
    # Welcome, words twice, published twice, and at the end one mail about all that is gone.
    last = portal.mail_to(walk.address_of(name), number=6)
    assert CHECKED in last.text


def say(page: Page, portal: RunningPortal, answer: str) -> None:
    """With the quote's own yes and no, saved at once."""
    page.goto(f"{portal.web}/reference-program/")
    with page.expect_navigation():
        page.locator(f"#topic-{QUOTE}-{answer}").check(force=True)
    expect(page.locator(f"#topic-{QUOTE}-{answer}")).to_be_checked()


def plan(
    page: Page, portal: RunningPortal, name: str, title: str, *, place: str, copies: str = ""
) -> str:
    """By the customer's whole address; the page of the use."""
    page.goto(portal.web + PLAN)
    page.fill("[name=customer]", walk.address_of(name))
    option = page.locator("[name=topic] option", has_text=re.compile("^(Quote|Sitat)$"))
    page.select_option("[name=topic]", option.get_attribute("value"))
    page.select_option("[name=place]", place)
    page.fill("[name=title]", title)
    page.fill("[name=copies]", copies)
    page.locator("[name=_save]").click()
    page.wait_for_url("**/change/")
    return page.url


def write_words(page: Page, use: str) -> None:
    page.goto(use)
    page.fill("[name=en]", WORDS)
    page.locator("#step-write").click()
    expect(page.locator("#words blockquote")).to_have_count(1)


def approve_words(page: Page, portal: RunningPortal) -> None:
    page.goto(f"{portal.web}/reference-program/")
    page.locator(".use [name=answer][value=yes]").first.click()
    expect(page.locator(".use [name=answer]")).to_have_count(0)


def published(page: Page, portal: RunningPortal) -> str:
    answer = page.request.get(f"{portal.web}/api/v1/references")
    assert answer.status == 200
    return answer.text()


def take_down(page: Page, portal: RunningPortal, use: str, language: str) -> None:
    """From the page of the use to its takedown, which its owner closes."""
    page.goto(use)
    page.locator("a[href*='/consent/takedown/'][href$='/change/']:not(nav a)").first.click()
    assert not inaccessible(page, *LOOKS[language])
    page.fill("[name=checked]", CHECKED)
    page.locator("#step-removed").click()
    expect(page.locator("#step-removed")).to_have_count(0)


def until_proof(page: Page, portal: RunningPortal) -> None:
    """The worker fetches our own page and closes that takedown by itself."""
    waiting = page.locator(".use .tag.warn")
    for _second in range(int(PATIENCE)):
        page.goto(f"{portal.web}/reference-program/")
        if not waiting.count():
            return
        page.wait_for_timeout(1000)
    expect(waiting).to_have_count(0)
