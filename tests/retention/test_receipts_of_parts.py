"""A receipt says what stays: of a part what it left, of everything each class that outlives it."""

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.checks import Error
from django.test import Client
from django.utils import translation

from accounts.models import User
from consent.models import Webhook
from consent.proof import keys
from consent.proof.verifying import verify
from foundation.calendar import months_later
from foundation.roles import APP, KEEPER, OWNER, as_role
from foundation.tenants import as_tenant
from messaging.models import ContactList, DeidentifiedStretch, Message
from retention import services
from retention.checks import schedule_errors
from retention.entries import OnErasure
from retention.holdings import preview_erasure
from retention.models import DeletionRequest, PhysicalItem, Scope, Source
from retention.papers import receipt as papers
from retention.parts import PERIODS, preview_part
from retention.policy import DEIDENTIFIED_STRETCHES
from retention.receipts import make_deletion_receipt, staying
from retention.schedule import ENTRIES, SCHEDULE, model_of
from retention.staying import Kept, kept_after_erasure, outlives
from retention.whose import person_of
from tests.factories import NOW as AN_HOUR_AGO
from tests.factories import make_customer, make_staff
from tests.retention.life import make_full_customer
from tests.retention.test_items import make_item, signed
from tests.retention.test_papers import Spoken

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

EVERYTHING_ELSE = "Your account and everything else stay as they were."
NOBODY_TOLD = "A deletion of a part is not told to other systems."
# After all that `make_full_customer` did.
NOW = AN_HOUR_AGO + timedelta(minutes=1)
TODAY = NOW.date()


@pytest.fixture
def person() -> User:
    person = make_full_customer(language="en")
    keys.signing_key()
    Webhook.objects.create(name="crm", url="https://c.example.test/", events=["customer.erased"])
    return person


def erase(person: User, scope: Scope, **part: Any) -> DeletionRequest:
    wish = services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=NOW, scope=scope, **part
    )
    with as_role(KEEPER):
        services.run_deletions(NOW, batch=2)
    wish.refresh_from_db()
    return wish


