"""A customer downloads the receipt of a look; anybody can check it, and it names no employee."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import AccessEvent
from consent.proof import keys
from consent.proof.accesses import access_hash
from consent.proof.receipts import Unprovable
from consent.proof.verifying import Step, verify
from consent.proof.vocabulary import told_event
from foundation.roles import KEEPER, OWNER, as_role
from tests.consent import forged
from tests.consent.looked import look
from tests.consent.sealed import seal_and_publish
from tests.consent.test_receipts_verifying import put, remove
from tests.factories import NOW, make_customer, make_staff

LATER = NOW + timedelta(minutes=10)
SCRIPT = Path(settings.BASE_DIR) / "docs" / "verify_receipt.py"
GENUINE = forged.make(forged.access())


def download(person, event):
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    return client.get(reverse("access_receipt", args=[event.pk]))


def run_script(tmp_path: Path, file: bytes, published: bytes) -> subprocess.CompletedProcess[str]:
    receipt, known = tmp_path / "receipt.json", tmp_path / "keys.json"
    receipt.write_bytes(file)
    known.write_bytes(published)
    command = [sys.executable, "-I", str(SCRIPT), str(receipt), str(known)]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", env={})


# --- verified without a database ---------------------------------------------------------------


def test_a_genuine_one_passes_every_step_and_says_what_it_says() -> None:
    verdict = verify(GENUINE, forged.KEYS)
    assert verdict.ok
    assert verdict.without == ()
    assert verdict.facts["what"] == "a look of staff"
    assert verdict.facts["in words"].startswith("Kundestøtte så på kontaktopplysningene dine")
    assert verdict.facts["leaf"] == "4"
    assert verdict.facts["keys"] == "compared"


def test_the_script_says_the_same_with_code_of_its_own(tmp_path: Path) -> None:
    done = run_script(tmp_path, GENUINE, forged.keys_json())
    assert done.returncode == 0, done.stderr
    assert "Kundestøtte så på kontaktopplysningene dine" in done.stdout
    assert "Entry 4 of 7" in done.stdout


FORGERIES: dict[str, tuple[Any, Step]] = {
    "another role in words": (put("access", "role", "billing"), Step.READABLE),
    "another kind of data": (put("access", "what", "search"), Step.READABLE),
    "another reason": (put("access", "reason", "x"), Step.READABLE),
    "another reference": (put("access", "reference", "x"), Step.READABLE),
    "another basis": (put("access", "basis", "reason"), Step.READABLE),
    "another day": (put("access", "time", "2026-03-13T09:30:00.000000+00:00"), Step.READABLE),
    "another person": (
        put("pii_principal_id", "0193a4b2-0000-7000-8000-000000000009"),
        Step.READABLE,
    ),
    "another number": (put("record_id", "0193a4b2-0000-7000-8000-000000000009"), Step.READABLE),
    "another event": (put("proof", "event", "what", "search"), Step.LEAF),
    "another member of staff": (put("proof", "event", "staff", forged.b64(bytes(32))), Step.LEAF),
    "another place": (put("proof", "leaf_index", 3), Step.PATH),
    "another head": (put("proof", "head", "time", "2026-03-12T09:32:00Z"), Step.HEAD_SIGNATURE),
    "a choice's event": (put("proof", "event", forged.event()), Step.FIELDS),
    "another kind": (put("proof", "event", "kind", "consent"), Step.FIELDS),
    "no words": (remove("access", "in_words"), Step.FIELDS),
    "a field nobody knows": (put("access", "staff", "Kari"), Step.FIELDS),
}


@pytest.mark.parametrize(("change", "step"), FORGERIES.values(), ids=FORGERIES.keys())
def test_even_whoever_can_sign_anew_fails_at_the_right_step(change: Any, step: Step) -> None:
    assert verify(forged.changed(GENUINE, change), forged.KEYS).step == step


@pytest.mark.parametrize("name", [name for name, (_c, s) in FORGERIES.items() if s != Step.FIELDS])
def test_the_script_stops_at_the_same_step(name: str, tmp_path: Path) -> None:
    change, step = FORGERIES[name]
    done = run_script(tmp_path, forged.changed(GENUINE, change), forged.keys_json())
    assert f"({step})" in done.stderr


def test_no_single_byte_can_change() -> None:
    for at in range(0, len(GENUINE), 3):
        flipped = bytearray(GENUINE)
        flipped[at] ^= 1
        assert not verify(bytes(flipped), forged.KEYS).ok, at


def test_a_look_cannot_be_passed_off_as_a_choice_nor_a_choice_as_a_look() -> None:
    look_as_choice = json.loads(forged.make()) | {"proof": json.loads(GENUINE)["proof"]}
    assert verify(forged.sign(look_as_choice), forged.KEYS).step == Step.FIELDS
    renamed = json.loads(GENUINE) | {"schema_version": "ISO/IEC TS 27560:2023"}
    assert verify(forged.sign(renamed), forged.KEYS).step == Step.FIELDS
    choice = forged.event()
    assert "kind" not in choice
    assert told_event(choice)["type"] == "choice"


# --- made by the portal ------------------------------------------------------------------------


@pytest.mark.django_db
class TestDownload:
    @pytest.fixture
    def person(self):
        return make_customer(language="en")

    def test_it_is_a_file_that_any_verifier_accepts(self, person, tmp_path):
        event = look(person, reason="A letter «with» words", reference="letter 7")
        seal_and_publish(LATER)
        answer = download(person, event)
        assert answer.status_code == 200
        day = timezone.localdate(event.at)
        assert f"access-receipt-{day}-profile.json" in answer["Content-Disposition"]
        assert verify(answer.content, keys.public_keys()).ok
        rows = [{"id": n, "public": forged.b64(key)} for n, key in keys.public_keys().items()]
        done = run_script(tmp_path, answer.content, json.dumps({"keys": rows}).encode())
        assert done.returncode == 0, done.stderr
        receipt = json.loads(answer.content)
        assert receipt["access"]["reason"] == "A letter «with» words"
        assert receipt["access"]["in_words"].startswith(
            "Customer support looked at your contact details"
        )

    def test_a_search_has_one_too(self, person):
        event = look(person, what="search", reason="", reference="")
        seal_and_publish(LATER)
        assert verify(download(person, event).content, keys.public_keys()).ok

    def test_it_names_no_employee(self, person):
        staff = make_staff(first_name="Torbjørn", last_name="Egentoft")
        event = look(person, staff=staff)
        seal_and_publish(LATER)
        text = download(person, event).content.decode()
        for trace in ("Torbjørn", "Egentoft", staff.username, staff.email, str(staff.pk)):
            assert trace not in text

    def test_before_a_head_covers_it_a_page_says_when_it_is_ready(self, person):
        answer = download(person, look(person))
        assert answer.status_code == 409
        assert "The line stands already" in answer.content.decode()

    def test_another_customer_and_a_stranger_get_nothing(self, person):
        event = look(person)
        seal_and_publish(LATER)
        assert download(make_customer(), event).status_code == 404
        stranger = Client().get(reverse("access_receipt", args=[event.pk]))
        assert reverse("account_login") in stranger["Location"]

    def test_after_an_erasure_there_is_none_but_the_one_from_before_stays_good(self, person):
        event = look(person)
        seal_and_publish(LATER)
        before = download(person, event).content
        with as_role(KEEPER), connection.cursor() as cursor:
            cursor.execute("SELECT accounts_erase_access_events(%s, 100)", [person.pk])
        assert download(person, event).status_code == 404
        assert verify(before, keys.public_keys()).ok

    def test_an_event_that_does_not_agree_with_the_log_gets_none(self, person):
        event = look(person)
        seal_and_publish(LATER)
        with as_role(OWNER), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE accounts_accessevent DISABLE TRIGGER USER")
            cursor.execute("UPDATE accounts_accessevent SET reason = 'x'")
            cursor.execute("ALTER TABLE accounts_accessevent ENABLE TRIGGER USER")
        with pytest.raises(Unprovable, match="do not give the hash"):
            download(person, event)

    def test_the_words_are_in_the_readers_language(self, person):
        event = look(person)
        seal_and_publish(LATER)
        client = Client(headers={"accept-language": "nb"})
        person.language = "nb"
        person.save(update_fields=["language"])
        client.force_login(person)
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = "nb"
        receipt = json.loads(client.get(reverse("access_receipt", args=[event.pk])).content)
        assert receipt["language"] == "nb"
        with translation.override("nb"):
            assert access_hash(AccessEvent.objects.get()) == access_hash(event)
