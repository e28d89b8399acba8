"""A customer's file of contacts: guessed, confirmed, read line by line, and no line lost."""

import csv
import io
import uuid
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from consent.models import Suppression
from consent.suppression import suppress
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging import policy, tasks
from messaging.content import uploads
from messaging.content.files import keep_untaken
from messaging.content.taking_in import Batch, names_of, take_in_batch
from messaging.content.words import FILES
from messaging.models import ContactList, ContactOptOut, ListUpload, UploadPart
from tests.factories import NOW, make_contact, make_customer, make_list
from tests.messaging.uploading import (
    LATER,
    confirm,
    contacts_of,
    counts_of,
    newest,
    problems_of,
    read,
    send_file,
    signed_in,
    take_in,
    text_of,
    uploaded,
)

pytestmark = pytest.mark.django_db
PLAIN = "Mobil;E-post;Fornavn\n987 65 432;kari@example.test;Kari\n;ola@example.test;Ola\n"


@pytest.fixture
def person() -> User:
    return make_customer(language="en", country="NO")


@pytest.fixture(autouse=True)
def batches_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "UPLOAD_BATCH", 2)
    monkeypatch.setattr(policy, "UPLOAD_PIECE", 64)


# --- what a file seems to be ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "delimiter", "encoding"),
    [
        (PLAIN.encode(), ";", "utf-8"),
        (PLAIN.replace(";", ",").encode(), ",", "utf-8"),
        (PLAIN.replace(";", "\t").encode(), "\t", "utf-8"),
        (PLAIN.replace("\n", "\r\n").encode("utf-8-sig"), ";", "utf-8"),
        (PLAIN.replace("Kari", "Åse").encode("cp1252"), ";", "cp1252"),
        (PLAIN.encode("utf-16"), ";", "utf-16"),
        (PLAIN.encode("utf-16-le"), ";", "utf-16-le"),
        (PLAIN.replace("\n", "\r").encode(), ";", "utf-8"),
    ],
)
def test_files_are_read_as_their_programs_wrote_them(
    person: User, content: bytes, delimiter: str, encoding: str
) -> None:
    upload = uploaded(person, content)
    assert (upload.delimiter, upload.encoding, upload.has_header) == (delimiter, encoding, True)
    assert upload.mapping == {"0": "phone_number", "1": "email", "2": "first_name"}
    confirm(person, upload)
    assert read(person)
    assert [(each.phone_number, each.email) for each in contacts_of(person)] == [
        ("", "ola@example.test"),
        ("+4798765432", "kari@example.test"),
    ]
    assert {each.first_name for each in contacts_of(person)} <= {"Kari", "Åse", "Ola"}


def test_a_file_without_names_of_columns_is_told_by_what_stands_in_it(person: User) -> None:
    upload = uploaded(person, b"Kari,98765432\nOla,98765433\n")
    assert not upload.has_header
    assert upload.mapping == {"1": "phone_number"}


def test_one_column_is_enough(person: User) -> None:
    upload = take_in(person, b"98765432\n98765433\n")
    assert counts_of(upload) == {"added": 2}


def test_line_breaks_and_quotes_stand_inside_cells(person: User) -> None:
    content = 'E-post,Firma,Fornavn\nkari@example.test,"Nord, ""Trykk""\r\nAS",Kari\n'
    upload = take_in(person, content.encode())
    assert counts_of(upload) == {"added": 1}
    assert contacts_of(person)[0].organization_name == 'Nord, "Trykk" AS'


def test_a_hundred_columns_are_shown_and_those_not_chosen_left_out(person: User) -> None:
    header = ",".join(["email", *(f"c{number}" for number in range(99))])
    upload = uploaded(person, f"{header}\nkari@example.test{',x' * 99}\n".encode())
    page = signed_in(person).get(f"/lists/upload/{upload.pk}/").content.decode()
    assert "c98" in page
    assert upload.mapping == {"0": "email"}
    confirm(person, upload)
    assert read(person)
    assert counts_of(newest(person)) == {"added": 1}


