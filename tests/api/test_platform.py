"""`POST /api/v1/platform/…`: who may, what a body looks like, and what if it breaks off."""

import gzip
import io
import json
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory
from rest_framework.exceptions import ParseError

from accounts import billing
from accounts.models import User
from consent.api.errors import TooLarge
from consent.models import ServiceKey
from foundation import standstill
from foundation.tenants import as_tenant
from messaging.api import bodies, platform, serializers
from messaging.content import feed, feed_fields, feed_kinds, feed_lines, tombstones
from messaging.content.feed_kinds import KINDS
from messaging.migrations import __path__ as migrations
from messaging.models import MessageRecord
from tests.api.conftest import Caller, app_of, error, system
from tests.api.feeding import CUSTOMER, as_body, message
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db
NDJSON = "application/x-ndjson"
MESSAGES = "platform/message-records"


@pytest.fixture
def kari(db: None) -> User:
    return make_customer(username="kari", platform_id=CUSTOMER)


@pytest.fixture
def caller(kari: User) -> Caller:
    return system(ServiceKey.Scope.PLATFORM)


def post(caller: Caller, body: bytes, path: str = MESSAGES, **kwargs: Any) -> Any:
    return caller.send("post", path, body, NDJSON, **kwargs)


def count(person: User) -> int:
    with as_tenant(person.pk):
        return MessageRecord.objects.count()


# --- who -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_key_with_the_scope_of_the_platform_brings_anything_in(kind: str) -> None:
    path = f"platform/{kind}"
    assert error(post(Caller(), b"\n", path)) == (401, "not_authenticated")
    assert error(post(app_of(make_customer()), b"\n", path)) == (401, "authentication_failed")
    others = [scope for scope in ServiceKey.Scope if scope != ServiceKey.Scope.PLATFORM]
    assert error(post(system(*others), b"\n", path)) == (403, "permission_denied")
    answer = post(system(ServiceKey.Scope.PLATFORM, name="platform"), b"\n", path)
    assert answer.json() == {"taken": 0, "unchanged": 0, "bad": [], "bad_lines": 0}


def test_the_platforms_key_opens_nothing_else(caller: Caller) -> None:
    asked = {"topic": "newsletter", "addresses": []}
    assert error(caller.send("post", "permission", asked)) == (403, "permission_denied")
    assert error(caller.send("get", MESSAGES)) == (405, "method_not_allowed")


def test_nothing_comes_in_while_the_database_may_be_older_than_an_erasure(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "why", lambda *, pages: "restored" if pages else "")
    answer = post(caller, as_body(message()))
    assert error(answer) == (503, "standstill")


def test_who_meets_a_busy_database_is_told_when_to_come_back(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*args: Any, **named: Any) -> None:
        raise feed.FeedBusy

    monkeypatch.setattr(platform, "take_in", busy)
    answer = post(caller, as_body(message()))
    assert error(answer) == (503, "busy")
    assert answer.headers["Retry-After"] == "60"


# --- what ----------------------------------------------------------------------------------------


def test_the_rest_goes_in_and_bad_lines_are_named(caller: Caller, kari: User) -> None:
    body = as_body(message(), {}, message(message_id="m2"), b"?")
    answer = post(caller, body)
    assert answer.status_code == 200
    assert answer.json() == {
        "taken": 2,
        "unchanged": 0,
        "bad": [
            {"line": 2, "field": "user_id", "reason": "missing"},
            {"line": 4, "field": "", "reason": "not_json"},
        ],
        "bad_lines": 2,
    }
    assert count(kari) == 2
    assert post(caller, body).json()["unchanged"] == 2
    assert count(kari) == 2


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\n\n"])
def test_lines_may_end_as_lines_do(caller: Caller, ending: bytes) -> None:
    body = ending.join(as_body(message(message_id=name)).strip() for name in "ab")
    assert post(caller, body).json()["taken"] == 2


def test_only_lines_of_json_are_read(caller: Caller) -> None:
    answer = caller.send("post", MESSAGES, message())
    assert error(answer) == (415, "unsupported_media_type")
    charset = caller.send("post", MESSAGES, as_body(message()), f"{NDJSON}; charset=utf-8")
    assert charset.json()["taken"] == 1


@pytest.mark.parametrize("members", [1, 2])
def test_a_body_may_be_packed(caller: Caller, members: int) -> None:
    body = b"".join(gzip.compress(as_body(message(message_id=str(n)))) for n in range(members))
    answer = post(caller, body, headers={"content-encoding": "gzip"})
    assert answer.json()["taken"] == members


def test_what_is_not_packed_as_it_says_is_refused(caller: Caller, kari: User) -> None:
    body = as_body(message())
    packed = gzip.compress(body)
    for encoding, sent, expected in (
        ("gzip", body, (400, "not_gzip")),
        ("gzip", packed[:-12], (400, "cut_off")),
        ("br", body, (415, "unsupported_media_type")),
    ):
        assert error(post(caller, sent, headers={"content-encoding": encoding})) == expected
    assert count(kari) == 0


# --- how much ------------------------------------------------------------------------------------


