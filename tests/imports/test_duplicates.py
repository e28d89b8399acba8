"""Twice the same number, address or user name: inside the file and against the portal."""

from pathlib import Path

import pytest

from accounts.models import User
from consent.imports import importing
from tests.imports.files import record, run_import, write_file

pytestmark = pytest.mark.django_db

SAME = [
    ("user_id", "100009", "100009"),
    ("user_email", "kari@shop.test", "KARI@Shop.Test"),
    ("user_email", "kari@xn--brnnysund-m8ac.example", "kari@brønnøysund.example"),
    ("username", "kari", "KARI"),
]


@pytest.mark.parametrize("batch", [1, 1000], ids=["over batches", "in one batch"])
@pytest.mark.parametrize("dry_run", [False, True], ids=["import", "dry run"])
@pytest.mark.parametrize(("field", "first", "second"), SAME)
def test_the_first_record_of_a_file_wins(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    first: str,
    second: str,
    batch: int,
    dry_run: bool,
) -> None:
    monkeypatch.setattr(importing, "BATCH", batch)
    path = write_file(
        tmp_path / "a.csv", record(1, **{field: first}), record(2), record(3, **{field: second})
    )
    summary, [rejection] = run_import(path, dry_run=dry_run)
    assert summary.new == 2
    assert (rejection.record.number, rejection.field) == (4, field)
    assert "Record 2 has the same" in rejection.reason
    assert summary.problems.total() == 1


def test_a_rejected_record_claims_nothing(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", record(1, country="ZZ"), record(1))
    summary, [rejection] = run_import(path)
    assert summary.new == 1
    assert rejection.field == "country"


@pytest.mark.parametrize(
    ("field", "value"), [("user_email", "ANNA@shop.test"), ("username", "ANNA")]
)
def test_what_another_customer_has_is_taken(tmp_path: Path, field: str, value: str) -> None:
    User.objects.create(username="anna", email="anna@shop.test")
    path = write_file(tmp_path / "a.csv", record(1, **{field: value}), record(2))
    summary, [rejection] = run_import(path)
    assert summary.new == 1
    assert rejection.field == field
    assert "Another customer of the portal" in rejection.reason
    assert User.objects.get(username="anna").platform_id is None


def test_a_customer_who_took_another_address_here_is_no_duplicate(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", record(1), record(2))
    run_import(path)
    moved = User.objects.get(username="kari1")
    moved.email = "new@shop.test"
    moved.save()
    summary, rejections = run_import(path)
    assert (summary.known, rejections) == (2, [])
    moved.refresh_from_db()
    assert moved.email == "new@shop.test"
