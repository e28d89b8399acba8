"""`manage.py verify_promises`, as a monitor calls it (design §4)."""

import json
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from clicksend_portal.demo.declared import declare_access
from clicksend_portal.promises.registry import BY_ID
from tests.factories import make_customer
from tests.promises.looks import handed_message

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def declared(db: None) -> None:
    """What no measure sees was told: a portal that says nothing of it keeps no `few-see`."""
    declare_access(now=timezone.now())


def verify(*arguments: str) -> tuple[int, str]:
    output, status = StringIO(), 0
    try:
        call_command("verify_promises", *arguments, stdout=output)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, output.getvalue()


def test_a_fresh_portal_keeps_what_is_in_force_and_says_what_is_not() -> None:
    status, output = verify("--json")
    found = {record["id"]: record for record in json.loads(output)}
    assert status == 0
    assert found.keys() == BY_ID.keys()
    for promise_id, record in found.items():
        assert set(record) == {"id", "state", "evidence", "reading", "measured_at"}
        assert record["state"] == ("kept" if BY_ID[promise_id].is_in_force else "not_in_force")
        assert record["evidence"] in ("measured", "construction", "declared")
        if record["state"] == "kept":
            assert record["reading"]
            assert datetime.fromisoformat(record["measured_at"]).tzinfo is not None


def test_a_broken_promise_fails_the_command_and_is_named() -> None:
    handed_message(make_customer(), at=timezone.now())
    status, output = verify("--json")
    assert status == 1
    broken = [record["id"] for record in json.loads(output) if record["state"] == "broken"]
    assert broken == ["asked-for-mail"]


def test_without_json_there_is_a_line_for_each_promise() -> None:
    _status, output = verify()
    lines = output.splitlines()
    assert len(lines) == len(BY_ID)
    assert not any("<b>" in line for line in lines)
