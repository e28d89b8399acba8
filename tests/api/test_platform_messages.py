"""The platform's messages: the record for years, its words for months, and neither twice."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

import pytest
from django.db import DataError, connection

from accounts.models import User
from foundation.calendar import month_start, months_later
from foundation.ids import uuid7_from
from foundation.tenants import as_tenant
from messaging.content import feed as feeding
from messaging.content import feed_lines
from messaging.models import MessageContent, MessageRecord
from messaging.policy import FEED_AHEAD, FEED_LINE_BYTES
from retention import policy as retention
from tests.api.feeding import CUSTOMER, feed, message, nested, wrong
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kari(db: None) -> User:
    return make_customer(username="kari", platform_id=CUSTOMER)


def records(person: User) -> list[MessageRecord]:
    with as_tenant(person.pk):
        return list(MessageRecord.objects.order_by("message_id", "id"))


def contents(person: User) -> list[MessageContent]:
    with as_tenant(person.pk):
        return list(MessageContent.objects.order_by("id"))


def test_a_message_comes_in_as_a_record_and_apart_from_it_what_it_said(kari: User) -> None:
    sent = message(list_id=61, country="NO", carrier="Telenor", custom_string="ordre\t4711 \\N æ")
    assert feed("message-records", sent).taken == 1
    (record,) = records(kari)
    at = NOW.replace(microsecond=0)
    assert (record.customer_id, record.message_id, record.kind) == (kari.pk, "m1", "sms")
    assert (record.direction, record.date, record.status) == ("out", at, "Delivered")
    assert (record.message_parts, record.message_price) == (1, Decimal("0.0770"))
    assert (record.currency, record.country, record.carrier) == ("NOK", "NO", "Telenor")
    assert record.list_id == 61
    (content,) = contents(kari)
    assert content.pk == record.pk
    assert (content.sent_from, content.sent_to) == ("Nordmann", "+4798765432")
    assert (content.body, content.first_name) == ("Hei, bestillingen din er klar.", "Kari")
    assert (content.contact_id, content.custom_string) == (9001, "ordre\t4711 \\N æ")


@pytest.mark.parametrize(
    "date", [NOW.replace(microsecond=m).isoformat() for m in (0, 1000, 567_000, 999_999)]
)
def test_the_key_is_the_one_that_customer_date_and_number_give(kari: User, date: str) -> None:
    feed("message-records", message(date=date, message_id="Ærlig-1"))
    (record,) = records(kari)
    assert record.pk == uuid7_from(record.date, str(kari.pk), "Ærlig-1")


def test_the_same_message_twice_is_one(kari: User) -> None:
    assert feed("message-records", message()).taken == 1
    again = feed("message-records", message())
    assert (again.taken, again.unchanged, again.bad_lines) == (0, 1, 0)
    assert len(records(kari)) == len(contents(kari)) == 1


def test_twice_in_one_body_the_last_word_counts(kari: User) -> None:
    both = feed("message-records", message(status="Sent"), message(status="Delivered"))
    assert (both.taken, both.unchanged) == (1, 1)
    assert [each.status for each in records(kari)] == ["Delivered"]
    assert len(contents(kari)) == 1


def test_a_queued_message_arrives_and_what_has_arrived_never_waits_again(kari: User) -> None:
    feed("message-records", message(status="Queued"))
    assert feed("message-records", message(status="Delivered", message_price="1")).taken == 1
    assert feed("message-records", message(status="Queued")).unchanged == 1
    together = feed("message-records", message(status="Failed"), message(status="queued"))
    assert (together.taken, together.unchanged) == (1, 1)
    (record,) = records(kari)
    assert (record.status, record.message_price) == ("Failed", Decimal("0.0770"))


WAITING = ["", "Queued", "Scheduled", "SENDING", "wait_approved"]


@pytest.mark.parametrize("status", WAITING)
@pytest.mark.parametrize("before", WAITING)
def test_until_a_message_has_arrived_all_of_it_may_change(
    kari: User, before: str, status: str
) -> None:
    feed("message-records", message(status=before, message_price="0"))
    dearer = message(status=status, message_price="0.5000", message_parts=2, carrier="Telia")
    assert feed("message-records", dearer).taken == 1
    (record,) = records(kari)
    assert (record.status, record.message_price) == (status or before, Decimal("0.5"))
    assert (record.message_parts, record.carrier) == (2, "Telia")
    assert feed("message-records", dearer).unchanged == 1
    assert feed("message-records", message(status="Sent")).taken == 1
    assert feed("message-records", dearer).unchanged == 1
    (record,) = records(kari)
    assert (record.status, record.message_price) == ("Sent", Decimal("0.0770"))


SAID: dict[str, Any] = {
    "message_parts": 3,
    "message_price": "0.1540",
    "currency": "NOK",
    "country": "NO",
    "carrier": "Telenor",
}


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("silent", ["none", *SAID, "all", "empty"])
def test_what_a_line_leaves_out_stays_as_it_is(kari: User, silent: str, batch: int) -> None:
    said = {"message_parts": 1, "message_price": "9", "currency": "EUR", "country": "SE",
            "carrier": "Telia"}  # fmt: skip
    left_out: dict[str, Any] = dict.fromkeys(
        name for name in SAID if silent == "all" or silent == name
    )
    if silent == "empty":
        left_out = dict.fromkeys(("currency", "country", "carrier"), "")
    later = message(status="Delivered", **said | left_out)
    feed("message-records", message(status="Queued", **SAID), later, batch=batch)
    (record,) = records(kari)
    stays = said | {name: SAID[name] for name in left_out}
    stays["message_price"] = Decimal(str(stays["message_price"]))
    assert {name: getattr(record, name) for name in SAID} == stays
    assert record.status == "Delivered"


def test_a_new_message_that_says_nothing_of_it_is_one_part_for_nothing(kari: User) -> None:
    feed("message-records", message(status=None, **dict.fromkeys(SAID)))
    (record,) = records(kari)
    assert (record.message_parts, record.message_price) == (1, Decimal(0))
    assert (record.status, record.currency, record.country, record.carrier) == ("", "", "", "")


UNSAID: dict[str, Any] = {
    "body": None,
    "from": None,
    "to": None,
    "first_name": None,
    "contact_id": None,
}


@pytest.mark.parametrize("batch", [1, 2])
def test_a_message_says_what_its_first_line_says(kari: User, batch: int) -> None:
    queued: dict[str, Any] = {"status": "Queued"}
    delivered: dict[str, Any] = {"status": "Delivered"}
    pairs = [(queued, delivered | UNSAID), (queued | UNSAID, delivered),
             (queued, delivered | {"body": "Hei igjen"}), (delivered | UNSAID, queued)]  # fmt: skip
    for number, pair in enumerate(pairs):
        lines = (message(message_id=f"m{number}", **each) for each in pair)
        feed("message-records", *lines, batch=batch)
    said = {each.pk: each.body for each in contents(kari)}
    hei = message()["body"]
    assert [said.get(each.pk) for each in records(kari)] == [hei, None, hei, None]
    assert {each.status for each in records(kari)} == {"Delivered"}


def test_what_a_customer_let_go_of_a_message_does_not_come_back_with_it(kari: User) -> None:
    feed("message-records", message(status="Queued"))
    with as_tenant(kari.pk):
        MessageContent.objects.all().delete()
    assert feed("message-records", message(status="Delivered")).taken == 1
    assert contents(kari) == []


def test_two_customers_may_have_a_message_of_the_same_number(kari: User) -> None:
    ola = make_customer(platform_id=2)
    later = int((NOW + timedelta(hours=1)).timestamp())
    assert feed("message-records", message(), message(user_id=2, date=later)).taken == 2
    assert len(records(kari)) == len(records(ola)) == 1
    assert records(kari)[0].pk != records(ola)[0].pk


# --- how old, how new ----------------------------------------------------------------------------


def test_records_come_in_as_long_as_they_are_kept_and_no_longer(kari: User) -> None:
    """A month drops as a whole, so the last day of the month before is over with it."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    first = datetime(2019, 12, 1, tzinfo=UTC)
    before = first - timedelta(seconds=1)
    assert not retention.MESSAGE_RECORDS.month_is_over(month_start(first), now)
    assert retention.MESSAGE_RECORDS.month_is_over(month_start(before), now)
    taken = feed(
        "message-records",
        message(date=first.isoformat()),
        message(date=before.isoformat()),
        now=now,
    )
    assert wrong(taken) == [(2, "date", "too_old")]
    assert [each.date for each in records(kari)] == [first]


