"""Each field: what is taken, what is not, and that the reason says so."""

from pathlib import Path

import pytest

from accounts.models import User
from consent.models import ConsentDetail, Preference
from tests.imports.files import GOOD, record, run_import, write_file

pytestmark = pytest.mark.django_db

REFUSED = [
    ("user_id", "", "whole number"),
    ("user_id", "12a", "whole number"),
    ("user_id", "-5", "whole number"),
    ("user_id", "0", "whole number"),
    ("user_id", "9223372036854775808", "whole number"),
    ("user_id", "٣", "whole number"),
    ("username", "", "3 to 60"),
    ("username", "ab", "3 to 60"),
    ("username", "with space", "3 to 60"),
    ("username", "kari@shop", "3 to 60"),
    ("username", "a" * 61, "3 to 60"),
    ("user_email", "", "is empty"),
    ("user_email", "   ", "is empty"),
    ("user_email", "kari.shop.test", "no @"),
    ("user_email", "kari@", "no e-mail address"),
    ("user_email", "kari nord@shop.test", "no e-mail address"),
    ("user_email", "kari@shop.test\r\nBcc: all@shop.test", "line break"),
    ("user_email", "kari@shop.test\n", "line break"),
    ("user_email", "kari\x07@shop.test", "control characters"),
    ("user_phone", "+47123", "phone number"),
    ("user_phone", "call me", "phone number"),
    ("user_first_name", "a" * 101, "shorten it to 100"),
    ("user_last_name", "Nord\x00mann", "control characters"),
    ("account_name", "a" * 151, "shorten it to 150"),
    ("account_name", "Nordmann\u2028AS", "line break"),
    ("country", "ZZ", "country code"),
    ("country", "Norge", "country code"),
    ("timezone", "Europe/Atlantis", "time zone"),
    ("language", "sv", "nb or en"),
    ("date_sign_up", "yesterday", "whole number"),
    ("date_sign_up", "", "whole number"),
    ("date_sign_up", "4102444800", "in the future"),
    ("date_sign_up", "9" * 400, "whole number"),
    ("active", "yes", "1 or 0"),
    ("active", "", "1 or 0"),
    ("topic_newsletter", "maybe", "granted or refused or withdrawn or nothing"),
    ("topic_product_news", "GRANTED", "granted or refused or withdrawn or nothing"),
    ("choice_at", "", "without its time"),
    ("choice_at", "2031-01-01T00:00:00+00:00", "in the future"),
    ("choice_at", "2024-02-30T10:00:00+00:00", "no such date"),
    ("choice_at", "2024-02-28T10:00:00", "no zone"),
    ("choice_at", "0001-01-01T00:00:00+14:00", "that old"),
    ("choice_source", "a" * 101, "shorten it to 100"),
    ("reference_program", "perhaps", "in or out or nothing"),
    ("support_channel", "fax", "email or phone"),
]


@pytest.mark.parametrize(("field", "value", "word"), REFUSED)
def test_a_bad_field_keeps_the_record_out_and_says_why(
    tmp_path: Path, field: str, value: str, word: str
) -> None:
    path = write_file(tmp_path / "a.csv", {**GOOD, field: value}, record(1))
    summary, [rejection] = run_import(path)
    assert rejection.record.number == 2
    assert rejection.field == field
    assert word in rejection.reason
    assert summary.new == 1
    assert User.objects.get().username == "kari1"


TAKEN = [
    ("user_id", "9223372036854775807"),
    ("username", "kåre.ødegård+2_x-y"),
    ("username", "abc"),
    ("username", "a" * 60),
    ("user_email", "kari@brønnøysund-ål.example"),
    ("user_phone", ""),
    ("user_phone", "93 76 61 82"),
    ("user_first_name", ""),
    ("user_first_name", "a" * 100),
    ("user_last_name", "O’Brien-Ødegård"),
    ("account_name", ""),
    ("country", ""),
    ("country", "AU"),
    ("timezone", ""),
    ("timezone", "America/New_York"),
    ("language", ""),
    ("topic_newsletter", "withdrawn"),
    ("choice_source", ""),
    ("choice_at", "2024-02-29T10:00:00+02:00"),
    ("reference_program", "in"),
    ("support_channel", ""),
]


