"""By user name or address in any spelling, with a password, a second step, or neither."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.accounts.walk import PASSWORD, link_in, mails_to, passwords, person_in
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db

CaptureOnCommit = Callable[..., AbstractContextManager[list[Any]]]
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def user() -> User:
    return make_customer(username="Kari.N", email="Kari@Blåbær.test", password=PASSWORD)


def enter(client: Client, login: str, password: str = PASSWORD) -> str | None:
    client.post("/login/", {"login": login, "password": password})
    return person_in(client)


def code() -> str:
    return str(format_hotp_value(hotp_value(SECRET, int(time.time()) // 30)))


@pytest.mark.parametrize(
    "login",
    [
        "Kari.N",
        "kari.n",
        " KARI.N ",
        "Kari@Blåbær.test",
        "kari@blåbær.test",
        "KARI@xn--blbr-roah.test",
    ],
)
def test_user_name_and_address_in_any_spelling(client: Client, user: User, login: str) -> None:
    assert enter(client, login) == str(user.pk)


@pytest.mark.parametrize(
    "login", ["Kari", "kari+x@blåbær.test", "ingen", "ingen@example.test", "@"]
)
def test_nobody_else_is_meant(client: Client, user: User, login: str) -> None:
    assert enter(client, login) is None


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(
    client: Client, user: User
) -> None:
    with CaptureQueriesContext(connection) as known:
        first = client.post("/login/", {"login": "kari.n", "password": "feil"})
    with CaptureQueriesContext(connection) as unknown:
        second = client.post("/login/", {"login": "ingen", "password": "feil"})
    assert first.context["form"].errors == second.context["form"].errors
    assert len(known) == len(unknown)


def test_guessing_ends_after_five_tries(client: Client, user: User) -> None:
    for _ in range(5):
        enter(client, "kari.n", "feil")
    assert enter(client, "kari.n") is None


def test_an_account_without_a_password_is_not_entered_with_one(client: Client) -> None:
    make_customer(username="importert")
    for guess in ("", "!", "importert"):
        assert enter(client, "importert", guess) is None


def test_whoever_may_not_sign_in_does_not(client: Client, user: User) -> None:
    User.objects.update(is_active=False)
    assert enter(client, "kari.n") is None


def test_with_an_authenticator_the_password_alone_does_not_let_in(
    client: Client, user: User
) -> None:
    TOTP.activate(user, SECRET)
    assert enter(client, "kari.n") is None
    client.post("/account/security/authenticate/", {"code": "000000"})
    assert person_in(client) is None
    client.post("/account/security/authenticate/", {"code": code()})
    assert person_in(client) == str(user.pk)


def test_a_recovery_code_lets_in_once(client: Client, user: User) -> None:
    TOTP.activate(user, SECRET)
    recovery = RecoveryCodes.activate(user).get_unused_codes()[0]
    for expected in (str(user.pk), None):
        browser = Client()
        enter(browser, "kari.n")
        browser.post("/account/security/authenticate/", {"code": recovery})
        assert person_in(browser) == expected


def test_an_authenticator_is_set_up_on_the_security_page(
    client: Client, user: User, django_capture_on_commit_callbacks: CaptureOnCommit
) -> None:
    enter(client, "kari.n")
    again = client.get("/account/security/totp/activate/", follow=True)
    client.post(again.request["PATH_INFO"] + "?next=/account/", {"password": PASSWORD})
    page = client.get("/account/security/totp/activate/")
    secret = page.context["form"].secret
    form = {"code": format_hotp_value(hotp_value(secret, int(time.time()) // 30))}
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/account/security/totp/activate/", form)
    assert answer.status_code == 302
    assert Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    told = mails_to(user.email)[-1]
    assert (told.purpose, told.person_id) == ("totp_activated", user.pk)


def test_a_change_of_address_that_waits_does_not_bar_a_second_step(
    client: Client, user: User
) -> None:
    client.force_login(make_customer(username="uten"))
    client.post("/email/", {"email": "ny@example.test", "action_add": ""})
    assert client.get("/account/security/webauthn/add/").status_code == 200


def test_a_customer_of_the_file_sets_a_first_password(client: Client) -> None:
    client.force_login(make_customer(username="importert", email="importert@example.test"))
    assert client.get("/password/change/")["Location"] == "/password/set/"
    client.post("/password/set/", passwords())
    assert enter(Client(), "importert@example.test") is not None


def test_after_signing_in_one_lands_on_ones_choices(client: Client, user: User) -> None:
    answer = client.post("/login/", {"login": "kari.n", "password": PASSWORD})
    assert answer["Location"] == "/preferences/"


def test_staff_sign_in_here_too(client: Client) -> None:
    boss = make_staff(username="sjefen", password=PASSWORD)
    assert enter(client, "SJEFEN") == str(boss.pk)


def test_mails_of_the_account_say_why_they_come_and_cannot_be_unsubscribed(
    client: Client, user: User
) -> None:
    client.post("/password/reset/", {"email": user.email})
    (mail,) = mails_to(user.email)
    assert link_in(mail).startswith("/password/reset/key/")
    assert "/u/" not in mail.text + mail.html
