"""A deletion has a signed receipt: it says what went, proves itself, and names nobody."""

import dataclasses
import importlib
import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from consent.models import Delivery, LogKey, Webhook
from consent.proof import keys
from consent.proof.receipts import NotPublishedYet, Unprovable
from consent.proof.shape import (
    DELETION_FORM,
    DELETION_FORM_1,
    DELETION_FORM_2,
    DELETION_FORM_3,
    DELETION_RECEIPT,
)
from consent.proof.verifying import Step, verify
from foundation.calendar import years_later
from foundation.roles import APP, KEEPER, OWNER, SENDER, as_role
from messaging.models import Message
from messaging.sender import deliver_pending
from retention import services
from retention.entries import OnErasure
from retention.journal.store import open_journal
from retention.models import DeletionRequest
from retention.models import Source as Way
from retention.papers.receipt import receipt_paper
from retention.receipts import NotFinishedYet, make_deletion_receipt
from retention.schedule import ENTRIES
from tests.consent import forged
from tests.consent.test_receipts_verifying import every_path, put, remove
from tests.factories import NOW, make_customer
from tests.mailbox import Mailbox
from tests.retention.life import VALUES, make_full_customer

LATER = NOW + timedelta(hours=2)
SCRIPT = Path(settings.BASE_DIR) / "docs" / "verify_receipt.py"


def known_key() -> LogKey:
    """As the first head of the log makes it known."""
    return keys.signing_key()


def erase(person: User) -> DeletionRequest:
    wish = services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.run_deletions(NOW)
    wish.refresh_from_db()
    return wish


def finished(**fields: Any) -> DeletionRequest:
    """One as the keeper leaves it."""
    values = {"state": "finished", "source": "customer", "actor": "x", "finished_at": NOW}
    with as_role(KEEPER):
        return DeletionRequest.objects.create(requested_at=NOW, **(values | fields))


def receipt_of(wish: DeletionRequest) -> dict[str, Any]:
    file = make_deletion_receipt(wish)
    assert verify(file, keys.public_keys()).ok
    told: dict[str, Any] = json.loads(file)
    return told


def erased_by_hand() -> dict[str, Any]:
    """What a receipt holds, made without a database, as `forged` makes those of choices."""
    return {
        "schema_version": DELETION_FORM,
        "reference": "6f1c1f3e-0c80-4d43-8b6c-6a54e9c7a111",
        "as_of": "2026-11-22T10:00:00Z",
        "language": "nb",
        "deletion": {
            "source": "customer",
            "asked_for_by": "av kunden, på siden",
            "scope": {
                "what": "messages",
                "in_words": "meldinger fra en periode",
                "since": "2026-01-01",
                "until": "2026-03-31",
            },
            "requested_at": "2026-11-22T09:00:00Z",
            "finished_at": "2026-11-22T09:00:05Z",
            "removed": [
                {
                    "model": "messaging.Message",
                    "title": "E-poster vi har sendt deg",
                    "count": 12,
                    "method": "deleted",
                    "fields": [],
                    "reason": "",
                    "law": "",
                    "until": None,
                    "how_long": "",
                }
            ],
            "kept": [
                {
                    "model": "accounts.Invoice",
                    "title": "Fakturaer",
                    "count": 2,
                    "until": "2033-03-01",
                    "without_end_yet": 1,
                    "how_long": "til 1. mars 2033",
                    "reason": "regnskapet trenger dem",
                    "law": "bokføringsloven § 13",
                }
            ],
            "stays": "Kontoen og alt annet er som det var.",
        },
        "backups": {"until": "2026-12-27", "remark": "Til denne dagen …"},
        "told": {
            "systems": 2,
            "acknowledged": 1,
            "open": 1,
            "given_up": 0,
            "no_longer_recorded": 0,
            "named": [
                {"system": "CRM", "answer": "acknowledged"},
                {"system": "Plattformen", "answer": "open"},
            ],
            "remark": "",
        },
        "controller": {
            "name": "Eksempel AS",
            "address": "Storgata 1, 0155 Oslo",
            "email": "personvern@example.test",
            "url": "https://portal.example.test",
        },
        "proof": {
            "journal": {"position": 7, "chain": forged.b64(bytes(range(32)))},
            "public_keys": [{"id": 2, "public": forged.b64(forged.KEYS[2])}],
            "signed_by": 2,
        },
    }