def test_words_come_in_as_long_as_they_are_kept_and_no_longer(kari: User) -> None:
    first = months_later(month_start(NOW), -3)
    before = first - timedelta(seconds=1)
    assert not retention.MESSAGE_CONTENT.month_is_over(month_start(first), NOW)
    assert retention.MESSAGE_CONTENT.month_is_over(month_start(before), NOW)
    feed(
        "message-records",
        message(message_id="kept", date=first.isoformat()),
        message(message_id="gone", date=before.isoformat()),
    )
    assert [each.message_id for each in records(kari)] == ["gone", "kept"]
    assert [each.pk for each in contents(kari)] == [records(kari)[1].pk]


def test_a_clock_may_be_wrong_but_not_by_days(kari: User) -> None:
    soon, later = NOW + FEED_AHEAD, NOW + FEED_AHEAD + timedelta(seconds=1)
    taken = feed("message-records", message(date=soon.isoformat()), message(date=later.isoformat()))
    assert (taken.taken, wrong(taken)) == (1, [(2, "date", "in_future")])


def test_a_month_that_nobody_made_is_made_and_closed_to_all_by_itself(kari: User) -> None:
    date = months_later(month_start(NOW), -40)
    assert feed("message-records", message(date=date.isoformat())).taken == 1
    name = f"messaging_messagerecord_y{date:%Y}m{date:%m}"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relowner::regrole::text, has_table_privilege('portal_app', oid, 'SELECT'),"
            "       (SELECT count(*) FROM pg_index WHERE indrelid = c.oid)"
            "  FROM pg_class c WHERE oid = %s::regclass",
            [name],
        )
        assert cursor.fetchone() == ("portal_keeper", False, 2)
    assert [each.date for each in records(kari)] == [date]


