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
from foundation.roles import KEEPER, as_role
from retention import services as retention
from retention.models import Source as AskedBy
from tests.factories import NOW, make_customer, retire_topic, topic

pytestmark = pytest.mark.django_db


def link(person, *, number=1, **fields):
    pk = getattr(person, "pk", person)
    values = {"person_id": pk, "topic": number, "mailing": 4, "wording_version": 1}
    return f"/u/{sign_token(RecipientToken(**(values | {'issued_at': NOW} | fields)))}/"


def state(person, slug="newsletter"):
    return Preference.objects.get(person=person, topic=topic(slug)).state


ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "----portal"
MULTIPART = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    f"One-Click\r\n--{BOUNDARY}--\r\n"
)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, FORM),
        (ONE_CLICK, f"{FORM}; charset=utf-8"),
        (ONE_CLICK, f"{FORM};charset=UTF-8"),
        (MULTIPART, f"multipart/form-data; boundary={BOUNDARY}"),
        (MULTIPART, f'Multipart/Form-Data; charset=UTF-8; boundary="{BOUNDARY}"'),
        (f"{ONE_CLICK}&utm_source=mail&List-Unsubscribe-Post=1", FORM),
        (f"utm=1&{ONE_CLICK}&{ONE_CLICK}", FORM),
        (f"{ONE_CLICK}\r\n", FORM),
        ("list-unsubscribe=one-click", FORM),
        ("LIST-UNSUBSCRIBE=ONE-CLICK", FORM),
        ("List-Unsubscribe%3DOne-Click", FORM),
        (f'"{ONE_CLICK}"', FORM),
        ("", FORM),
        (b"\xff\xfe\x00", FORM),
        # What Django itself would answer with an error.
        (ONE_CLICK, f"{FORM}; charset=iso-8859-1"),
        (ONE_CLICK, f"{FORM}; charset=us-ascii"),
        (ONE_CLICK, f"{FORM}; charset=no-such-thing"),
        (MULTIPART, "multipart/form-data"),
        (MULTIPART[:-20], f"multipart/form-data; boundary={BOUNDARY}"),
        (ONE_CLICK, f"multipart/form-data; boundary={'b' * 300}"),
        ("&".join(f"f{n}=1" for n in range(2000)), FORM),
        # No type that a form has.
        (ONE_CLICK, ""),
        (ONE_CLICK, "text/plain"),
        (ONE_CLICK, "application/octet-stream"),
        ("{}", "application/json"),
    ],
)
def test_a_mail_program_unsubscribes_with_one_post(body, content_type):
    person = make_customer(yes=("newsletter", "special_offers"))
    client = Client(enforce_csrf_checks=True)

    response = client.generic("POST", link(person), body, content_type)

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


@pytest.mark.parametrize(
    "extra",
    [
        {"CONTENT_LENGTH": ""},  # in pieces, or up to the end of the connection
        {"SERVER_PROTOCOL": "HTTP/1.0", "HTTP_CONNECTION": "close"},
        {"SERVER_PROTOCOL": "HTTP/1.0", "CONTENT_LENGTH": ""},
        {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""},
        {"HTTP_EXPECT": "100-continue"},
        {"HTTP_ORIGIN": "https://mail.example", "HTTP_REFERER": "https://mail.example/inbox"},
        {"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_ACCEPT": "application/json", "HTTP_ACCEPT_LANGUAGE": "*;q=x"},
        {"HTTP_USER_AGENT": "Ünïcode".encode().decode("latin-1")},
    ],
)
def test_however_a_mail_program_speaks_http_it_unsubscribes(extra):
    person = make_customer(yes=("newsletter",))
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    answer = client.generic("POST", link(person), ONE_CLICK, content_type=FORM, **extra)
    assert (answer.status_code, answer.content, len(answer.cookies)) == (200, b"OK", 0)
    assert state(person) == "withdrawn"
    assert services.last_change(person.pk, topic().pk).source == "one_click"


def test_the_button_pressed_twice_is_once_and_tells_so_alike():
    person = make_customer(yes=("newsletter",))
    answers = [Client().post(link(person), ONE_CLICK, content_type=FORM) for _ in range(2)]
    assert [(each.status_code, each.content) for each in answers] == [(200, b"OK")] * 2
    assert ConsentDetail.objects.of(person.pk).count() == 2


