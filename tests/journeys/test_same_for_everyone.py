"""Nobody learns from a page, its queries or its mails who is a customer.

Sign-up and reset stand in tests/accounts, links of mails in tests/consent; here are the doors that
take a secret: sign-in, and every link that was used, is old, was tampered with, or never was.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tokens import make_welcome_token
from foundation.roles import KEEPER, as_role
from messaging.models import Message
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db
PASSWORD = "en-lang-setning-med-blåbær"


def seen_by(act: Callable[[], Any], *secrets: str) -> tuple[int, str, int]:
    """What somebody can tell apart: the answer without what they typed, and what it cost."""
    with CaptureQueriesContext(connection) as queries:
        answer = act()
    page = answer.content.decode()
    for secret in secrets:
        page = page.replace(secret, "…")
    return (
        answer.status_code,
        re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page),
        len(queries),
    )


@pytest.mark.parametrize("fields", [{}, {"deactivated_at": NOW}, {"email_confirmed_at": None}])
@pytest.mark.parametrize("by", ["username", "email"])
def test_a_wrong_password_and_an_unknown_name_look_the_same(
    client: Client, by: str, fields: dict[str, Any]
) -> None:
    known = getattr(make_customer(password=PASSWORD, **fields), by)
    unknown = "ingen@example.test" if by == "email" else "ingen"
    first, second = (
        seen_by(lambda name=name: client.post("/login/", {"login": name, "password": "feil"}), name)  # type: ignore[misc]
        for name in (unknown, known)
    )
    assert first == second
    assert not Message.objects.exists()


def used(token: str, person: User) -> str:
    User.objects.filter(pk=person.pk).update(email_confirmed_at=NOW)
    return token


def old(token: str, person: User) -> str:
    User.objects.filter(pk=person.pk).update(signed_up_at=NOW - timedelta(days=8))
    return token


def tampered(token: str, person: User) -> str:
    return token[:-1] + ("0" if token[-1] != "0" else "1")


def truncated(token: str, person: User) -> str:
    return token[: len(token) // 2]


def of_nobody(token: str, person: User) -> str:
    with as_role(KEEPER):
        person.delete()
    return token


@pytest.mark.parametrize("spoil", [used, old, tampered, truncated, of_nobody])
def test_a_welcome_link_that_does_not_work_never_says_why(
    client: Client, spoil: Callable[[str, User], str]
) -> None:
    person = make_customer(email_confirmed_at=None)
    token = spoil(make_welcome_token(person), person)
    unknown = seen_by(lambda: client.get("/welcome/unknown/"), "unknown")
    status, page, queries = seen_by(lambda: client.get(f"/welcome/{token}/"), token)
    assert (status, page) == unknown[:2]
    # One look-up at most, and none for what cannot be a token.
    assert queries <= 1
    assert person.username not in page


@pytest.mark.parametrize(
    "address",
    [
        "/welcome/{}/",
        "/u/{}/",
        "/p/{}/",
        "/preferences/confirm/{}/",
        "/confirm-email/{}/",
        "/password/reset/key/1-{}/",
    ],
)
@pytest.mark.parametrize("token", ["x", "A" * 400, "01a20000-0000-7000-8000-000000000000"])
def test_an_unknown_link_gets_a_friendly_page_and_writes_to_nobody(
    client: Client, address: str, token: str
) -> None:
    answer = client.get(address.format(token), follow=True)
    assert answer.status_code == 200
    assert "<h1" in answer.content.decode()
    assert not Message.objects.exists()
