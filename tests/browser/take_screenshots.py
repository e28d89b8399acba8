"""Pictures of every page and mail for people to judge, of the portal that `make run` started.

`python -m tests.browser.take_screenshots [portal.json] [customer] [staff]` writes
var/screenshots/<page>-<nb|en>-<phone|desktop>-<light|dark>.png.
"""

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import walk
from tests.browser.browsers import ARGUMENTS, CHROMIUM
from tests.browser.portal import Mail, RunningPortal, portal_of
from tests.browser.reader import AT_REST, DARK, DESKTOP, LIGHT, PHONE

LANGUAGES = {"nb": "nb-NO", "en": "en-GB"}
LOOKS = [
    (screen, size, scheme)
    for screen, size in (("phone", PHONE), ("desktop", DESKTOP))
    for scheme in (LIGHT, DARK)
]
PUBLIC = {
    "home": "/",
    "privacy": "/privacy/",
    "schedule": "/privacy/retention/",
    "trust": "/trust/",
    "promise": "/trust/obeyed-in-minutes/",
    "contact": "/contact/",
    "signup": "/signup/",
    "signup-done": "/signup/check-your-mail/",
    "login": "/login/",
    "reset": "/password/reset/",
    "broken-link": "/u/x/",
    "welcome-used": "/welcome/x/",
    "not-found": "/no/such/page/",
}
SIGNED_IN = {
    "preferences": "/preferences/",
    "data": "/data/",
    "delete": "/data/delete/",
    "profile": "/account/",
    "sessions": "/account/sessions/",
    "deactivate": "/account/deactivate/",
    "email": "/email/",
    "password": "/password/change/",
    "security": "/account/security/",
    "totp": "/account/security/totp/activate/",
    "passkeys": "/account/security/webauthn/",
    "passkey-add": "/account/security/webauthn/add/",
}
STAFF = {
    "admin-index": "/admin/",
    "admin-customers": "/admin/accounts/user/",
    "admin-campaigns": "/admin/messaging/campaign/",
    "admin-campaign-add": "/admin/messaging/campaign/add/",
    "admin-deletions": "/admin/retention/deletionrequest/",
}


