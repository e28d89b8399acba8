"""Leaving for a while: what stops is said, confirmed by mail, and undone by one button."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts import services
from accounts.models import User
from tests.accounts.walk import PASSWORD, mails_to, person_in
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db

PAGES = ["/account/", "/account/sessions/", "/email/", "/preferences/", "/account/security/"]


@pytest.fixture
def user() -> User:
    return make_customer(email="kari@example.test", language="en", password=PASSWORD)


@pytest.fixture
def browser(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def test_the_page_says_what_stops_and_what_stays_and_changes_nothing(
    browser: Client, user: User
) -> None:
    page = browser.get("/account/deactivate/").content.decode()
    for words in ("All optional email", "Notices about the service", "security"):
        assert words in page
    user.refresh_from_db()
    assert not user.is_deactivated


def test_deactivating_is_confirmed_by_mail_and_ends_the_active_state(
    browser: Client, user: User
) -> None:
    browser.post("/account/deactivate/")
    user.refresh_from_db()
    assert user.is_deactivated
    assert not User.objects.active().exists()
    assert [mail.purpose for mail in mails_to("kari@example.test")] == ["deactivated"]


def test_twice_is_once(user: User) -> None:
    services.deactivate_account(user, now=NOW)
    services.deactivate_account(User.objects.get(), now=NOW + timedelta(hours=1))
    assert User.objects.get().deactivated_at == NOW
    assert len(mails_to("kari@example.test")) == 1
    services.reactivate_account(User.objects.get(), now=NOW)
    services.reactivate_account(User.objects.get(), now=NOW)
    assert len(mails_to("kari@example.test")) == 2


@pytest.mark.parametrize("path", PAGES)
def test_every_account_page_offers_the_way_back(browser: Client, path: str) -> None:
    button = 'action="/account/reactivate/"'
    assert button not in browser.get(path).content.decode()
    browser.post("/account/deactivate/")
    assert button in browser.get(path).content.decode()


def test_coming_back_is_one_button(browser: Client, user: User) -> None:
    browser.post("/account/deactivate/")
    browser.get("/account/reactivate/")
    assert not User.objects.active().exists()
    browser.post("/account/reactivate/")
    assert User.objects.active().get() == user


def test_a_deactivated_customer_may_sign_in(client: Client, user: User) -> None:
    services.deactivate_account(user, now=NOW)
    client.post("/login/", {"login": user.username, "password": PASSWORD})
    assert person_in(client) == str(user.pk)


@pytest.mark.parametrize("path", ["/account/deactivate/", "/account/reactivate/", "/account/"])
def test_a_stranger_is_asked_to_sign_in(client: Client, path: str) -> None:
    for answer in (client.get(path), client.post(path)):
        assert answer["Location"].startswith("/login/")
