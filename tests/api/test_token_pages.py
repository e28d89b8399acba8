"""`/account/tokens/`: made after the password is given anew, shown once, listed, revoked."""

import re
import time
from datetime import timedelta

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client
from django.utils import timezone

from accounts.access_tokens import make_token
from accounts.models import PersonalToken, User
from accounts.policy import TOKENS_AT_MOST
from messaging.models import Message
from tests.accounts.walk import PASSWORD
from tests.api.conftest import Caller
from tests.factories import NOW, make_customer
from tests.staff.sign_in import METHODS_OF

pytestmark = pytest.mark.django_db
PAGE = "/account/tokens/"
FORM = {"name": "My script", "scopes": ["preferences:read"], "days": "90"}


@pytest.fixture
def owner() -> User:
    return make_customer(username="kari", password=PASSWORD, language="en", yes=("newsletter",))


@pytest.fixture
def visitor(owner: User) -> Client:
    """Has just given the password anew."""
    client = Client()
    client.force_login(owner)
    give_password(client)
    return client


def give_password(client: Client, *, seconds_ago: int = 0) -> None:
    session = client.session
    session[METHODS_OF] = session["_auth_user_id"]
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": time.time() - seconds_ago, "reauthenticated": True}
    ]
    session.save()


def test_a_token_is_shown_once_and_works(visitor: Client) -> None:
    made = visitor.post(PAGE, FORM)
    assert made.status_code == 200
    assert "no-store" in made["Cache-Control"]
    (secret,) = re.findall(r"cp_[\w-]{43}", made.content.decode())
    assert Caller(secret).send("get", "preferences").status_code == 200
    assert Caller(secret).send("put", "preferences/newsletter", {"choice": "no"}).status_code == 403
    html = visitor.get(PAGE).content.decode()
    assert "cp_" not in html
    assert "My script" in html
    assert "see my email choices" in html


def test_its_owner_gets_a_mail_without_the_secret(visitor: Client, owner: User) -> None:
    visitor.post(PAGE, FORM)
    mail = Message.objects.get(person_id=owner.pk, purpose="token_made")
    assert "My script" in mail.text
    assert PAGE in mail.text
    assert "cp_" not in mail.text + mail.html


def test_it_works_as_long_as_was_chosen(visitor: Client) -> None:
    visitor.post(PAGE, FORM)
    token = PersonalToken.objects.get()
    assert abs(token.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)


def test_making_one_asks_for_the_password_again_and_looking_does_not(visitor: Client) -> None:
    give_password(visitor, seconds_ago=301)
    assert visitor.get(PAGE).status_code == 200
    asked = visitor.post(PAGE, FORM)
    assert asked.status_code == 302
    assert asked["Location"].startswith("/reauthenticate/")
    assert not PersonalToken.objects.exists()
    made = visitor.post(asked["Location"], {"password": PASSWORD, "next": PAGE})
    assert re.search(r"cp_[\w-]{43}", made.content.decode())


def test_revoking_asks_for_nothing_and_counts_at_once(visitor: Client, owner: User) -> None:
    token, secret = make_token(owner, name="leaked", scopes=[], days=30, now=NOW)
    give_password(visitor, seconds_ago=301)
    assert visitor.get(f"{PAGE}{token.pk}/revoke/").status_code == 405
    assert visitor.post(f"{PAGE}{token.pk}/revoke/").status_code == 302
    assert Caller(secret).send("get", "preferences").status_code == 401
    assert visitor.post(f"{PAGE}{token.pk}/revoke/").status_code == 302


def test_anothers_token_is_neither_shown_nor_revoked(visitor: Client) -> None:
    token, _secret = make_token(make_customer(), name="theirs", scopes=[], days=30, now=NOW)
    assert "theirs" not in visitor.get(PAGE).content.decode()
    visitor.post(f"{PAGE}{token.pk}/revoke/")
    assert PersonalToken.objects.filter(pk=token.pk).exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "x" * 61},
        {"name": "two\nlines"},
        {"scopes": []},
        {"scopes": ["preferences:everything"]},
        {"days": "0"},
        {"days": "3650"},
    ],
)
def test_a_malformed_form_makes_none_and_says_why(
    visitor: Client, fields: dict[str, object]
) -> None:
    answer = visitor.post(PAGE, FORM | fields)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not PersonalToken.objects.exists()


def test_a_page_loaded_again_makes_no_second_one(visitor: Client) -> None:
    visitor.post(PAGE, FORM)
    again = visitor.post(PAGE, FORM)
    assert "name" in again.context["form"].errors
    assert PersonalToken.objects.count() == 1


def test_there_is_an_end_to_how_many(visitor: Client, owner: User) -> None:
    for number in range(TOKENS_AT_MOST - 1):
        make_token(owner, name=f"n{number}", scopes=[], days=30, now=NOW)
    visitor.post(PAGE, FORM)
    assert PersonalToken.objects.count() == TOKENS_AT_MOST
    refused = visitor.post(PAGE, FORM | {"name": "one more"})
    assert refused.context["form"].non_field_errors()
    assert PersonalToken.objects.count() == TOKENS_AT_MOST


def test_an_expired_one_is_marked(visitor: Client, owner: User) -> None:
    make_token(owner, name="old", scopes=[], days=30, now=NOW - timedelta(days=31))
    assert "expired" in visitor.get(PAGE).content.decode()


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_page_says_how_a_token_says_yes(owner: User, language: str) -> None:
    User.objects.filter(pk=owner.pk).update(language=language)
    client = Client()
    client.force_login(owner)
    assert client.get(PAGE).status_code == 200
