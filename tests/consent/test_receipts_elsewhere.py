"""A receipt is verified without us: by the command without a database, by the script alone."""

import importlib.util
import json
import os
import random
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from consent.models import ConsentDetail
from consent.proof import heads, keys
from consent.proof.receipts import make_receipt
from consent.proof.sealer import seal_pending
from consent.proof.shape import DELETION_RECEIPTS
from consent.proof.verifying import verify
from tests.consent import forged
from tests.consent.test_receipts_verifying import GENUINE, other_spelling, put
from tests.factories import NOW, make_customer

SCRIPT = Path(settings.BASE_DIR) / "docs" / "verify_receipt.py"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    receipt, published = tmp_path / "receipt.json", tmp_path / "keys.json"
    receipt.write_bytes(GENUINE)
    published.write_bytes(forged.keys_json())
    return receipt, published


# --- the command -----------------------------------------------------------------------------


def test_the_command_says_what_a_genuine_receipt_says(files: tuple[Path, Path]) -> None:
    """The tests' ring has the keys of `forged`. No database is open to this test."""
    out = StringIO()
    call_command("verify_receipt", str(files[0]), stdout=out)
    assert out.getvalue().startswith("Genuine.")
    assert "dpv:ConsentWithdrawn" in out.getvalue()
    call_command("verify_receipt", str(files[0]), keys=files[1], stdout=out)


def test_the_command_fails_with_the_reason(files: tuple[Path, Path]) -> None:
    files[0].write_bytes(GENUINE.replace(b"Eksempel AS", b"Eksempel A5"))
    with pytest.raises(CommandError, match=r"receipt_signature.*something in it was changed"):
        call_command("verify_receipt", str(files[0]))


def test_a_retired_key_needs_the_published_ones(files: tuple[Path, Path], settings) -> None:
    settings.LOG_KEYS = {2: settings.LOG_KEYS[2]}
    with pytest.raises(CommandError, match="--keys"):
        call_command("verify_receipt", str(files[0]))
    call_command("verify_receipt", str(files[0]), keys=files[1], stdout=StringIO())


def test_files_that_are_not_there_or_hold_no_keys_are_named(files: tuple[Path, Path]) -> None:
    with pytest.raises(CommandError, match=r"missing\.json"):
        call_command("verify_receipt", str(files[0].with_name("missing.json")))
    with pytest.raises(CommandError, match="keys"):
        call_command("verify_receipt", str(files[0]), keys=files[0])


@pytest.mark.slow
def test_the_command_runs_where_no_database_does(files: tuple[Path, Path]) -> None:
    nowhere = os.environ | {"DATABASE_URL": "postgresql://portal@127.0.0.1:1/portal"}
    command = [sys.executable, "manage.py", "verify_receipt", str(files[0])]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=nowhere, capture_output=True)
    assert done.returncode == 0, done.stderr
    files[0].write_bytes(GENUINE[:-1])
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=nowhere, capture_output=True)
    assert done.returncode == 1
    assert b"writing" in done.stderr


# --- the stand-alone script ------------------------------------------------------------------