@pytest.mark.parametrize(("field", "value"), TAKEN)
def test_a_good_field_comes_in(tmp_path: Path, field: str, value: str) -> None:
    summary, rejections = run_import(write_file(tmp_path / "a.csv", {**GOOD, field: value}))
    assert (summary.new, rejections) == (1, [])


def test_a_record_becomes_the_whole_customer(tmp_path: Path) -> None:
    run_import(write_file(tmp_path / "a.csv", {**GOOD, "user_email": "Kari@Shop.TEST"}))
    user = User.objects.get()
    assert user.platform_id == 100002
    assert user.get_full_name() == "Kari Nordmann"
    assert (user.email, user.address) == ("Kari@Shop.TEST", "kari@shop.test")
    assert (str(user.phone), user.company) == ("+4793766182", "Nordmann AS")
    assert (user.country.code, user.timezone, user.language) == ("NO", "Europe/Oslo", "nb")
    assert user.signed_up_at.isoformat() == "2021-07-17T22:24:59+00:00"
    assert user.is_confirmed
    assert not user.is_deactivated
    assert user.is_active
    assert not user.is_staff
    assert not user.has_usable_password()
    assert len(user.address_hashes) == 2  # one for each key of the tests' ring


def test_an_inactive_customer_comes_in_deactivated(tmp_path: Path) -> None:
    run_import(write_file(tmp_path / "a.csv", {**GOOD, "active": "0"}))
    assert User.objects.get().is_deactivated


def test_the_choices_are_told_with_their_own_time_and_source(tmp_path: Path) -> None:
    run_import(write_file(tmp_path / "a.csv", GOOD))
    details = ConsentDetail.objects.order_by("state")
    assert [(each.state, each.state_before, each.reason) for each in details] == [
        ("granted", "", "signup"),
        ("refused", "", "signup"),
    ]
    assert {each.at.isoformat() for each in details} == {"2022-01-04T22:24:59+00:00"}
    assert {each.wording_version for each in details} == {None}
    assert {len(bytes(each.salt)) for each in details} == {16}


def test_never_asked_leaves_no_trace(tmp_path: Path) -> None:
    silent = {**GOOD, "topic_newsletter": "", "topic_product_news": "", "choice_at": ""}
    summary, _ = run_import(write_file(tmp_path / "a.csv", silent))
    assert summary.new == 1
    assert not Preference.objects.exists()


def test_being_in_the_reference_program_grants_nothing_and_out_refuses_all(tmp_path: Path) -> None:
    run_import(
        write_file(
            tmp_path / "a.csv",
            record(1, reference_program="in"),
            record(2, reference_program="out"),
        )
    )
    reference = Preference.objects.filter(topic__kind="reference")
    assert set(reference.values_list("person__username", "state")) == {("kari2", "refused")}
    assert reference.count() == 7


def test_leaving_the_reference_program_needs_its_time(tmp_path: Path) -> None:
    silent = {"topic_newsletter": "", "topic_product_news": "", "choice_at": ""}
    path = write_file(tmp_path / "a.csv", record(1, reference_program="out", **silent))
    _, [rejection] = run_import(path)
    assert rejection.field == "choice_at"


def test_answers_by_phone_need_a_phone(tmp_path: Path) -> None:
    wishes = {"support_channel": "phone"}
    path = write_file(tmp_path / "a.csv", record(1, **wishes), record(2, **wishes, user_phone=""))
    _, [rejection] = run_import(path)
    assert (rejection.record.number, rejection.field) == (3, "support_channel")


def test_every_fault_of_a_record_is_named_at_once(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", {**GOOD, "user_email": "", "country": "ZZ"})
    _, [rejection] = run_import(path)
    assert rejection.field == "user_email, country"
    assert "is empty" in rejection.reason
    assert "country code" in rejection.reason


def test_the_order_of_the_columns_is_free(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.csv", GOOD, columns=tuple(reversed(GOOD)))
    summary, _ = run_import(path)
    assert summary.new == 1
    assert User.objects.get().company == "Nordmann AS"
