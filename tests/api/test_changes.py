"""The feed of changes: in the order of the sealed log, missing nothing that commits late."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.models import User
from consent.models import ConsentDetail, Leaf, ServiceKey, Source
from consent.proof.sealer import append_leaves, seal_pending
from consent.services import record_opt_out, record_pause
from foundation import standstill
from foundation.roles import KEEPER, as_role
from tests.api.conftest import Caller, error, system
from tests.factories import NOW, make_customer, topic

pytestmark = pytest.mark.django_db


def page(caller: Caller, **query: Any) -> dict[str, Any]:
    answer = caller.send("get", "opt-outs", data=query)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def follow(caller: Caller, after: int = -1, limit: int = 2) -> list[dict[str, Any]]:
    """As another system does: until there is no more."""
    found: list[dict[str, Any]] = []
    while True:
        body = page(caller, after=after, limit=limit)
        found += body["changes"]
        after = body["next"]
        if not body["more"]:
            return found


def test_an_empty_log_has_no_changes(shop: Caller) -> None:
    assert page(shop) == {"changes": [], "next": -1, "more": False}


def test_a_change_says_who_what_when_and_how(shop: Caller) -> None:
    person = make_customer(yes=("newsletter",), platform_id=200731)
    at = NOW + timedelta(minutes=1)
    record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=at)
    seal_pending(now=timezone.now())
    body = page(shop, after=0)
    assert body["changes"] == [
        {
            "index": 1,
            "customer": str(person.pk),
            "customer_number": 200731,
            "topic": "newsletter",
            "state": "withdrawn",
            "paused_until": None,
            "at": at.isoformat().replace("+00:00", "Z"),
            "source": "one_click",
        }
    ]
    assert (body["next"], body["more"]) == (1, False)


def test_a_pause_says_until_when(shop: Caller) -> None:
    person = make_customer(yes=("newsletter",))
    record_pause(person.pk, [topic().pk], months=3, source=Source.PREFERENCES, now=NOW)
    seal_pending(now=timezone.now())
    last = page(shop)["changes"][-1]
    assert (last["state"], last["paused_until"] is None) == ("granted", False)


def test_what_is_not_sealed_is_not_told_yet(shop: Caller) -> None:
    make_customer(yes=("newsletter",))
    assert page(shop)["changes"] == []
    seal_pending(now=timezone.now())
    assert len(page(shop)["changes"]) == 1


def test_pages_lead_through_the_whole_log_once(shop: Caller) -> None:
    for _ in range(5):
        make_customer(yes=("newsletter",), no=("special_offers",))
    seal_pending(now=timezone.now())
    for limit in (1, 2, 3, 9, 10, 11, 1000):
        assert [each["index"] for each in follow(shop, limit=limit)] == list(range(10))


def test_an_erased_person_is_left_out_and_the_cursor_passes(shop: Caller) -> None:
    gone, stays = make_customer(yes=("newsletter",)), make_customer(yes=("newsletter",))
    seal_pending(now=timezone.now())
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute("SELECT consent_remove_details(%s, NULL, 100)", [gone.pk])
    first = page(shop, limit=1)
    assert (first["changes"], first["next"], first["more"]) == ([], 0, True)
    assert [each["customer"] for each in follow(shop)] == [str(stays.pk)]


def test_what_is_no_choice_is_left_out_and_the_cursor_passes(shop: Caller) -> None:
    append_leaves([(uuid.uuid4(), Leaf.Kind.ACCESS, bytes(32))], sealed_at=timezone.now())
    assert page(shop) == {"changes": [], "next": 0, "more": False}


def test_a_cursor_beyond_the_log_says_so(shop: Caller) -> None:
    make_customer(yes=("newsletter",))
    seal_pending(now=timezone.now())
    assert page(shop, after=0)["next"] == 0
    assert error(shop.send("get", "opt-outs", data={"after": 1})) == (409, "beyond_the_log")


@pytest.mark.parametrize(
    "query",
    [{"after": "x"}, {"after": -2}, {"after": 2**63}, {"limit": 0}, {"limit": 1001}, {"from": 1}],
)
def test_a_malformed_cursor_is_refused(shop: Caller, query: dict[str, Any]) -> None:
    assert error(shop.send("get", "opt-outs", data=query))[0] == 400


def test_a_standstill_closes_the_feed(shop: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "why", lambda **_: "an older database")
    assert error(shop.send("get", "opt-outs")) == (503, "standstill")


def test_a_key_without_the_scope_reads_nothing(db: None) -> None:
    caller = system(ServiceKey.Scope.PERMISSION, ServiceKey.Scope.OPT_OUT)
    assert error(caller.send("get", "opt-outs")) == (403, "permission_denied")


@pytest.mark.django_db(transaction=True)
def test_what_commits_late_is_not_missed() -> None:
    """An opt-out begins first and commits last; a reader by time or key would pass it."""
    caller = system(ServiceKey.Scope.OPT_OUTS)
    slow, quick = make_customer(yes=("newsletter",)), make_customer(yes=("newsletter",))
    seal_pending(now=timezone.now())
    after = page(caller)["next"]
    late = connections.create_connection("default")
    try:
        late.set_autocommit(False)
        with late.cursor() as cursor:
            withdraw(cursor, slow, at=NOW)
        record_opt_out(quick.pk, [topic().pk], source=Source.LINK, now=timezone.now())
        seal_pending(now=timezone.now())
        first = page(caller, after=after)
        late.commit()
    finally:
        late.close()
    assert [each["customer"] for each in first["changes"]] == [str(quick.pk)]
    seal_pending(now=timezone.now())
    second = page(caller, after=first["next"])
    assert [each["customer"] for each in second["changes"]] == [str(slow.pk)]
    slow_event = ConsentDetail.objects.of(slow.pk).get(state="withdrawn")
    quick_event = ConsentDetail.objects.of(quick.pk).get(state="withdrawn")
    assert slow_event.at < quick_event.at
    assert slow_event.pk < quick_event.pk


def withdraw(cursor: Any, person: User, *, at: Any) -> None:
    cursor.execute(
        "SELECT consent_change(%s, ARRAY[%s]::uuid[], ARRAY['refused'], 'link', 'self', '', 'nb', "
        "NULL, false, 0, %s, NULL)",
        [person.pk, topic().pk, at],
    )
