"""Customers' lists, contacts, opt-outs and reports from the platform."""

import unicodedata
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection

from accounts.models import User
from foundation.addresses import small_letters
from foundation.roles import OWNER, as_role
from foundation.tenants import as_tenant
from messaging.content import feed as feeding
from messaging.models import Contact, ContactList, ContactOptOut, Report
from messaging.policy import FEED_AHEAD, FEED_DEPTH
from tests.api.feeding import CUSTOMER, feed, nested, wrong
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kari(db: None) -> User:
    return make_customer(username="kari", platform_id=CUSTOMER)


def a_list(**fields: Any) -> dict[str, Any]:
    return {"user_id": CUSTOMER, "list_id": 61, "list_name": "Kunder"} | fields


def a_contact(**fields: Any) -> dict[str, Any]:
    values = {"user_id": CUSTOMER, "list_id": 61, "contact_id": 1, "phone_number": "+4798765432"}
    return {name: value for name, value in (values | fields).items() if value is not None}


def lists(person: User) -> list[tuple[int | None, str]]:
    with as_tenant(person.pk):
        return list(ContactList.objects.values_list("list_id", "list_name").order_by("list_id"))


def contacts(person: User) -> list[tuple[int | None, str, str, str]]:
    fields = ("contact_id", "phone_number", "email", "first_name")
    with as_tenant(person.pk):
        return list(Contact.objects.values_list(*fields).order_by("contact_id", "email"))


# --- lists ---------------------------------------------------------------------------------------


def test_a_list_is_its_customers_and_a_new_name_replaces_the_former(kari: User) -> None:
    ola = make_customer(platform_id=2)
    assert feed("contact-lists", a_list(), a_list(user_id=2, list_name="Olas")).taken == 2
    assert feed("contact-lists", a_list()).unchanged == 1
    named = feed("contact-lists", a_list(list_name="x"), a_list(list_name="Faste kunder"))
    assert (named.taken, named.unchanged) == (1, 1)
    assert lists(kari) == [(61, "Faste kunder")]
    assert lists(ola) == [(61, "Olas")]


def test_a_list_has_a_number_and_a_name() -> None:
    taken = feed("contact-lists", a_list(list_id=None), a_list(list_name=""), a_list(list_id="61"))
    assert wrong(taken) == [
        (1, "list_id", "missing"),
        (2, "list_name", "missing"),
        (3, "list_id", "not_a_whole_number"),
    ]


# --- contacts ------------------------------------------------------------------------------------


@pytest.fixture
def listed(kari: User) -> None:
    feed("contact-lists", a_list(), a_list(list_id=62, list_name="Andre"))


def test_a_contact_is_replaced_as_a_whole(kari: User, listed: None) -> None:
    assert feed("contacts", a_contact(first_name="Ola", address_country="NO")).taken == 1
    assert feed("contacts", a_contact(first_name="Ola", address_country="NO")).unchanged == 1
    assert feed("contacts", a_contact(email="ola@shop.example")).taken == 1
    assert contacts(kari) == [(1, "+4798765432", "ola@shop.example", "")]
    with as_tenant(kari.pk):
        assert Contact.objects.get().address_country == ""


def test_a_contact_may_move_to_another_list(kari: User, listed: None) -> None:
    feed("contacts", a_contact())
    assert feed("contacts", a_contact(list_id=62)).taken == 1
    with as_tenant(kari.pk):
        assert Contact.objects.get().contact_list.list_id == 62


def test_a_contact_needs_a_list_that_is_here_and_its_customers(listed: None) -> None:
    make_customer(platform_id=2)
    taken = feed("contacts", a_contact(list_id=99), a_contact(user_id=2), a_contact())
    assert wrong(taken) == [(1, "list_id", "unknown_list"), (2, "list_id", "unknown_list")]
    assert taken.taken == 1


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"phone_number": None}, "phone_number", "missing"),
        ({"phone_number": "", "email": ""}, "phone_number", "missing"),
        ({"phone_number": "98765432"}, "phone_number", "not_e164"),
        ({"phone_number": "+0498765432"}, "phone_number", "not_e164"),
        ({"email": "ola at shop"}, "email", "not_an_email"),
        ({"contact_id": None}, "contact_id", "missing"),
        ({"address_country": "norge"}, "address_country", "not_a_country"),
        ({"custom_2": "x" * 201}, "custom_2", "too_long"),
        ({"first_name": "a\0"}, "first_name", "not_storable"),
    ],
)
def test_a_bad_contact_is_reported(
    kari: User, listed: None, fields: dict[str, Any], field: str, reason: str
) -> None:
    other = a_contact(contact_id=2, phone_number=None, email="ida@shop.example")
    assert wrong(feed("contacts", other, a_contact(**fields))) == [(2, field, reason)]
    assert [each[0] for each in contacts(kari)] == [2]


