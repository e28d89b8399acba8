"""A customer's messages: searched by number, words, day and status; taken along; deleted."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from foundation.ids import uuid7_from
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging import policy
from messaging.content.querysets import TooWide, patiently
from messaging.models import MessageContent, MessageRecord
from tests.factories import NOW, make_customer
from tests.messaging.uploading import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return make_customer(language="en", country="NO")


@pytest.fixture
def visitor(person: User) -> Client:
    return signed_in(person)


@pytest.fixture(autouse=True)
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "CONTENT_PAGE", 2)
    monkeypatch.setattr(policy, "CONTENT_BATCH", 2)


def make_message(
    person: User, number: int, *, body: str | None = "Hei", days: float = 0, **fields: Any
) -> MessageRecord:
    """As the platform reports one; None is a text that is no longer kept."""
    date = NOW - timedelta(days=days, seconds=number)
    key = uuid7_from(date, str(person.pk), str(number))
    content = {"sent_from": "Nordmann", "sent_to": f"+479876543{number}", "first_name": "Kari",
               "custom_string": ""}  # fmt: skip
    content |= {name: fields.pop(name) for name in list(fields) if name in content}
    values = {
        "kind": "sms", "direction": "out", "status": "delivered", "message_price": "0.45",
        "currency": "NOK",
    }  # fmt: skip
    with as_role(KEEPER):
        record: MessageRecord = MessageRecord.objects.create(
            id=key, customer_id=person.pk, message_id=f"m{number}", date=date, **(values | fields)
        )
        if body is not None:
            MessageContent.objects.create(id=key, customer_id=person.pk, body=body, **content)
    return record


def shown(answer: Any) -> list[str]:
    return [each.record.message_id for each in answer.context["shown"]]


def left(person: User) -> tuple[int, int]:
    with as_tenant(person.pk):
        return MessageRecord.objects.count(), MessageContent.objects.count()


def test_messages_are_read_page_by_page_newest_first(visitor: Client, person: User) -> None:
    for number in range(3):
        make_message(person, number)
    first = visitor.get("/messages/")
    assert shown(first) == ["m0", "m1"]
    second = visitor.get("/messages/", {"before": first.context["older"]})
    assert shown(second) == ["m2"]
    assert second.context["older"] is None


def test_a_record_without_its_text_says_so(visitor: Client, person: User) -> None:
    make_message(person, 1, body=None)
    page = visitor.get("/messages/").content.decode()
    assert "no longer kept" in page
    assert "0.45 NOK" in page


def test_nobody_without_messages_is_left_in_doubt(visitor: Client) -> None:
    assert "No messages yet" in visitor.get("/messages/").content.decode()
    assert "No message fits" in visitor.get("/messages/", {"q": "x"}).content.decode()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "987 65 431"}, ["m1"]),
        ({"q": "klar ordren"}, ["m2"]),
        ({"q": "100%"}, []),
        ({"status": "failed"}, ["m3"]),
        ({"status": "failed", "q": "98765431"}, []),
        ({"q": "Kari", "status": "failed"}, ["m3"]),
    ],
)
def test_messages_are_found_by_number_words_and_status(
    visitor: Client, person: User, asked: dict[str, str], found: list[str]
) -> None:
    make_message(person, 1)
    make_message(person, 2, body="Ordren din er KLAR")
    make_message(person, 3, status="Failed")
    assert shown(visitor.get("/messages/", asked)) == found


@pytest.mark.parametrize("written", ["32100456", "321 00 456", " 32100456 "])
def test_digits_that_could_be_a_telephone_number_are_found_in_the_text_too(
    visitor: Client, person: User, written: str
) -> None:
    """A valid Norwegian number, and the number of an order."""
    make_message(person, 1, body="Ordre 32100456 er klar")
    make_message(person, 2, custom_string="ref-32100456")
    make_message(person, 3, sent_to="+4732100456")
    make_message(person, 4, body="Ordre 3210045 er klar", sent_to="+4732100457")
    answer = visitor.get("/messages/", {"q": written})
    older = visitor.get("/messages/", {"q": written, "before": answer.context["older"]})
    assert shown(answer) + shown(older) == ["m1", "m2", "m3"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("rabatt 22334455", ["m1", "m3"]),
        ("223 34 455 rabatt", ["m1", "m3"]),
        ("rabatt 22334455 ordre", ["m3"]),
        ("rabatt 22334456", []),
        ("rabatt 2233", ["m1", "m3"]),
        ("noe 22334455", ["m2"]),
        ("rabatt 0047 22334455", ["m1"]),
        ("tlf 22334455", []),
        ("nr 1 22334455", []),
    ],
)
def test_a_word_beside_a_number_is_looked_for_as_well(
    visitor: Client, person: User, asked: str, found: list[str]
) -> None:
    """And what is deleted is what was found."""
    make_message(person, 1, body="Rabatt", sent_to="+4722334455")
    make_message(person, 2, body="Noe annet", sent_to="+4722334455")
    make_message(person, 3, body="Rabatt på ordre nr 22334455")
    assert shown(visitor.get("/messages/", {"q": asked})) == found
    visitor.post("/messages/delete/", {"q": asked, "size": str(len(found))})
    assert left(person) == (3 - len(found), 3 - len(found))


def test_words_are_found_in_the_senders_own_mark(visitor: Client, person: User) -> None:
    make_message(person, 1, custom_string="kampanje-juni")
    make_message(person, 2)
    assert shown(visitor.get("/messages/", {"q": "KAMPANJE"})) == ["m1"]


def test_what_came_in_is_found_by_who_sent_it(visitor: Client, person: User) -> None:
    make_message(person, 1, direction="in", sent_from="+4791123456", sent_to="Nordmann")
    assert shown(visitor.get("/messages/", {"q": "91123456"})) == ["m1"]


def test_days_are_the_readers_days_both_included(visitor: Client, person: User) -> None:
    make_message(person, 1)
    make_message(person, 2, days=1)
    make_message(person, 3, days=2)
    yesterday = timezone.localtime(NOW - timedelta(days=1, seconds=2)).date().isoformat()
    assert shown(visitor.get("/messages/", {"since": yesterday, "until": yesterday})) == ["m2"]
    assert shown(visitor.get("/messages/", {"until": yesterday})) == ["m2", "m3"]
    assert shown(visitor.get("/messages/", {"since": yesterday})) == ["m1", "m2"]


def test_days_in_the_wrong_order_are_told(visitor: Client) -> None:
    answer = visitor.get("/messages/", {"since": "2026-11-02", "until": "2026-11-01"})
    page = answer.content.decode()
    assert "before the first one" in page
    assert "No search was made" in page
    assert "saved" not in page


@pytest.mark.parametrize(
    "odd", [{"until": "9999-12-31"}, {"since": "1969-01-01"}, {"since": "2101-01-01"}]
)
def test_odd_days_are_told(visitor: Client, odd: dict[str, str]) -> None:
    said = "Choose a day from 1970 to 2100."
    assert said in visitor.get("/messages/", odd).content.decode()
    assert visitor.get("/messages/delete/", odd).status_code == 302


def test_the_first_day_that_may_be_named_is_a_day_like_another(
    visitor: Client, person: User
) -> None:
    """Its midnight is before 1970 in UTC."""
    make_message(person, 1)
    assert shown(visitor.get("/messages/", {"since": "1970-01-01"})) == ["m1"]


def test_a_search_that_takes_too_long_gives_up(
    visitor: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "SEARCH_SECONDS", 0.05)

    def sleep() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    with pytest.raises(TooWide), as_tenant(person.pk):
        patiently(sleep)

    def give_up(*args: Any) -> None:
        raise TooWide

    monkeypatch.setattr("messaging.views.messages.patiently", give_up)
    assert "takes too long" in visitor.get("/messages/", {"q": "x"}).content.decode()
    answer = visitor.get("/messages/delete/", {"q": "x"}, follow=True)
    assert "takes too long" in answer.content.decode()


def test_the_download_holds_what_the_page_shows_and_no_formula(
    visitor: Client, person: User
) -> None:
    make_message(person, 1, body="=1+1", message_price="-1.5")
    make_message(person, 2, body=None)
    make_message(person, 3)
    make_message(person, 4, status="failed")
    answer = visitor.get("/messages/messages.csv", {"status": "delivered"})
    text = text_of(answer)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["message_id"], row["to"], row["body"]) for row in rows] == [
        ("m1", "+4798765431", "'=1+1"),
        ("m2", "", ""),
        ("m3", "+4798765433", "Hei"),
    ]
    assert [row["message_price"] for row in rows] == ["-1.5000", "0.4500", "0.4500"]


def test_deleting_says_how_many_and_takes_record_and_text(visitor: Client, person: User) -> None:
    for number in range(1, 6):
        make_message(person, number, body="nei" if number == 5 else "ja")
    page = visitor.get("/messages/delete/", {"q": "ja"})
    assert "<dd>4</dd>" in page.content.decode()
    assert left(person) == (5, 5)
    newest = page.context["newest"].pk
    agreed = {"q": "ja", "newest": newest, "size": 4}
    answer = visitor.post("/messages/delete/", agreed, follow=True)
    assert "4 messages are deleted" in answer.content.decode()
    assert left(person) == (1, 1)
    assert shown(visitor.get("/messages/")) == ["m5"]


BACKGROUND = "/data/delete/messages/?look=1"


@pytest.mark.parametrize(
    ("bound", "asked", "leads_to"),
    [
        (5, {}, None),
        (4, {}, BACKGROUND),
        (4, {"since": "2026-01-01"}, f"{BACKGROUND}&since=2026-01-01"),
        (4, {"status": "delivered"}, "/messages/?status=delivered"),
        (4, {"q": "hei"}, "/messages/?q=hei"),
        (5, {"q": "hei"}, None),
        (4, {"status": "failed"}, None),
    ],
)
def test_what_is_too_much_for_a_page_goes_by_a_worker_or_becomes_less_first(
    visitor: Client,
    person: User,
    monkeypatch: pytest.MonkeyPatch,
    bound: int,
    asked: dict[str, str],
    leads_to: str | None,
) -> None:
    monkeypatch.setattr(policy, "DELETED_AT_ONCE", bound)
    for number in range(1, 6):
        make_message(person, number)
    looked = visitor.get("/messages/delete/", asked)
    assert looked.headers.get("Location") == leads_to
    size = looked.context["size"] if leads_to is None else 5
    answer = visitor.post("/messages/delete/", asked | {"size": str(size)})
    if leads_to is None:
        assert left(person) == (5 - (size or 0), 5 - (size or 0))
        return
    assert answer.headers["Location"] == leads_to
    assert left(person) == (5, 5)
    page = visitor.get(leads_to).content.decode()
    said = "deleted in the background" if leads_to.startswith("/data/") else "More than 4 messages"
    assert said in page


def test_a_message_that_came_meanwhile_is_not_meant(visitor: Client, person: User) -> None:
    make_message(person, 2)
    newest = visitor.get("/messages/delete/").context["newest"].pk
    make_message(person, 1)
    visitor.post("/messages/delete/", {"newest": newest, "size": 1})
    assert shown(visitor.get("/messages/")) == ["m1"]


def test_a_message_reported_meanwhile_of_an_earlier_date_is_shown_before_it_goes(
    visitor: Client, person: User
) -> None:
    make_message(person, 1)
    newest = visitor.get("/messages/delete/").context["newest"].pk
    make_message(person, 2, days=3)
    again = visitor.post("/messages/delete/", {"newest": newest, "size": 1})
    assert "changed meanwhile" in again.content.decode()
    assert "<dd>2</dd>" in again.content.decode()
    assert left(person) == (2, 2)
    visitor.post("/messages/delete/", {"newest": newest, "size": again.context["size"]})
    assert left(person) == (0, 0)


def test_who_posts_without_having_looked_is_shown_it_first(visitor: Client, person: User) -> None:
    make_message(person, 1)
    make_message(person, 2, body="nei")
    page = visitor.post("/messages/delete/", {"q": "nei"})
    assert "<dd>1</dd>" in page.content.decode()
    assert 'name="q" value="nei"' in page.content.decode()
    assert left(person) == (2, 2)


def test_how_long_messages_are_kept_is_said_as_a_bound(visitor: Client) -> None:
    page = visitor.get("/messages/").content.decode()
    assert "at most 4 months" in page
    assert "at most 7 years" in page


def test_a_question_that_makes_no_sense_deletes_nothing(visitor: Client, person: User) -> None:
    make_message(person, 1)
    visitor.post("/messages/delete/", {"since": "2026-13-45"})
    visitor.post("/messages/delete/", {"status": "nonsense"})
    assert left(person) == (1, 1)


def test_another_customers_messages_are_neither_shown_nor_deleted(person: User) -> None:
    make_message(person, 1, body="hemmelig")
    stranger = signed_in(make_customer(language="en"))
    assert shown(stranger.get("/messages/")) == []
    assert shown(stranger.get("/messages/", {"q": "hemmelig"})) == []
    text = text_of(stranger.get("/messages/messages.csv"))
    assert "hemmelig" not in text
    assert "There is no message to delete" in stranger.get("/messages/delete/").content.decode()
    stranger.post("/messages/delete/", {})
    assert left(person) == (1, 1)