@pytest.mark.parametrize("what", ["accounts_user", "messaging_message", "nothing"])
def test_only_the_months_of_messages_are_made(what: str) -> None:
    with connection.cursor() as cursor, pytest.raises(DataError, match="no month"):
        cursor.execute("SELECT messaging_make_month(%s, %s)", [what, NOW.date()])


# --- whose ---------------------------------------------------------------------------------------


def test_nothing_comes_in_for_whom_nobody_knows_or_who_is_leaving(kari: User) -> None:
    make_customer(platform_id=2, is_active=False)
    taken = feed("message-records", message(user_id=3), message(), message(user_id=2))
    assert wrong(taken) == [
        (1, "user_id", "unknown_customer"),
        (3, "user_id", "customer_leaving"),
    ]
    assert taken.taken == 1
    assert len(records(kari)) == 1


def test_somebody_who_only_does_not_use_the_account_is_still_billed(kari: User) -> None:
    User.objects.filter(pk=kari.pk).update(deactivated_at=NOW)
    assert feed("message-records", message()).taken == 1


# --- bad lines -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"user_id": None}, "user_id", "missing"),
        ({"user_id": "200731"}, "user_id", "not_a_whole_number"),
        ({"user_id": True}, "user_id", "not_a_whole_number"),
        ({"user_id": 2**63}, "user_id", "out_of_range"),
        ({"message_id": None}, "message_id", "missing"),
        ({"message_id": ""}, "message_id", "missing"),
        ({"message_id": 7}, "message_id", "not_text"),
        ({"message_id": "m" * 65}, "message_id", "too_long"),
        ({"kind": "fax"}, "kind", "not_a_choice"),
        ({"direction": None}, "direction", "missing"),
        ({"direction": ["out"]}, "direction", "not_a_choice"),
        ({"date": None}, "date", "missing"),
        ({"date": "yesterday"}, "date", "not_a_date"),
        ({"date": 1.5}, "date", "not_a_date"),
        ({"date": "2026-11-02T09:30:00"}, "date", "no_time_zone"),
        ({"date": -1}, "date", "out_of_range"),
        ({"date": 10**12}, "date", "out_of_range"),
        ({"date": "0001-01-01T00:00:00+14:00"}, "date", "out_of_range"),
        ({"date": "9999-12-31T23:59:59-14:00"}, "date", "out_of_range"),
        ({"message_parts": 40_000}, "message_parts", "out_of_range"),
        ({"message_parts": -1}, "message_parts", "out_of_range"),
        ({"message_price": "0.12345"}, "message_price", "too_many_digits"),
        ({"message_price": "123456789"}, "message_price", "too_many_digits"),
        ({"message_price": 0.12345}, "message_price", "too_many_digits"),
        ({"message_price": 1e-300}, "message_price", "not_a_number"),
        ({"message_price": "1e2"}, "message_price", "not_a_number"),
        ({"message_price": "0,10"}, "message_price", "not_a_number"),
        ({"message_price": "٣"}, "message_price", "not_a_number"),
        ({"message_price": [1]}, "message_price", "not_a_number"),
        ({"currency": "kr"}, "currency", "not_a_currency"),
        ({"country": "Norway"}, "country", "not_a_country"),
        ({"to": "98765432"}, "to", "not_e164"),
        ({"to": "+4798765432\n"}, "to", "not_e164"),
        ({"to": "+٤٧٩٨٧٦٥٤٣٢"}, "to", "not_e164"),
        ({"direction": "in", "from": "Nordmann"}, "from", "not_e164"),
        ({"kind": "email"}, "to", "not_an_email"),
        ({"body": "a\0b"}, "body", "not_storable"),
        ({"message_id": "\ud83d"}, "message_id", "not_storable"),
        ({"body": {"a": 1}}, "body", "not_text"),
        ({"status": nested(2_000, "æ")}, "status", "not_text"),
        ({"status": nested(2_000, "\0")}, "status", "not_storable"),
        ({"contact_id": "9001"}, "contact_id", "not_a_whole_number"),
    ],
)
def test_a_bad_line_is_reported_by_number_and_field_and_the_rest_goes_in(
    kari: User, fields: dict[str, Any], field: str, reason: str
) -> None:
    good = [message(message_id=name) for name in ("a", "b")]
    taken = feed("message-records", good[0], message(**fields), good[1])
    assert wrong(taken) == [(2, field, reason)]
    assert [each.message_id for each in records(kari)] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not_json"),
        (b"message,to", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"message_price": NaN}', "not_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not_json"),
        (b'{"a": 1e99999999999999999999}', "not_json"),
        (b'{"a": "\0"}', "not_json"),
        (b'{"body": "\xff"}', "not_utf8"),
        (b'{"body": "\xed\xa0\x80"}', "not_utf8"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"user_id": 1, "user_id": 2}', "name_twice"),
        (b'{"body": "' + b"x" * FEED_LINE_BYTES + b'"}', "too_long"),
    ],
)
def test_a_line_that_is_no_record_is_reported_as_a_whole(
    kari: User, line: bytes, reason: str
) -> None:
    taken = feed("message-records", message(message_id="a"), line, message(message_id="b"))
    assert wrong(taken) == [(2, "", reason)]
    assert len(records(kari)) == 2


