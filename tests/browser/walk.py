"""Steps of several journeys, by the names of fields and buttons, whatever the language."""

import itertools
import os

from playwright.sync_api import Page, expect

from tests.browser.portal import Mail, RunningPortal
from tests.journeys.authenticator import code_now

PASSWORD = "en-lang-setning-med-blåbær"
_numbers = itertools.count(1)


def new_name(stem: str = "reader") -> str:
    """A user name that no earlier run against the same portal took."""
    return f"{stem}-{os.getpid()}-{next(_numbers)}"


def address_of(username: str) -> str:
    return f"{username}@example.test"


def fill_in_sign_up(page: Page, portal: RunningPortal, username: str) -> None:
    page.goto(f"{portal.web}/signup/")
    page.fill("[name=username]", username)
    page.fill("[name=first_name]", "Kari")
    page.fill("[name=last_name]", "Åsen")
    page.fill("[name=email]", address_of(username))
    for topic, answer in (("newsletter", "yes"), ("product_news", "no"), ("special_offers", "yes")):
        page.locator(f"[name=topic_{topic}][value={answer}]").check(force=True)


def sign_up(page: Page, portal: RunningPortal, username: str) -> Mail:
    """Through the form; the welcome mail, which comes in the language of the page."""
    fill_in_sign_up(page, portal, username)
    page.locator("main form button:not([name])").click()
    expect(page).to_have_url(f"{portal.web}/signup/check-your-mail/")
    return portal.mail_to(address_of(username))


def open_account(page: Page, portal: RunningPortal, welcome: Mail) -> None:
    page.goto(welcome.link_to("welcome"))
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    page.locator("form:has([name=password1]) button").click()
    expect(page).to_have_url(f"{portal.web}/preferences/")


def sign_in(page: Page, portal: RunningPortal, username: str, password: str = PASSWORD) -> None:
    page.goto(f"{portal.web}/login/")
    page.fill("[name=login]", username)
    page.fill("[name=password]", password)
    page.locator("form:has([name=login]) button").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def sign_in_as_staff(page: Page, portal: RunningPortal) -> None:
    """Password, then the code of the authenticator; each code works once."""
    page.goto(f"{portal.web}/admin/")
    page.fill("[name=login]", portal.staff["username"])
    page.fill("[name=password]", portal.staff["password"])
    page.locator("form:has([name=login]) button").click()
    page.fill("[name=code]", code_now(portal.staff["totp_secret"]))
    page.locator("form:has([name=code]) button:not([form])").click()
    expect(page).to_have_url(f"{portal.web}/admin/")


def write_mailing(page: Page, portal: RunningPortal, kind: str, subject: str, **chosen: int) -> str:
    """A draft with both texts; the address of its page."""
    page.goto(f"{portal.web}/admin/messaging/{kind}/add/")
    for name, index in chosen.items():
        page.select_option(f"[name={name}]", index=index)
    for code, text in TEXTS.items():
        page.fill(f"[name=subject_{code}]", f"{subject} {code}")
        page.fill(f"[name=preheader_{code}]", text[0])
        page.fill(f"[name=body_{code}]", text[1])
    page.locator("[name=_continue]").click()
    page.wait_for_url("**/change/")
    return page.url


BODY_NB = """# Nytt i november

Hei. Nå kan du **planlegge sendinger** på norsk tid.

- Velg dag og klokkeslett
- Se hvem som får den

[Les mer om planlegging](https://clicksend.example/planlegging)"""
BODY_EN = """# New in November

Hello. You can now **schedule campaigns** in Norwegian time.

- Choose day and hour
- See who gets it

[Read more about scheduling](https://clicksend.example/scheduling)"""
TEXTS = {
    "nb": ("Kort om det som er nytt i november.", BODY_NB),
    "en": ("Briefly, what is new in November.", BODY_EN),
}


def take_step(page: Page, step: str) -> None:
    """One of the buttons above a mailing's texts."""
    page.locator(f"#step-{step}").click()
    page.wait_for_load_state()
