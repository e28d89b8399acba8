"""`/u/<token>/` as mail programs, scanners and people use it."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import services
from consent.models import ConsentDetail, Preference, Source
from consent.tokens import RecipientToken, sign_token
from foundation.ids import uuid7_from
from tests.factories import NOW, make_customer, topic

pytestmark = pytest.mark.django_db


def link(person, *, number=1, **fields):
    pk = getattr(person, "pk", person)
    values = {"person_id": pk, "topic": number, "mailing": 4, "wording_version": 1}
    return f"/u/{sign_token(RecipientToken(**(values | {'issued_at': NOW} | fields)))}/"


def state(person, slug="newsletter"):
    return Preference.objects.get(person=person, topic=topic(slug)).state


ONE_CLICK = "List-Unsubscribe=One-Click"
BOUNDARY = "----portal"
MULTIPART = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    f"One-Click\r\n--{BOUNDARY}--\r\n"
)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (ONE_CLICK, "application/x-www-form-urlencoded; charset=utf-8"),
        (ONE_CLICK, "application/x-www-form-urlencoded;charset=UTF-8"),
        (MULTIPART, f"multipart/form-data; boundary={BOUNDARY}"),
    ],
)
def test_a_mail_program_unsubscribes_with_one_post(body, content_type):
    person = make_customer(yes=("newsletter", "special_offers"))
    client = Client(enforce_csrf_checks=True)

    response = client.post(link(person), data=body, content_type=content_type)

    assert response.status_code == 200
    assert not response.cookies
    assert state(person) == "withdrawn"
    assert state(person, "special_offers") == "granted"
    detail = services.last_change(person.pk, topic().pk)
    assert (detail.source, detail.mailing, detail.wording_version) == ("one_click", 4, 1)
    assert detail.received_at is not None
    assert detail.received_at <= detail.at


def test_the_one_click_post_asks_nothing_beside_its_one_write():
    person = make_customer(yes=("newsletter",))
    client, url = Client(), link(person)
    client.post(url, {"List-Unsubscribe": "One-Click"})
    with CaptureQueriesContext(connection) as queries:
        client.post(url, {"List-Unsubscribe": "One-Click"})
    # The write itself goes past Django's cursor, as a prepared statement.
    assert not queries.captured_queries


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_a_scanner_that_follows_the_link_changes_nothing(method):
    person = make_customer(yes=("newsletter",))
    getattr(Client(), method)(link(person))
    assert state(person) == "granted"
    assert ConsentDetail.objects.of(person.pk).count() == 1


def test_the_page_names_the_topic_and_offers_both_ways(client):
    page = client.get(link(make_customer(yes=("newsletter",))), headers={"accept-language": "nb"})
    text = page.content.decode()
    assert "Nyhetsbrev" in text
    assert 'value="topic"' in text
    assert 'value="all"' in text
    assert page["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize(("scope", "offers"), [("topic", "granted"), ("all", "withdrawn")])
def test_a_person_stops_this_topic_or_everything_optional(client, scope, offers):
    person = make_customer(yes=("newsletter", "special_offers"))
    client.post(link(person), {"scope": scope})
    assert state(person) == "withdrawn"
    assert state(person, "special_offers") == offers
    assert services.last_change(person.pk, topic().pk).source == "link"


def test_a_get_after_the_post_shows_that_it_is_done_and_offers_undo(client):
    person = make_customer(yes=("newsletter",))
    client.post(link(person), {"List-Unsubscribe": "One-Click"})
    page = client.get(link(person))
    assert 'value="undo"' in page.content.decode()
    client.post(link(person), {"action": "undo"})
    assert state(person) == "granted"


def test_an_hour_later_the_link_offers_no_undo(client):
    person = make_customer(yes=("newsletter",))
    early = timezone.now() - timedelta(hours=1)
    services.record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=early)
    assert 'value="undo"' not in client.get(link(person)).content.decode()


@pytest.mark.parametrize("token", ["x", "AAAA", "a" * 62, "%F0%9F%A6%84", "a" * 2000])
def test_a_broken_link_gets_a_friendly_page_and_a_mail_program_an_honest_no(client, token):
    page = client.get(f"/u/{token}/")
    assert page.status_code == 200
    assert "mailto:" in page.content.decode()
    assert client.post(f"/u/{token}/", {"List-Unsubscribe": "One-Click"}).status_code == 404


def anonymous(page):
    """The page without what differs from one view of it to the next."""
    return re.sub(r'/[up]/[\w-]{40,}/|name="csrfmiddlewaretoken" value="\w+"', "", page)


def test_a_link_of_someone_erased_looks_like_that_of_someone_who_said_no(client):
    gone = link(uuid7_from(NOW, "erased"))
    known = link(make_customer(no=("newsletter", "special_offers", "product_news")))
    client.get(known)  # both see a warm cache
    with CaptureQueriesContext(connection) as for_known:
        page_of_known = client.get(known).content.decode()
    with CaptureQueriesContext(connection) as for_gone:
        page_of_gone = client.get(gone).content.decode()
    assert anonymous(page_of_gone) == anonymous(page_of_known)
    assert len(for_gone) == len(for_known)
    assert client.post(gone, {"List-Unsubscribe": "One-Click"}).status_code == 200


def test_an_old_link_works_after_the_topic_was_retired_and_the_address_changed(client):
    person = make_customer(yes=("newsletter",))
    old = link(person, issued_at=NOW - timedelta(days=3000))
    person.email = "new@example.test"
    person.save()
    newsletter = topic()
    newsletter.retired_at = NOW
    newsletter.save()
    client.post(old, {"List-Unsubscribe": "One-Click"})
    assert state(person) == "withdrawn"


def test_a_link_without_a_topic_stops_all_optional_mail(client):
    person = make_customer(yes=("newsletter", "special_offers"))
    client.post(link(person, number=0), {"List-Unsubscribe": "One-Click"})
    assert {state(person), state(person, "special_offers")} == {"withdrawn"}


def test_a_link_without_its_last_slash_works_and_is_not_redirected(client):
    person = make_customer(yes=("newsletter",))
    answer = client.post(link(person).rstrip("/"), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert state(person) == "withdrawn"


def test_a_link_with_a_bracket_stuck_to_it_gets_the_friendly_page(client):
    page = client.get(link(make_customer(yes=("newsletter",))) + "%3E")
    assert page.status_code == 200
    assert "mailto:" in page.content.decode()


def test_after_no_to_everything_the_page_says_everything(client):
    person = make_customer(yes=("newsletter", "special_offers"), language="en")
    page = client.post(link(person), {"scope": "all"}, headers={"accept-language": "en"})
    assert "You get no optional email" in page.content.decode()
