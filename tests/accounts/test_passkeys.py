"""An account that never has a password: the passkey of a real browser, from the welcome mail on."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.accounts.walk import link_in, mails_to

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AUTHENTICATOR: dict[str, Any] = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def device(playwright: Playwright) -> Iterator[Page]:
    """A page of a browser whose device holds passkeys."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox"]
    )
    page = browser.new_page(locale="en-GB")
    keys = page.context.new_cdp_session(page)
    keys.send("WebAuthn.enable")
    keys.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield page
    browser.close()


def test_a_passkey_opens_the_account_and_signs_in_without_any_password(
    device: Page, live_server: LiveServer
) -> None:
    device.goto(f"{live_server.url}/signup/")
    device.fill("[name=username]", "kari")
    device.fill("[name=first_name]", "Kari")
    device.fill("[name=email]", "kari@example.test")
    device.click("[name=no_to_all]")
    device.wait_for_url("**/signup/check-your-mail/")

    device.goto(live_server.url + link_in(mails_to("kari@example.test")[0]))
    device.click("[name=passkey]")
    device.wait_for_url("**/webauthn/add/")
    device.click("#mfa_webauthn_add")
    device.wait_for_url("**/recovery-codes/")
    assert User.objects.get().is_confirmed
    assert not User.objects.get().has_usable_password()

    device.context.clear_cookies()
    device.goto(f"{live_server.url}/login/")
    device.click("#passkey_login")
    device.wait_for_url("**/preferences/")
