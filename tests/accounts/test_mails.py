"""Every mail about the account, in both languages."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from accounts import emails
from accounts.models import User
from messaging.models import Message
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

WAYS: dict[str, Callable[[User], None]] = {
    "welcome": emails.send_welcome,
    "already_customer": emails.send_already_customer,
    "password_reset": emails.send_password_reset,
    "no_account": lambda user: emails.send_no_account(user.email, language=user.language),
    "confirm_address": lambda user: emails.send_confirm_address(user, email=user.email, key="k"),
    "address_taken": emails.send_address_taken,
    "address_changed": lambda user: emails.send_address_changed(user, old_email="x@old.test"),
    "deactivated": emails.send_deactivated,
    "reactivated": emails.send_reactivated,
}


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("purpose", WAYS)
def test_it_says_what_it_is_why_it_came_and_what_to_do(purpose: str, language: str) -> None:
    user = make_customer(language=language)
    WAYS[purpose](user)
    mail = Message.objects.get()
    assert (mail.kind, mail.purpose, mail.language) == ("account", purpose, language)
    assert mail.subject
    assert f'<html lang="{language}"' in mail.html
    for body in (mail.text, mail.html):
        assert "{{" not in body
        assert "{%" not in body
        assert "support@portal.example" in body
        assert "/u/" not in body


BEFORE_CONFIRMATION = ("welcome", "already_customer", "confirm_address", "no_account")


@pytest.mark.parametrize("purpose", BEFORE_CONFIRMATION)
def test_a_stranger_gets_no_words_of_whoever_signed_up(purpose: str) -> None:
    WAYS[purpose](make_customer(first_name="Vinn 1000 kr", last_name="i dag", company="Premie"))
    mail = Message.objects.get()
    for word in ("Vinn 1000 kr", "i dag", "Premie"):
        assert word not in mail.subject + mail.text + mail.html


def test_times_are_those_of_the_reader() -> None:
    morning = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    texts = []
    for zone in ("Europe/Oslo", "America/New_York"):
        emails.send_welcome(make_customer(language="en", timezone=zone, signed_up_at=morning))
        texts.append(Message.objects.latest("id").text)
    assert "at 10:30, Oslo time" in texts[0]
    assert "at 04:30, New York time" in texts[1]


def test_norwegian_times_are_written_as_in_the_history() -> None:
    morning = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    emails.send_welcome(make_customer(language="nb", signed_up_at=morning))
    assert "29. november 2026 kl. 10.30 (Oslo-tid)" in Message.objects.get().text