def run_script(*arguments: Path) -> subprocess.CompletedProcess[str]:
    """Isolated: none of our folders on its path, nothing of our environment."""
    command = [sys.executable, "-I", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", env={})


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stand_alone", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def script_step(script: ModuleType, receipt: Path, published: Path) -> str:
    """The step at which the script stops; '' when it finds the receipt genuine."""
    try:
        script.main(receipt, published)
    except SystemExit as stop:
        return str(stop.code).partition("(")[2].partition(")")[0]
    return ""


def test_the_script_is_short_and_needs_nothing_of_ours() -> None:
    lines = SCRIPT.read_text().splitlines()
    assert len(lines) < 180
    imported = {
        line.split()[1].partition(".")[0] for line in lines if line.startswith(("import ", "from "))
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def test_the_script_and_the_page_know_every_form_of_a_deletion_receipt(
    script: ModuleType,
) -> None:
    page = (Path(settings.BASE_DIR) / "static" / "js" / "verify.js").read_text()
    assert [form for form in DELETION_RECEIPTS if f'"{form}"' not in page] == []
    assert [form for form in DELETION_RECEIPTS if form not in script.DELETION] == []


@pytest.mark.django_db
def test_the_script_verifies_a_real_receipt_and_refuses_it_changed(tmp_path: Path) -> None:
    person = make_customer(yes=("newsletter",))
    now = NOW + timedelta(minutes=1)
    seal_pending(now=now)
    head = heads.next_head(now=now)
    assert head is not None
    heads.publish_head(head)
    (detail,) = ConsentDetail.objects.of(person.pk)
    receipt, published = tmp_path / "receipt.json", tmp_path / "keys.json"
    rows = [{"id": n, "public": forged.b64(key)} for n, key in keys.public_keys().items()]
    published.write_text(json.dumps({"keys": rows}))
    file = make_receipt(person, detail.pk, now=now)

    receipt.write_bytes(file)
    done = run_script(receipt, published)
    assert done.returncode == 0, done.stderr
    assert "dpv:ConsentGiven" in done.stdout

    for broken, step in (
        (file.replace(b'"granted"', b'"refused"'), "receipt_signature"),
        (file[:-2], "json"),
        (file + b" ", "writing"),
        (b"\x00" * 10, "json"),
        (b"{}\n", "fields"),
    ):
        receipt.write_bytes(broken)
        done = run_script(receipt, published)
        assert done.returncode == 1
        assert f"({step})" in done.stderr
    receipt.write_bytes(file)
    published.write_text('{"keys": []}')
    assert "(key)" in run_script(receipt, published).stderr


@pytest.mark.parametrize(
    "change",
    [
        put("proof", "event", "state", "granted"),
        put("proof", "leaf_index", 3),
        put("proof", "leaf_index", 7),
        put("proof", "head", "size", 8),
        put("proof", "inclusion_path", []),
        put("proof", "head", "key", 2),
        put("events", 0, "state", "dpv:ConsentGiven"),
        put("pii_processing", "privacy_notice", "version", 2),
        put("proof", "public_keys", [{"id": 2, "public": forged.b64(forged.KEYS[2])}]),
    ],
)
def test_the_script_stops_at_the_same_step_even_when_signed_anew(
    change, files: tuple[Path, Path], script: ModuleType
) -> None:
    changed = forged.changed(GENUINE, change)
    files[0].write_bytes(changed)
    assert script_step(script, *files) == verify(changed, forged.KEYS).step


def test_the_script_knows_one_form_of_base64_too(
    files: tuple[Path, Path], script: ModuleType
) -> None:
    files[0].write_bytes(forged.changed(GENUINE, other_spelling, anew=False))
    assert script_step(script, *files) == "fields"


@pytest.mark.parametrize(
    "record",
    [
        forged.event(source="provider"),
        forged.event(source="import", wording_version=None),
        forged.event(state="granted", paused_until="2026-06-12T09:30:00.000000+00:00"),
        forged.event(state="granted", paused_until_before="2026-06-12T09:30:00.000000+00:00"),
        forged.event(state="granted", undone=True, source="staff"),
        forged.event(state="refused", state_before="", source="replay"),
    ],
)
def test_the_script_reads_every_kind_of_event(
    record, files: tuple[Path, Path], script: ModuleType
) -> None:
    files[0].write_bytes(forged.make(record))
    assert script_step(script, *files) == ""


# Both look at the same signature over the same bytes; which of two steps names a malformed field
# may differ, for the script leaves forms to the signature.
FORMS = {"fields", "key", "receipt_signature"}


@pytest.mark.slow
def test_script_and_command_agree_on_every_byte(
    files: tuple[Path, Path], script: ModuleType
) -> None:
    chance = random.Random(8785)
    for at in range(len(GENUINE)):
        flipped = bytearray(GENUINE)
        flipped[at] ^= 1 << chance.randrange(8)
        files[0].write_bytes(flipped)
        ours, theirs = verify(bytes(flipped), forged.KEYS).step, script_step(script, *files)
        assert ours is not None
        assert theirs == ours or {theirs, ours} <= FORMS, (at, theirs, ours)