GENUINE = forged.sign(erased_by_hand())


# --- what it says --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_its_counts_are_those_of_the_request() -> None:
    wish = erase(make_full_customer())
    known_key()
    with translation.override("en"):
        deletion = receipt_of(wish)["deletion"]
    assert {row["model"]: row["count"] for row in deletion["removed"]} == wish.removed
    assert len(wish.removed) > 10
    methods = {row["model"]: (row["method"], row["fields"]) for row in deletion["removed"]}
    assert methods["messaging.Message"] == ("deleted", [])
    assert methods["accounts.Invoice"] == ("blanked", ["customer_id"])
    assert methods["admin.LogEntry"] == ("blanked", list(ENTRIES["admin.LogEntry"].blanked))
    kept = {row["model"]: row for row in deletion["kept"]}
    invoices, fingerprint = kept["accounts.Invoice"], kept["consent.Suppression"]
    assert (invoices["count"], invoices["until"]) == (3, "2033-03-01")
    assert invoices["without_end_yet"] == 1
    assert invoices["how_long"].startswith("until 1 March 2033; 1 is not settled yet")
    assert invoices["reason"].startswith("The law on book-keeping demands them")
    assert invoices["law"].startswith("Bookkeeping Act section 13")
    assert fingerprint["law"].startswith("GDPR Art. 21 (3)")
    blanked = {row["model"]: row["law"] for row in deletion["removed"] if row["fields"]}
    assert (
        {model for model, law in blanked.items() if law}
        == blanked.keys()
        >= {
            "accounts.Invoice",
            "admin.LogEntry",
            "consent.ReferenceUse",
            "retention.PhysicalItem",
            "retention.PrivacyRequest",
        }
    )
    assert all(row["law"] for row in deletion["kept"])
    assert not any(row["law"] for row in deletion["removed"] if not row["fields"])
    assert fingerprint["until"] == f"{years_later(NOW, 3):%Y-%m-%d}"


def staff_log_of(deletion: dict[str, Any]) -> list[tuple[str, int]]:
    rows = [row for row in deletion["removed"] if row["model"] == "admin.LogEntry"]
    return [(row["method"], row["count"]) for row in rows]


@pytest.mark.django_db
def test_what_former_staff_did_is_deleted_and_what_was_done_to_them_is_blanked() -> None:
    person = make_full_customer(language="en")
    shop = ContentType.objects.get_for_model(Webhook)
    for _ in range(2):
        LogEntry.objects.create(user=person, content_type=shop, object_id="1", action_flag=CHANGE)
    wish = erase(person)
    known_key()
    assert staff_log_of(receipt_of(wish)["deletion"]) == [("deleted", 2), ("blanked", 2)]
    mail = Message.objects.get(purpose="deletion_confirmed").text
    deleted, _, rest = mail.partition("Blanked")
    assert "What our staff changed in your account: 2" in deleted
    assert "What our staff changed in your account: 2" in rest


@pytest.mark.django_db
def test_a_class_that_has_another_name_now_keeps_its_own_and_comes_last() -> None:
    wish = erase(make_full_customer())
    known_key()
    wish.removed |= {"old.Letter": 3, "old.Bill": 2}
    wish.blanked |= {"old.Bill": {"count": 2, "fields": ["payer"]}}
    wish.kept.append({"model": "old.Bill", "count": 2, "until": "2030-01-01", "open": 0})
    with translation.override("en"):
        deletion = receipt_of(wish)["deletion"]
    rows = [
        (row["title"], row["count"], row["method"], row["fields"]) for row in deletion["removed"]
    ]
    assert rows[-2:] == [
        ("old.Bill", 2, "blanked", ["payer"]),
        ("old.Letter", 3, "deleted", []),
    ]
    bill = deletion["kept"][-1]
    assert (bill["title"], bill["how_long"], bill["reason"]) == (
        "old.Bill",
        "until 1 January 2030",
        "Not recorded",
    )