def test_the_preview_shows_the_first_rows(person: User) -> None:
    upload = uploaded(person, PLAIN.encode())
    page = signed_in(person).get(f"/lists/upload/{upload.pk}/").content.decode()
    for word in ("Mobil", "987 65 432", "ola@example.test", "Take in the contacts"):
        assert word in page


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "This file is empty"),
        (b"\xef\xbb\xbf\r\n\r\n", "This file is empty"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "This is a spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "This is a spreadsheet"),
        (zipped("kunder.csv"), "This is a packed file"),
        (b"%PDF-1.7", "no text file"),
        (b"\x00\x01\x02\x03", "no text file"),
        ((",".join("x" * 201) + "\n").encode(), "more than 200 columns"),
    ],
)
def test_what_is_no_list_is_refused_in_words(person: User, content: bytes, said: str) -> None:
    answer = send_file(signed_in(person), content)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    with as_tenant(person.pk):
        assert not ListUpload.objects.exists()
        assert not UploadPart.objects.exists()


def test_the_words_name_the_limits_as_they_are() -> None:
    assert f"{policy.UPLOAD_BYTES // 1_000_000} MB" in str(FILES["too_big"])
    assert f"{policy.UPLOAD_COLUMNS} columns" in str(FILES["too_many_columns"])


def test_a_file_beyond_the_limit_is_not_kept(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "UPLOAD_BYTES", len(PLAIN))
    assert send_file(signed_in(person), PLAIN.encode()).status_code == 302
    answer = send_file(signed_in(person), PLAIN.encode() + b"x")
    assert answer.status_code == 200
    assert "larger than 50 MB" in answer.content.decode()


def test_the_upload_is_guarded_against_other_sites(person: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    assert send_file(client, PLAIN.encode()).status_code == 403


def test_only_names_of_columns_cannot_be_confirmed(person: User) -> None:
    upload = uploaded(person, b"Mobil;E-post\n")
    page = signed_in(person).get(f"/lists/upload/{upload.pk}/").content.decode()
    assert "no contacts below them" in page
    assert confirm(person, upload).status_code == 200
    assert newest(person).state == "uploaded"


# --- confirming ----------------------------------------------------------------------------------


def test_nothing_is_taken_in_before_it_is_confirmed(person: User) -> None:
    uploaded(person, PLAIN.encode())
    assert read(person)
    assert not contacts_of(person)
    with as_tenant(person.pk):
        assert not ContactList.objects.exists()


def test_the_customer_says_how_the_file_is_written(person: User) -> None:
    upload = uploaded(person, b"a|b;98765432\nc|d;98765433\n")
    said = {"do": "read", "delimiter": "|", "encoding": "cp1252", "has_header": "yes"}
    signed_in(person).post(f"/lists/upload/{upload.pk}/", said)
    upload = newest(person)
    assert (upload.delimiter, upload.encoding, upload.has_header) == ("|", "cp1252", True)
    page = signed_in(person).get(f"/lists/upload/{upload.pk}/").content.decode()
    assert "d;98765433" in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"column_0": "", "column_1": ""}, "Say which column holds the phone number"),
        ({"column_2": "email"}, "is chosen for another column already"),
        ({"new_list": " "}, "Give the new list a name"),
        ({"target": "0190a1b2-0000-7000-8000-000000000000"}, "Select a valid choice"),
    ],
)
def test_a_mapping_that_makes_no_sense_says_so(
    person: User, changes: dict[str, str], said: str
) -> None:
    answer = confirm(person, uploaded(person, PLAIN.encode()), **changes)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert newest(person).state == "uploaded"


def test_pressing_twice_starts_it_once(person: User) -> None:
    upload = uploaded(person, PLAIN.encode())
    confirm(person, upload)
    confirm(person, upload)
    assert read(person)
    assert read(person)
    assert counts_of(newest(person)) == {"added": 2}
    with as_tenant(person.pk):
        assert ContactList.objects.count() == 1


def test_files_nobody_came_back_to_make_room(person: User) -> None:
    for number in range(policy.UPLOADS_WAITING + 1):
        uploaded(person, PLAIN.encode(), name=f"{number}.csv")
    with as_tenant(person.pk):
        assert ListUpload.objects.count() == policy.UPLOADS_WAITING
        assert not ListUpload.objects.filter(file_name="0.csv").exists()


# --- reading -------------------------------------------------------------------------------------


