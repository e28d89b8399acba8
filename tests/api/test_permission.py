"""`POST /permission`: the same decision as at the hand-over, many at once, saying little."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from consent.api.decisions import normal_form, permissions
from consent.models import ServiceKey, Source, Suppression
from consent.services import record_opt_out, record_pause
from consent.suppression import suppress
from foundation import standstill
from foundation.addresses import normalise_address
from tests.api.conftest import Caller, error, system
from tests.factories import NOW, make_customer, retire_topic, topic

pytestmark = pytest.mark.django_db


def ask(caller: Caller, *addresses: str, slug: str = "newsletter") -> list[str]:
    answer = caller.send("post", "permission", {"topic": slug, "addresses": addresses})
    assert answer.status_code == 200, answer.content
    rows = answer.json()["answers"]
    assert [row["address"] for row in rows] == list(addresses)
    assert all(row["may"] == (row["why"] == "may") for row in rows)
    return [row["why"] for row in rows]


def test_answers_come_in_the_order_asked_and_doubles_are_answered_twice(shop: Caller) -> None:
    make_customer(email="yes@shop.example", yes=("newsletter",))
    make_customer(email="no@shop.example", no=("newsletter",))
    asked = ["no@shop.example", "yes@shop.example", "x@shop.example", "yes@shop.example"]
    assert ask(shop, *asked) == ["said_no", "may", "not_asked", "may"]


def test_another_spelling_is_the_same_address(shop: Caller) -> None:
    make_customer(email="Kari@Blåbær.example", yes=("newsletter",))
    spellings = ("kari@blåbær.example", " KARI@xn--blbr-roah.example", "kari@BLÅBÆR.example.")
    assert ask(shop, *spellings) == ["may", "may", "may"]


def test_what_nobody_has_who_never_confirmed_and_who_was_never_asked_read_alike(
    shop: Caller,
) -> None:
    make_customer(email="new@shop.example", yes=("newsletter",), email_confirmed_at=None)
    make_customer(email="silent@shop.example")
    gone = make_customer(email="gone@shop.example", yes=("newsletter",))
    suppress(gone.email, reason=Suppression.Reason.ERASED, now=NOW)
    asked = [f"{name}@shop.example" for name in ("nobody", "new", "silent", "gone")]
    assert ask(shop, *asked) == ["not_asked"] * 4


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (Suppression.Reason.COMPLAINT, "said_no"),
        (Suppression.Reason.PROVIDER, "said_no"),
        (Suppression.Reason.REPLAYED, "said_no"),
        (Suppression.Reason.HARD_BOUNCE, "bounced"),
        (Suppression.Reason.ERASED, "not_asked"),
    ],
)
def test_each_suppression_has_its_word(shop: Caller, reason: Suppression.Reason, why: str) -> None:
    person = make_customer(yes=("newsletter",))
    suppress(person.email, reason=reason, now=NOW)
    assert ask(shop, person.email) == [why]


def test_every_reason_of_suppression_is_tried() -> None:
    assert len(Suppression.Reason) == 5


def test_a_pause_a_deactivation_and_a_retired_topic_have_theirs(shop: Caller) -> None:
    resting = make_customer(yes=("newsletter",))
    record_pause(resting.pk, [topic().pk], months=1, source=Source.PREFERENCES, now=timezone.now())
    away = make_customer(yes=("newsletter",), deactivated_at=NOW)
    locked = make_customer(yes=("newsletter",), is_active=False)
    here = make_customer(yes=("newsletter",))
    emails = [each.email for each in (resting, away, locked, here)]
    assert ask(shop, *emails) == ["paused", "inactive", "inactive", "may"]
    retire_topic(topic(), now=NOW)
    assert ask(shop, *emails) == ["paused", "inactive", "inactive", "topic_retired"]


@pytest.mark.parametrize(
    "address",
    [
        "", "@", "kari", "kari@", "@shop.example", "a@b@c", "a b@c.example", "a@c\n.example",
        "a\x00@shop.example", "\ud800@shop.example", "x" * 250 + "@a.no", "\x7f@a.no",
    ],
)  # fmt: skip
def test_what_is_no_address_is_malformed(shop: Caller, address: str) -> None:
    assert ask(shop, address) == ["malformed"]


def test_none_is_an_answer_to_none(shop: Caller) -> None:
    assert ask(shop) == []


def test_a_thousand_are_answered_and_one_more_is_refused(shop: Caller) -> None:
    many = [f"n{n}@shop.example" for n in range(1001)]
    assert ask(shop, *many[:1000]) == ["not_asked"] * 1000
    answer = shop.send("post", "permission", {"topic": "newsletter", "addresses": many})
    assert error(answer) == (400, "max_length")
    assert "1001" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["topic", "addresses"]),
        ([], [None]),
        ({"topic": 1, "addresses": []}, ["topic"]),
        ({"topic": "news\x00letter", "addresses": []}, ["topic"]),
        ({"topic": "newsletter", "addresses": "kari@shop.example"}, ["addresses"]),
        ({"topic": "newsletter", "addresses": ["a@b.no", None]}, ["addresses"]),
        ({"topic": "newsletter", "addresses": {"a": 1}}, ["addresses"]),
    ],
)
def test_a_malformed_question_names_what_is_wrong(
    shop: Caller, body: Any, wrong: list[str | None]
) -> None:
    answer = shop.send("post", "permission", body)
    assert answer.status_code == 400
    assert [each["attr"] for each in answer.json()["errors"]] == wrong


def test_an_unknown_topic_is_not_found(shop: Caller) -> None:
    asked = {"topic": "no_such", "addresses": ["a@b.no"]}
    assert error(shop.send("post", "permission", asked)) == (404, "not_found")


def test_it_is_one_statement_however_many_are_asked(shop: Caller) -> None:
    """Django's log sees the look-up of the key; the decision goes past it, in one call."""
    ask(shop, "a@shop.example")
    with CaptureQueriesContext(connection) as queries:
        ask(shop, *(f"n{n}@shop.example" for n in range(1000)))
    assert len(queries) == 1


