"""The schema says everything, its examples run, and schemathesis finds nothing it does not say."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from clicksend_portal.wsgi import application
from consent.api import throttles
from consent.models import ServiceKey, Source
from consent.proof.sealer import seal_pending
from consent.services import record_opt_out
from messaging.api import platform as feed_platform
from messaging.content.feed_kinds import KINDS
from tests.api.conftest import Caller, app_of, system
from tests.architecture.pages import faults
from tests.factories import NOW, make_customer, topic
from tests.references import published

pytestmark = pytest.mark.django_db
EXAMPLES_DAY = datetime(2026, 11, 22, 14, tzinfo=UTC)
ERRORS = {"401", "403", "405", "406", "429", "500", "503"}
# What only somebody who has to say who they are can meet.
FOR_WHOM = {"401", "403", "429"}
PUBLIC = {"/api/v1/references"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    written = StringIO()
    call_command("spectacular", "--format", "openapi-json", stdout=written)
    found: dict[str, Any] = json.loads(written.getvalue())
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_the_schema_is_valid_and_leaves_nothing_to_guess() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_every_operation_says_what_it_does_for_whom_and_how_it_fails(
    document: dict[str, Any],
) -> None:
    found = list(operations(document))
    assert len(found) == 7 + len(KINDS)
    for method, path, operation in found:
        assert operation["summary"], path
        assert operation["description"], path
        is_public = path in PUBLIC
        assert any(operation["security"]) != is_public, path
        wanted = ERRORS - FOR_WHOM if is_public else ERRORS
        assert set(operation["responses"]) >= wanted, (method, path)
        if method in ("post", "put"):
            assert {"400", "413", "415"} <= set(operation["responses"]), (method, path)
            assert operation["requestBody"]["required"]
            assert request_examples(operation), (method, path)
        for status, response in operation["responses"].items():
            content = response["content"]["application/json"]
            assert content["schema"], (path, status)
            if int(status) >= 400:
                assert content["schema"] == {"$ref": "#/components/schemas/Error"}


# --- examples ------------------------------------------------------------------------------------


def request_examples(operation: dict[str, Any]) -> list[Any]:
    content = operation.get("requestBody", {}).get("content", {})
    return [
        each["value"] for body in content.values() for each in body.get("examples", {}).values()
    ]


def media_type(operation: dict[str, Any]) -> str:
    """Every body has one form."""
    content = operation.get("requestBody", {}).get("content", {})
    return next(iter(content), "application/json")


def shapes(operation: dict[str, Any], status: int) -> list[Any]:
    content = operation["responses"][str(status)]["content"]["application/json"]
    return [shape(each["value"]) for each in content.get("examples", {}).values()]


def shape(value: Any) -> Any:
    """Names and kinds, without what differs from day to day."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return None if value is None else type(value)


@pytest.fixture
def example_world(document: dict[str, Any]) -> dict[str, Caller]:
    """What the examples speak of."""
    yes = ("newsletter", "reference_quote")
    kari = make_customer(email="kari@shop.example", yes=yes, platform_id=200731)
    published(kari)
    make_customer(email="ola@shop.example", no=("newsletter",))
    other = make_customer(yes=("newsletter",), platform_id=200732)
    record_opt_out(other.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)
    seal_pending(now=timezone.now())
    return {"personalToken": app_of(kari), "serviceKey": system(*ServiceKey.Scope)}


@pytest.fixture(autouse=True)
def the_day_of_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """They name dates; what the platform brings in has to be of these years."""
    monkeypatch.setattr(feed_platform, "timezone", SimpleNamespace(now=lambda: EXAMPLES_DAY))


def test_every_example_runs(document: dict[str, Any], example_world: dict[str, Caller]) -> None:
    run = 0
    for method, path, operation in operations(document):
        callers = [
            example_world[name] for each in operation["security"] for name in each
            if name in example_world
        ]  # fmt: skip
        caller = callers[0] if callers else Caller()
        address = path.removeprefix("/api/v1/")
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                value = next(iter(parameter["examples"].values()))["value"]
                address = address.replace(f"{{{parameter['name']}}}", value)
        for body in request_examples(operation) or [None]:
            with transaction.atomic():  # the platform's first bring in what its next ones name
                answer = caller.send(method, address, body, media_type(operation))
                transaction.set_rollback("platform" not in path)
            assert answer.status_code in (200, 202), (path, body, answer.content)
            assert shape_fits(shape(answer.json()), shapes(operation, answer.status_code))
            run += 1
    assert run == 10 + len(KINDS)