class Camera:
    def __init__(self, folder: Path, browser: Browser, portal: RunningPortal) -> None:
        self.folder, self.browser, self.portal = folder, browser, portal

    def page(self, language: str) -> Page:
        page = self.browser.new_context(
            locale=LANGUAGES[language], reduced_motion="reduce"
        ).new_page()
        page.set_default_timeout(20_000)
        return page

    def take(self, page: Page, name: str, language: str, address: str = "") -> None:
        """The page as it is, or the one at this address, in each look."""
        if address:
            page.goto(self.portal.web + address)
        for screen, (width, height), scheme in LOOKS:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(AT_REST)
            path = self.folder / f"{name}-{language}-{screen}-{scheme}.png"
            page.screenshot(path=path, full_page=True)

    def take_mail(self, page: Page, name: str, language: str, mail: Mail) -> None:
        page.set_content(mail.html)
        self.take(page, name, language)

    def customer_pages(self, language: str) -> None:
        page = self.page(language)
        for name, address in PUBLIC.items():
            self.take(page, name, language, address)
        page.goto(f"{self.portal.web}/signup/")
        page.locator("main form button:not([name])").click()
        page.evaluate("document.querySelector('main form').noValidate = true")
        page.fill("[name=username]", "a b")
        page.locator("main form button:not([name])").click()
        page.wait_for_load_state()
        self.take(page, "signup-errors", language)
        name = walk.new_name("shot")
        welcome = walk.sign_up(page, self.portal, name)
        page.goto(welcome.link_to("welcome"))
        self.take(page, "welcome", language)
        walk.open_account(page, self.portal, welcome)
        self.take_mail(self.page(language), "mail-welcome", language, welcome)
        for each, address in SIGNED_IN.items():
            self.take(page, each, language, address)
        page.goto(f"{self.portal.web}/preferences/")
        page.locator("[id=topic-1-no]").check(force=True)
        page.wait_for_timeout(500)
        self.take(page, "preferences-changed", language)
        page.goto(f"{self.portal.web}/data/delete/")
        page.locator("form .danger").click()
        page.wait_for_load_state()
        self.take(page, "deletion", language)
        goodbye = self.portal.mail_to(walk.address_of(name), number=2)
        self.take_mail(self.page(language), "mail-deletion", language, goodbye)

    def mails_of(self, page: Page, kind: str, form: str, language: str) -> None:
        address = form.replace("/change/", "/preview/mail/")
        for scheme in (LIGHT, DARK):
            for screen, (width, height) in (("phone", PHONE), ("desktop", DESKTOP)):
                page.set_viewport_size({"width": width, "height": height})
                page.goto(f"{address}?language={language}&scheme={scheme}")
                path = self.folder / f"mail-{kind}-{language}-{screen}-{scheme}.png"
                page.screenshot(path=path, full_page=True)

    def staff_pages(self) -> None:
        readers = {language: self.new_reader(language) for language in LANGUAGES}
        page = self.page("nb")
        walk.sign_in_as_staff(page, self.portal)
        form = walk.write_mailing(page, self.portal, "campaign", "Nytt", topic=3)
        notice = walk.write_mailing(
            page, self.portal, "serviceannouncement", "Vedlikehold", category=1
        )
        for language in LANGUAGES:
            self.in_language(page, language)
            for name, address in STAFF.items():
                self.take(page, name, language, address)
            for name, address in {"admin-campaign": form, "admin-notice": notice}.items():
                self.take(page, name, language, address.removeprefix(self.portal.web))
            preview = form.removeprefix(self.portal.web).replace("/change/", "/preview/")
            self.take(page, "admin-preview", language, f"{preview}?language={language}")
            self.mails_of(page, "newsletter", form, language)
            self.mails_of(page, "service", notice, language)
        page.goto(form)
        walk.take_step(page, "approve")
        self.take(page, "admin-approved", "en")
        walk.take_step(page, "start")
        page.wait_for_timeout(4000)
        self.take(page, "admin-progress", "en")
        self.in_language(page, "nb")
        self.take(page, "admin-progress", "nb", form.removeprefix(self.portal.web))
        for language, reader in readers.items():
            newsletter = self.portal.mail_to(walk.address_of(reader), number=2)
            self.ways_out(self.page(language), language, newsletter)

    def new_reader(self, language: str) -> str:
        page, name = self.page(language), walk.new_name("reader")
        walk.open_account(page, self.portal, walk.sign_up(page, self.portal, name))
        return name

    def ways_out(self, page: Page, language: str, mail: Mail) -> None:
        self.take(page, "unsubscribe", language, urlsplit(mail.link_to("u")).path)
        page.locator("[name=scope][value=topic]").click()
        self.take(page, "unsubscribed", language)
        self.take(page, "from-mail", language, urlsplit(mail.link_to("p")).path)

    def in_language(self, page: Page, language: str) -> None:
        """The language of the account decides, whatever the browser asks for."""
        page.goto(f"{self.portal.web}/account/")
        button = page.locator(f"button[name=language][value={language}]")
        if button.count():
            button.click()
            page.wait_for_load_state()


def main(arguments: list[str]) -> None:
    facts = next((each for each in arguments if each.endswith(".json")), "var/portal.json")
    parts = {"customer", "staff"} & set(arguments) or {"customer", "staff"}
    portal = portal_of(json.loads(Path(facts).read_text()))
    folder = Path("var/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        camera = Camera(folder, browser, portal)
        for language in LANGUAGES if "customer" in parts else ():
            camera.customer_pages(language)
        if "staff" in parts:
            camera.staff_pages()


if __name__ == "__main__":
    main(sys.argv[1:])
