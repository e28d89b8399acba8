"""The file of rejected records: complete, harmless, and good for a second try."""

import csv
import stat
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.models import User
from clicksend_portal.run import prepare
from consent.imports.columns import COLUMNS, make_harmless, restore
from tests.imports.files import GOOD, read_rows, record, write_file

pytestmark = pytest.mark.django_db


def run_command(path: Path, *options: str) -> int:
    try:
        call_command("import_customers", str(path), *options)
    except SystemExit as end:
        return int(str(end.code))
    return 0


def rejected_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.rejected.csv")


def test_all_in_ends_with_0_and_leaves_no_file_of_an_earlier_run(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", GOOD)
    rejected_of(path).write_text("from an earlier run")
    assert run_command(path) == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_rejected_record_keeps_its_cells_and_gets_number_field_and_reason(
    tmp_path: Path,
) -> None:
    bad = record(1, user_email="kari1.shop.test")
    path = write_file(tmp_path / "a.csv", record(2), bad)
    assert run_command(path) == 1
    assert read_rows(rejected_of(path)) == [
        {
            "record": "3",
            "field": "user_email",
            "reason": "The e-mail address has no @; write it out.",
            **bad,
        }
    ]


def test_without_a_file_they_are_counted_and_nothing_is_left_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_file(tmp_path / "a.csv", GOOD, record(1, user_email="kari1.shop.test"))
    assert run_command(path, "--no-rejected-file") == 1
    said = capsys.readouterr().out
    assert "1 in" in said
    assert "1 rejected" in said
    assert "kari1.shop.test" not in said
    assert list(tmp_path.iterdir()) == [path]


def test_a_start_of_the_portal_writes_none_and_removes_those_of_former_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file(tmp_path / "a.csv", GOOD, record(1, user_email="kari1.shop.test"))
    monkeypatch.setattr(prepare, "CUSTOMERS", path)
    prepare.fill(tmp_path)
    assert User.objects.filter(is_staff=False).count() == 1
    assert list(tmp_path.iterdir()) == [path]
    for name in ("a.csv.rejected.csv", "a.csv.rejected.csv.part"):
        (tmp_path / name).write_text("from an earlier start")
    prepare.forget_rejected(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_surplus_and_missing_cells_are_kept_as_they_were(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", GOOD)
    row = [GOOD[name] for name in COLUMNS]
    with path.open("a", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([[*row, "extra", "x"], row[:5]])
    assert run_command(path) == 1
    with rejected_of(path).open(encoding="utf-8", newline="") as stream:
        _, surplus, missing = csv.reader(stream)
    assert surplus[3:] == [*row, "extra", "x"]
    assert missing[3:] == row[:5]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", record(1, country="ZZ"))
    run_command(path)
    assert stat.S_IMODE(rejected_of(path).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|'/C calc'!A0",
        "-2+3",
        "@SUM(1)",
        "-1.5+2",
        "-1.5.2",
        "-.5",
        "\t=1",
        "\r=1",
        " =1",
        "'=1",
    ],
)
def test_a_formula_is_made_harmless_and_comes_back_as_it_was(text: str) -> None:
    assert make_harmless(text) == f"'{text}"
    assert restore(make_harmless(text)) == text


@pytest.mark.parametrize(
    "text", ["+4793766182", "-5", "-1.5000", "+0,77", "Nordmann AS", "O'Brien", "'quoted'", ""]
)
def test_what_no_spreadsheet_runs_stays_as_it_is(text: str) -> None:
    assert make_harmless(text) == text
    assert restore(text) == text


@pytest.mark.parametrize("text", ["-1.5", "+0,77", "-5"])
def test_a_number_that_a_former_version_wrote_with_an_apostrophe_comes_back_without(
    text: str,
) -> None:
    assert restore(f"'{text}") == text
    # One that somebody wrote so themselves has two in a file, and keeps its own.
    assert make_harmless(f"'{text}") == f"''{text}"
    assert restore(f"''{text}") == f"'{text}"


def test_a_rejected_file_put_right_is_imported_as_it_is(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", record(1, country="ZZ", account_name="=1+1"))
    run_command(path)
    second = rejected_of(path)
    second.write_text(second.read_text().replace("ZZ", "NO"))
    assert run_command(second) == 0
    assert User.objects.get().company == "=1+1"


def test_what_is_rejected_again_has_its_remarks_once(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", record(1, country="ZZ", account_name="=1+1"))
    run_command(path)
    run_command(rejected_of(path))
    [first], [second] = read_rows(rejected_of(path)), read_rows(rejected_of(rejected_of(path)))
    assert first == second