@pytest.mark.django_db
def test_how_it_went_is_said_as_it_was_then(monkeypatch: pytest.MonkeyPatch) -> None:
    wish = erase(make_full_customer())
    known_key()
    entry = ENTRIES["admin.LogEntry"]
    changed = dataclasses.replace(entry, erasure=OnErasure.DELETE, blanked=())
    monkeypatch.setitem(ENTRIES, "admin.LogEntry", changed)
    assert staff_log_of(receipt_of(wish)["deletion"]) == [("blanked", 2)]


@pytest.mark.django_db
def test_it_says_who_asked_when_and_who_answers_for_it() -> None:
    wish = erase(make_customer())
    known_key()
    receipt = receipt_of(wish)
    assert receipt["schema_version"] == DELETION_FORM
    assert receipt["reference"] == str(wish.reference)
    assert receipt["deletion"]["source"] == "customer"
    assert receipt["deletion"]["requested_at"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    assert receipt["deletion"]["finished_at"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    assert receipt["as_of"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    assert receipt["controller"]["name"] == "Portal Example AS"


@pytest.mark.django_db
def test_it_is_in_the_readers_language() -> None:
    wish = erase(make_full_customer())
    known_key()
    said = {}
    for language in ("nb", "en"):
        with translation.override(language):
            said[language] = receipt_of(wish)
            assert said[language]["language"] == language
    assert (
        said["nb"]["deletion"]["removed"][0]["title"]
        != (said["en"]["deletion"]["removed"][0]["title"])
    )


@pytest.mark.django_db
@pytest.mark.parametrize("days", [0, 35])
def test_it_says_until_when_a_backup_may_hold_the_data(days: int, settings: Any) -> None:
    wish = erase(make_customer())
    known_key()
    settings.BACKUP_DAYS = days
    last = NOW + timedelta(days=days)
    assert receipt_of(wish)["backups"]["until"] == f"{last:%Y-%m-%d}"


@pytest.mark.django_db
def test_it_names_the_record_of_the_journal_and_its_chain() -> None:
    wish = erase(make_customer())
    known_key()
    place = receipt_of(wish)["proof"]["journal"]
    record = open_journal().at(place["position"])
    assert record is not None
    assert record.entry["kind"] == "erasure"
    assert record.entry["reference"] == str(wish.reference)
    assert place["chain"] == forged.b64(record.chain)


@pytest.mark.django_db
def test_it_counts_the_systems_that_were_told_and_those_that_answered() -> None:
    for name in "abcd":
        Webhook.objects.create(
            name=name, url=f"https://{name}.example.test/", events=[Webhook.Event.ERASURE]
        )
    Webhook.objects.create(name="e", url="https://e.example.test/", events=["consent.opted_out"])
    wish = erase(make_customer())
    known_key()
    assert wish.announcement is not None
    first, second, third, _fourth = Delivery.objects.filter(event_id=wish.announcement).order_by(
        "webhook__name"
    )
    told = {"systems": 4, "acknowledged": 0, "open": 4, "given_up": 0, "no_longer_recorded": 0}
    named = [{"system": name, "answer": "open"} for name in "abcd"]
    assert receipt_of(wish)["told"] == told | {"named": named, "remark": ""}
    for delivery, state in ((first, "delivered"), (second, "dead")):
        Delivery.objects.filter(pk=delivery.pk).update(state=state, body="", finished_at=LATER)
    wish.refresh_from_db()
    told |= {"acknowledged": 1, "open": 2, "given_up": 1}
    named = [
        {"system": "a", "answer": "acknowledged"},
        {"system": "b", "answer": "given_up"},
        {"system": "c", "answer": "open"},
        {"system": "d", "answer": "open"},
    ]
    receipt = receipt_of(wish)
    assert receipt["told"] == told | {"named": named, "remark": ""}
    assert receipt["as_of"] == f"{LATER:%Y-%m-%dT%H:%M:%SZ}"
    # Nobody tells a system that is gone.
    Webhook.objects.get(pk=third.webhook_id).delete()
    wish.refresh_from_db()
    after = receipt_of(wish)["told"]
    assert (after["given_up"], after["open"], after["no_longer_recorded"]) == (2, 1, 0)


@pytest.mark.django_db
def test_who_acknowledged_is_known_as_long_as_the_request() -> None:
    """Deliveries go a month after their answer, by their rule or with their webhook."""
    hooks = [
        Webhook.objects.create(
            name=name, url=f"https://{name}.example.test/", events=[Webhook.Event.ERASURE]
        )
        for name in ("crm", "erp", "mail")
    ]
    wish = erase(make_customer())
    known_key()
    assert wish.announcement is not None
    states = ("delivered", "dead", "delivered")
    for hook, state in zip(hooks, states, strict=True):
        Delivery.objects.filter(event_id=wish.announcement, webhook=hook).update(
            state=state, body="", finished_at=NOW
        )
    wish.refresh_from_db()
    before = make_deletion_receipt(wish)
    hooks[2].delete()
    later = NOW + timedelta(days=40)
    with as_role(KEEPER):
        services.enforce(later, "test", only=["webhook_deliveries"])
    assert not Delivery.objects.exists()
    Webhook.objects.filter(name="crm").update(name="other")
    wish.refresh_from_db()
    assert make_deletion_receipt(wish) == before
    told = json.loads(before)["told"]
    assert (told["acknowledged"], told["given_up"], told["no_longer_recorded"]) == (2, 1, 0)
    assert [each["system"] for each in told["named"]] == ["crm", "erp", "mail"]


@pytest.mark.django_db
def test_a_delivery_that_is_no_notice_of_an_erasure_is_noted_nowhere() -> None:
    person, gone = make_customer(), make_customer()
    hook = Webhook.objects.create(
        name="a", url="https://a.example.test/", events=[Webhook.Event.ERASURE]
    )
    wish = erase(gone)
    assert wish.announcement is not None
    for event_id, person_id in ((wish.announcement, person.pk), (uuid.uuid4(), None)):
        Delivery.objects.filter(event_id=wish.announcement).delete()
        wish.refresh_from_db()
        before = dict(wish.answers)
        other = Delivery.objects.create(
            webhook=hook, event_id=event_id, person_id=person_id, not_before=NOW, made_at=NOW
        )
        Delivery.objects.filter(pk=other.pk).update(state="delivered", finished_at=LATER)
        other.delete()
        wish.refresh_from_db()
        assert wish.answers == before


@pytest.mark.django_db
def test_of_a_deletion_of_before_nobody_knows_all_answers() -> None:
    wish = finished(announcement=uuid.uuid4(), announced=2, kept=[])
    known_key()
    told = receipt_of(wish)["told"]
    assert (told["systems"], told["no_longer_recorded"], told["named"]) == (2, 2, [])


@pytest.mark.django_db
def test_what_was_not_recorded_is_not_made_up() -> None:
    """A deletion of before, or one that only the journal remembers after a restore."""
    wish = finished(source="replay", removed=None, kept=None)
    known_key()
    receipt = receipt_of(wish)
    verdict = verify(make_deletion_receipt(wish), keys.public_keys())
    assert verdict.facts["removed"] == verdict.facts["kept"] == "not recorded"
    assert receipt["told"] is None
    assert receipt["deletion"]["stays"] == ""
    assert receipt["proof"]["journal"] == {"position": None, "chain": None}
    assert receipt["deletion"]["removed"] is receipt["deletion"]["kept"] is None


@pytest.mark.django_db
def test_deletions_of_before_say_what_was_recorded_of_them() -> None:
    """As the migration finds them: counts alone, or nothing of one after a restore."""

    def former(removed: dict[str, int], kept: list[Any], **fields: Any) -> uuid.UUID:
        return finished(source="replay", removed=removed, kept=kept, **fields).reference

    fingerprint = {"model": "consent.Suppression", "count": 1, "until": "2029-01-01", "open": 0}
    counts = {"accounts.Invoice": 2, "admin.LogEntry": 3, "accounts.User": 1}
    whole, remembered, waiting = (
        former(counts, [fingerprint]),
        former({}, []),
        former({}, [], state="requested", finished_at=None),
    )
    migration = importlib.import_module("retention.migrations.0004_plans")
    with as_role(OWNER):
        migration.say_what_is_known(apps, None)
    known_key()
    receipt = receipt_of(DeletionRequest.objects.get(reference=whole))
    methods = {
        row["model"]: (row["method"], row["count"]) for row in receipt["deletion"]["removed"]
    }
    assert methods == {
        "accounts.Invoice": ("blanked", 2),
        "admin.LogEntry": ("blanked", 3),
        "accounts.User": ("deleted", 1),
    }
    receipt = receipt_of(DeletionRequest.objects.get(reference=remembered))
    assert receipt["deletion"]["removed"] is receipt["deletion"]["kept"] is None
    open_one = DeletionRequest.objects.get(reference=waiting)
    assert (open_one.removed, open_one.kept) == ({}, [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "everything"),
        ({"scope": "profile"}, "what the profile says beyond name and email"),
        ({"scope": "list", "contact_list_id": uuid.uuid4()}, "one contact list"),
        (
            {"scope": "messages", "since": date(2026, 1, 1), "until": date(2026, 3, 31)},
            "messages of a period, with their records (1 January 2026 – 31 March 2026)",
        ),
        (
            {"scope": "content", "since": date(2026, 1, 1)},
            "what messages of a period said, and to whom (1 January 2026 –)",
        ),
    ],
)
def test_it_says_what_was_to_go(fields: dict[str, Any], words: str) -> None:
    wish = finished(**fields)
    known_key()
    with translation.override("en"):
        scope = receipt_of(wish)["deletion"]["scope"]
    assert scope["what"] == fields.get("scope", "everything")
    assert scope["in_words"] == words
    for end in ("since", "until"):
        assert scope[end] == (fields[end].isoformat() if end in fields else None)


@pytest.mark.django_db
def test_the_same_state_gives_the_same_file() -> None:
    wish = erase(make_full_customer())
    known_key()
    assert make_deletion_receipt(wish) == make_deletion_receipt(wish)


@pytest.mark.django_db
def test_nothing_of_the_person_stands_in_it() -> None:
    person = make_full_customer(platform_id=987654321)
    Webhook.objects.create(name="a", url="https://a.example.test/", events=[Webhook.Event.ERASURE])
    canaries = [*VALUES, str(person.pk), person.pk.hex, "987654321"]
    wish = erase(person)
    known_key()
    file = make_deletion_receipt(wish).decode()
    assert wish.announcement is not None
    for canary in (*canaries, str(wish.announcement), "example.test"):
        assert canary.lower() not in file.lower()


# --- when there is one ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_unfinished_deletion_has_none() -> None:
    known_key()
    wish = services.request_deletion(make_customer().pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with pytest.raises(NotFinishedYet):
        make_deletion_receipt(wish)
    answer = Client().get(
        f"/data/delete/{wish.reference}/receipt/", headers={"accept-language": "en"}
    )
    assert answer.status_code == 409
    assert "The deletion is under way" in answer.content.decode()
    page = Client().get(f"/data/delete/{wish.reference}/").content.decode()
    assert "/receipt/" not in page


@pytest.mark.django_db
def test_before_the_log_knows_a_key_it_is_not_ready() -> None:
    wish = erase(make_customer())
    LogKey.objects.all().delete()
    with pytest.raises(NotPublishedYet):
        make_deletion_receipt(wish)
    answer = Client().get(
        f"/data/delete/{wish.reference}/receipt/", headers={"accept-language": "en"}
    )
    assert answer.status_code == 409
    assert "The deletion is done." in answer.content.decode()
    assert not LogKey.objects.exists()


@pytest.mark.django_db
def test_whoever_has_the_address_of_the_page_downloads_it() -> None:
    wish = erase(make_customer())
    known_key()
    page = Client().get(f"/data/delete/{wish.reference}/").content.decode()
    assert f'href="/data/delete/{wish.reference}/receipt/"' in page
    with as_role(APP):
        answer = Client().get(f"/data/delete/{wish.reference}/receipt/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="deletion-receipt-{NOW:%Y-%m-%d}.json"'
    )
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert verify(answer.content, keys.public_keys()).ok


@pytest.mark.django_db
def test_an_unknown_reference_leads_nowhere() -> None:
    assert Client().get(f"/data/delete/{uuid.uuid4()}/receipt/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_last_mail_leads_to_it(mailbox: Mailbox) -> None:
    person = make_customer(language="en")
    wish = erase(person)
    with as_role(SENDER):
        deliver_pending()
    (delivery,) = mailbox.to(person.email)
    address = f"{settings.PORTAL_URL}/data/delete/{wish.reference}/"
    assert address in delivery.text()
    assert f'href="{address}"' in delivery.text("html")
    assert not Message.objects.filter(text__contains=str(wish.reference)).exists()


@pytest.mark.django_db
def test_what_would_not_verify_does_not_leave_the_house(monkeypatch: pytest.MonkeyPatch) -> None:
    wish = erase(make_customer())
    known_key()
    monkeypatch.setattr(keys, "sign", lambda _key, _message: bytes(64))
    with pytest.raises(Unprovable, match=str(wish.reference)):
        make_deletion_receipt(wish)


@pytest.mark.django_db
def test_it_stays_genuine_when_the_key_was_retired(settings: Any) -> None:
    settings.LOG_KEYS = {1: forged.SEEDS[1]}
    wish = erase(make_customer())
    known_key()
    file = make_deletion_receipt(wish)
    settings.LOG_KEYS = {2: forged.SEEDS[2]}
    known_key()
    assert json.loads(make_deletion_receipt(wish))["proof"]["signed_by"] == 2
    assert json.loads(file)["proof"]["signed_by"] == 1
    assert verify(file, keys.public_keys()).ok
    assert verify(file, {2: forged.KEYS[2]}).step == Step.KEY


# --- whether it is genuine -----------------------------------------------------------------------


def test_what_proves_a_choice_is_not_said_to_be_passed() -> None:
    verdict = verify(GENUINE, forged.KEYS)
    assert verdict.ok
    assert verdict.without == (Step.LEAF, Step.PATH, Step.HEAD_SIGNATURE, Step.READABLE)
    assert verify(forged.make(), forged.KEYS).without == ()


@given(at=st.integers(0, len(GENUINE) - 1), byte=st.integers(0, 255))
def test_one_changed_byte_fails_with_the_reason(at: int, byte: int) -> None:
    changed = GENUINE[:at] + bytes([byte]) + GENUINE[at + 1 :]
    verdict = verify(changed, forged.KEYS)
    assert verdict.ok == (changed == GENUINE)
    assert bool(verdict.reason) == (changed != GENUINE)


@pytest.mark.parametrize("path", every_path(DELETION_RECEIPT), ids=lambda p: ".".join(map(str, p)))
def test_a_field_that_is_missing_or_of_another_form_is_named(path: tuple[str | int, ...]) -> None:
    named = isinstance(path[-1], str)
    name = str(path[-1] if named else path[-2])
    for change in [put(*path, 1.5)] + [remove(*path)] * named:
        verdict = verify(forged.changed(GENUINE, change, anew=False), forged.KEYS)
        assert verdict.step == Step.FIELDS
        # Without the name of its form it is taken for one of a choice.
        assert name in verdict.reason or path == ("schema_version",)


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (put("proof", "signed_by", 1), Step.KEY),
        (put("proof", "public_keys", [{"id": 2, "public": forged.b64(bytes(32))}]), Step.KEY),
        (put("deletion", "removed", 0, "method", "forgotten"), Step.FIELDS),
        (put("deletion", "removed", 0, "count", -1), Step.FIELDS),
        (put("backups", "until", "soon"), Step.FIELDS),
        (put("person", "Zebulon"), Step.FIELDS),
    ],
)
def test_not_even_we_can_sign_one_of_another_form(
    change: Callable[[Any], object], step: Step
) -> None:
    assert verify(forged.changed(GENUINE, change), forged.KEYS).step == step


def of_form_3(receipt: Any) -> None:
    """As they were handed out before receipts said under which law blanked rows stay."""
    receipt["schema_version"] = DELETION_FORM_3
    for row in receipt["deletion"]["removed"]:
        del row["law"]


def of_form_2(receipt: Any) -> None:
    """As they were handed out before receipts said why blanked rows stay."""
    of_form_3(receipt)
    receipt["schema_version"] = DELETION_FORM_2
    for row in receipt["deletion"]["removed"]:
        del row["reason"], row["until"], row["how_long"]
    del receipt["deletion"]["stays"], receipt["told"]["remark"]


def of_form_1(receipt: Any) -> None:
    """As they were handed out before receipts said what was to go."""
    of_form_2(receipt)
    receipt["schema_version"] = DELETION_FORM_1
    receipt["issued_at"] = receipt.pop("as_of")
    del receipt["deletion"]["scope"], receipt["told"]["named"]
    for row in receipt["deletion"]["kept"]:
        del row["law"]


@pytest.mark.parametrize(
    ("form", "change", "scope"),
    [
        (DELETION_FORM_1, of_form_1, "everything"),
        (DELETION_FORM_2, of_form_2, "meldinger fra en periode"),
        (DELETION_FORM_3, of_form_3, "meldinger fra en periode"),
    ],
)
def test_receipts_of_before_stay_genuine(
    files: tuple[Path, Path], form: str, change: Callable[[Any], None], scope: str
) -> None:
    former = forged.changed(GENUINE, change)
    verdict = verify(former, forged.KEYS)
    assert verdict.ok, verdict.reason
    assert verdict.facts["scope"] == scope
    assert verify(former.replace(b'"count": 12', b'"count": 13'), forged.KEYS).step is not None
    assert verify(forged.changed(GENUINE, put("schema_version", form)), forged.KEYS).step
    files[0].write_bytes(former)
    assert run_script(*files).returncode == 0


@pytest.mark.parametrize(
    ("told", "other"),
    [
        (b'"since": "2026-01-01"', b'"since": "2025-01-01"'),
        (b'"what": "messages"', b'"what": "content"'),
        ("bokføringsloven § 13".encode(), "bokføringsloven § 14".encode()),
        (b'"until": "2033-03-01"', b'"until": "2033-03-02"'),
        (b'"until": "2026-12-27"', b'"until": "2026-12-26"'),
        (b'"system": "CRM"', b'"system": "ERP"'),
        (b'"answer": "open"', b'"answer": "given_up"'),
        (b'"position": 7', b'"position": 8'),
    ],
)
def test_what_it_says_cannot_be_changed(
    files: tuple[Path, Path], told: bytes, other: bytes
) -> None:
    """Scope, law and date of what stayed, backups, who was told, place in the journal."""
    assert GENUINE.count(told) == 1
    files[0].write_bytes(GENUINE.replace(told, other))
    assert verify(files[0].read_bytes(), forged.KEYS).step == Step.RECEIPT_SIGNATURE
    assert "(receipt_signature)" in run_script(*files).stderr


def test_a_receipt_of_one_kind_is_never_taken_for_the_other() -> None:
    choice = forged.changed(forged.make(), put("schema_version", DELETION_FORM))
    assert verify(choice, forged.KEYS).step == Step.FIELDS
    deletion = forged.changed(GENUINE, put("schema_version", "something else"))
    assert verify(deletion, forged.KEYS).step == Step.FIELDS


# --- without us ----------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    receipt, published = tmp_path / "receipt.json", tmp_path / "keys.json"
    receipt.write_bytes(GENUINE)
    published.write_bytes(forged.keys_json())
    return receipt, published


def run_script(*arguments: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", env={})


def test_the_command_says_what_it_says(files: tuple[Path, Path]) -> None:
    out = StringIO()
    call_command("verify_receipt", str(files[0]), stdout=out)
    assert out.getvalue().startswith("Genuine.")
    assert "6f1c1f3e-0c80-4d43-8b6c-6a54e9c7a111" in out.getvalue()
    assert "12 deleted" in out.getvalue()
    assert "meldinger fra en periode" in out.getvalue()
    assert "leaf, path, head_signature, readable" in out.getvalue()
    files[0].write_bytes(GENUINE.replace(b'"count": 12', b'"count": 13'))
    with pytest.raises(CommandError, match="receipt_signature"):
        call_command("verify_receipt", str(files[0]))


def test_neither_makes_up_what_was_not_recorded(files: tuple[Path, Path]) -> None:
    unknown = erased_by_hand()
    unknown["deletion"] |= {"removed": None, "kept": None}
    files[0].write_bytes(forged.sign(unknown))
    out = StringIO()
    call_command("verify_receipt", str(files[0]), stdout=out)
    done = run_script(*files)
    assert done.returncode == 0, done.stderr
    assert "removed nothing recorded" in done.stdout
    assert "kept nothing recorded" in done.stdout
    assert out.getvalue().count("not recorded") == 2


def test_the_script_says_the_same(files: tuple[Path, Path]) -> None:
    done = run_script(*files)
    assert done.returncode == 0, done.stderr
    assert "6f1c1f3e-0c80-4d43-8b6c-6a54e9c7a111" in done.stdout
    assert "12 deleted" in done.stdout
    assert "Of meldinger fra en periode" in done.stdout
    for changed, step in (
        (GENUINE.replace(b'"count": 12', b'"count": 13'), "receipt_signature"),
        (GENUINE.replace(b'"signed_by": 2', b'"signed_by": 1'), "key"),
        (GENUINE[:-1], "writing"),
        (GENUINE[:-2], "json"),
    ):
        files[0].write_bytes(changed)
        done = run_script(*files)
        assert done.returncode == 1
        assert f"({step})" in done.stderr
        assert verify(changed, forged.KEYS).step == step


# --- on paper ------------------------------------------------------------------------------------

PAPER = receipt_paper(GENUINE)
AT = PAPER.index(GENUINE)


def test_of_a_paper_the_file_inside_it_is_verified(files: tuple[Path, Path]) -> None:
    files[0].write_bytes(PAPER)
    verdict = verify(PAPER, forged.KEYS)
    assert verdict.ok
    assert verdict.facts["reference"] == "6f1c1f3e-0c80-4d43-8b6c-6a54e9c7a111"
    assert "not signed" in verdict.facts["paper"]
    assert "paper" not in verify(GENUINE, forged.KEYS).facts
    out = StringIO()
    call_command("verify_receipt", str(files[0]), stdout=out)
    assert "its own words are not signed" in out.getvalue()
    done = run_script(*files)
    assert done.returncode == 0, done.stderr
    assert "12 deleted" in done.stdout
    assert "not of its own words" in done.stdout


@given(at=st.integers(0, len(GENUINE) - 1), byte=st.integers(0, 255))
def test_one_changed_byte_of_the_file_inside_it_fails(at: int, byte: int) -> None:
    changed = PAPER[: AT + at] + bytes([byte]) + PAPER[AT + at + 1 :]
    verdict = verify(changed, forged.KEYS)
    assert verdict.ok == (changed == PAPER)
    assert bool(verdict.reason) == (changed != PAPER)


@pytest.mark.parametrize(
    ("paper", "step"),
    [
        (PAPER.replace(b'"count": 12', b'"count": 13'), "receipt_signature"),
        (PAPER.replace(b"/EmbeddedFile", b"/EmbeddedFool"), "json"),
        # Two files: which of them does the paper repeat?
        (PAPER + b"/Type /EmbeddedFile\n>>\nstream\n" + GENUINE + b"\nendstream\n", "json"),
        (PAPER[: AT + 100], "json"),
        (b"%PDF-1.7\n", "json"),
    ],
    ids=["changed", "no file", "two files", "cut off", "no paper"],
)
def test_a_paper_that_carries_not_one_whole_file_is_refused(
    files: tuple[Path, Path], paper: bytes, step: str
) -> None:
    files[0].write_bytes(paper)
    assert verify(paper, forged.KEYS).step == step
    done = run_script(*files)
    assert done.returncode == 1
    assert f"({step})" in done.stderr
