"""Addresses that programs look for by themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse


def test_security_txt_names_a_contact_and_an_end_within_a_year(client: Client) -> None:
    answer = client.get("/.well-known/security.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    fields = [line.partition(": ")[::2] for line in answer.content.decode().splitlines()]
    assert ("Contact", "mailto:privacy@portal.example") in fields
    expires = datetime.fromisoformat(dict(fields)["Expires"])
    assert datetime.now(UTC) < expires < datetime.now(UTC) + timedelta(days=365)


def test_global_privacy_control_is_honoured(client: Client) -> None:
    answer = client.get("/.well-known/gpc.json")
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["gpc"] is True
    assert datetime.fromisoformat(answer.json()["lastUpdate"])


def test_password_managers_find_the_page(client: Client) -> None:
    answer = client.get("/.well-known/change-password")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("account_change_password")


@pytest.mark.django_db
def test_an_unknown_address_does_not_pretend(client: Client) -> None:
    assert client.get("/.well-known/resource-that-should-not-exist").status_code == 404


def test_robots_are_kept_from_links_of_mails(client: Client) -> None:
    text = client.get("/robots.txt").content.decode()
    assert "Disallow: /u/" in text
    assert "Disallow: /p/" in text
    assert "Disallow: /\n" not in text
