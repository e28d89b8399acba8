"""axe finds nothing on any page: light and dark, phone and desktop, in both languages."""

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser import walk
from tests.browser.conftest import Open
from tests.browser.portal import RunningPortal
from tests.browser.reader import DARK, DESKTOP, LIGHT, PHONE, inaccessible

# Each language in two looks, both in all four.
LOOKS = {
    "nb": ((LIGHT, DESKTOP), (DARK, PHONE)),
    "en": ((DARK, DESKTOP), (LIGHT, PHONE)),
}
PUBLIC = """
/ /privacy/ /privacy/retention/ /privacy/global-privacy-control/ /trust/ /trust/obeyed-in-minutes/
/trust/verify/ /trust/log/ /contact/ /contact/sent/ /references/
/signup/ /signup/check-your-mail/ /login/ /password/reset/ /password/reset/done/
/u/x/ /p/x/ /welcome/x/ /preferences/confirm/x/ /confirm-email/x/
"""
SIGNED_IN = """
/preferences/ /data/ /data/export/ /data/delete/ /account/ /account/sessions/ /account/deactivate/
/email/ /password/change/ /account/security/ /account/security/totp/activate/
/account/security/webauthn/ /account/security/webauthn/add/ /account/tokens/
/account/support/ /data/access/ /data/requests/ /reference-program/
"""
STAFF = """
/admin/ /admin/accounts/user/ /admin/consent/topic/ /admin/messaging/campaign/
/admin/messaging/campaign/add/ /admin/messaging/serviceannouncement/add/
/admin/messaging/message/ /admin/retention/deletionrequest/ /admin/consent/topic/add/
/admin/consent/webhook/ /admin/consent/webhook/add/ /admin/consent/delivery/
/admin/consent/servicekey/ /admin/consent/servicekey/add/ /admin/messaging/providerevent/
/admin/messaging/suppressioncomparison/
/admin/dashboards/ /admin/accounts/supportquestion/ /admin/accounts/staffaccount/
/admin/accounts/staffinvitation/ /admin/accounts/staffinvitation/add/
/admin/accounts/accessalarm/ /admin/accounts/accessevent/ /admin/consent/referenceuse/
/admin/consent/takedown/ /admin/consent/salescall/ /admin/retention/privacyrequest/
/admin/retention/breach/ /admin/retention/breach/add/
/admin/retention/processor/ /admin/retention/declaredaccess/ /admin/retention/promisealert/
/admin/django_celery_beat/crontabschedule/ /admin/django_celery_beat/periodictask/
"""


def visit(page: Page, portal: RunningPortal, addresses: str, language: str) -> None:
    found = []
    for address in addresses.split():
        answer = page.goto(portal.web + address)
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"
        expect(page.locator("html")).to_have_attribute("lang", language)
        found += inaccessible(page, *LOOKS[language])
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", ["nb", "en"])
def test_pages_for_everybody(portal: RunningPortal, open_browser: Open, language: str) -> None:
    visit(open_browser(language), portal, PUBLIC, language)


@pytest.mark.parametrize("language", ["nb", "en"])
def test_pages_of_a_customer(portal: RunningPortal, open_browser: Open, language: str) -> None:
    page = open_browser(language)
    welcome = walk.sign_up(page, portal, walk.new_name("pages"))
    page.goto(welcome.link_to("welcome"))
    assert not inaccessible(page, *LOOKS[language])
    walk.open_account(page, portal, welcome)
    visit(page, portal, SIGNED_IN, language)


def test_pages_of_staff(
    portal: RunningPortal, open_browser: Open, staff_state: dict[str, object]
) -> None:
    page = open_browser("nb", storage_state=staff_state)
    visit(page, portal, STAFF, "nb")


@pytest.mark.parametrize("language", ["nb", "en"])
def test_refused_forms_say_what_is_wrong(
    portal: RunningPortal, open_browser: Open, language: str
) -> None:
    page = open_browser(language)
    page.goto(f"{portal.web}/signup/")
    page.evaluate("document.querySelectorAll('form').forEach((form) => { form.noValidate = true })")
    page.locator("main form button:not([name])").click()
    expect(page.locator(".error-summary")).to_be_focused()
    assert not inaccessible(page, *LOOKS[language])


def weight(page: Page, address: str) -> int:
    """Bytes on the wire until the page is complete."""
    received: list[Request] = []

    def note(request: Request) -> None:
        received.append(request)

    page.on("requestfinished", note)
    page.goto(address, wait_until="networkidle")
    sizes = [request.sizes() for request in received]
    return sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)


@pytest.mark.parametrize("address", ["/", "/signup/", "/trust/"])
def test_a_first_visit_is_light(portal: RunningPortal, open_browser: Open, address: str) -> None:
    """At most 60 kB (design §5), whichever page is the first."""
    assert weight(open_browser("nb"), portal.web + address) <= 60_000
