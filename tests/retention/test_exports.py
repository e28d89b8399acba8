"""The archive of a customer's data: all of it, nobody else's, made by rows that survive a kill."""

import csv
import hashlib
import io
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, transaction
from django.db.models import BinaryField
from django.utils import timezone, translation

from accounts.models import Transaction, User
from consent.models import Suppression
from consent.suppression import suppress
from foundation import standstill
from foundation.ids import uuid7_from
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.content import services
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    Message,
    MessageContent,
    MessageRecord,
    Report,
)
from retention import exporting, policy, tasks
from retention.asking import record_identity_check, request_for_customer
from retention.exporting import archive, checkpoints, making, tables, zipping
from retention.models import Export, ExportPart, HeldRow, LegalHold
from retention.schedule import ENTRIES, model_of, personal_entries, readable_entries
from tests.architecture.pages import faults
from tests.factories import NOW as AN_HOUR_AGO
from tests.factories import make_customer, make_staff, topic
from tests.retention.life import VALUES, make_full_customer

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
# After all that `make_full_customer` did.
NOW = AN_HOUR_AGO + timedelta(seconds=1)
# A page of two rows meets every boundary that a page of two thousand does.
TWO = 2


@pytest.fixture
def person() -> User:
    return make_full_customer(platform_id=4711, language="en")


def ask(person: User, *, now: datetime = NOW) -> Export:
    return exporting.request_export(person.pk, actor="self", now=now)


def make(wish: Export, *, now: datetime = NOW) -> Export | None:
    return exporting.make_export(wish.pk, person_id=wish.customer_id, now=now, rows=TWO)


def state_of(export: Export) -> Export:
    with as_tenant(export.customer_id):
        found: Export = Export.objects.get(pk=export.pk)
    return found


def parts_of(export: Export) -> int:
    with as_tenant(export.customer_id):
        return ExportPart.objects.filter(export=export).count()


def unpack(export: Export | None) -> ZipFile:
    assert export is not None
    return ZipFile(io.BytesIO(b"".join(exporting.read_export(export))))


def archive_of(person: User, *, now: datetime = NOW) -> ZipFile:
    return unpack(make(ask(person, now=now), now=now))


def csv_rows(zipped: ZipFile, name: str) -> list[dict[str, str]]:
    text = zipped.read(f"csv/{name}.csv").decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def json_rows(zipped: ZipFile, name: str) -> list[dict[str, Any]]:
    if f"json/{name}.json" in zipped.namelist():
        rows: list[dict[str, Any]] = json.loads(zipped.read(f"json/{name}.json"))
        return rows
    return [json.loads(line) for line in zipped.read(f"json/{name}.ndjson").splitlines()]


def make_content(person: User, *, contacts: int = 3, messages: int = 3, mark: str = "") -> None:
    """A list, messages of which the first has lost its content, an opt-out and a report."""
    with as_tenant(person.pk):
        people = ContactList.objects.create(customer=person, list_id=77, list_name=f"Kunder{mark}")
        Contact.objects.bulk_create(
            Contact(
                customer=person,
                contact_list=people,
                phone_number=f"+4790000{number:03}",
                first_name=f"=1+{number}{mark}",
            )
            for number in range(contacts)
        )
        ContactOptOut.objects.create(customer=person, contact=f"+4791111111{mark}")
        Report.objects.create(
            customer=person, report_id=5, report_name=f"Uke 1{mark}", date=NOW, content={"sent": 3}
        )
    with as_role(KEEPER):
        for number in range(messages):
            date = NOW - timedelta(minutes=number)
            key = uuid7_from(date, str(person.pk), f"M{number}{mark}")
            MessageRecord.objects.create(
                id=key,
                customer_id=person.pk,
                message_id=f"M{number}{mark}",
                kind="sms",
                direction="out",
                date=date,
                message_price=Decimal("0.0790"),
            )
            if number:
                MessageContent.objects.create(
                    id=key,
                    customer_id=person.pk,
                    sent_from="Quist",
                    sent_to="+4792222222",
                    body=f"Hei {number}{mark}",
                )


# --- what is in it -------------------------------------------------------------------------------


