"""`/trust/` as everyone may see it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clicksend_portal.demo.declared import declare_access
from clicksend_portal.models import PromiseReading
from clicksend_portal.promises.registry import PROMISES
from clicksend_portal.promises.services import take_readings
from tests.factories import make_customer
from tests.promises.looks import handed_message

pytestmark = pytest.mark.django_db


def page(client: Client, language: str = "en") -> str:
    return client.get(reverse("trust"), headers={"accept-language": language}).content.decode()


def test_each_promise_stands_with_its_state_in_words_and_its_links(client: Client) -> None:
    declare_access(now=timezone.now())
    take_readings(now=timezone.now())
    html = page(client)
    for promise in PROMISES:
        assert f'id="{promise.id}"' in html
        assert reverse("promise", args=[promise.id]) + "#how" in html
    in_force = sum(promise.is_in_force for promise in PROMISES)
    assert f"{in_force} of 23" in html
    assert html.count('class="state kept"') == in_force
    assert html.count('class="state later"') == 23 - in_force
    assert html.count("<svg") == in_force


def test_before_the_first_reading_nothing_is_called_kept(client: Client) -> None:
    html = page(client)
    assert "0 of 23" in html
    assert 'class="state kept"' not in html


def test_readings_that_stopped_coming_make_the_page_say_unknown(client: Client) -> None:
    take_readings(now=timezone.now() - timedelta(hours=4))
    html = page(client)
    assert 'class="state kept"' not in html
    assert 'class="state unknown"' in html


def test_a_broken_promise_says_so_by_itself(client: Client) -> None:
    handed_message(make_customer(), at=timezone.now() - timedelta(seconds=1))
    take_readings(now=timezone.now())
    html = page(client)
    assert html.count('class="state broken"') == 1


def test_the_page_costs_four_queries_however_many_readings_there_are(client: Client) -> None:
    # Two for the promises; the companies, and who holds what.
    for hours in range(5):
        take_readings(now=timezone.now() - timedelta(hours=hours))
    with CaptureQueriesContext(connection) as queries:
        page(client)
    assert len(queries) == 4
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("promise", args=["obeyed-in-minutes"]))
    assert len(queries) == 2


def test_looking_takes_no_reading(client: Client) -> None:
    page(client)
    assert not PromiseReading.objects.exists()


@pytest.mark.parametrize("name", ["home", "trust", "privacy", "contact"])
def test_an_answer_with_something_of_its_readers_is_not_for_shared_caches(
    client: Client, name: str
) -> None:
    stranger = client.get(reverse(name))
    holds_token = "csrfmiddlewaretoken" in stranger.content.decode()
    assert ("private" in stranger["Cache-Control"]) == holds_token
    assert ("public" in stranger["Cache-Control"]) != holds_token
    assert "Cookie" in stranger["Vary"]
    client.force_login(make_customer())
    if name != "home":
        assert "private" in client.get(reverse(name))["Cache-Control"]


def test_the_front_page_sends_those_who_are_signed_in_to_their_own(client: Client) -> None:
    assert client.get(reverse("home")).status_code == 200
    client.force_login(make_customer())
    assert client.get(reverse("home"))["Location"] == reverse("preferences")


def test_the_contact_page_names_the_addresses(client: Client) -> None:
    html = client.get(reverse("contact")).content.decode()
    for text in ("support@portal.example", "privacy@portal.example", "tel:+4722000000"):
        assert text in html