def test_every_line_is_accounted_for(person: User) -> None:
    with as_tenant(person.pk):
        own = make_list(person)
        make_contact(own, phone_number="+4798765430", first_name="Gammel")
        make_contact(own, phone_number="+4798765431", first_name="Samme")
        ContactOptOut.objects.create(customer=person, contact="+4798765439")
    lines = [
        "Mobil,E-post,Fornavn,Land",
        "98765432,,Ny,Norge",
        "98765430,,Yngre,",
        "98765431,,Samme,",
        "0047 98 76 54 32,,Igjen,",
        ",,,",
        "98765439,,Nei,",
        "12,,Kort,",
        ",ikke-epost,Feil,",
        ",,Ingen,",
        "4.79877E+10,,Avkortet,",
        "98765433,,Land,Atlantis",
    ]
    upload = take_in(person, "\n".join(lines).encode(), target=str(own.pk))
    assert counts_of(upload) == {
        "added": 1, "changed": 1, "duplicates": 2, "opted_out": 1, "bad": 5
    }  # fmt: skip
    assert (upload.state, upload.rows_total, upload.rows_done) == ("finished", 11, 11)
    assert problems_of(upload) == [
        (5, "Mobil", "+4798765432", "duplicate"),
        (7, "Mobil", "+4798765439", "opted_out"),
        (8, "Mobil", "12", "phone_unknown"),
        (9, "E-post", "ikke-epost", "email_unknown"),
        (10, "", "", "unreachable"),
        (11, "Mobil", "4.79877E+10", "phone_shortened"),
        (12, "Land", "Atlantis", "country_unknown"),
    ]
    assert [(each.phone_number, each.first_name) for each in contacts_of(person)] == [
        ("+4798765430", "Yngre"),
        ("+4798765431", "Samme"),
        ("+4798765432", "Ny"),
    ]
    page = signed_in(person).get(f"/lists/upload/{upload.pk}/").content.decode()
    for word in ("Empty rows", "no valid phone number", "ikke-epost", "Download the lines to mend"):
        assert word in page


@pytest.mark.parametrize("first", ["Yngre", "Gammel"], ids=["changed", "unchanged"])
@pytest.mark.parametrize("between", [0, 2], ids=["one batch", "two batches"])
def test_the_first_line_about_a_contact_counts_who_was_there_before_as_well(
    person: User, first: str, between: int
) -> None:
    """By the number, and by the address alone."""
    with as_tenant(person.pk):
        own = make_list(person)
        make_contact(own, phone_number="+4798765430", email="a@example.test", first_name="Gammel")
    others = [f"9876544{number},,Ny" for number in range(between)]
    lines = ["Mobil,E-post,Fornavn", f"98765430,,{first}", *others, "98765430,,Eldst"]
    lines += [",A@example.test,Igjen"]
    upload = take_in(person, "\n".join(lines).encode(), target=str(own.pk))
    told = counts_of(upload)
    assert told.pop("added", 0) == between
    assert told == ({"changed": 1, "duplicates": 2} if first == "Yngre" else {"duplicates": 3})
    assert problems_of(upload) == [
        (3 + between, "Mobil", "+4798765430", "duplicate"),
        (4 + between, "E-post", "A@example.test", "duplicate"),
    ]
    assert contacts_of(person)[0].first_name == first


def test_a_contact_named_by_one_file_may_be_named_by_the_next(person: User) -> None:
    upload = take_in(person, b"Mobil,Fornavn\n98765432,Kari\n")
    into = str(upload.contact_list_id)
    for name in ("Karin", "Karen"):
        content = f"Mobil,Fornavn\n98765432,{name}\n".encode()
        assert counts_of(take_in(person, content, target=into)) == {"changed": 1}
        assert contacts_of(person)[0].first_name == name


def test_the_lines_to_mend_come_back_and_are_taken_when_mended(person: User) -> None:
    content = b"Mobil;E-post;Notat\n12;;=cmd()\n98765432;;ja\n;feil;\n"
    upload = take_in(person, content, column_2="custom_1")
    answer = signed_in(person).get(f"/lists/upload/{upload.pk}/lines-to-mend.csv")
    text = text_of(answer)
    rows = list(csv.reader(io.StringIO(text)))
    assert rows == [
        ["line", "column", "reason", "Mobil", "E-post", "Notat"],
        ["2", "Mobil", "no valid phone number", "12", "", "'=cmd()"],
        ["4", "E-post", "no valid email address", "", "feil", ""],
    ]
    mended = text.replace(",12,", ",98765433,").replace("feil", "riktig@example.test")
    again = uploaded(person, mended.encode())
    assert again.mapping == {"3": "phone_number", "4": "email"}
    confirm(person, again, column_5="custom_1", target=str(upload.contact_list_id))
    assert read(person)
    assert counts_of(newest(person)) == {"added": 2}
    notes = {each.phone_number: each.custom_1 for each in contacts_of(person)}
    assert notes["+4798765433"] == "=cmd()"