def test_it_holds_every_exported_class_and_column_as_csv_and_as_json(person: User) -> None:
    make_content(person)
    zipped = archive_of(person)
    assert zipped.testzip() is None
    for table in tables.exported_tables():
        if table.csv_name not in zipped.namelist():
            continue
        for rows in (csv_rows(zipped, table.name), json_rows(zipped, table.name)):
            for entry in table.entries:
                wanted = set(tables.columns_of(entry).values())
                assert {header for row in rows for header in row} >= wanted, entry.model
    present = {row["class"] for row in json.loads(zipped.read("manifest.json"))["classes"]}
    assert present == {entry.model for entry in readable_entries() if entry.exported}


def test_every_exported_field_of_the_schedule_has_a_column_and_none_is_bytes() -> None:
    for entry in readable_entries():
        columns = set(tables.columns_of(entry))
        for name in entry.exported_fields:
            field = model_of(entry)._meta.get_field(name)
            assert not isinstance(field, BinaryField), f"{entry.model}.{name}"
            assert field.attname in columns, f"{entry.model}.{name}"


def test_no_two_classes_share_a_file_but_messages() -> None:
    shared = [table.name for table in tables.exported_tables() if len(table.entries) > 1]
    assert shared == ["messages"]


def test_the_account_has_the_names_of_clicksends_api(person: User) -> None:
    zipped = archive_of(person)
    (row,) = csv_rows(zipped, "account")
    assert (row["user_id"], row["username"], row["user_email"]) == ("4711", VALUES[1], VALUES[0])
    assert (row["user_first_name"], row["user_last_name"]) == (VALUES[2], VALUES[3])
    assert (row["user_phone"], row["account_name"]) == (VALUES[4], VALUES[5])
    assert datetime.fromisoformat(row["date_sign_up"]) == person.signed_up_at


def test_a_message_stands_in_one_row_with_its_content_and_without_once_that_is_gone(
    person: User,
) -> None:
    """Also content whose record is gone stands there: nothing held is left out."""
    make_content(person)
    with as_role(KEEPER):
        orphan = uuid7_from(NOW, str(person.pk), "orphan")
        MessageContent.objects.create(id=orphan, customer_id=person.pk, body="alone")
    zipped = archive_of(person)
    found = {row["message_id"]: row for row in csv_rows(zipped, "messages")}
    assert (found["M1"]["body"], found["M1"]["to"]) == ("Hei 1", "+4792222222")
    assert (found["M1"]["message_price"], found["M1"]["direction"]) == ("0.0790", "out")
    assert (found["M0"]["message_price"], found["M0"]["body"]) == ("0.0790", "")
    assert found[""]["body"] == "alone"
    both = {row["id"] for row in csv_rows(zipped, "messages")}
    assert {row["id"] for row in json_rows(zipped, "messages")} == both
    assert found["M2"]["id"] in both


def test_a_contact_names_its_list(person: User) -> None:
    make_content(person)
    rows = csv_rows(archive_of(person), "contacts")
    mine = [row for row in rows if row["list_name"] == "Kunder"]
    assert len(mine) == 3
    assert {row["list_id"] for row in mine} == {"77"}


def test_a_choice_names_its_topic(person: User) -> None:
    rows = json_rows(archive_of(person), "choices")
    newsletter = next(row for row in rows if row["topic_slug"] == "newsletter")
    assert newsletter["topic_id"] == str(topic().pk)
    assert newsletter["topic_name"] == "Newsletter"