def test_empty_lines_are_counted_and_are_nothing(kari: User) -> None:
    taken = feed("message-records", b"", b" \r", message(direction="up"), b"")
    assert wrong(taken) == [(3, "direction", "not_a_choice")]


def test_what_is_not_asked_for_is_not_read(kari: User) -> None:
    """Least of all where somebody was when they sent a message: `ip-apart`."""
    assert feed("message-records", message(country_ip="192.0.2.7", x={"y": [1]})).taken == 1


@pytest.mark.parametrize("price", ["0.0770", "12345678.1234", 7, 0.25, "-1.5", "0"])
def test_a_price_is_kept_exactly(kari: User, price: Any) -> None:
    feed("message-records", message(message_price=price))
    assert records(kari)[0].message_price == Decimal(str(price))


def test_a_message_that_came_in_has_its_person_at_the_other_end(kari: User) -> None:
    coming = message(direction="in", **{"from": "+4798765432"}, to="2012")
    mail = message(message_id="m2", kind="email", to="kari@shop.example")
    assert feed("message-records", coming, mail).taken == 2


def test_a_line_the_database_does_not_take_is_found_among_the_others(
    kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such line is known; should one exist, it must not keep the rest out."""
    read = feed_lines.read_line

    def read_more(kind: Any, line: bytes, bounds: Any) -> Any:
        values = read(kind, line, bounds)
        return values | {"message_parts": 10**6} if values["message_id"] == "x" else values

    monkeypatch.setattr(feeding, "read_line", read_more)
    named = [message(message_id=name) for name in "abxcd"]
    taken = feed("message-records", *named)
    assert (taken.taken, wrong(taken)) == (4, [(3, "", "not_storable")])


def test_batches_are_as_one_body(kari: User) -> None:
    lines = [message(message_id=str(n % 4), direction="out" if n != 4 else "") for n in range(7)]
    taken = feed("message-records", *lines, batch=2)
    assert (taken.taken, taken.unchanged) == (4, 2)
    assert wrong(taken) == [(5, "direction", "not_a_choice")]


@pytest.mark.parametrize("many", [50, pytest.param(600, marks=pytest.mark.slow)])
def test_where_a_batch_ends_makes_no_difference(many: int) -> None:
    """Histories of several messages, all mixed: line by line, in small batches, and at once."""
    chance = random.Random(20731)
    values: dict[str, list[Any]] = {
        "status": [None, "Queued", "Scheduled", "Sent", "Delivered", "Failed"],
        "message_price": [None, "0", "0.0770", "0.5"],
        "message_parts": [None, 1, 2],
        "currency": [None, "", "NOK", "EUR"],
        "country": [None, "NO", "SE"],
        "carrier": [None, "Telenor", "Telia"],
        "list_id": [None, 61, 62],
        "body": [None, "Hei", "Hei igjen"],
    }
    told = [
        UNSAID
        | {name: chance.choice(some) for name, some in values.items()}
        | {"message_id": f"m{chance.randrange(many // 4):03}"}
        for _ in range(many)
    ]
    came_to = []
    shown_of = attrgetter("status", "list_id", *SAID)
    for customer, batch in enumerate((1, 7, many), start=1):
        person = make_customer(platform_id=customer)
        lines = [message(**each | {"user_id": customer}) for each in told]
        taken = feed("message-records", *lines, batch=batch)
        assert (taken.taken + taken.unchanged, taken.bad) == (len(told), [])
        said = {each.pk: each.body for each in contents(person)}
        came_to.append(
            [[each.message_id, said.get(each.pk), *shown_of(each)] for each in records(person)]
        )
    line_by_line, *in_batches = came_to
    for batched in in_batches:
        assert batched == line_by_line


def test_the_first_bad_lines_are_named_and_all_are_counted(
    kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "FEED_BAD_SHOWN", 3)
    lines = [b"?", message(user_id=9), b"?", b"?", message(user_id=9), message()]
    taken = feed("message-records", *lines, batch=2)
    assert [each.line for each in taken.bad] == [1, 2, 3]
    assert (taken.bad_lines, taken.taken) == (5, 1)


def test_a_message_under_another_date_is_another_message(kari: User) -> None:
    """Its date is part of what it is known by; in one batch that is seen, and refused."""
    later = int((NOW + timedelta(hours=1)).timestamp())
    lines = (message(), message(date=later), message(message_id="m2", date=later), message())
    taken = feed("message-records", *lines)
    assert (taken.taken, taken.unchanged, wrong(taken)) == (2, 1, [(2, "date", "another_date")])
    same = NOW.replace(microsecond=1000).isoformat(), NOW.replace(microsecond=1999).isoformat()
    both = feed("message-records", *(message(message_id="m3", date=each) for each in same))
    assert (both.taken, both.unchanged, wrong(both)) == (1, 1, [])
    assert feed("message-records", message(date=later)).taken == 1
    assert [each.message_id for each in records(kari)] == ["m1", "m1", "m2", "m3"]