def shape_fits(found: Any, examples: list[Any]) -> bool:
    """A value that may be null is, or is not; names are always the same."""

    def fits(one: Any, other: Any) -> bool:
        if isinstance(one, dict) and isinstance(other, dict):
            return one.keys() == other.keys() and all(fits(one[k], other[k]) for k in one)
        if isinstance(one, list) and isinstance(other, list):
            return not one or not other or fits(one[0], other[0])
        return one is None or other is None or one == other

    return any(fits(found, each) for each in examples)


def test_the_answer_to_the_example_of_permission_is_the_example(
    document: dict[str, Any], example_world: dict[str, Caller]
) -> None:
    operation = document["paths"]["/api/v1/permission"]["post"]
    (asked,) = request_examples(operation)
    content = operation["responses"]["200"]["content"]["application/json"]
    (told,) = [each["value"] for each in content["examples"].values()]
    assert example_world["serviceKey"].send("post", "permission", asked).json() == told


def test_a_wrong_example_would_be_noticed() -> None:
    assert not shape_fits({"a": str}, [{"a": bool}])
    assert not shape_fits({"a": str}, [{"b": str}])
    assert shape_fits({"a": None}, [{"a": str}])


# --- the page ------------------------------------------------------------------------------------


def test_the_schema_and_its_page_are_for_everybody() -> None:
    schema = Client().get("/api/schema/")
    assert schema.status_code == 200
    assert schema.content.startswith(b"openapi: 3")
    page = Client(headers={"accept-language": "en"}).get("/api/docs/")
    assert page.status_code == 200
    assert not faults(page.content.decode(), language="en")
    assert "script-src 'self'" in page["Content-Security-Policy"]
    script = Client().get("/api/docs/?script")
    assert script["Content-Type"] == "application/javascript"
    assert "/api/schema/" in script.content.decode()


# --- schemathesis --------------------------------------------------------------------------------


@pytest.fixture
def one_connection(db: None) -> Iterator[None]:
    """A request through WSGI would close the test's own, as Django's test client knows."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schemathesis.serializer("application/x-ndjson")
def as_lines(_context: Any, value: Any) -> bytes:
    """Text as it is; what is none, as one line of it."""
    said = value if isinstance(value, str) else json.dumps(value)
    return said.encode(errors="surrogatepass")


@pytest.fixture
def api(one_connection: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(throttles, "PERSON_A_MINUTE", 10**9)
    monkeypatch.setattr(throttles, "SERVICE_A_MINUTE", 10**9)
    return schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)


@pytest.fixture
def callers(db: None) -> dict[str, str]:
    kari = make_customer(email="kari@shop.example", yes=("newsletter",))
    seal_pending(now=timezone.now())
    person, shop = app_of(kari), system(*ServiceKey.Scope)
    return {
        "preferences": str(person.defaults["HTTP_AUTHORIZATION"]),
        "": str(shop.defaults["HTTP_AUTHORIZATION"]),
    }


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_happens_that_the_schema_does_not_say(
    api: Any, callers: dict[str, str], mode: GenerationMode
) -> None:
    """What fits the schema and what does not, to every operation: no 5xx, nothing undocumented."""
    tried = set()
    for found in api.get_all_operations():
        operation = found.ok()
        if mode == GenerationMode.NEGATIVE and operation.path in PUBLIC:
            continue  # it takes nothing that could be wrong

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=20,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        def call(case: Any) -> None:
            tried.add(case.operation.label)
            of = "preferences" if "/preferences" in case.path else ""
            if "slug" in case.path_parameters and len(case.path_parameters["slug"]) % 2:
                case.path_parameters["slug"] = "newsletter"  # else there is only "not found"
            # schemathesis does not unpack what the portal compresses.
            headers = {"Authorization": callers[of], "Accept-Encoding": "identity"}
            # No text is malformed: a line that is no record is what the answer names.
            unasked = [negative_data_rejection] if "/platform/" in case.path else []
            case.call_and_validate(headers=headers, excluded_checks=unasked)

        call()
    assert len(tried) == 6 + (mode == GenerationMode.POSITIVE) + len(KINDS)