def test_a_number_and_an_address_stand_in_a_list_once(kari: User, listed: None) -> None:
    feed("contacts", a_contact(email="ola@shop.example"))
    taken = feed(
        "contacts",
        a_contact(contact_id=2),
        a_contact(contact_id=3, phone_number=None, email="OLA@shop.example"),
        a_contact(contact_id=4, phone_number="+4790000000"),
        a_contact(contact_id=5, phone_number="+4790000000"),
        a_contact(contact_id=6, list_id=62),
    )
    assert wrong(taken) == [
        (1, "phone_number", "of_another_contact"),
        (2, "email", "of_another_contact"),
        (4, "phone_number", "of_another_contact"),
    ]
    assert [each[0] for each in contacts(kari)] == [1, 4, 6]


def test_the_same_contact_twice_in_a_body_is_the_later_one(kari: User, listed: None) -> None:
    taken = feed("contacts", a_contact(first_name="A"), a_contact(first_name="B"))
    assert (taken.taken, taken.unchanged) == (1, 1)
    assert contacts(kari) == [(1, "+4798765432", "", "B")]


def test_what_the_customer_added_here_becomes_the_platforms(kari: User, listed: None) -> None:
    with as_tenant(kari.pk):
        own = ContactList.objects.get(list_id=61)
        for phone, email in (("+4798765432", ""), ("", "Ola@shop.example"), ("+4791111111", "")):
            Contact.objects.create(
                contact_list=own, customer=kari, phone_number=phone, email=email, first_name="X"
            )
    assert feed("contacts", a_contact(email="ola@shop.example")).taken == 1
    assert contacts(kari) == [
        (1, "+4798765432", "ola@shop.example", ""),
        (None, "+4791111111", "", "X"),
    ]


def test_who_said_no_does_not_come_back_with_the_next_feed(kari: User, listed: None) -> None:
    make_customer(platform_id=2)
    feed("contact-lists", a_list(user_id=2))
    feed("opt-outs", {"user_id": CUSTOMER, "phone_number": "+4798765432"})
    feed("opt-outs", {"user_id": CUSTOMER, "email": "ola@shop.example"})
    taken = feed(
        "contacts",
        a_contact(),
        a_contact(contact_id=2, phone_number="+4790000000", email="OLA@shop.example"),
        a_contact(contact_id=3, phone_number="+4790000001"),
        a_contact(user_id=2),
    )
    assert wrong(taken) == [(1, "phone_number", "opted_out"), (2, "email", "opted_out")]
    assert taken.taken == 2
    assert [each[0] for each in contacts(kari)] == [3]


def test_a_contact_who_says_no_leaves_every_list_of_that_customer(kari: User, listed: None) -> None:
    ola = make_customer(platform_id=2)
    feed("contact-lists", a_list(user_id=2))
    feed(
        "contacts",
        a_contact(),
        a_contact(contact_id=2, list_id=62),
        a_contact(contact_id=3, phone_number=None, email="Ola@shop.example"),
        a_contact(contact_id=4, phone_number="+4790000000"),
        a_contact(user_id=2),
    )
    no = feed(
        "opt-outs",
        {"user_id": CUSTOMER, "phone_number": "+4798765432"},
        {"user_id": CUSTOMER, "email": "ola@SHOP.example"},
    )
    assert no.taken == 2
    assert [each[0] for each in contacts(kari)] == [4]
    assert [each[0] for each in contacts(ola)] == [1]


