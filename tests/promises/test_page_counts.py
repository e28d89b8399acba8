"""`pages-not-people`: what is counted, and what cannot be."""

from datetime import UTC, datetime

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clicksend_portal import traffic
from clicksend_portal.models import PageCount
from consent.tokens import RecipientToken, sign_token
from tests.factories import NOW, make_customer, make_staff

pytestmark = pytest.mark.django_db


def counted() -> dict[str, int]:
    traffic.flush_counts()
    return {row.page: row.views for row in PageCount.objects.all()}


def test_pages_are_counted_by_name_and_day() -> None:
    for _ in range(3):
        Client().get(reverse("privacy"))
    Client().get(reverse("contact"))
    assert counted() == {"privacy": 3, "contact": 1}
    Client().get(reverse("privacy"))
    assert counted() == {"privacy": 4, "contact": 1}


def test_a_page_behind_a_link_is_counted_without_the_link() -> None:
    token = sign_token(RecipientToken(person_id=make_customer().pk, topic=1, issued_at=NOW))
    Client().get(f"/u/{token}/")
    assert counted() == {"unsubscribe": 1}


@pytest.mark.parametrize("path", ["/healthz", "/robots.txt", "/no-such-page/", "/language/"])
def test_what_is_no_page_is_not_counted(path: str) -> None:
    Client().get(path)
    assert counted() == {}


def test_only_a_look_is_a_visit() -> None:
    Client().head(reverse("privacy"))
    Client().post(reverse("privacy"))
    assert counted() == {}


def test_the_staff_site_is_not_counted(client: Client) -> None:
    client.force_login(make_staff())
    client.get(reverse("admin:login"))
    client.get(reverse("admin:index"))
    assert counted() == {}


def test_a_visit_costs_no_query_and_leaves_no_identifier() -> None:
    client = Client()
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(reverse("contact"))
    assert len(queries) == 0
    assert "sessionid" not in answer.cookies
    key = traffic.counters().hgetall(traffic.COUNTERS)
    assert list(key) == [f"{datetime.now(UTC).date()}/contact"]


def test_flushing_twice_counts_once() -> None:
    Client().get(reverse("privacy"))
    assert traffic.flush_counts() == 1
    assert traffic.flush_counts() == 0
    assert counted() == {"privacy": 1}


def test_a_view_at_midnight_belongs_to_the_day_it_was_seen_on() -> None:
    traffic.count_view("home", now=datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC))
    traffic.count_view("home", now=datetime(2026, 11, 22, 0, 0, 0, tzinfo=UTC))
    traffic.flush_counts()
    assert PageCount.objects.filter(page="home", views=1).count() == 2


def test_without_valkey_pages_are_shown_and_not_counted(settings: LazySettings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9"}}
    traffic.counters.cache_clear()
    try:
        assert Client().get(reverse("contact")).status_code == 200
    finally:
        traffic.counters.cache_clear()