def test_what_we_have_had_to_do_with_each_other_is_in_it_in_words_one_can_read(
    person: User,
) -> None:
    """Questions, references, looks by staff by their role, requests: without our people's keys."""
    zipped = archive_of(person)
    (question,) = csv_rows(zipped, "questions")
    assert (question["topic"], question["call_when"]) == ("billing", f"Ask for {VALUES[2]}")
    entries = csv_rows(zipped, "questions-entries")
    assert {row["question_reference"] for row in entries} == {question["reference"]}
    uses = {row["topic_slug"]: row for row in csv_rows(zipped, "references")}
    assert uses["reference_name"]["state"] == "published"
    assert uses["reference_quote"]["topic_name"]
    words = csv_rows(zipped, "references-wordings")
    assert [row["version"] for row in words] == ["1", "2"]
    assert {row["use_title"] for row in words} == {VALUES[5]}
    (call,) = csv_rows(zipped, "sales-calls")
    assert call["with_whom"] == "Somebody AS"
    assert [row["a_year"] for row in csv_rows(zipped, "sales-calls-limit")] == ["3"]
    looks = csv_rows(zipped, "looks-by-our-staff")
    assert {(row["role"], row["what"]) for row in looks} == {
        ("support", "profile"),
        ("support", "search"),
    }
    (request,) = csv_rows(zipped, "privacy-requests")
    assert (request["kind"], request["state"]) == ("rectification", "answered")
    assert {row["kind"] for row in csv_rows(zipped, "deleted-by-you")} == {"list", "message"}
    (period,) = csv_rows(zipped, "de-identified-by-you")
    ends = "", archive.cell(AN_HOUR_AGO - timedelta(days=60))
    assert (period["first"], period["before"]) == ends
    everything = b"".join(zipped.read(name) for name in zipped.namelist()).decode()
    staff = [*User.objects.filter(is_staff=True).values_list("pk", flat=True)]
    assert staff
    assert not [key for key in staff if str(key) in everything]


def test_what_a_deletion_would_leave_is_in_it_for_whom_it_is_about(person: User) -> None:
    boss = make_staff()
    suppress(person.email, reason=Suppression.Reason.COMPLAINT, now=NOW)
    suppress("somebody.else@example.test", reason=Suppression.Reason.HARD_BOUNCE, now=NOW)
    wish = request_for_customer(person.pk, actor=boss, now=NOW)
    record_identity_check(wish, actor=boss, note="called back", now=NOW)
    zipped = archive_of(person)
    bars = csv_rows(zipped, "fingerprints-of-your-address")
    assert {row["reason"] for row in bars} == {"complaint"}
    (deletion,) = csv_rows(zipped, "deletions")
    said = {name: deletion[name] for name in ("scope", "state", "source", "check_note")}
    assert said == {
        "scope": "everything",
        "state": "unconfirmed",
        "source": "staff",
        "check_note": "called back",
    }
    everything = b"".join(zipped.read(name) for name in zipped.namelist()).decode()
    assert str(boss.pk) not in everything


def test_the_page_names_what_is_held_and_in_no_file_and_nothing_else(person: User) -> None:
    with translation.override("en"):
        hold = escape(str(ENTRIES["retention.LegalHold"].title))
        deleted = escape(str(ENTRIES["messaging.Tombstone"].title))
    before = archive_of(person).read("index.html").decode()
    assert hold not in before
    with as_role(KEEPER):
        LegalHold.objects.create(
            customer_id=person.pk, reason="x", reference="x", review_on=NOW.date(), placed_at=NOW
        )
    page = archive_of(person).read("index.html").decode()
    apart = page.partition("My data” counts:")[2].partition("</li>")[0]
    assert hold in apart
    assert deleted not in apart
    assert "pieces of the archives" not in apart.lower()


def test_no_class_is_named_by_its_table() -> None:
    """Whoever opens the archive reads `questions.csv`, and no name of ours."""
    for table in tables.exported_tables():
        assert all(entry.model in tables.NAMES for entry in table.entries), table.name


def test_it_holds_no_secret_and_nothing_of_anybody_else(person: User) -> None:
    make_content(person)
    other = make_customer(yes=("newsletter",), first_name="Annen", email="annen@example.test")
    make_content(other, mark="FREMMED")
    zipped = archive_of(person)
    everything = b"".join(zipped.read(name) for name in zipped.namelist()).decode()
    for foreign in ("Annen", "annen@example.test", str(other.pk), "FREMMED"):
        assert foreign not in everything
    for secret in (person.password, "session_data", "salt", "credential", "address_hashes"):
        assert secret not in everything


def test_a_row_held_aside_shows_what_its_class_shows(person: User) -> None:
    copy = {"id": str(person.pk), "customer_id": str(person.pk), "message_id": "M9", "x": "secret"}
    with as_role(KEEPER):
        HeldRow.objects.filter(customer_id=person.pk).delete()
        HeldRow.objects.create(
            model="messaging.MessageRecord",
            key=person.pk,
            customer_id=person.pk,
            dated=NOW,
            row=copy,
        )
    (row,) = json_rows(archive_of(person), "held-records")
    assert row["row"] == {"id": str(person.pk), "message_id": "M9"}


