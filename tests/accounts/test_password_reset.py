"""A forgotten password: the same answer whoever is asked about, and a clean start afterwards."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Session, User
from messaging.models import Message
from tests.accounts.walk import PASSWORD, link_in, mails_to, passwords, person_in
from tests.factories import NOW, make_customer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_stands_still")]

NEW = "en-ny-og-lang-setning"


def ask(client: Client, address: str) -> str:
    """Ask for a link; what its mail leads to."""
    assert client.post("/password/reset/", {"email": address}).status_code == 302
    return link_in(mails_to(address)[-1])


def reset(client: Client, path: str) -> None:
    form = client.get(path, follow=True)
    answer = client.post(form.redirect_chain[-1][0], passwords(NEW))
    assert answer["Location"] == "/password/reset/key/done/"


@pytest.mark.parametrize("state", ["confirmed", "unconfirmed", "deactivated", "barred"])
def test_known_and_unknown_addresses_get_the_same_answer(client: Client, state: str) -> None:
    """Same page, same number of queries, one mail."""
    make_customer(
        email="kari@example.test",
        email_confirmed_at=None if state == "unconfirmed" else NOW,
        deactivated_at=NOW if state == "deactivated" else None,
        is_active=state != "barred",
    )
    with CaptureQueriesContext(connection) as unknown:
        expected = client.post("/password/reset/", {"email": "ingen@example.test"})
    with CaptureQueriesContext(connection) as known:
        answer = client.post("/password/reset/", {"email": "kari@example.test"})
    assert (answer.status_code, answer["Location"]) == (302, "/password/reset/done/")
    assert dict(answer.headers) == dict(expected.headers)
    assert len(known) == len(unknown)
    assert len(mails_to("ingen@example.test")) == len(mails_to("kari@example.test")) == 1


@pytest.mark.parametrize(
    ("fields", "purpose"),
    [
        ({}, "password_reset"),
        ({"deactivated_at": NOW}, "password_reset"),
        ({"email_confirmed_at": None}, "welcome"),
        ({"is_active": False}, "no_account"),
    ],
)
def test_each_gets_the_mail_that_helps_them(
    client: Client, fields: dict[str, Any], purpose: str
) -> None:
    make_customer(email="kari@example.test", **fields)
    client.post("/password/reset/", {"email": "Kari@Example.test"})
    assert [mail.purpose for mail in Message.objects.all()] == [purpose]


def test_an_unconfirmed_account_gets_a_link_that_still_opens_it(client: Client) -> None:
    make_customer(email="kari@example.test", email_confirmed_at=None, signed_up_at=timezone.now())
    client.post(ask(client, "kari@example.test"), passwords())
    assert User.objects.get().is_confirmed


def test_the_new_password_lets_in_and_the_old_one_does_not(client: Client) -> None:
    user = make_customer(email="kari@example.test", password=PASSWORD)
    reset(client, ask(client, "kari@example.test"))
    assert person_in(client) is None
    client.post("/login/", {"login": user.username, "password": PASSWORD})
    assert person_in(client) is None
    client.post("/login/", {"login": user.username, "password": NEW})
    assert person_in(client) == str(user.pk)


def test_an_imported_customer_without_a_password_gets_one(client: Client) -> None:
    user = make_customer(email="kari@example.test")
    reset(client, ask(client, "kari@example.test"))
    client.post("/login/", {"login": "kari@example.test", "password": NEW})
    assert person_in(client) == str(user.pk)


def test_every_browser_that_was_signed_in_is_signed_out(client: Client) -> None:
    user = make_customer(email="kari@example.test", password=PASSWORD)
    stranger = Client()
    stranger.force_login(user)
    reset(client, ask(client, "kari@example.test"))
    assert stranger.get("/account/").status_code == 302
    assert not Session.objects.filter(user=user).exists()


def test_the_owner_is_told_and_no_ip_address_with_it(client: Client) -> None:
    user = make_customer(email="kari@example.test")
    path = ask(client, "kari@example.test")
    form = client.get(path, follow=True)
    client.post(form.redirect_chain[-1][0], passwords(NEW), REMOTE_ADDR="198.51.100.7")
    told = mails_to("kari@example.test")[-1]
    assert (told.purpose, told.person_id) == ("password_reset", user.pk)
    assert "198.51.100.7" not in told.text + told.html


def test_looking_at_the_link_leaves_the_account_as_it_is(client: Client) -> None:
    make_customer(email="kari@example.test")
    path = ask(client, "kari@example.test")
    with CaptureQueriesContext(connection) as queries:
        client.get(path, follow=True)
    written = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql for sql in written if "accounts_session" not in sql] == []


def test_the_link_works_once_and_is_told_to_nobody(client: Client) -> None:
    make_customer(email="kari@example.test")
    path = ask(client, "kari@example.test")
    reset(client, path)
    again = Client().get(path)
    assert again.status_code == 200
    assert again.context["token_fail"]
    assert again["Referrer-Policy"] == "no-referrer"
    assert "no-store" in again["Cache-Control"]


@pytest.mark.parametrize("path", ["/password/reset/key/abc-def/", "/password/reset/key/0-x/"])
def test_an_unknown_link_gets_a_friendly_page(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "/password/reset/" in answer.content.decode()


def test_one_address_is_not_flooded(client: Client) -> None:
    answers = [
        client.post("/password/reset/", {"email": "kari@example.test"}).status_code
        for _ in range(6)
    ]
    assert answers == [302] * 5 + [429]
