"""The account's language before the browser's, switchable on every page."""

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import make_customer

pytestmark = pytest.mark.django_db


def language_of(client: Client, **headers: str) -> str:
    page = client.get("/signup/check-your-mail/", headers=headers).content.decode()
    return page.partition('<html lang="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("nb-NO,nb;q=0.9,en;q=0.8", "nb"),
        ("no", "nb"),
        ("nn-NO,nn;q=0.9,en;q=0.8", "nb"),
        ("NO;q=0.9,en;q=0.8", "nb"),
        ("en-US,en;q=0.9,no;q=0.5", "en"),
        ("en-NO,en", "en"),
        ("de,en;q=0.5", "en"),
        ("de", "nb"),
        ("", "nb"),
    ],
)
def test_the_browser_is_answered_in_its_language(client: Client, asked: str, given: str) -> None:
    assert language_of(client, **{"accept-language": asked}) == given


def test_a_choice_is_remembered_in_this_browser(client: Client) -> None:
    answer = client.post("/language/", {"language": "en", "next": "/signup/"})
    assert answer["Location"] == "/signup/"
    assert language_of(client, **{"accept-language": "nb"}) == "en"


def test_a_choice_of_somebody_signed_in_is_their_accounts(client: Client) -> None:
    user = make_customer(language="nb")
    client.force_login(user)
    client.post("/language/", {"language": "en"})
    assert User.objects.get().language == "en"
    elsewhere = Client()
    elsewhere.force_login(user)
    assert language_of(elsewhere, **{"accept-language": "nb"}) == "en"


def test_the_account_comes_before_the_cookie(client: Client) -> None:
    client.post("/language/", {"language": "en"})
    client.force_login(make_customer(language="nb"))
    assert language_of(client) == "nb"


def test_an_account_without_a_language_reads_the_browsers(client: Client) -> None:
    client.force_login(make_customer(language=""))
    assert language_of(client, **{"accept-language": "en"}) == "en"


@pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example", "javascript:x", ""])
def test_it_leads_nowhere_else(client: Client, goal: str) -> None:
    assert client.post("/language/", {"language": "en", "next": goal})["Location"] == "/"


@pytest.mark.parametrize("language", ["de", "", "nb\r\nx"])
def test_a_language_we_do_not_speak_changes_nothing(client: Client, language: str) -> None:
    client.force_login(make_customer(language="nb"))
    answer = client.post("/language/", {"language": language})
    assert not answer.cookies
    assert User.objects.get().language == "nb"


def test_looking_changes_nothing(client: Client) -> None:
    assert client.get("/language/").status_code == 405