def test_text_that_a_spreadsheet_would_run_is_made_harmless_in_csv_alone(person: User) -> None:
    make_content(person)
    zipped = archive_of(person)
    mine = [row for row in csv_rows(zipped, "contacts") if row["list_name"] == "Kunder"]
    assert {row["first_name"] for row in mine} == {"'=1+0", "'=1+1", "'=1+2"}
    assert {row["phone_number"][:4] for row in mine} == {"+479"}
    plain = [row for row in json_rows(zipped, "contacts") if row["list_name"] == "Kunder"]
    assert {row["first_name"] for row in plain} == {"=1+0", "=1+1", "=1+2"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (-3, "-3"),
        (Decimal("-0.00000001"), "-0.00000001"),
        (["a"], '["a"]'),
        ("-1+1|cmd", "'-1+1|cmd"),
        ("@x", "'@x"),
        ("blåbær", "blåbær"),
    ],
)
def test_a_cell_says_a_value_as_a_spreadsheet_may_read_it(value: object, shown: str) -> None:
    assert archive.cell(value) == shown


# --- the page in it ------------------------------------------------------------------------------


# What a mail was about went with its words once it was sent.
FOR = {"en": "stand here by what they were for", "nb": "hva e-postene gjaldt"}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            ["Your rights", "Datatilsynet", "Who else gets any of it", "7 years after", FOR["en"]],
        ),
        (
            "nb",
            [
                "Rettighetene dine",
                "Datatilsynet",
                "Hvem andre får noe av det",
                "7 år etter",
                FOR["nb"],
            ],
        ),
    ],
)
def test_the_page_says_what_the_law_wants_said_in_the_customers_language(
    person: User, language: str, said: list[str]
) -> None:
    make_content(person)
    User.objects.filter(pk=person.pk).update(language=language)
    zipped = archive_of(person)
    page = zipped.read("index.html").decode()
    assert f'<html lang="{language}">' in page
    for words in said:
        assert words in page, words
    with translation.override(language):
        for entry in personal_entries():
            if entry.exported:
                assert escape(str(entry.title)) in page
    assert all(row["purpose"] and row["queued_at"] for row in csv_rows(zipped, "emails-to-you"))
    assert 'href="csv/messages.csv"' in page
    assert VALUES[1] in page


def test_the_page_needs_nothing_from_anywhere(person: User) -> None:
    page = archive_of(person).read("index.html").decode()
    assert "<script" not in page
    assert "prefers-color-scheme: dark" in page
    ways_out = ("mailto:", "https://www.datatilsynet.no/", "http://localhost:8000/")
    for fault in faults(page, language="en"):
        assert fault == "a style element" or any(way in fault for way in ways_out), fault
    for place in ("src=", "url(", "@import", "<link"):
        assert place not in page


def test_every_file_the_page_names_is_there(person: User) -> None:
    make_content(person)
    zipped = archive_of(person)
    for each in json.loads(zipped.read("manifest.json"))["classes"]:
        assert bool(each["files"]) == bool(each["count"])
        assert set(each["files"]) <= set(zipped.namelist())
        assert each["purpose"]
        assert each["until"]


# --- asking and making ---------------------------------------------------------------------------


def test_asking_twice_is_one_archive(person: User) -> None:
    assert ask(person).pk == ask(person, now=NOW + timedelta(hours=1)).pk


def test_a_ready_archive_has_its_length_its_fingerprint_and_seven_days(person: User) -> None:
    wish = ask(person)
    export = make(wish)
    assert export is not None
    assert export.state == Export.State.READY
    data = b"".join(exporting.read_export(export))
    assert export.size == len(data)
    assert export.sha256 == hashlib.sha256(data).hexdigest()
    assert export.rows_done == export.rows_total > 0
    assert export.finished_at is not None
    assert export.expires_at == export.finished_at + timedelta(days=7)


def test_it_is_there_for_seven_days_and_not_a_moment_longer(person: User) -> None:
    export = make(ask(person))
    assert export is not None
    assert export.expires_at is not None
    before = export.expires_at - timedelta(microseconds=1)
    assert exporting.exports_of(person.pk, now=before).ready == export
    assert exporting.exports_of(person.pk, now=export.expires_at).ready is None