def test_a_long_body_is_refused_before_it_is_read(
    caller: Caller, kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = as_body(message(), message(message_id="m2"))
    monkeypatch.setattr(platform.Feed, "most_bytes", len(body) - 1)
    assert error(post(caller, body)) == (413, "content_too_large")
    assert count(kari) == 0
    monkeypatch.setattr(platform.Feed, "most_bytes", len(body))
    assert post(caller, body).json()["taken"] == 2


def test_a_body_that_unpacks_to_more_than_is_taken_is_refused_as_it_grows(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "FEED_BODY_BYTES", 1_000_000)
    bomb = gzip.compress(b"\n" * 50_000_000)
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        answer = post(caller, bomb, headers={"content-encoding": "gzip"})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error(answer) == (413, "content_too_large")
    assert peak < 10_000_000


def test_a_line_that_does_not_end_is_not_gathered_and_counts_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "FEED_LINE_BYTES", 10)
    pieces = [b"a\nbb", b"b\n" + b"x" * 8, b"x" * 8, b"x" * 8, b"x\nc", b"\n" + b"y" * 11]
    assert list(bodies.split_lines(pieces)) == [b"a", b"bbb", b"x" * 16, b"c", b"y" * 11]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_are_the_same_however_the_pieces_fall(size: int) -> None:
    body = b"a\n\nbcd\nefgh\n\n" * 3 + b"last"
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    assert list(bodies.split_lines(pieces)) == body.split(b"\n")


def test_memory_does_not_grow_with_the_body(kari: User) -> None:
    def peak(lines: int) -> int:
        body = (as_body(message(message_id=str(n % 10))).strip() for n in range(lines))
        tracemalloc.start()
        try:
            taken = feed.take_in("message-records", body, now=NOW, batch=300)
            assert taken.taken + taken.unchanged == lines
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(3000) < 1.5 * peak(600)


# --- broken off ----------------------------------------------------------------------------------


class Broken(io.BytesIO):
    """A connection that ends before what it said it would bring."""

    def __init__(self, body: bytes, *, fails: bool) -> None:
        super().__init__(body)
        self.fails = fails

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if not found and self.fails:
            raise OSError("connection reset")
        return found


def broken_request(body: bytes, said: int | None, **environ: Any) -> WSGIRequest:
    request: Any = RequestFactory().post("/", data=body, content_type=NDJSON)
    fails = environ.pop("fails", False)
    request.environ.pop("CONTENT_LENGTH", None)
    if said is not None:
        request.environ["CONTENT_LENGTH"] = str(said)
    request.environ |= {"wsgi.input": Broken(body, fails=fails)} | environ
    return WSGIRequest(request.environ)


@pytest.mark.parametrize("fails", [True, False])
def test_a_body_that_breaks_off_keeps_what_is_in_and_is_sent_again(
    kari: User, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setattr(bodies, "PIECE", 100)
    whole = as_body(*(message(message_id=str(n)) for n in range(5)))
    half = whole[: len(whole) * 3 // 4]
    request = broken_request(half, len(whole), fails=fails)
    with pytest.raises(ParseError) as refused:
        feed.take_in("message-records", bodies.read_lines(request), now=NOW, batch=2)
    assert refused.value.get_codes() == "cut_off"
    assert count(kari) == 2
    again = bodies.read_lines(broken_request(whole, len(whole)))
    taken = feed.take_in("message-records", again, now=NOW, batch=2)
    assert (taken.taken, taken.unchanged, taken.bad_lines) == (3, 2, 0)


def test_a_body_in_chunks_is_read_to_its_end_where_the_server_tells_it() -> None:
    body = as_body(message(), message())
    request = broken_request(body, None, **{"wsgi.input_terminated": True})
    assert len(list(bodies.read_lines(request))) == 2
    with pytest.raises(ParseError) as refused:
        list(bodies.read_lines(broken_request(body, None, HTTP_TRANSFER_ENCODING="chunked")))
    assert refused.value.get_codes() == "length_required"


def test_a_body_in_chunks_is_not_longer_than_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "FEED_BODY_BYTES", 100)
    request = broken_request(as_body(message()), None, **{"wsgi.input_terminated": True})
    with pytest.raises(TooLarge):
        list(bodies.read_lines(request))


# --- what is said of it --------------------------------------------------------------------------

LINES = {
    "contact-lists": serializers.ContactListLineSerializer,
    "contacts": serializers.ContactLineSerializer,
    "opt-outs": serializers.OptOutLineSerializer,
    "message-records": serializers.MessageRecordLineSerializer,
    "reports": serializers.ReportLineSerializer,
    "invoices": serializers.InvoiceLineSerializer,
    "transactions": serializers.TransactionLineSerializer,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_names_the_fields_that_are_read(kind: str) -> None:
    told = {name: field.required for name, field in LINES[kind]().fields.items()}
    assert told == {field.name: field.required for field in KINDS[kind].fields}


def reasons() -> Iterator[str]:
    """As they are written where a line is refused."""
    for module in (billing, feed, feed_fields, feed_kinds, feed_lines):
        source = Path(str(module.__file__)).read_text()
        yield from re.findall(r'(?:BadValue|_refuse)\("(\w+)"\)', source)
        yield from re.findall(r'Unfit\([^)]*?"(\w+)"\)', source)
        yield from re.findall(r'matching\(.*"(\w+)"\)', source)
        yield from re.findall(r'BadLine\(.*"(\w+)"\)', source)
    yield from re.findall(r'column, "(\w+)"\]', Path(tombstones.__file__).read_text())
    for name in ("0011_feed.py", "0014_bills.py"):
        source = (Path(migrations[0]) / name).read_text()
        yield from re.findall(r"\"'(\w+)'\"", source)
        yield from re.findall(r"(?:THEN|ELSE) '(\w+)'", source)


def test_the_schema_names_every_reason_and_the_docs_explain_it() -> None:
    # Two that stand in an expression.
    assert {*reasons(), "one_of_two", "not_e164"} == set(feed_lines.REASONS)
    docs = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    assert [each for each in feed_lines.REASONS if f"`{each}`" not in docs] == []


def test_the_answer_is_as_short_as_it_can_be(caller: Caller, kari: User) -> None:
    answer = json.loads(post(caller, as_body(message())).content)
    assert answer == {"taken": 1, "unchanged": 0, "bad": [], "bad_lines": 0}
