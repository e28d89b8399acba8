"""Callers of the API: a person's app with a token, a browser, and other systems with keys."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.test import Client

from accounts.access_tokens import make_token
from accounts.models import PersonalToken, User
from consent.models import ServiceKey
from consent.service_keys import make_service_key
from tests.factories import NOW, make_customer

BOTH = tuple(PersonalToken.Scope.values)


class Caller(Client):
    """Sends JSON with a secret, in English, and reads JSON."""

    def __init__(self, secret: str = "", **kwargs: Any) -> None:
        headers = {"accept-language": "en"}
        if secret:
            headers["authorization"] = f"Bearer {secret}"
        super().__init__(headers=headers, **kwargs)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        **kwargs: Any,
    ) -> Any:
        if body is not None:
            kwargs |= {"data": body, "content_type": content_type}
        return getattr(self, method)(f"/api/v1/{path}", **kwargs)


def app_of(person: User, scopes: Sequence[str] = BOTH, **fields: Any) -> Caller:
    values: dict[str, Any] = {"name": "app", "days": 30, "now": NOW} | fields
    return Caller(make_token(person, scopes=scopes, **values)[1])


def system(*scopes: ServiceKey.Scope, name: str = "shop") -> Caller:
    return Caller(make_service_key(name=name, scopes=[s.value for s in scopes], now=NOW)[1])


@pytest.fixture
def kari(db: None) -> User:
    return make_customer(username="kari", yes=("newsletter",), no=("special_offers",))


@pytest.fixture
def app(kari: User) -> Caller:
    return app_of(kari)


@pytest.fixture
def shop(db: None) -> Caller:
    return system(*ServiceKey.Scope)


@pytest.fixture
def signed_in(kari: User) -> Callable[..., Caller]:
    def make(**kwargs: Any) -> Caller:
        browser = Caller(**kwargs)
        browser.force_login(kari)
        return browser

    return make


def error(answer: Any) -> tuple[int, str]:
    """The status and the code; every error has the one form."""
    body = answer.json()
    assert set(body) == {"type", "errors"}
    assert all(set(each) == {"code", "detail", "attr"} for each in body["errors"])
    return answer.status_code, body["errors"][0]["code"]