def test_all_remarks_can_be_downloaded(person: User) -> None:
    upload = take_in(person, b"Mobil\n98765432\n98765432\n=1+1\n")
    answer = signed_in(person).get(f"/lists/upload/{upload.pk}/remarks.csv")
    text = text_of(answer)
    assert list(csv.reader(io.StringIO(text)))[1:] == [
        ["3", "Mobil", "+4798765432", "stands in the file more than once"],
        ["4", "Mobil", "'=1+1", "no valid phone number"],
    ]


def test_the_columns_of_remarks_are_named_in_the_language_of_the_remarks(person: User) -> None:
    """And the lines to mend are understood again, whatever stands in front."""
    upload = take_in(person, b"Mobil;E-post\n12;\n")
    client = signed_in(person)
    norwegian = {"accept-language": "nb"}
    User.objects.update(language="nb")
    address = f"/lists/upload/{upload.pk}"
    remarks = text_of(client.get(f"{address}/remarks.csv", headers=norwegian))
    assert remarks.splitlines()[0] == "linje;kolonne;verdi;grunn"
    mend = text_of(client.get(f"{address}/lines-to-mend.csv", headers=norwegian))
    assert mend.splitlines()[0] == "linje;kolonne;grunn;Mobil;E-post"
    assert uploaded(person, mend.encode()).mapping == {"3": "phone_number", "4": "email"}


def test_the_country_decides_what_a_number_without_its_code_is(person: User) -> None:
    take_in(person, b"Mobil\n0701740605\n", country="SE")
    assert contacts_of(person)[0].phone_number == "+46701740605"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Tlf. 987 65 432", "+4798765432"),
        ("tlf98765432", "+4798765432"),
        ("Mobilnr.: 98765432", "+4798765432"),
        ("Tel +46 70 174 06 05", "+46701740605"),
        ("tel:+46-70-174-06-05", "+46701740605"),
        ("Mobile: 98765432", "+4798765432"),
        ("Mobile phone: 98765432", "+4798765432"),
        ("Cell phone 98765432", "+4798765432"),
        ("Mobiltelefon 98765432", "+4798765432"),
        ("Mobiltlf. 98765432", "+4798765432"),
        ("Mob.tlf: 98765432", "+4798765432"),
        ("Tlf. mobil nr 98765432", "+4798765432"),
        ("M: 98765432", "+4798765432"),
        ("t.98765432", "+4798765432"),
        ("T 987 65 432", "+4798765432"),
    ],
)
def test_a_word_for_telephone_in_front_of_a_number_is_no_part_of_it(
    person: User, written: str, kept: str
) -> None:
    take_in(person, f"Mobil;Navn\n{written};Kari\n".encode())
    assert [each.phone_number for each in contacts_of(person)] == [kept]


@pytest.mark.parametrize(
    "written",
    [
        "9876KARI",
        "PO-40012345",
        "ola22334455",
        "98765432x",
        "tlf Kari 98765432",
        "M98765432",
        "T-98765432",
        "Mobil tom 98765432",
        "nr 98765432",
    ],
)
def test_a_number_is_not_looked_for_inside_other_words(person: User, written: str) -> None:
    upload = take_in(person, f"Mobil;Navn\n{written};Kari\n".encode())
    assert problems_of(upload) == [(2, "Mobil", written, "phone_unknown")]
    assert not contacts_of(person)


def test_a_number_and_an_address_of_two_contacts_are_not_made_one(person: User) -> None:
    with as_tenant(person.pk):
        own = make_list(person)
        make_contact(own, phone_number="+4798765432")
        make_contact(own, email="kari@example.test")
    upload = take_in(person, b"Mobil,E-post\n98765432,Kari@example.test\n", target=str(own.pk))
    assert counts_of(upload) == {"bad": 1}
    assert problems_of(upload) == [(2, "E-post", "Kari@example.test", "two_contacts")]


