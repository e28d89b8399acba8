"""The real export of 5,000 customers: who comes in, who does not and why."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import User
from consent.imports.columns import is_formula
from consent.imports.reading import CustomerFile
from consent.models import ConsentDetail, Preference, Topic
from tests.conftest import copy_of_customers
from tests.imports.files import read_rows, run_import
from tests.imports.snapshot import snapshot

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

# shared/data/README.md, record by record: the field at fault and a word of its reason.
BAD = {
    440: ("user_email", "no @"),
    601: ("user_email", "is empty"),
    954: ("user_email", "line break"),
    1233: ("user_email", "has the same e-mail address"),
    1760: ("user_id", "has the same customer number"),
    2030: ("record", "9 columns"),
    2122: ("record", "21 columns"),
    2545: ("topic_newsletter", "granted or refused or withdrawn"),
    2602: ("choice_at", "in the future"),
    2783: ("choice_at", "There is no such date"),
    2829: ("user_phone", "phone number"),
    3324: ("country", "country code"),
    3741: ("date_sign_up", "whole number"),
    4254: ("choice_at", "without its time"),
    4279: ("user_first_name", "5,000 characters"),
    4506: ("user_last_name", "control characters"),
}


def run_command(path: Path, *options: str) -> int:
    """The exit status of the command."""
    try:
        call_command("import_customers", str(path), *options)
    except SystemExit as end:
        return int(str(end.code))
    except CommandError as error:
        return error.returncode
    return 0


class Imported(NamedTuple):
    """The file once it is in, and how the command ended."""

    path: Path
    status: int

    @property
    def rejected(self) -> Path:
        return self.path.with_name("customers.csv.rejected.csv")


@pytest.fixture(scope="class")
def imported(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Imported]:
    path = copy_of_customers(tmp_path_factory.mktemp("imported"))
    with django_db_blocker.unblock(), transaction.atomic():
        yield Imported(path, run_command(path))
        transaction.set_rollback(True)


class TestOnceItIsIn:
    """Imported once for all of them: each sees it, and what it writes itself is taken back."""

    def test_4984_come_in_and_16_are_rejected_each_with_its_reason(
        self, imported: Imported
    ) -> None:
        assert imported.status == 1
        assert User.objects.count() == 4984
        rejected = read_rows(imported.rejected)
        assert {int(row["record"]): row["field"] for row in rejected} == {
            number: field for number, (field, _) in BAD.items()
        }
        for row in rejected:
            assert BAD[int(row["record"])][1] in row["reason"]

    def test_everyone_has_the_choices_of_the_file(self, imported: Imported) -> None:
        with imported.path.open(encoding="utf-8", newline="") as stream:
            good = [row for n, row in enumerate(csv.DictReader(stream), 2) if n not in BAD]
        for slug in ("newsletter", "product_news", "special_offers"):
            for state in ("granted", "refused", "withdrawn"):
                expected = {int(row["user_id"]) for row in good if row[f"topic_{slug}"] == state}
                stored = Preference.objects.filter(topic__slug=slug, state=state)
                assert set(stored.values_list("person__platform_id", flat=True)) == expected
        left = {int(row["user_id"]) for row in good if row["reference_program"] == "out"}
        for topic in Topic.objects.filter(kind="reference"):
            stored = Preference.objects.filter(topic=topic)
            assert set(stored.values_list("person__platform_id", "state")) == {
                (number, "refused") for number in left
            }
        assert User.objects.filter(deactivated_at__isnull=False).count() == 385
        assert not User.objects.filter(email_confirmed_at__isnull=True).exists()

    def test_every_preference_has_its_one_event_with_an_unknown_wording(
        self, imported: Imported
    ) -> None:
        preferences = Preference.objects.values_list(
            "person_id", "topic_id", "version", "state", "source", "since"
        )
        details = ConsentDetail.objects.values_list(
            "person_id", "topic_id", "version", "state", "source", "at"
        )
        assert sorted(preferences) == sorted(details)
        told = ConsentDetail.objects.values_list(
            "version", "state_before", "wording_version", "source", "actor"
        )
        assert set(told) == {(1, "", None, "import", "import")}
        reasons = set(ConsentDetail.objects.values_list("reason", flat=True))
        assert reasons == {"signup", "support", "preference_page", "legacy_import"}

    def test_a_second_run_changes_nothing_and_ends_alike(self, imported: Imported) -> None:
        before, told = snapshot(), imported.rejected.read_bytes()
        assert run_command(imported.path) == 1
        assert snapshot() == before
        assert imported.rejected.read_bytes() == told

    def test_formula_text_comes_in_as_it_stands(self, imported: Imported) -> None:
        company = User.objects.get(username="alexander4616").company
        assert company == '=HYPERLINK("http://x.example";"y")'

    def test_no_cell_of_the_rejected_file_is_a_formula(self, imported: Imported) -> None:
        with imported.rejected.open(encoding="utf-8", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert len(cells) > len(BAD)
        assert not any(is_formula(cell) for cell in cells)


def test_a_dry_run_finds_the_same_and_writes_nothing(
    customers_csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot()
    assert run_command(customers_csv, "--dry-run") == 1
    assert snapshot() == before
    assert list(customers_csv.parent.iterdir()) == [customers_csv]
    told = capsys.readouterr().out
    assert "4,984 would come in" in told
    for number, (field, _) in BAD.items():
        assert f"Record {number}, {field}: " in told


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["no BOM", "BOM"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_byte_order_mark_and_line_ends_make_no_difference_to_any_cell(
    customers_csv: Path, bom: bytes, ending: bytes
) -> None:
    def values() -> list[tuple[int, list[str]]]:
        """But the record whose cell holds a line end of its own."""
        file = CustomerFile(customers_csv)
        return [(n, cells) for n, cells in file if BAD.get(n) != BAD[954]]

    former = values()
    assert len(former) == 4999
    customers_csv.write_bytes(written_with(customers_csv, bom, ending))
    assert values() == former


def test_a_file_with_a_byte_order_mark_and_bare_line_ends_comes_in(customers_csv: Path) -> None:
    """What differs most from the file as it is exported."""
    customers_csv.write_bytes(written_with(customers_csv, b"\xef\xbb\xbf", b"\n"))
    summary, rejections = run_import(customers_csv)
    assert summary.new == 4984
    assert [each.record.number for each in rejections] == sorted(BAD)
    assert User.objects.get(platform_id=100002).username == "dagmar0"


def written_with(path: Path, bom: bytes, ending: bytes) -> bytes:
    return bom + path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", ending)
