"""What is printed says what the programs do, the same each time, in every letter of a name."""

import csv
import hashlib
import json
import logging
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.urls import reverse
from django.utils import translation

from clicksend_portal.promises.registry import BY_ID
from consent.models import Webhook
from consent.proof import keys
from consent.proof.verifying import verify
from retention import services
from retention.models import Processor
from retention.models import Source as Way
from retention.papers import receipt as receipts
from retention.papers import record_files
from retention.papers.pdf import Column, Paper
from retention.papers.receipt import receipt_paper
from retention.papers.record import processing_record
from retention.schedule import SCHEDULE
from tests.consent import forged
from tests.factories import NOW, make_customer, make_staff
from tests.retention.life import VALUES, make_full_customer
from tests.retention.test_deletion_receipt import GENUINE, erase, known_key
from tests.staff.sign_in import SECRET, sign_in

pytestmark = pytest.mark.slow
MADE_AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def sheet(**fields: Any) -> Paper:
    values: dict[str, Any] = {"issuer": "Eksempel AS", "language": "nb", "made_at": MADE_AT}
    return Paper("Kvittering", **(values | fields))


class Spoken(Paper):
    """A paper that remembers what it was told to say."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.said = ""
        super().__init__(*args, **kwargs)

    def write(self, text: str, *args: Any, **kwargs: Any) -> None:
        self.said += text + "\n"
        super().write(text, *args, **kwargs)

    def table(self, columns: Any, rows: Any, **kwargs: Any) -> None:
        self.said += "\n".join(" | ".join(row) for row in rows) + "\n"
        super().table(columns, rows, **kwargs)


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "Paper", Spoken)
    monkeypatch.setattr(record_files, "Paper", Spoken)


def said_by(file: bytes) -> str:
    receipt = json.loads(file)
    with translation.override(receipt["language"]):
        paper = receipts.drawn(receipt, file)
    assert isinstance(paper, Spoken)
    return paper.said


# --- the sheet -----------------------------------------------------------------------------------


def test_the_same_words_give_the_same_bytes_whenever_they_are_printed() -> None:
    def printed() -> bytes:
        paper = sheet(lead="Blåbær")
        paper.heading("Overskrift")
        paper.table((Column("Hva", 2), Column("Rader", 1, is_number=True)), [("E-post", "12")])
        paper.attach("a.json", b"{}", what="a", mime_type="application/json")
        return paper.as_bytes()

    first = printed()
    with time_machine.travel(MADE_AT + timedelta(days=400)):
        assert printed() == first


def test_it_names_its_title_and_its_language_and_is_made_to_be_archived() -> None:
    file = sheet().as_bytes()
    assert b"/Lang (nb)" in file
    assert b"/DisplayDocTitle true" in file
    assert b'<rdf:li xml:lang="x-default">Kvittering</rdf:li>' in file
    assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance>" in file


def test_every_letter_of_european_names_can_be_printed(caplog: pytest.LogCaptureFixture) -> None:
    paper = sheet()
    with caplog.at_level(logging.WARNING):
        paper.paragraph("Åse Ærlig, Łukasz Őry, Žofie Đorđević, Ωμέγα Παπαδοπούλου, Юлия Жукова")
        paper.paragraph("“x” – … · € § ′ ½ № ©")
        paper.as_bytes()
    assert not [record for record in caplog.records if "glyph" in record.getMessage()]
    with caplog.at_level(logging.WARNING):
        stranger = sheet()
        stranger.paragraph("\u4e2d")
        stranger.as_bytes()
    assert "glyph" in caplog.text


def test_signs_of_a_title_are_no_marks() -> None:
    paper = sheet()
    paper.table((Column("", 1),), [("a **b** --c--\nd",)], titled=True)
    assert paper.as_bytes()


# --- the receipt ---------------------------------------------------------------------------------


def test_a_receipt_on_paper_carries_its_file_and_the_digest_of_it(spoken: None) -> None:
    file = receipt_paper(GENUINE)
    assert file == receipt_paper(GENUINE)
    assert GENUINE in file
    assert hashlib.sha256(GENUINE).hexdigest() in said_by(GENUINE)


def test_another_file_has_another_paper() -> None:
    other = forged.changed(GENUINE, lambda receipt: receipt.update(language="en"))
    assert receipt_paper(other) != receipt_paper(GENUINE)


def test_it_says_all_that_the_file_says(spoken: None) -> None:
    """Every text of the file stands on the paper; names of classes and forms are for programs."""
    said = said_by(GENUINE).lower().replace("\n", " ")
    receipt = json.loads(GENUINE)
    deletion = receipt["deletion"]
    for row in deletion["removed"] + deletion["kept"]:
        assert row["title"].lower() in said
        assert str(row["count"]) in said
    (kept,) = deletion["kept"]
    for text in (
        *(kept[name] for name in ("how_long", "reason", "law")),
        deletion["scope"]["in_words"],
        deletion["asked_for_by"],
        receipt["reference"],
        receipt["backups"]["remark"],
        *receipt["controller"].values(),
        receipt["signature"],
        receipt["proof"]["journal"]["chain"],
        *(row["system"] for row in receipt["told"]["named"]),
    ):
        assert text.lower() in said, text
    assert "27. desember 2026" in said


@pytest.mark.parametrize("language", ["nb", "en"])
def test_what_was_not_recorded_is_not_made_up_on_paper(spoken: None, language: str) -> None:
    def forget(receipt: Any) -> None:
        receipt["language"] = language
        receipt["deletion"] |= {"removed": None, "kept": None}
        receipt["told"] = None
        receipt["proof"]["journal"] = {"position": None, "chain": None}

    file = forged.changed(GENUINE, forget)
    assert verify(file, forged.KEYS).ok
    with translation.override(language):
        words = translation.gettext("Not recorded")
    assert said_by(file).count(words) == 4
    assert receipt_paper(file)


@pytest.mark.django_db
def test_whoever_has_the_address_of_the_page_downloads_both_and_they_belong_together(
    spoken: None,
) -> None:
    wish = erase(make_full_customer())
    known_key()
    page = Client().get(f"/data/delete/{wish.reference}/").content.decode()
    address = f"/data/delete/{wish.reference}/receipt.pdf"
    assert f'href="{address}"' in page
    answer = Client().get(address, headers={"accept-language": "en"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].endswith(f'{NOW:%Y-%m-%d}.pdf"')
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Robots-Tag"] == "noindex"
    file = Client().get(
        f"/data/delete/{wish.reference}/receipt/", headers={"accept-language": "en"}
    )
    assert verify(file.content, keys.public_keys()).ok
    assert file.content in answer.content
    said = said_by(file.content)
    assert hashlib.sha256(file.content).hexdigest() in said
    for value in VALUES:
        assert value not in said


@pytest.mark.django_db
def test_an_unfinished_deletion_has_no_paper() -> None:
    known_key()
    wish = services.request_deletion(make_customer().pk, source=Way.CUSTOMER, actor="self", now=NOW)
    answer = Client().get(f"/data/delete/{wish.reference}/receipt.pdf")
    assert answer.status_code == 409
    assert answer.headers["X-Robots-Tag"] == "noindex"


# --- the record of processing --------------------------------------------------------------------


@pytest.fixture
def staff(db: None) -> Client:
    boss = make_staff(language="en")
    TOTP.activate(boss, SECRET)
    return sign_in(boss, "password", "mfa")


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_record_covers_every_table_once_and_leaves_nothing_blank(language: str) -> None:
    with translation.override(language):
        text = record_files.as_csv(processing_record(NOW))
    head, *rows = csv.reader(StringIO(text.lstrip("\ufeff")))
    assert len(head) == len(set(head))
    assert all(len(row) == len(head) and all(row) for row in rows)
    tables = [model for row in rows for model in row[10].split(", ")]
    assert sorted(tables) == sorted(entry.model for entry in SCHEDULE)


@pytest.mark.django_db
def test_the_record_says_whose_data_goes_where() -> None:
    Webhook.objects.create(name="CRM", url="https://crm.example.test/")
    with translation.override("en"):
        activities = {
            model: activity
            for activity in processing_record(NOW).activities
            for model in activity.tables.split(", ")
        }
    assert activities["messaging.Contact"].people == (
        "customers, people in customers' lists and messages"
    )
    assert activities["messaging.Contact"].role == "processor, for the customer"
    assert activities["accounts.Invoice"].role == "controller"
    assert "staff" in activities["admin.LogEntry"].people
    assert activities["consent.Leaf"].people == "nobody"
    assert "former customers" in activities["consent.Suppression"].people
    assert "CRM" in activities["consent.Delivery"].recipients
    assert "mail server" in activities["messaging.Message"].recipients
    assert activities["messaging.Message"].third_countries == "none"
    assert "Bookkeeping Act" in activities["accounts.Invoice"].on_erasure


@pytest.mark.django_db
def test_an_outside_mail_provider_stands_in_the_record(settings: Any) -> None:
    settings.MAIL_TRANSPORT = type("T", (), {"is_smtp": False, "esp": "Postmark"})()
    with translation.override("en"):
        mail = [a for a in processing_record(NOW).activities if "messaging.Message" in a.tables]
    assert mail[0].recipients == "the mail provider Postmark, as our processor"
    assert mail[0].third_countries != "none"


def declared(**fields: Any) -> Processor:
    values = {
        "name": "Fjordhost AS",
        "country": "Norge",
        "task_nb": "drift av serverne",
        "task_en": "runs the servers",
        "data_nb": "alt, kryptert",
        "data_en": "all of it, encrypted",
        "transfer": Processor.Transfer.NONE,
        "agreement_on": NOW.date() - timedelta(days=400),
        "since": NOW.date() - timedelta(days=300),
        "confirmed_on": NOW.date(),
    }
    made: Processor = Processor.objects.create(**(values | fields))
    return made


@pytest.mark.django_db
def test_the_record_names_the_processors_in_use_and_where_data_goes() -> None:
    declared()
    clauses = Processor.Transfer.CLAUSES
    declared(name="Cloud Inc.", country="USA", task_en="keeps backups", transfer=clauses)
    declared(name="Former AS", until=NOW.date() - timedelta(days=1))
    declared(name="Coming AS", since=NOW.date() + timedelta(days=1))
    with translation.override("en"):
        record = processing_record(NOW)
        table = record_files.as_csv(record)
    assert [each.split(",")[0] for each in record.processors] == ["Cloud Inc.", "Fjordhost AS"]
    assert "keeps backups" in record.processors[0]
    assert "all of it, encrypted" in record.processors[1]
    for activity in record.activities:
        assert "Cloud Inc., Fjordhost AS" in activity.recipients
        assert "nobody" not in activity.recipients
        assert activity.third_countries == "Cloud Inc., USA: standard contractual clauses (art. 46)"
    for name in ("Former", "Coming"):
        assert name not in table
    for words in record.processors:
        assert words in table.replace('""', '"')
    Processor.objects.update(transfer=Processor.Transfer.NONE)
    with translation.override("nb"):
        record = processing_record(NOW)
        assert "drift av serverne" in record.processors[1]
        assert {each.third_countries for each in record.activities} == {translation.gettext("none")}


@pytest.mark.django_db
def test_a_mail_provider_that_is_declared_says_where_it_is(settings: Any) -> None:
    settings.MAIL_TRANSPORT = type("T", (), {"is_smtp": False, "esp": "Postmark"})()
    declared(name="Postmark (ActiveCampaign)", country="USA", transfer=Processor.Transfer.ADEQUATE)
    with translation.override("en"):
        mail = [a for a in processing_record(NOW).activities if "messaging.Message" in a.tables]
    assert mail[0].third_countries == (
        "Postmark (ActiveCampaign), USA: a country the Commission finds adequate (art. 45)"
    )


def test_the_paper_names_the_processors_too(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    papers: list[Spoken] = []

    def paper(*args: Any, **kwargs: Any) -> Spoken:
        papers.append(Spoken(*args, **kwargs))
        return papers[-1]

    monkeypatch.setattr(record_files, "Paper", paper)
    with translation.override("en"):
        record_files.as_pdf(processing_record(NOW), now=NOW)
        declared()
        record_files.as_pdf(processing_record(NOW), now=NOW)
    empty, full = papers
    assert "Fjordhost" not in empty.said
    assert "Fjordhost AS, Norge: runs the servers." in full.said.replace("\n", " ")


def test_staff_download_the_record_in_both_forms(staff: Client) -> None:
    page = staff.get(reverse("admin:retention_schedule")).content.decode()
    for kind, content_type in (("csv", "text/csv; charset=utf-8"), ("pdf", "application/pdf")):
        address = reverse(f"admin:retention_record_{kind}")
        assert address in page
        answer = staff.get(address)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == content_type
        assert re.search(rf"record-of-processing-[\d-]+\.{kind}", answer["Content-Disposition"])
    assert answer.content.startswith(b"%PDF-")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["csv", "pdf"])
def test_the_record_is_for_staff(client: Client, kind: str) -> None:
    address = reverse(f"admin:retention_record_{kind}")
    assert client.get(address).status_code in (302, 403)
    client.force_login(make_customer())
    assert client.get(address).status_code in (302, 403)


def test_every_class_names_a_promise_that_there_is() -> None:
    assert {entry.clause for entry in SCHEDULE} <= BY_ID.keys()