@pytest.mark.parametrize("batch", [1, 2, 9])
@pytest.mark.parametrize("order", [1, -1], ids=["made first", "made last"])
@pytest.mark.parametrize(
    ("lines", "told", "list_now"),
    [
        (
            ["98765431,a@x.test,Ola", "98765430,k@x.test,Kari"],
            {"added": 1, "changed": 1},
            ["+4798765430 k@x.test Kari", "+4798765431 a@x.test Ola", "+4798765439 b@x.test Per"],
        ),
        (
            ["98765431,a@x.test,Ola", "98765430,b@x.test,Per"],
            {"changed": 2},
            ["+4798765430 b@x.test Per", "+4798765431 a@x.test Ola"],
        ),
        (
            ["98765430,ny@x.test,Ola", "98765439,A@x.test,Per"],
            {"changed": 2},
            ["+4798765430 ny@x.test Ola", "+4798765439 A@x.test Per"],
        ),
        (
            ["98765430,A@x.test,Ola", "98765430,,Kari", ",a@x.test,Kari"],
            {"changed": 1, "duplicates": 2},
            ["+4798765430 A@x.test Ola", "+4798765439 b@x.test Per"],
        ),
        (
            ["98765439,a@x.test,Ola", "98765430,b@x.test,Per"],
            {"bad": 2},
            ["+4798765430 a@x.test Ola", "+4798765439 b@x.test Per"],
        ),
    ],
    ids=["to a new one", "to another", "an address", "kept", "swapped"],
)
def test_what_a_contact_gave_up_is_free_for_the_next_line(
    person: User,
    monkeypatch: pytest.MonkeyPatch,
    batch: int,
    order: int,
    lines: list[str],
    told: dict[str, int],
    list_now: list[str],
) -> None:
    """However the lines fall into batches. Numbers that two would swap belong to each other."""
    monkeypatch.setattr(policy, "UPLOAD_BATCH", batch)
    with as_tenant(person.pk):
        own = make_list(person)
        for number, email, name in [
            ("+4798765430", "a@x.test", "Ola"),
            ("+4798765439", "b@x.test", "Per"),
        ][::order]:
            make_contact(own, phone_number=number, email=email, first_name=name)
    content = "\n".join(["Mobil,E-post,Fornavn", *lines])
    upload = take_in(person, content.encode(), target=str(own.pk))
    assert upload.failure == ""
    assert counts_of(upload) == told
    assert [f"{each} {each.email} {each.first_name}" for each in contacts_of(person)] == list_now


def test_an_empty_cell_empties_nothing(person: User) -> None:
    with as_tenant(person.pk):
        own = make_list(person)
        make_contact(own, phone_number="+4798765432", first_name="Kari")
    upload = take_in(
        person, b"Mobil,E-post,Fornavn\n98765432,kari@example.test,\n", target=str(own.pk)
    )
    assert counts_of(upload) == {"changed": 1}
    (contact,) = contacts_of(person)
    assert (contact.first_name, contact.email) == ("Kari", "kari@example.test")


def test_our_own_suppressions_are_neither_asked_nor_revealed(person: User) -> None:
    suppress("kari@example.test", reason=Suppression.Reason.ERASED, now=NOW)
    upload = take_in(person, b"E-post\nkari@example.test\n")
    assert counts_of(upload) == {"added": 1}


def test_the_opt_outs_of_another_customer_are_not_asked(person: User) -> None:
    other = make_customer()
    with as_tenant(other.pk):
        ContactOptOut.objects.create(customer=other, contact="kari@example.test")
    upload = take_in(person, b"E-post\nkari@example.test\n")
    assert counts_of(upload) == {"added": 1}


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (b'Mobil,Navn\n98765432,"Kari\n98765433,Ola\n', "quotes:"),
        (b'Mobil,Navn\n98765432,"Ka"ri\n', "quotes:2"),
        (b"Mobil,Navn\n98765432,%s\n" % (b"x" * 131_073), "cell_too_long:2"),
    ],
    ids=["open", "inside", "long"],
)
def test_a_fault_in_the_file_is_found_before_anything_is_taken_in(
    person: User, content: bytes, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "UPLOAD_PIECE", 65_536)
    upload = take_in(person, content)
    assert upload.state == "failed"
    assert upload.failure.startswith(failure)
    assert not contacts_of(person)
    page = signed_in(person).get(f"/lists/upload/{upload.pk}/").content.decode()
    assert ("A quotation mark" in page) == failure.startswith("quotes")
    assert ("more than 131,072 characters" in page) == failure.startswith("cell_too_long")


def test_letters_that_do_not_fit_end_it_and_say_so(person: User) -> None:
    upload = uploaded(person, "E-post\nåse@example.test\n".encode("cp1252"))
    with as_tenant(person.pk):
        ListUpload.objects.filter(pk=upload.pk).update(encoding="utf-8")
    confirm(person, upload)
    assert read(person)
    assert newest(person).failure.startswith("encoding:")


def test_the_file_goes_once_it_is_read(person: User) -> None:
    upload = take_in(person, PLAIN.encode())
    with as_tenant(person.pk):
        assert not UploadPart.objects.filter(upload=upload, number__gte=0).exists()