def test_its_rule_ends_no_sooner_than_its_days_and_a_day_later_at_most() -> None:
    longest = policy.EXPORT_MADE_WITHIN + policy.EXPORT_THERE
    assert longest == timedelta(days=policy.EXPORTS.days)


def test_pieces_come_together_as_one_zip(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "EXPORT_PIECE", 700)
    export = make(ask(person))
    assert export is not None
    assert parts_of(export) > 3
    assert unpack(export).testzip() is None


def test_a_mail_says_that_it_is_ready_and_holds_nothing_of_it(person: User) -> None:
    Message.objects.all().delete()
    make(ask(person))
    mail = Message.objects.get()
    assert (mail.purpose, mail.kind, mail.person_id) == ("export_ready", "account", person.pk)
    assert "http://localhost:8000/data/export/" in mail.text
    for value in (*VALUES[1:], str(person.pk)):
        assert value not in mail.text + mail.html


def test_a_new_archive_takes_the_place_of_the_former(person: User) -> None:
    former = make(ask(person))
    assert former is not None
    newer = make(ask(person))
    with as_tenant(person.pk):
        assert list(Export.objects.values_list("pk", flat=True)) == [newer and newer.pk]
        assert set(ExportPart.objects.values_list("export_id", flat=True)) == {newer and newer.pk}


def test_the_task_makes_what_is_asked_for_and_a_second_call_finds_nothing(person: User) -> None:
    wish = ask(person, now=timezone.now())
    assert tasks.make_exports(str(person.pk)) == 0
    assert tasks.make_exports(str(wish.pk)) == 1
    assert tasks.make_exports(str(wish.pk)) == 0
    assert tasks.make_exports(str(uuid.uuid4())) == 0
    assert state_of(wish).state == Export.State.READY