@pytest.mark.parametrize("address", ["ΟΔΟΣ@x.gr", "ola@İŞ.example", "ola@BLÅBÆR.example"])
def test_a_no_counts_in_whatever_letters(kari: User, listed: None, address: str) -> None:
    """PostgreSQL and Python have different small letters for some."""
    line = a_contact(phone_number=None, email=address)
    assert feed("contacts", line).taken == 1
    assert feed("opt-outs", {"user_id": CUSTOMER, "email": address}).taken == 1
    assert contacts(kari) == []
    assert wrong(feed("contacts", line)) == [(1, "email", "opted_out")]


@pytest.mark.parametrize("address", ["ΟΔΟΣ@x.gr", "οδος@x.gr", "ola@İŞ.example", "ola@BLÅBÆR.no"])
def test_a_no_from_before_the_upgrade_counts_in_whatever_letters(
    kari: User, listed: None, address: str
) -> None:
    """It was kept in Python's small letters, which nobody asks by any more."""
    stored = address.lower()
    with as_tenant(kari.pk):
        ContactOptOut.objects.create(customer=kari, contact=stored, since=NOW)
    upgrade = import_module("messaging.migrations.0020_small_letters").OPT_OUTS
    for _time in range(2):
        with as_role(OWNER), connection.cursor() as cursor:
            cursor.execute(upgrade)
    line = a_contact(phone_number=None, email=address)
    assert wrong(feed("contacts", line)) == [(1, "email", "opted_out")]
    with as_tenant(kari.pk):
        rows = dict(ContactOptOut.objects.values_list("contact", "since"))
    assert rows == {stored: NOW, small_letters(address.upper()): NOW}


def test_two_spellings_of_one_no_are_one_by_the_first_of_them(kari: User) -> None:
    later = NOW + timedelta(days=1)
    with as_tenant(kari.pk):
        for contact, since in (("i\u0307ς", later), ("iς", NOW), ("ola@x.gr", NOW)):
            ContactOptOut.objects.create(customer=kari, contact=contact, since=since)
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute(import_module("messaging.migrations.0020_small_letters").OPT_OUTS)
    with as_tenant(kari.pk):
        assert ContactOptOut.objects.count() == 4
        assert ContactOptOut.objects.get(contact="iσ").since == NOW


def test_every_letter_is_as_small_here_as_in_the_database() -> None:
    """But for those that came with a Unicode younger than Python's."""
    letters = [
        chr(n) for n in range(1, 0x20000) if unicodedata.category(chr(n)) not in ("Cn", "Cs")
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lower(each) FROM unnest(%s::text[]) WITH ORDINALITY t (each, n) ORDER BY n",
            [letters],
        )
        small = [each for (each,) in cursor.fetchall()]
    assert sum(map(str.__ne__, letters, small)) > 1_000
    assert list(map(small_letters, letters)) == small
    assert small_letters("ΟΔΟΣ@x.gr") == "οδοσ@x.gr"


def contacts_looked_at() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid) "
            "FROM pg_class WHERE oid = 'messaging_contact'::regclass"
        )
        return int(cursor.fetchone()[0])


def test_a_number_twice_in_a_large_batch_is_found_without_comparing_all_with_all(
    kari: User, listed: None
) -> None:
    """In a table that filled a moment ago, too: no contact is met but by its own number."""
    many = [
        a_contact(contact_id=n, phone_number=f"+47{90000000 + n}", email=f"a{n}@shop.example")
        for n in range(600)
    ]
    assert feed("contacts", *many).taken == 600
    before = contacts_looked_at()
    more = [each | {"contact_id": each["contact_id"] + 1000} for each in many[:300]]
    assert feed("contacts", *more).bad_lines == 300
    assert contacts_looked_at() - before < 10_000