def said(wish: DeletionRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    """By the file and by the paper made of it."""
    monkeypatch.setattr(papers, "Paper", Spoken)
    with translation.override("en"):
        file = make_deletion_receipt(wish)
        assert verify(file, keys.public_keys()).ok
        paper = papers.drawn(json.loads(file), file)
    assert isinstance(paper, Spoken)
    told: dict[str, Any] = json.loads(file)
    return told, paper.said


def in_short(kept: list[Kept]) -> list[tuple[str, int, date | None]]:
    return [(each.entry.model, each.count, each.until) for each in kept]


def kept_in(receipt: dict[str, Any]) -> list[tuple[str, int, date | None]]:
    return [
        (row["model"], row["count"], row["until"] and date.fromisoformat(row["until"]))
        for row in receipt["deletion"]["kept"]
    ]


def the_list(person: User) -> Any:
    with as_tenant(person.pk):
        return ContactList.objects.get(customer=person).pk


def whole_month(months: int) -> date:
    return months_later(TODAY.replace(day=1), months)


# What stays of the part itself, by scope.
STAYS: dict[Scope, list[tuple[str, int, date | None]]] = {
    Scope.PROFILE: [],
    Scope.LIST: [("messaging.Tombstone", 1, None)],
    Scope.MESSAGES: [
        ("messaging.Tombstone", 3, months_later(TODAY, 84)),
        ("messaging.Report", 1, months_later(TODAY, 24)),
        ("messaging.DeidentifiedStretch", 1, months_later(TODAY, 4)),
    ],
    Scope.CONTENT: [
        ("messaging.MessageRecord", 3, whole_month(84)),
        ("messaging.Report", 1, months_later(TODAY, 24)),
        ("messaging.DeidentifiedStretch", 1, months_later(TODAY, 4)),
    ],
}


@pytest.mark.parametrize("scope", STAYS, ids=str)
def test_the_receipt_of_a_part_says_what_stays_and_the_preview_said_it_before(
    scope: Scope, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_role(OWNER):
        ContactList.objects.filter(customer=person).update(list_id=77)
    part = {"contact_list_id": the_list(person)} if scope == Scope.LIST else {}
    with as_role(APP):
        asked = DeletionRequest(scope=scope, requested_at=NOW, **part)
        foreseen = preview_part(asked, person.pk, now=NOW).kept
    assert in_short(foreseen) == STAYS[scope]

    receipt, paper = said(erase(person, scope, **part), monkeypatch)

    assert kept_in(receipt) == STAYS[scope]
    assert receipt["deletion"]["stays"] == EVERYTHING_ELSE
    assert receipt["told"]["remark"] == NOBODY_TOLD
    assert receipt["told"]["systems"] == 0
    assert EVERYTHING_ELSE in paper
    assert NOBODY_TOLD in paper
    assert "Not recorded" not in paper.partition("How to check it")[0]
    assert "Nothing" not in paper
    for row in receipt["deletion"]["kept"]:
        assert row["title"] in paper
        assert row["reason"] in paper
        assert row["how_long"].lower() in paper.lower()
        assert row["law"]
        assert row["law"] in paper
    mail = Message.objects.get(purpose="part_deleted")
    for row in receipt["deletion"]["kept"]:
        assert f"{row['title']}: {row['count']}, {row['how_long']}" in mail.text
        assert row["reason"].replace("'", "&#x27;") in mail.html


def test_what_stays_of_messages_that_are_de_identified_is_kept_under_the_law_of_bills(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt, _paper = said(erase(person, Scope.CONTENT), monkeypatch)
    records = receipt["deletion"]["kept"][0]
    assert records["law"].startswith("Bookkeeping Act section 13")
    assert records["reason"].startswith("That messages were sent, and what they cost")


def test_of_another_period_nothing_is_told(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = {"since": date(2020, 1, 1), "until": date(2020, 1, 31)}
    receipt, _paper = said(erase(person, Scope.CONTENT, **long_ago), monkeypatch)
    assert receipt["deletion"]["kept"] == []


# A period that ended before this day goes with the coming night.
OVER = DEIDENTIFIED_STRETCHES.cutoff(NOW).date()


@pytest.mark.parametrize("scope", PERIODS, ids=str)
@pytest.mark.parametrize(
    ("before", "is_told"), [(OVER, False), (OVER + timedelta(days=1), True)], ids=["over", "not"]
)
def test_that_a_period_is_closed_is_told_until_the_night_that_takes_it(
    scope: Scope, before: date, is_told: bool, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no message stood in it."""
    User.objects.filter(pk=person.pk).update(timezone="UTC")
    day = before - timedelta(days=1)
    receipt, paper = said(erase(person, scope, since=day, until=day), monkeypatch)
    with as_tenant(person.pk):
        closed = DeidentifiedStretch.objects.get(first__date=day)
    assert closed.before.date() == before
    until = DEIDENTIFIED_STRETCHES.end(before)
    assert (until > TODAY) == is_told
    row = ("messaging.DeidentifiedStretch", 1, until)
    assert kept_in(receipt) == ([row] if is_told else [])
    assert ("We remember when the period begins" in paper) == is_told


@pytest.mark.parametrize("address", ["/data/de-identify/", "/data/delete/messages/"])
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("We remember when the period begins and ends", "GDPR Art. 17 (1)")),
        ("nb", ("Vi husker når perioden begynner og slutter", "artikkel 17 nr. 1")),
    ],
)
def test_the_page_says_before_that_a_period_stays_closed_and_under_which_law(
    language: str, said: tuple[str, str], address: str, person: User
) -> None:
    visitor = Client(headers={"accept-language": language})
    visitor.force_login(person)
    User.objects.filter(pk=person.pk).update(language=language)
    page = visitor.get(f"{address}?look=1&since=2020-01-01&until=").content.decode()
    # The line of the period alone: traces of messages go by the same law.
    line = next(each for each in page.splitlines() if said[0] in each)
    assert said[1] in line
    long_over = visitor.get(f"{address}?look=1&since=2020-01-01&until=2020-01-31")
    assert said[0] not in long_over.content.decode()


def test_blanked_columns_of_the_profile_say_why_the_account_stays(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt, paper = said(erase(person, Scope.PROFILE), monkeypatch)
    (row,) = (row for row in receipt["deletion"]["removed"] if row["method"] == "blanked")
    assert row["reason"].startswith("The account stays, with name")
    assert row["law"].startswith("GDPR Art. 6 (1) (b)")
    assert row["law"] in paper
    assert row["reason"] in paper


def test_a_part_that_everything_overtook_does_not_say_that_the_rest_stays(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=NOW, scope=Scope.CONTENT
    )
    whole = services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.execute_deletion(whole, now=NOW)
    part.refresh_from_db()
    receipt, paper = said(part, monkeypatch)
    assert receipt["deletion"]["kept"] is None
    assert EVERYTHING_ELSE not in paper


# --- of everything -------------------------------------------------------------------------------


def test_what_still_says_something_of_them_is_kept_until_a_day(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt, paper = said(erase(person, Scope.EVERYTHING), monkeypatch)
    kept = {row["model"]: row for row in receipt["deletion"]["kept"]}
    ends = {model: row["until"] for model, row in kept.items()}
    assert ends["consent.ReferenceUse"] == (TODAY + timedelta(days=14)).isoformat()
    assert ends["retention.PhysicalItem"] == (TODAY + timedelta(days=30)).isoformat()
    assert ends["consent.Delivery"] == (TODAY + timedelta(days=7)).isoformat()
    assert ends["retention.DeletionRequest"] == months_later(TODAY, 36).isoformat()
    assert kept["consent.ReferenceUse"]["count"] == kept["consent.Delivery"]["count"] == 1
    for row in kept.values():
        assert row["reason"]
        assert row["law"]
        assert row["law"] in paper
        assert row["reason"] in paper
        assert row["how_long"].lower() in paper.lower()


def test_blanked_rows_say_why_they_stay_and_until_when(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt, paper = said(erase(person, Scope.EVERYTHING), monkeypatch)
    rows = {r["model"]: r for r in receipt["deletion"]["removed"] if r["method"] == "blanked"}
    assert rows["retention.PrivacyRequest"]["until"] == months_later(TODAY, 36).isoformat()
    log = months_later(datetime.now(UTC).date(), 13).isoformat()
    assert rows["admin.LogEntry"]["until"] == log
    uses = rows["consent.ReferenceUse"]
    assert uses["until"] is None
    assert uses["how_long"] == "2 stay for 3 years after it was removed"
    for row in rows.values():
        assert row["reason"] in paper
        assert row["law"]
        assert row["law"] in paper
        assert row["how_long"].lower() in paper.lower()
    for row in receipt["deletion"]["removed"]:
        if row["method"] == "deleted":
            assert (row["reason"], row["until"], row["how_long"]) == ("", None, "")


def test_the_preview_says_the_same_before(person: User) -> None:
    # Of an address that nobody confirmed it says nothing.
    EmailAddress.objects.filter(user=person).update(verified=True)
    with as_role(APP):
        preview = preview_erasure(person.pk, now=NOW)
    wish = erase(person, Scope.EVERYTHING)
    recorded = [Kept.from_json(row) for row in wish.kept]
    by_name = [
        sorted(in_short(kept), key=str)
        for kept in (preview.kept, [each for each in recorded if not each.blanked])
    ]
    assert by_name[0] == by_name[1]
    foreseen = [kept for each in preview.blanked for kept in each.stays]
    assert sorted(in_short(foreseen), key=str) == sorted(
        in_short([each for each in recorded if each.blanked]), key=str
    )


def test_who_has_nothing_that_stays_is_told_of_the_proof_and_the_fingerprint_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = make_customer()
    keys.signing_key()
    receipt, _paper = said(erase(person, Scope.EVERYTHING), monkeypatch)
    models = [row["model"] for row in receipt["deletion"]["kept"]]
    assert models == ["consent.Suppression", "retention.DeletionRequest"]


def test_an_item_that_is_due_sooner_says_so_and_one_destroyed_has_no_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = make_customer()
    keys.signing_key()
    soon = TODAY + timedelta(days=3)
    PhysicalItem.objects.create(
        name="Box", kind="paper", serial="s", place="p", contains="c", customer_id=person.pk,
        kept_since=date(2024, 1, 1), due_on=soon,
    )  # fmt: skip
    receipt, _paper = said(erase(person, Scope.EVERYTHING), monkeypatch)
    (item,) = (r for r in receipt["deletion"]["kept"] if r["model"] == "retention.PhysicalItem")
    assert item["until"] == soon.isoformat()
    assert item["how_long"].startswith("destroyed by ")


# --- none is forgotten ---------------------------------------------------------------------------


def test_every_class_that_outlives_an_erasure_is_on_the_receipt_of_who_has_all_of_them(
    person: User,
) -> None:
    """`make_full_customer` has something of each; a hold in force keeps the whole deletion open."""
    wish = erase(person, Scope.EVERYTHING)
    told = {row["model"] for row in wish.kept}
    assert told == {entry.model for entry in SCHEDULE if outlives(entry)} - {"retention.LegalHold"}


def test_a_class_that_outlives_an_erasure_and_that_no_receipt_could_tell_fails_the_check() -> None:
    entry = ENTRIES["accounts.SupportQuestion"]
    told = dataclasses.replace(
        entry, erasure=OnErasure.BLANK, blanked=("name", "email"), why_kept="because", law="a law"
    )
    models = [model_of(entry)]
    assert schedule_errors(models, {entry.model: told}) == []
    untold = dataclasses.replace(told, rules=(), no_clock="never")
    errors = schedule_errors(models, {entry.model: untold})
    assert [(type(error), error.id) for error in errors] == [(Error, "retention.E010")]


def kept_of(person: User, model: str) -> list[Kept]:
    found = kept_after_erasure(person_of(person), now=NOW)
    return [each for each in found if each.entry.model == model]


def test_an_item_stands_until_two_people_have_signed() -> None:
    person = make_customer()
    item = make_item(customer_id=person.pk, due_on=NOW.date() + timedelta(days=10))
    (before,) = kept_of(person, "retention.PhysicalItem")
    signed(item, make_staff())
    (half,) = kept_of(person, "retention.PhysicalItem")
    assert before.until == half.until == NOW.date() + timedelta(days=10)


@pytest.mark.parametrize("email", ["kari@example.test", "100%_kari@example.test"])
def test_the_staffs_log_is_counted_by_the_address_it_ends_with(email: str) -> None:
    person = make_customer(email=email)
    staff = make_staff()
    for named in (email, f"Kari {email}", f"Kari x{email}", "Kari 1000kari@example.test"):
        LogEntry.objects.create(user=staff, object_repr=named, action_flag=CHANGE)
    (row,) = kept_of(person, "admin.LogEntry")
    assert row.count == 2


def test_blanked_rows_some_of_which_have_no_end_yet_have_none_on_the_receipt(person: User) -> None:
    wish = erase(person, Scope.EVERYTHING)
    assert wish.kept is not None
    told = {"model": "consent.ReferenceUse", "count": 2, "until": "2030-01-01", "blanked": True}
    for unsettled, until in ((0, "2030-01-01"), (1, None)):
        wish.kept = [told | {"open": unsettled}]
        assert staying(wish, "consent.ReferenceUse", is_blanked=True)["until"] == until