def test_none_is_made_while_pages_are_closed(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(person)
    monkeypatch.setattr(standstill, "why", lambda *, pages: "restored")
    assert exporting.make_exports(person.pk, now=NOW) == 0


# --- kill -9 -------------------------------------------------------------------------------------


class KilledError(BaseException):
    """The worker is gone: nothing after this line runs, no handler either."""


def kill_after(pages: int) -> Callable[..., None]:
    saved = making.save
    left = iter(range(pages))

    def save(*args: Any, **named: Any) -> None:
        saved(*args, **named)
        if next(left, None) is None:
            raise KilledError

    return save


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece is full after a few rows, and nothing depends on how fast this machine is."""
    monkeypatch.setattr(policy, "EXPORT_PIECE", 300)
    monkeypatch.setattr(policy, "EXPORT_TELLS", timedelta(days=1))


def die_after(wish: Export, pages: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "save", kill_after(pages))
        with pytest.raises(KilledError):
            make(wish)
    assert state_of(wish).state == Export.State.RUNNING


LATER = NOW + timedelta(minutes=10)


@pytest.mark.usefixtures("small_pieces")
def test_a_killed_worker_leaves_it_to_another_that_goes_on_where_it_stopped(person: User) -> None:
    """Of the same rows the archive has the same bytes, wherever the first worker died."""
    make_content(person, contacts=9, messages=9)
    wish = ask(person)
    with taken_back():
        whole = b"".join(exporting.read_export(make(wish) or wish))
    for pages in (0, 1, 4, 9, 16, 25, 36, 49):
        with taken_back(), told(f"the first worker died after {pages} pages"):
            die_after(wish, pages)
            assert_another_goes_on(wish, whole, has_pieces=pages >= 4)


def assert_another_goes_on(wish: Export, whole: bytes, *, has_pieces: bool) -> None:
    before = pieces_of(wish)
    soon = NOW + policy.EXPORT_STALLED / 2
    assert make(wish, now=soon) is None
    resumed = make(wish, now=LATER)
    zipped = unpack(resumed)
    assert zipped.testzip() is None
    assert len(csv_rows(zipped, "contacts")) >= 9
    assert resumed is not None
    assert resumed.checkpoint == {}
    if has_pieces:
        assert before
    if before:
        assert pieces_of(wish)[: len(before)] == before
        assert b"".join(exporting.read_export(resumed)) == whole
        assert resumed.sha256 == hashlib.sha256(whole).hexdigest()


@contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def told(circumstance: str) -> Iterator[None]:
    """A failure says which of several cases it is."""
    try:
        yield
    except BaseException as failure:
        failure.add_note(circumstance)
        raise


def pieces_of(export: Export) -> list[Any]:
    with as_tenant(export.customer_id):
        return list(ExportPart.objects.filter(export=export).values_list("pk", flat=True))


@pytest.mark.usefixtures("small_pieces")
def test_what_came_meanwhile_stands_in_the_rest_and_nothing_twice(person: User) -> None:
    make_content(person, contacts=9)
    wish = ask(person)
    die_after(wish, 40)
    with as_tenant(person.pk):
        own = ContactList.objects.get(list_id=77)
        for number in range(3):
            Contact.objects.create(
                customer=person, contact_list=own, phone_number=f"+4791000{number:03}"
            )
    zipped = unpack(make(wish, now=LATER))
    assert zipped.testzip() is None
    for name in ("contacts", "messages"):
        keys = [row["id"] for row in json_rows(zipped, name)]
        assert len(keys) == len(set(keys))


@pytest.mark.usefixtures("small_pieces")
def test_it_begins_anew_once_its_owner_has_deleted_something(person: User) -> None:
    make_content(person, contacts=9)
    wish = ask(person)
    die_after(wish, 49)
    before = pieces_of(wish)
    assert before
    with as_tenant(person.pk):
        own = ContactList.objects.get(list_id=77)
    services.delete_list(own.pk, customer_id=person.pk, now=NOW)
    zipped = unpack(make(wish, now=LATER))
    assert not {"77"} & {row["list_id"] for row in csv_rows(zipped, "contacts")}
    assert not set(before) & set(pieces_of(wish))


@pytest.mark.usefixtures("small_pieces")
def test_it_begins_anew_when_a_new_version_writes_other_files(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = ask(person)
    die_after(wish, 16)
    before = pieces_of(wish)
    monkeypatch.setattr(checkpoints, "layout", lambda: "another")
    assert unpack(make(wish, now=LATER)).testzip() is None
    assert before
    assert not set(before) & set(pieces_of(wish))


def test_no_key_of_a_browser_stands_in_a_checkpoint(
    person: User, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signing in needs nothing else: only keys of bulk classes are written down."""
    said: list[Any] = []
    told = checkpoints.said_of

    def note(place: checkpoints.Checkpoint) -> Any:
        said.append(told(place))
        return said[-1]

    monkeypatch.setattr(making, "said_of", note)
    make(ask(person))
    bulk = {table.name for table in tables.exported_tables() if table.is_bulk}
    names = [each["zip"]["files"][-1]["name"] for each in said if each["after"]]
    assert names
    assert {Path(name).stem for name in names} <= bulk


def test_a_zip_goes_on_beyond_four_gibibytes(tmp_path: Path) -> None:
    """In a file with a hole, of which the disk keeps the ends alone."""
    path = tmp_path / "large.zip"
    with path.open("wb") as out:
        first = zipping.ZipWriter(out.write, NOW)
        first.open("a.csv", large=True)
        first.add(b"before the hole")
        first.close_file()
        state = json.loads(json.dumps(first.state() | {"offset": 5 << 30}))
        out.seek(5 << 30)
        second = zipping.ZipWriter.resume(out.write, NOW, state)
        second.open("b.csv", large=False)
        second.add(b"behind ")
        second.pause()
        second = zipping.ZipWriter.resume(out.write, NOW, second.state())
        second.add(b"it")
        second.close_file()
        second.close()
    with ZipFile(path) as zipped:
        assert zipped.testzip() is None
        assert zipped.read("a.csv") == b"before the hole"
        assert zipped.read("b.csv") == b"behind it"
        assert zipped.getinfo("b.csv").header_offset == 5 << 30
        assert {each.external_attr >> 16 for each in zipped.infolist()} == {0o100600}


def test_a_worker_that_was_only_slow_writes_nothing_once_it_is_taken_over(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = ask(person)
    taken: list[Export | None] = []
    begun: list[bool] = []
    saved = making.save

    def slow(*args: Any, **named: Any) -> None:
        if not begun:
            begun.append(True)
            taken.append(make(wish, now=NOW + timedelta(minutes=10)))
        saved(*args, **named)

    monkeypatch.setattr(making, "save", slow)
    assert make(wish) is None
    assert unpack(taken[0]).testzip() is None


def test_an_archive_whose_owner_goes_meanwhile_is_dropped(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = ask(person)
    saved = making.save

    def erase_first(*args: Any, **named: Any) -> None:
        with as_role(KEEPER):
            ExportPart.objects.filter(customer=person).delete()
            Export.objects.filter(customer=person).delete()
        saved(*args, **named)

    monkeypatch.setattr(making, "save", erase_first)
    assert make(wish) is None
    with as_role(KEEPER):
        assert not ExportPart.objects.filter(customer=person).exists()


def test_what_fails_by_itself_says_so_and_can_be_asked_for_anew(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = ask(person)
    with monkeypatch.context() as patch:
        patch.setattr(making, "index_page", lambda *args, **named: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            make(wish)
    assert state_of(wish).state == Export.State.FAILED
    assert parts_of(wish) == 0
    assert exporting.exports_of(person.pk, now=NOW).failed
    again = ask(person)
    assert again.pk != wish.pk
    assert make(again) is not None


def test_without_the_database_it_is_taken_up_again(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = ask(person)

    def gone(*args: Any, **named: Any) -> None:
        raise OperationalError("terminating connection")

    with monkeypatch.context() as patch:
        patch.setattr(making, "save", gone)
        with pytest.raises(OperationalError):
            make(wish)
    assert make(wish, now=NOW + timedelta(minutes=10)) is not None


@pytest.mark.parametrize(("late", "made"), [(timedelta(), True), (timedelta(seconds=1), False)])
def test_one_that_could_not_be_made_within_a_day_is_given_up(
    person: User, late: timedelta, made: bool
) -> None:
    wish = ask(person)
    export = make(wish, now=NOW + policy.EXPORT_MADE_WITHIN + late)
    assert (export is not None) == made
    assert state_of(wish).state == (Export.State.READY if made else Export.State.FAILED)


def test_the_keeper_offers_what_nobody_makes_to_the_workers(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[Any] = []
    monkeypatch.setattr(making, "wake_maker", called.append)
    wish = ask(person)
    running, done = make_customer(), make_customer()
    for each, state in ((running, Export.State.RUNNING), (done, Export.State.READY)):
        with as_tenant(each.pk):
            Export.objects.create(
                customer=each, state=state, actor="self", requested_at=NOW, moved_at=NOW
            )
    called.clear()
    soon, later = NOW + timedelta(minutes=1), NOW + timedelta(minutes=10)
    with as_role(KEEPER):
        assert exporting.wake_makers(NOW) == 0
        assert exporting.wake_makers(soon) == 1
        assert called == [wish.pk]
        assert exporting.wake_makers(later) == 2
    make(wish)
    with as_role(KEEPER):
        assert exporting.wake_makers(soon) == 0


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_the_same_archive_for_its_owner_alone(
    person: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.zip"
    call_command("export_customer", "4711", "--to", str(path))
    export = exporting.exports_of(person.pk, now=timezone.now()).ready
    assert export is not None
    assert hashlib.sha256(path.read_bytes()).hexdigest() == export.sha256
    assert export.sha256 in capsys.readouterr().out
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="exists"):
        call_command("export_customer", str(person.pk), "--to", str(path))
    with pytest.raises(CommandError, match="There is no customer"):
        call_command("export_customer", "99")


def test_the_command_leaves_it_to_the_worker_that_has_it(person: User, tmp_path: Path) -> None:
    wish = ask(person)
    with as_tenant(person.pk):
        running = Export.objects.filter(pk=wish.pk)
        running.update(state=Export.State.RUNNING, moved_at=timezone.now())
    with pytest.raises(CommandError, match="A worker is making it"):
        call_command("export_customer", str(person.pk), "--to", str(tmp_path / "x.zip"))


def test_transactions_are_in_it(person: User) -> None:
    number = f"T-{person.pk}"
    Transaction.objects.create(
        customer=person, transaction_id=number, kind="charge", amount=1, currency="NOK", date=NOW
    )
    assert number in {row["transaction_id"] for row in csv_rows(archive_of(person), "transactions")}