def test_who_was_added_at_the_same_moment_is_met_the_next_time(
    kari: User, listed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside a transaction, that is: inside one nothing can be tried again."""
    calls = 0
    write = feeding.Feed.write_once

    def busy_once(self: feeding.Feed, rows: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise IntegrityError("messaging_contact_phone_once")
        return write(self, rows)

    monkeypatch.setattr(feeding.Feed, "write_once", busy_once)
    with pytest.raises(IntegrityError):
        feed("contacts", a_contact())
    calls = 0
    monkeypatch.setattr(feeding, "is_inside_another", lambda: False)
    assert feed("contacts", a_contact()).taken == 1
    assert calls == 2


# --- opt-outs ------------------------------------------------------------------------------------


def test_an_opt_out_counts_from_the_first_time_it_was_said(kari: User) -> None:
    day = datetime(2026, 5, 1, tzinfo=UTC)
    number, address = {"phone_number": "+4798765432"}, {"email": "Ola@Shop.example"}
    of = {"user_id": CUSTOMER}
    assert feed("opt-outs", of | number, of | address | {"date": day.isoformat()}).taken == 2
    assert feed("opt-outs", of | number | {"date": day.isoformat()}).taken == 1
    later = (day + timedelta(days=1)).isoformat()
    assert feed("opt-outs", of | number | {"date": later}, of | address).unchanged == 2
    with as_tenant(kari.pk):
        found = dict(ContactOptOut.objects.values_list("contact", "since"))
    assert found == {"+4798765432": day, "ola@shop.example": day}


def test_an_opt_out_is_of_a_number_or_an_address() -> None:
    of = {"user_id": CUSTOMER}
    both = of | {"phone_number": "+4798765432", "email": "ola@shop.example"}
    soon = (NOW + FEED_AHEAD + timedelta(seconds=1)).isoformat()
    taken = feed("opt-outs", of, both, of | {"email": "ola@shop.example", "date": soon})
    assert wrong(taken) == [
        (1, "phone_number", "missing"),
        (2, "phone_number", "one_of_two"),
        (3, "date", "in_future"),
    ]


# --- reports -------------------------------------------------------------------------------------


def a_report(**fields: Any) -> dict[str, Any]:
    return {
        "user_id": CUSTOMER,
        "report_id": 5,
        "report_name": "Oktober",
        "date": int(NOW.timestamp()),
        "content": {"sent": 12, "share": 0.5, "by": ["NO", None], "navn": "Ødegård"},
    } | fields


def test_a_report_comes_in_as_it_is_and_may_be_corrected(kari: User) -> None:
    assert feed("reports", a_report()).taken == 1
    assert feed("reports", a_report()).unchanged == 1
    with as_tenant(kari.pk):
        assert Report.objects.get().content == a_report()["content"]
    assert feed("reports", a_report(content={}), a_report(content={"sent": 13})).taken == 1
    with as_tenant(kari.pk):
        assert Report.objects.get().content == {"sent": 13}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], "not_an_object"),
        ({"a": "b\0"}, "not_storable"),
        ({"a": [{"\ud83d": 1}]}, "not_storable"),
        (b"1e999", "out_of_range"),
        ({"a": nested(FEED_DEPTH, "b")}, "not_storable"),
        ({"a": nested(9_000, "æ")}, "not_storable"),
    ],
)
def test_what_cannot_be_kept_of_a_report_is_refused(content: Any, reason: str) -> None:
    line: Any = a_report(content=content)
    if isinstance(content, bytes):
        line = (
            b'{"user_id": 200731, "report_id": 5, "report_name": "x", "date": %d, '
            % (int(NOW.timestamp()))
            + b'"content": {"a": %s}}' % content
        )
    assert wrong(feed("reports", line)) == [(1, "content", reason)]


def test_a_report_may_be_nested_as_deep_as_it_can_be_shown(kari: User) -> None:
    content = {"a": nested(FEED_DEPTH - 1, "æ"), "b": nested(FEED_DEPTH - 1, {})}
    assert wrong(feed("reports", a_report(content=content))) == [(1, "content", "not_storable")]
    del content["b"]
    assert feed("reports", a_report(content=content)).taken == 1
    with as_tenant(kari.pk):
        assert Report.objects.get().content == content


def test_reports_come_in_as_long_as_they_are_kept() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    young = a_report(date="2024-03-02T00:00:00Z")
    old = a_report(report_id=6, date="2024-03-01T23:59:59Z")
    taken = feed("reports", young, old, now=now)
    assert (taken.taken, wrong(taken)) == (1, [(2, "date", "too_old")])
