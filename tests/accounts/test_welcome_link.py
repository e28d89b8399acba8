"""The link of the welcome mail: once, within a week, by POST alone."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth import get_user
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts import services
from accounts.emails import send_welcome
from accounts.models import Session, User
from accounts.policy import CONFIRMATION_PERIOD
from accounts.tokens import make_welcome_token
from foundation.redaction import redact
from tests.accounts.walk import PASSWORD, link_in, mails_to, passwords, person_in, sign_up
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db

WRITES = ("INSERT", "UPDATE", "DELETE")


def turned_away(client: Client, path: str, form: dict[str, str] | None = None) -> bool:
    """The friendly page: 200, says what to do, and nobody is signed in."""
    answer = client.get(path) if form is None else client.post(path, form)
    assert answer.status_code == 200
    assert "/password/reset/" in answer.content.decode()
    assert person_in(client) is None
    return "accounts/welcome_invalid.html" in [template.name for template in answer.templates]


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_the_link_changes_nothing(client: Client, method: str) -> None:
    path = sign_up(client)
    with CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(path)
    assert answer.status_code == 200
    assert [q["sql"] for q in queries if q["sql"].startswith(WRITES)] == []
    assert not User.objects.get().is_confirmed


def test_the_page_shows_the_user_name_and_both_ways(client: Client) -> None:
    page = client.get(sign_up(client)).content.decode()
    assert "kari.nordmann" in page
    assert page.count('autocomplete="new-password"') == 2
    assert 'name="passkey"' in page


def test_the_page_is_kept_by_nobody_and_its_address_told_to_nobody(client: Client) -> None:
    path = sign_up(client)
    for answer in (client.get(path), client.get("/welcome/x.y/"), client.post(path, passwords())):
        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "no-referrer"


def test_using_it_confirms_sets_the_password_and_signs_in(client: Client) -> None:
    answer = client.post(sign_up(client), passwords())
    user = User.objects.get()
    assert answer["Location"] == "/preferences/"
    assert user.is_confirmed
    assert user.check_password(PASSWORD)
    assert person_in(client) == str(user.pk)
    assert Session.objects.get().user_id == user.pk


def test_the_other_way_leads_to_a_passkey_without_any_password(client: Client) -> None:
    answer = client.post(sign_up(client), {"passkey": "1"}, follow=True)
    user = User.objects.get()
    assert answer.redirect_chain == [("/account/security/webauthn/add/", 302)]
    assert user.is_confirmed
    assert not user.has_usable_password()
    # A key of such an account must let in alone.
    assert answer.context["form"]["passwordless"].value() is True


def test_it_works_once(client: Client) -> None:
    path = sign_up(client)
    client.post(path, passwords())
    for form in (None, passwords("et-helt-annet-passord")):
        assert turned_away(Client(), path, form)
    assert User.objects.get().check_password(PASSWORD)


def test_of_two_at_the_same_moment_one_comes_through() -> None:
    user = make_customer(email_confirmed_at=None)
    first, second = User.objects.get(pk=user.pk), User.objects.get(pk=user.pk)
    assert services.confirm_address(first, password="den-første-setningen", now=NOW)
    assert not services.confirm_address(second, password="den-andre-setningen", now=NOW)
    assert User.objects.get(pk=user.pk).check_password("den-første-setningen")


def test_it_expires_with_the_week_of_the_account() -> None:
    user = make_customer(email_confirmed_at=None, signed_up_at=NOW)
    token = make_welcome_token(user)
    last_moment = NOW + CONFIRMATION_PERIOD - timedelta(microseconds=1)
    assert User.objects.welcomed_by(token, last_moment) == user
    assert User.objects.welcomed_by(token, NOW + CONFIRMATION_PERIOD) is None


def test_whoever_may_not_sign_in_is_not_let_in_by_it() -> None:
    user = make_customer(email_confirmed_at=None, is_active=False)
    assert User.objects.welcomed_by(make_welcome_token(user), NOW) is None


def test_tampered_truncated_and_unknown_links_look_like_a_used_one(client: Client) -> None:
    path = sign_up(client)
    person, _, proof = path.removeprefix("/welcome/").rstrip("/").partition(".")
    others = (
        f"/welcome/{person}.{proof[:-1]}/",
        f"/welcome/{person}.{proof[:-1]}{'0' if proof[-1] != '0' else '1'}/",
        f"/welcome/{uuid.uuid4().hex}.{proof}/",
        f"/welcome/{person}/",
        "/welcome/noe-helt-annet/",
    )
    for other in others:
        assert turned_away(Client(), other)
        assert turned_away(Client(), other, passwords())
    assert not User.objects.get().is_confirmed


def test_a_refused_password_costs_nothing(client: Client) -> None:
    path = sign_up(client)
    answer = client.post(path, passwords("passord"))
    assert answer.context["form"].errors
    assert not User.objects.get().is_confirmed
    assert client.post(path, passwords()).status_code == 302


def test_another_person_signed_in_here_is_signed_out_first(client: Client) -> None:
    path = sign_up(client)
    client.force_login(make_customer())
    client.post(path, passwords())
    request = HttpRequest()
    request.session = client.session
    assert get_user(request) == User.objects.get(username="kari.nordmann")


@pytest.mark.parametrize(
    ("language", "words"), [("nb", "Brukernavnet ditt er"), ("en", "Your user name is")]
)
def test_the_mail_is_written_in_the_language_chosen(language: str, words: str) -> None:
    user = make_customer(email_confirmed_at=None, language=language)
    with translation.override("en" if language == "nb" else "nb"):
        send_welcome(user)
    (mail,) = mails_to(user.email)
    assert link_in(mail).startswith("/welcome/")
    assert mail.language == language
    assert words in mail.text
    assert words in mail.html


def test_logs_do_not_hold_the_link() -> None:
    token = make_welcome_token(make_customer(email_confirmed_at=None))
    assert token.partition(".")[2] not in redact(f"GET /welcome/{token}/ 200")