def test_a_standstill_answers_for_nobody(shop: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_customer(yes=("newsletter",))
    monkeypatch.setattr(standstill, "why", lambda **_: "the journal is missing")
    asked = {"topic": "newsletter", "addresses": [person.email]}
    answer = shop.send("post", "permission", asked)
    assert error(answer) == (503, "standstill")
    assert person.email not in answer.content.decode()
    monkeypatch.setattr(standstill, "why", lambda **_: "")
    assert ask(shop, person.email) == ["may"]


def test_a_key_without_the_scope_asks_nothing(db: None) -> None:
    caller = system(ServiceKey.Scope.OPT_OUTS)
    asked = {"topic": "newsletter", "addresses": []}
    assert error(caller.send("post", "permission", asked)) == (403, "permission_denied")


# --- one decision --------------------------------------------------------------------------------

# What the function that decides at the hand-over says, in the words of this answer.
SAID = {
    "": {"may"},
    "not_confirmed": {"not_asked"},
    "not_asked": {"not_asked"},
    "deactivated": {"inactive"},
    "refused": {"said_no"},
    "withdrawn": {"said_no"},
    "paused": {"paused"},
    "topic_retired": {"topic_retired"},
    "suppressed": {"said_no", "bounced", "not_asked"},
}
CASES = list(
    itertools.product(
        (True, False),  # confirmed
        ("active", "deactivated", "locked"),
        ("never", "granted", "refused", "withdrawn", "paused", "pause over"),
        (None, *Suppression.Reason),
    )
)


def make_case(confirmed: bool, account: str, choice: str, barred: str | None) -> User:
    asked = {"yes": ("newsletter",)} if choice not in ("never", "refused") else {}
    if choice == "refused":
        asked = {"no": ("newsletter",)}
    person = make_customer(
        now=NOW - timedelta(days=60),
        email_confirmed_at=NOW if confirmed else None,
        deactivated_at=NOW if account == "deactivated" else None,
        is_active=account != "locked",
        **asked,
    )
    if choice == "withdrawn":
        record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    if choice.startswith("pause"):
        began = NOW if choice == "paused" else NOW - timedelta(days=45)
        record_pause(person.pk, [topic().pk], months=1, source=Source.PREFERENCES, now=began)
    if barred:
        suppress(person.email, reason=Suppression.Reason(barred), now=NOW)
    return person


@pytest.mark.slow
@pytest.mark.parametrize("retired", [False, True])
def test_it_agrees_with_the_decision_at_the_hand_over_in_every_case(retired: bool) -> None:
    people = [make_case(*case) for case in CASES]
    now, news = timezone.now(), topic()
    if retired:
        retire_topic(news, now=NOW)
    answers = dict(permissions([each.email for each in people], news.slug, now=now) or ())
    wrong, seen = [], set()
    with connection.cursor() as cursor:
        for person, case in zip(people, CASES, strict=True):
            cursor.execute(
                "SELECT consent_withheld_reason(%s, %s, %s, %s)",
                [person.pk, news.pk, person.email, now],
            )
            reason = cursor.fetchone()[0]
            seen.add(reason)
            if answers[person.email] not in SAID[reason]:
                wrong.append((case, reason, answers[person.email]))
    assert not wrong
    assert {"topic_retired"} <= seen if retired else {"", "suppressed"} <= seen
    assert len(people) == 216


TEXT = st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=0x17F), max_size=12)


@given(local=TEXT, domain=TEXT, around=st.sampled_from(["", " ", "\t"]))
def test_the_quick_normal_form_is_the_normal_form(local: str, domain: str, around: str) -> None:
    address = f"{around}{local}@{domain}{around}"
    quick = normal_form(address)
    assert quick is None or quick == normalise_address(address)
