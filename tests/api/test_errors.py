"""Whatever goes wrong is told in one form, in JSON, and in the reader's language."""

import json
from typing import Any

import pytest
from redis.exceptions import RedisError

from accounts.models import User
from consent.api import throttles
from tests.api.conftest import Caller, app_of, error

pytestmark = pytest.mark.django_db
ADDRESSES = ("preferences", "preferences/newsletter", "permission", "opt-outs")


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch", "options", "head"])
def test_a_stranger_is_asked_who_it_is(path: str, method: str) -> None:
    answer = Caller().send(method, path)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    if method != "head":
        assert error(answer) == (401, "not_authenticated")


@pytest.mark.parametrize(
    "authorization", ["Basic a2FyaTpwYXNz", "Bearer", "", "Token x", "bearer\x00", "Bearer æøå"]
)
@pytest.mark.parametrize("path", ADDRESSES)
def test_another_authorization_opens_nothing(path: str, authorization: str) -> None:
    answer = Caller().send("get", path, headers={"authorization": authorization})
    assert error(answer)[0] == 401


def test_a_person_is_no_system_and_a_system_no_person(app: Caller, shop: Caller) -> None:
    asked = {"topic": "newsletter", "addresses": []}
    assert error(app.send("post", "permission", asked)) == (401, "authentication_failed")
    assert error(shop.send("get", "preferences")) == (401, "authentication_failed")


def test_a_browser_is_no_system(kari: User) -> None:
    browser = Caller()
    browser.force_login(kari)
    assert error(browser.send("get", "opt-outs"))[0] == 401


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("preferences", "GET, HEAD, OPTIONS"),
        ("preferences/newsletter", "GET, PUT, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_named_and_what_is_allowed(app: Caller, path: str, allowed: str) -> None:
    for method in ("delete", "patch", "post"):
        answer = app.send(method, path)
        assert error(answer) == (405, "method_not_allowed")
        assert answer["Allow"] == allowed
    answer = app.send("options", path)
    assert (answer.status_code, answer.content, answer["Allow"]) == (204, b"", allowed)


def test_head_is_get_without_a_body(app: Caller) -> None:
    got, head = app.send("get", "preferences"), app.send("head", "preferences")
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Type"] == got["Content-Type"]


def test_a_head_needs_the_scope_of_a_get(kari: User) -> None:
    writer = app_of(kari, ["preferences:write"])
    assert writer.send("head", "preferences").status_code == 403
    assert error(writer.send("get", "preferences")) == (403, "permission_denied")
    reader = app_of(kari, ["preferences:read"], name="reader")
    put = reader.send("put", "preferences/newsletter", {"choice": "no"})
    assert error(put) == (403, "permission_denied")
    assert "preferences:write" in put.json()["errors"][0]["detail"]


@pytest.mark.parametrize("path", ["", "preferences/", "preferences/a/b", "nothing", "../v2/x"])
def test_what_is_not_there_says_so_in_json(app: Caller, path: str) -> None:
    for method in ("get", "post", "delete"):
        assert error(app.send(method, path)) == (404, "not_found")


def test_only_json_is_read(app: Caller) -> None:
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b"):
        answer = app.put("/api/v1/preferences/newsletter", b"choice=no", content_type=kind)
        assert error(answer) == (415, "unsupported_media_type")


def test_only_json_is_written(app: Caller) -> None:
    answer = app.send("get", "preferences", headers={"accept": "text/html"})
    assert error(answer) == (406, "not_acceptable")
    answer = app.send("get", "preferences", headers={"accept": "text/html,*/*;q=0.8"})
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"", b"\xff\xfe", b'{"choice": NaN}', b"[" * 200_000, b'{"a": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_a_malformed_body_is_refused(app: Caller, shop: Caller, body: bytes) -> None:
    kind = "application/json"
    put = app.put("/api/v1/preferences/newsletter", body, content_type=kind)
    assert error(put)[0] == 400
    for path in ("permission", "opt-outs"):
        assert error(shop.post(f"/api/v1/{path}", body, content_type=kind))[0] == 400


def test_a_large_body_is_refused_before_it_is_read(app: Caller, shop: Caller) -> None:
    body = json.dumps({"topic": "newsletter", "addresses": ["x" * (1024 * 1024)]})
    for caller, method, path in (
        (shop, "post", "permission"),
        (shop, "post", "opt-outs"),
        (app, "put", "preferences/newsletter"),
    ):
        answer = getattr(caller, method)(
            f"/api/v1/{path}", data=body, content_type="application/json"
        )
        assert error(answer) == (413, "content_too_large")


def test_too_many_requests_are_turned_away_by_holder(
    kari: User, app: Caller, shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttles, "PERSON_A_MINUTE", 3)
    monkeypatch.setattr(throttles, "WINDOW_SECONDS", 10**9)
    answers = [app.send("get", "preferences") for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert error(answers[-1]) == (429, "throttled")
    assert int(answers[-1]["Retry-After"]) > 0
    # Another token of the same person counts with the first, a system by itself.
    assert app_of(kari, name="second").send("get", "preferences").status_code == 429
    assert shop.send("get", "opt-outs").status_code == 200


def test_without_the_counter_nobody_is_turned_away(
    app: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_key: str) -> int:
        raise RedisError

    monkeypatch.setattr(throttles, "counted", broken)
    assert app.send("get", "preferences").status_code == 200


def test_a_failure_of_ours_is_told_in_the_same_form(
    app: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("consent.api.preferences.topics_in_force", fail)
    app.raise_request_exception = False
    answer = app.send("get", "preferences")
    assert error(answer) == (500, "error")
    assert "secret" not in answer.content.decode()


def test_every_answer_may_be_kept_by_nobody(app: Caller) -> None:
    for answer in (app.send("get", "preferences"), Caller().send("get", "preferences")):
        assert answer["Cache-Control"] == "no-store"
        assert {"Authorization", "Cookie", "Accept-Language"} <= set(answer["Vary"].split(", "))
        assert answer["API-Version"] == "1"


def test_errors_speak_the_language_asked_for(app: Caller) -> None:
    norwegian = app.send("get", "preferences/x", headers={"accept-language": "nb"})
    english = app.send("get", "preferences/x")
    assert norwegian.json()["errors"][0]["detail"] != english.json()["errors"][0]["detail"]
    assert norwegian["Content-Language"] == "nb"