def test_the_button_wins_over_other_fields_of_the_same_body():
    person = make_customer(yes=("newsletter", "special_offers"))
    Client().post(link(person), f"{ONE_CLICK}&action=undo&scope=all", content_type=FORM)
    assert (state(person), state(person, "special_offers")) == ("withdrawn", "granted")


SCANNERS = [
    {},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch", "X-Moz": "prefetch"},
    {"User-Agent": "Mozilla/5.0 (compatible; MailScanner/1.0)", "Range": "bytes=0-1023"},
    {"X-HTTP-Method-Override": "POST", "List-Unsubscribe": "One-Click"},
]


@pytest.mark.parametrize("headers", SCANNERS)
@pytest.mark.parametrize("method", ["get", "head", "options", "put", "patch", "delete", "trace"])
def test_a_scanner_that_follows_the_link_changes_nothing(method, headers):
    person = make_customer(yes=("newsletter",))
    for page in (link(person), f"{link(person)}?{ONE_CLICK}&scope=all&action=no&_method=POST"):
        for url in (page, page.replace("/u/", "/p/", 1)):
            answer = getattr(Client(), method)(url, headers=headers)
            assert answer.status_code in (200, 405)
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


def rotated(settings, person):
    settings.TOKEN_KEYS = {9: b"n" * 32} | settings.TOKEN_KEYS


def moved(settings, person):
    person.email = "new@example.test"
    person.save()


def retired(settings, person):
    retire_topic(topic(), now=NOW)


@pytest.mark.parametrize("happened", [rotated, moved, retired])
def test_an_old_link_still_shows_acts_and_undoes(client, settings, happened):
    person = make_customer(yes=("newsletter", "special_offers"))
    old = link(person, issued_at=NOW - timedelta(days=3000))
    happened(settings, person)

    page = client.get(old, headers={"accept-language": "en"})
    assert page.status_code == 200
    assert "Newsletter" in page.content.decode()
    assert state(person) == "granted"
    assert client.post(old, {"List-Unsubscribe": "One-Click"}).content == b"OK"
    assert (state(person), state(person, "special_offers")) == ("withdrawn", "granted")
    done = client.get(old, headers={"accept-language": "en"}).content.decode()
    assert "You do not get “Newsletter”" in done
    client.post(old, {"action": "undo"})
    assert state(person) == "granted"
    client.post(old, {"scope": "all"})
    assert {state(person), state(person, "special_offers")} == {"withdrawn"}


@pytest.mark.parametrize("happened", [rotated, moved, retired])
def test_an_old_link_still_opens_the_choices_and_takes_a_no(client, settings, happened):
    person = make_customer(yes=("newsletter", "special_offers"))
    old = link(person, issued_at=NOW - timedelta(days=3000)).replace("/u/", "/p/", 1)
    happened(settings, person)
    assert client.get(old).status_code == 200
    client.post(old, {"topic": 3, "choice": "no"})
    assert state(person, "special_offers") == "withdrawn"
    client.post(old, {"action": "no"})
    assert state(person) == "withdrawn"


def erase(person):
    retention.request_deletion(person.pk, source=AskedBy.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        assert retention.run_deletions(NOW) == 1


@pytest.mark.parametrize("door", ["/u/", "/p/"])
def test_a_link_of_before_a_deletion_is_answered_like_that_of_someone_who_said_no(client, door):
    person = make_customer(yes=("newsletter",))
    no = link(make_customer(no=("newsletter", "special_offers", "product_news")))
    old, no = link(person).replace("/u/", door, 1), no.replace("/u/", door, 1)
    erase(person)
    before = list(Preference.objects.values()), list(ConsentDetail.objects.values())
    for body in ({"scope": "topic"}, {"action": "undo"}, {"choice": "yes", "topic": 1}):
        for one_click in ({}, {"List-Unsubscribe": "One-Click"}):
            answers = [client.post(url, body | one_click, follow=True) for url in (old, no)]
            gone, known = ((each.status_code, each.content.decode()) for each in answers)
            assert gone[0] == known[0] == 200
            assert since_left_out(gone[1]) == since_left_out(known[1])
    answers = [client.get(url).content.decode() for url in (old, no)]
    assert since_left_out(answers[0]) == since_left_out(answers[1])
    assert (list(Preference.objects.values()), list(ConsentDetail.objects.values())) == before


def since_left_out(page):
    """The day of a no stands in the choices; whoever is gone has none."""
    return re.sub(r"(<b>(?:No|Nei)</b>)[^<]*", r"\1", anonymous(page))


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
