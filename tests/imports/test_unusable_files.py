"""A file that cannot be used: one clear sentence, exit status 2, nothing changed."""

import os
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from consent.imports.columns import COLUMNS
from consent.imports.importing import LOCK
from tests.imports.files import GOOD, record, write_file

pytestmark = pytest.mark.django_db

HEADER = ",".join(COLUMNS)
ROW = ",".join(GOOD[name] for name in COLUMNS)

UNUSABLE = [
    (b"", "is empty"),
    (b"\n\n", "is empty"),
    (f"{HEADER}\n{ROW}\n".encode("utf-16"), "not UTF-8 (line 1)"),
    (f"{HEADER}\n{ROW}\n{ROW.replace('Kari', 'K\xe5re')}\n".encode("latin-1"), "UTF-8 (line 3)"),
    (f"{ROW}\n".encode(), "The header of a.csv lacks 'user_id'"),
    (f"{HEADER.replace(',', ';')}\n".encode(), "with a comma between them"),
    (f"{HEADER.replace('country', 'land')}\n".encode(), "lacks 'country' and has the unknown"),
    (f"{HEADER},country_ip\n{ROW},10\n".encode(), "unknown 'country_ip'"),
    (f"{HEADER},country\n{ROW},NO\n".encode(), "repeats 'country'"),
    (f"{HEADER}\n{ROW}\n".encode() + b'"' + ROW.encode(), "not CSV up to its end (line 3"),
    (f"{HEADER}\n{ROW}\n".encode() + b'"a"b,' + ROW.encode(), "not CSV up to its end (line 3"),
]


def refuse(path: Path, *options: str) -> str:
    with pytest.raises(CommandError) as refused:
        call_command("import_customers", str(path), *options)
    assert refused.value.returncode == 2
    assert not User.objects.exists()
    return str(refused.value)


@pytest.mark.parametrize(("content", "sentence"), UNUSABLE)
def test_an_unusable_file_changes_nothing_and_is_told_in_one_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    told = refuse(path)
    assert sentence in told
    assert "\n" not in told
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "no such file" in refuse(tmp_path / "a.csv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "is a directory" in refuse(tmp_path)


def test_a_fault_at_the_very_end_is_found_before_anything_is_written(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", *(record(n) for n in range(2500)))
    path.write_bytes(path.read_bytes() + b"\xff")
    assert "line 2502" in refuse(path)


def test_where_rejected_records_cannot_be_written_nothing_is_imported(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", GOOD)
    told = refuse(path, "--rejected", str(tmp_path / "missing" / "bad.csv"))
    assert "cannot be written" in told
    assert "--rejected" in told


def test_a_second_import_at_the_same_time_is_sent_away(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", GOOD)
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        assert "Another import is running" in refuse(path)


def test_a_file_with_a_header_alone_is_an_import_of_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_customers", str(write_file(tmp_path / "a.csv")))
    assert capsys.readouterr().out.startswith("0 in\n")