# --- killed, twice, side by side -----------------------------------------------------------------


class Killed(Exception):
    pass


MANY = b"Mobil\n" + b"".join(b"987654%02d\n" % number for number in range(7)) + b"12\n12\n"


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4])
def test_a_killed_worker_is_taken_over_without_loss_or_twice(
    person: User, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    upload = uploaded(person, MANY)
    confirm(person, upload)
    take = take_in_batch
    calls = 0

    def killed(*args: Any, **named: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls > after:
            raise Killed
        return take(*args, **named)

    monkeypatch.setattr(uploads, "take_in_batch", killed)
    with pytest.raises(Killed):
        read(person)
    assert newest(person).rows_done == 2 * after
    monkeypatch.setattr(uploads, "take_in_batch", take)
    assert read(person)
    upload = newest(person)
    assert upload.state == "finished"
    assert counts_of(upload) == {"added": 7, "bad": 2}
    assert len(contacts_of(person)) == 7
    assert [line for line, *_rest in problems_of(upload)] == [9, 10]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_beside_its_last_word_is_taken_over(
    person: User, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """All is taken in, and that it is was not said yet; or said, and the next round finds it so."""
    upload = uploaded(person, MANY)
    confirm(person, upload)
    end = uploads.end_upload

    def killed(*args: Any, **named: Any) -> None:
        if when == "after":
            end(*args, **named)
        raise Killed

    monkeypatch.setattr(uploads, "end_upload", killed)
    with pytest.raises(Killed):
        read(person)
    assert newest(person).rows_done == 9
    monkeypatch.setattr(uploads, "end_upload", end)
    assert read(person)
    upload = newest(person)
    assert (upload.state, upload.failure) == ("finished", "")
    assert counts_of(upload) == {"added": 7, "bad": 2}
    with as_tenant(person.pk):
        assert not UploadPart.objects.filter(upload=upload, number__gte=0).exists()


def test_a_worker_killed_while_it_counts_the_rows_leaves_nothing_half_counted(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of rows and the header that goes with the lines to mend: both or neither."""
    upload = uploaded(person, MANY)
    confirm(person, upload)

    def killed(*args: Any) -> None:
        keep_untaken(*args)
        raise Killed

    monkeypatch.setattr(uploads, "keep_untaken", killed)
    with pytest.raises(Killed):
        read(person)
    assert newest(person).rows_total == 0
    monkeypatch.setattr(uploads, "keep_untaken", keep_untaken)
    assert read(person)
    assert newest(person).rows_total == 9
    text = text_of(signed_in(person).get(f"/lists/upload/{upload.pk}/lines-to-mend.csv"))
    assert text.splitlines()[0] == "line,column,reason,Mobil"


def test_a_batch_that_fails_halfway_leaves_nothing(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = uploaded(person, b"Mobil\n98765432\n12\n")
    confirm(person, upload)

    def fail(*args: Any) -> None:
        raise Killed

    monkeypatch.setattr("messaging.content.taking_in.keep_untaken", fail)
    with pytest.raises(Killed):
        read(person)
    assert not contacts_of(person)
    assert not problems_of(upload)
    assert newest(person).rows_done == 0


def test_hidden_signs_in_a_columns_name_do_no_harm(person: User) -> None:
    upload = take_in(person, "Mo\x00bil;For\x00navn\n98765432;Kari\n12;Ola\n".encode("utf-16"),
                     column_0="phone_number")  # fmt: skip
    assert upload.state == "finished"
    assert problems_of(upload) == [(3, "Mo bil", "12", "phone_unknown")]
    assert len(contacts_of(person)) == 1


def test_columns_of_one_name_are_told_apart_by_their_place(person: User) -> None:
    """A contact on the opt-outs by number and by address; names alike, cut alike, and empty."""
    with as_tenant(person.pk):
        for contact in ("+4798765439", "per@example.test"):
            ContactOptOut.objects.create(customer=person, contact=contact)
    lines = "98765432;a@example.test;A\n98765439;per@example.test;Per\n98765433;b@example.test;B\n"
    long = "Kontakt " * 8
    for header, columns in (
        ("Kontakt;Kontakt;Navn", ["Kontakt (1)", "Kontakt (2)"]),
        (f"{long}a;{long}b;Navn", [f"{long[:56]} (1)", f"{long[:56]} (2)"]),
        ("2;;Navn", ["2 (1)", "2 (2)"]),
        ("Kontakt;Post;Post", ["Kontakt", "Post"]),
    ):
        upload = take_in(person, f"{header}\n{lines}".encode(), column_0="phone_number")
        assert upload.state == "finished", upload.failure
        assert counts_of(upload) == {"added": 2, "opted_out": 1}
        assert problems_of(upload) == [
            (3, columns[0], "+4798765439", "opted_out"),
            (3, columns[1], "per@example.test", "opted_out"),
        ]


def test_the_number_behind_a_columns_name_makes_it_the_only_one_of_its_kind() -> None:
    for header in (["Notat (3)", "Notat", "Notat"], ["3", "x"], ["a" * 61, "a" * 62], []):
        names = names_of(header, {"0": "phone_number", "1": "custom_1", "2": "custom_2"})
        assert len(set(names.values())) == 3
        assert max(map(len, names.values())) <= 60


def test_what_nobody_foresaw_ends_one_file_and_not_those_behind_it(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken stays, and the page says from which row on nothing was."""
    first = uploaded(person, MANY)
    confirm(person, first)
    confirm(person, uploaded(person, b"E-post\nkari@example.test\n"), new_list="Other")
    name_of = Batch.name_of
    monkeypatch.setattr(Batch, "name_of", lambda *args: name_of(*args) + "\x00")
    assert read(person)
    with as_tenant(person.pk):
        first.refresh_from_db()
    assert (first.state, first.rows_done, first.failure) == ("failed", 6, "stopped:8")
    assert newest(person).state == "finished"
    assert len(contacts_of(person)) == 7
    page = signed_in(person).get(f"/lists/upload/{first.pk}/").content.decode()
    assert "Row 8: From here on" in page
    assert "not read to its end" in page


def test_another_worker_that_is_ahead_is_left_alone(person: User) -> None:
    upload = uploaded(person, MANY)
    confirm(person, upload)
    with as_tenant(person.pk):
        stale = ListUpload.objects.get(pk=upload.pk)
    assert read(person)
    assert uploads.read_upload(stale, now=lambda: NOW, until=LATER)
    assert counts_of(newest(person)) == {"added": 7, "bad": 2}


def test_a_round_ends_in_time_and_the_next_goes_on(person: User) -> None:
    upload = uploaded(person, MANY)
    confirm(person, upload)
    assert not read(person, now=lambda: NOW, until=NOW)
    assert newest(person).rows_done == 2
    assert not read(person, now=lambda: NOW, until=NOW)
    assert read(person)
    assert counts_of(newest(person)) == {"added": 7, "bad": 2}


def test_a_list_deleted_meanwhile_ends_the_reading(person: User) -> None:
    upload = uploaded(person, MANY)
    confirm(person, upload)
    read(person, now=lambda: NOW, until=NOW)
    with as_tenant(person.pk):
        ContactList.objects.all().delete()
    assert read(person)
    assert newest(person).failure == "list_gone:"


def test_a_lost_call_is_made_up_by_the_keeper_who_sees_whose_files_wait(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = uploaded(person, PLAIN.encode())
    confirm(person, upload)
    woken: list[Any] = []
    monkeypatch.setattr(uploads, "wake_reader", woken.append)
    tasks.wake_uploads()
    assert not woken, "the web's role sees nobody's without a tenant"
    with as_role(KEEPER):
        tasks.wake_uploads()
    assert woken == [upload.pk]
    tasks.read_uploads(str(upload.pk))
    assert newest(person).state == "finished"
    with as_role(KEEPER):
        assert not uploads.uploads_waiting()


def test_each_customer_is_called_for_once_however_many_files_wait(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_customer()
    firsts = [uploaded(each, PLAIN.encode()) for each in (person, other)]
    for upload in (*firsts, uploaded(person, PLAIN.encode())):
        with as_tenant(upload.customer_id):
            confirm(User.objects.get(pk=upload.customer_id), upload)
    with as_role(KEEPER):
        assert set(uploads.uploads_waiting()) == {upload.pk for upload in firsts}
    tasks.read_uploads(str(firsts[0].pk))
    with as_role(KEEPER):
        assert uploads.uploads_waiting() == [firsts[1].pk]


def test_a_round_that_ends_too_early_calls_for_the_same_file_again(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = uploaded(person, MANY)
    confirm(person, upload)
    woken: list[Any] = []
    monkeypatch.setattr(uploads, "wake_reader", woken.append)
    monkeypatch.setattr(tasks, "ROUND", timedelta())
    tasks.read_uploads(str(upload.pk))
    assert woken == [upload.pk]
    assert newest(person).state == "running"


def test_a_call_for_a_file_that_is_gone_reads_nothing(person: User) -> None:
    confirm(person, uploaded(person, PLAIN.encode()))
    tasks.read_uploads(str(uuid.uuid4()))
    tasks.read_uploads(str(person.pk))
    assert newest(person).state == "running"


def test_the_progress_page_asks_again_by_itself_or_when_its_link_is_followed(person: User) -> None:
    upload = uploaded(person, MANY)
    confirm(person, upload)
    read(person, now=lambda: NOW, until=NOW)
    address = f"/lists/upload/{upload.pk}/"
    page = signed_in(person).get(address).content.decode()
    assert "2 of 9 rows" in page
    assert f'hx-get="{address}"' in page
    assert f'<a href="{address}">' in page
    read(person)
    page = signed_in(person).get(address).content.decode()
    assert "hx-get" not in page


def test_an_upload_is_forgotten_when_asked_but_not_while_it_runs(person: User) -> None:
    upload = uploaded(person, PLAIN.encode())
    confirm(person, upload)
    client = signed_in(person)
    client.post(f"/lists/upload/{upload.pk}/discard/")
    assert newest(person).state == "running"
    assert read(person)
    client.post(f"/lists/upload/{upload.pk}/discard/")
    with as_tenant(person.pk):
        assert not ListUpload.objects.exists()
    assert len(contacts_of(person)) == 2


@pytest.mark.parametrize(("hours", "goes"), [(0.9, False), (1.1, True)])
def test_one_that_stands_still_can_be_stopped_and_what_it_took_stays(
    person: User, hours: float, goes: bool
) -> None:
    """Since its last batch; how long ago its file came says nothing."""
    upload = uploaded(person, MANY)
    with as_tenant(person.pk):
        made_at = timezone.now() - timedelta(days=3)
        ListUpload.objects.filter(pk=upload.pk).update(made_at=made_at)
    confirm(person, upload)
    moment = timezone.now() - timedelta(hours=hours)
    read(person, now=lambda: moment, until=moment)
    client = signed_in(person)
    page = client.get(f"/lists/upload/{upload.pk}/").content.decode()
    assert ("Stop it" in page) == goes
    client.post(f"/lists/upload/{upload.pk}/discard/")
    with as_tenant(person.pk):
        assert ListUpload.objects.exists() != goes
    assert len(contacts_of(person)) == 2


def test_a_file_that_is_confirmed_late_does_not_stand_still_from_the_start(person: User) -> None:
    """Nor is it stopped: the time a customer took over the columns is not the reading's."""
    upload = uploaded(person, PLAIN.encode())
    with as_tenant(person.pk):
        made_at = timezone.now() - timedelta(hours=3)
        ListUpload.objects.filter(pk=upload.pk).update(made_at=made_at)
    confirm(person, upload)
    client = signed_in(person)
    assert "Stop it" not in client.get(f"/lists/upload/{upload.pk}/").content.decode()
    client.post(f"/lists/upload/{upload.pk}/discard/")
    assert newest(person).state == "running"


def test_reading_holds_no_transaction_between_batches(person: User) -> None:
    """`as_tenant` ends with each: otherwise a long file would keep a snapshot for minutes."""
    confirm(person, uploaded(person, PLAIN.encode()))
    assert read(person)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('portal.tenant', true)")
        assert not cursor.fetchone()[0]


def test_an_uploaded_file_of_several_pieces_is_put_together_again(person: User) -> None:
    content = "Fornavn;E-post\n" + "".join(f"Åse{n};a{n}@example.test\n" for n in range(30))
    upload = take_in(person, content.encode())
    assert counts_of(upload) == {"added": 30}
    assert {each.first_name for each in contacts_of(person)} == {f"Åse{n}" for n in range(30)}
    assert newest(person).made_at - NOW < timedelta(hours=2)


def test_another_customers_upload_is_not_found(person: User) -> None:
    upload = uploaded(person, PLAIN.encode(), name="hemmelig.csv")
    stranger = signed_in(make_customer())
    for page in ("", "lines-to-mend.csv", "remarks.csv"):
        assert stranger.get(f"/lists/upload/{upload.pk}/{page}").status_code == 404
    for page in ("", "discard/"):
        assert stranger.post(f"/lists/upload/{upload.pk}/{page}").status_code == 404
    assert newest(person).pk == upload.pk
    assert b"hemmelig" not in stranger.get("/lists/").content
