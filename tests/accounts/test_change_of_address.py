"""Another address: asked for here, agreed to there, told to the old one."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services
from accounts.models import User
from accounts.policy import CONFIRMATION_PERIOD
from accounts.querysets import address_changes_expired, address_changes_pending
from accounts.tokens import digest_of
from messaging.models import Message
from tests.accounts.walk import PASSWORD, link_in, mails_to, passwords
from tests.factories import NOW, make_customer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_stands_still")]

OLD, NEW = "kari@example.test", "kari@ny.example"
ASK = {"email": NEW, "action_add": ""}


@pytest.fixture
def kari() -> User:
    return make_customer(email=OLD, username="kari")


@pytest.fixture
def browser(client: Client, kari: User) -> Client:
    """Signed in, without a password: like an imported customer on their first visit."""
    client.force_login(kari)
    return client


def confirm(path: str) -> str:
    return Client().post(path)["Location"]


def test_nothing_changes_before_the_owner_of_the_new_address_agrees(
    browser: Client, kari: User
) -> None:
    assert browser.post("/email/", ASK)["Location"] == "/email/"
    kari.refresh_from_db()
    assert kari.email == OLD
    assert [mail.purpose for mail in mails_to(NEW)] == ["confirm_address"]
    assert mails_to(OLD) == []
    assert NEW in browser.get("/email/").content.decode()


def test_agreeing_moves_the_account_and_tells_the_old_address(browser: Client, kari: User) -> None:
    browser.post("/email/", ASK)
    assert confirm(link_in(mails_to(NEW)[0])) == "/account/"
    before = kari.email_confirmed_at
    kari.refresh_from_db()
    assert (kari.email, kari.address) == (NEW, NEW)
    assert before is not None
    assert kari.email_confirmed_at is not None
    assert kari.email_confirmed_at > before
    (told,) = mails_to(OLD)
    assert told.purpose == "address_changed"
    assert NEW in told.text
    assert User.objects.with_address(NEW).get().address_hashes == kari.address_hashes
    assert not EmailAddress.objects.exists()


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_the_link_changes_nothing(browser: Client, method: str) -> None:
    browser.post("/email/", ASK)
    path = link_in(mails_to(NEW)[0])
    with CaptureQueriesContext(connection) as queries:
        answer = getattr(Client(), method)(path)
    assert answer.status_code == 200
    assert [q for q in queries if not q["sql"].startswith("SELECT")] == []
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]


def test_looking_at_the_page_writes_nothing(browser: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        browser.get("/email/")
    assert [q for q in queries if not q["sql"].startswith("SELECT")] == []


@pytest.mark.parametrize("taken_by", ["confirmed", "unconfirmed"])
def test_a_taken_address_looks_the_same_as_a_free_one(browser: Client, taken_by: str) -> None:
    """Same page, same number of queries, one mail; only its owner learns of it."""
    owner = make_customer(
        email="Opptatt@example.test", email_confirmed_at=None if taken_by == "unconfirmed" else NOW
    )
    browser.post("/email/", ASK)
    with CaptureQueriesContext(connection) as free:
        expected = browser.post("/email/", ASK | {"email": "ledig@example.test"})
    with CaptureQueriesContext(connection) as taken:
        answer = browser.post("/email/", ASK | {"email": "opptatt@example.test"})
    assert (answer.status_code, answer["Location"]) == (expected.status_code, expected["Location"])
    assert len(taken) == len(free)
    assert "opptatt@example.test" in browser.get("/email/").content.decode()
    (mail,) = mails_to("Opptatt@example.test")
    assert (mail.purpose, mail.person_id) == ("address_taken", owner.pk)
    assert "/confirm-email/" not in mail.text


def test_the_link_works_for_seven_days_and_the_wish_vanishes_then(kari: User) -> None:
    services.request_address_change(kari, email=NEW, now=NOW)
    key = link_in(mails_to(NEW)[0]).split("/")[-2]
    week = NOW + CONFIRMATION_PERIOD
    last_moment = week - timedelta(microseconds=1)
    assert services.find_address_change(key, now=last_moment) is not None
    assert not address_changes_expired(last_moment).exists()
    assert services.find_address_change(key, now=week) is None
    assert services.change_address(key, now=week) is None
    assert not address_changes_pending(week).exists()
    assert [row.email for row in address_changes_expired(week)] == [NEW]


def test_a_newer_wish_replaces_the_older_and_its_link(browser: Client, kari: User) -> None:
    browser.post("/email/", ASK | {"email": "feilskrevet@example.test"})
    browser.post("/email/", ASK)
    wrong = link_in(mails_to("feilskrevet@example.test")[0])
    assert "account/email_confirm.html" in [t.name for t in Client().post(wrong).templates]
    kari.refresh_from_db()
    assert kari.email == OLD


def test_a_wish_taken_back_is_gone_with_its_link(browser: Client, kari: User) -> None:
    browser.post("/email/", ASK)
    browser.post("/email/", {"email": NEW, "action_remove": ""})
    assert not EmailAddress.objects.exists()
    assert Client().post(link_in(mails_to(NEW)[0])).status_code == 200
    kari.refresh_from_db()
    assert kari.email == OLD


def test_the_link_works_once(browser: Client, kari: User) -> None:
    browser.post("/email/", ASK)
    path = link_in(mails_to(NEW)[0])
    confirm(path)
    assert Client().post(path).status_code == 200
    assert len(mails_to(OLD)) == 1


@pytest.mark.parametrize("key", ["x", "tull-og-toys", "a" * 43])
def test_an_unknown_link_gets_a_friendly_page(key: str, db: None) -> None:
    for answer in (Client().get(f"/confirm-email/{key}/"), Client().post(f"/confirm-email/{key}/")):
        assert answer.status_code == 200
        assert answer.context["can_confirm"] is False


def test_an_address_that_got_an_account_in_the_meantime_is_refused(
    browser: Client, kari: User
) -> None:
    browser.post("/email/", ASK)
    make_customer(email=NEW)
    assert Client().post(link_in(mails_to(NEW)[0])).status_code == 200
    kari.refresh_from_db()
    assert kari.email == OLD


def test_ones_own_address_in_another_spelling_is_no_change(browser: Client) -> None:
    answer = browser.post("/email/", ASK | {"email": OLD.upper()})
    assert answer.context["form"].errors
    assert not Message.objects.exists()


def test_whoever_has_a_password_is_asked_for_it_first(client: Client) -> None:
    user = make_customer(email=OLD, password=PASSWORD)
    client.force_login(user)
    answer = client.post("/email/", ASK)
    assert answer["Location"].startswith("/reauthenticate/")
    assert not Message.objects.exists()
    client.post(answer["Location"], {"password": PASSWORD, "next": "/email/"})
    assert [mail.purpose for mail in mails_to(NEW)] == ["confirm_address"]


def test_one_address_is_written_to_once_in_three_minutes(browser: Client) -> None:
    for _ in range(3):
        assert browser.post("/email/", ASK).status_code == 302
    assert len(mails_to(NEW)) == 1


def test_a_change_of_password_after_it_is_told_to_the_new_address(
    browser: Client, kari: User
) -> None:
    browser.post("/email/", ASK)
    confirm(link_in(mails_to(NEW)[0]))
    browser.post("/password/set/", passwords())
    assert mails_to(NEW)[-1].purpose == "password_set"


def test_the_database_holds_no_link_only_its_digest(browser: Client) -> None:
    browser.post("/email/", ASK)
    key = link_in(mails_to(NEW)[0]).split("/")[-2]
    stored = EmailAddress.objects.get().emailconfirmation_set.get().key
    assert stored == digest_of(key) != key
