"""Tailoring by profile is a choice of its own beside the topics, off until asked."""

import re

import pytest
from django.test import Client, RequestFactory

from accounts.models import User
from consent import services
from consent.models import ConsentDetail, Preference, Source
from consent.tailoring import is_tailored
from consent.tokens import RecipientToken, sign_token
from messaging.audience import preview_campaign
from tests.accounts.walk import signup_form
from tests.factories import NOW, make_customer, topic

pytestmark = pytest.mark.django_db
NUMBER = 201


@pytest.fixture
def person(client: Client) -> User:
    person = make_customer(yes=("newsletter",), language="en")
    client.force_login(person)
    return person


def row_of(client: Client) -> str:
    page = client.get("/preferences/").content.decode()
    return page[page.index(f'id="topic-{NUMBER}"') :].partition("</form>")[0]


def say(client: Client, answer: str) -> None:
    client.post("/preferences/", {"topic": NUMBER, "choice": answer})


def test_it_is_off_until_asked(client: Client, person: User) -> None:
    assert not is_tailored(person.pk)
    row = row_of(client)
    assert "checked" not in row
    assert "You have not chosen. Nothing is tailored." in row


def test_it_says_in_its_own_words_what_a_yes_means(client: Client, person: User) -> None:
    row = row_of(client)
    for word in ("country", "language", "company", "Never by how you use the service"):
        assert word in row


def test_a_yes_and_a_no_are_the_persons_own_and_can_be_undone(client: Client, person: User) -> None:
    say(client, "yes")
    assert is_tailored(person.pk)
    say(client, "no")
    assert not is_tailored(person.pk)
    client.post("/preferences/", {"topic": NUMBER, "action": "undo"})
    assert is_tailored(person.pk)
    page = client.get("/preferences/").content.decode()
    history = page[page.index('id="history"') :]
    assert history.count("“Tailoring to your profile”") >= 3


def test_with_htmx_its_row_comes_back_with_an_undo(client: Client, person: User) -> None:
    say(client, "yes")
    page = client.post(
        "/preferences/", {"topic": NUMBER, "choice": "no"}, headers={"hx-request": "true"}
    ).content.decode()
    assert f'id="topic-{NUMBER}"' in page
    assert 'value="undo"' in page


def test_no_to_all_optional_email_does_not_change_it(client: Client, person: User) -> None:
    say(client, "yes")
    client.post("/preferences/", {"action": "no"})
    assert is_tailored(person.pk)
    assert Preference.objects.get(person=person, topic=topic()).state == "withdrawn"


def test_a_pause_of_email_does_not_rest_it(client: Client, person: User) -> None:
    say(client, "yes")
    client.post("/preferences/", {"action": "pause", "months": 1})
    assert Preference.objects.get(person=person, topic__slug="tailoring").paused_until is None
    assert is_tailored(person.pk)


def test_it_never_means_a_yes_to_email(client: Client) -> None:
    person = make_customer()
    client.force_login(person)
    say(client, "yes")
    assert preview_campaign(topic().pk, now=NOW).get("reached", 0) == 0
    assert list(Preference.objects.of(person.pk).values_list("topic__slug", flat=True)) == [
        "tailoring"
    ]


def test_a_yes_to_email_never_means_tailoring(person: User) -> None:
    for slug in ("newsletter", "product_news", "special_offers"):
        services.record_choices(
            person.pk, {topic(slug).pk: True}, source=Source.PREFERENCES, now=NOW
        )
    assert not is_tailored(person.pk)


def test_sign_up_asks_and_ticks_nothing(client: Client) -> None:
    page = client.get("/signup/").content.decode()
    assert re.findall(r'name="tailoring" value="(\w+)"', page) == ["yes", "no"]
    assert not re.search(r'name="tailoring"[^>]*checked', page)


@pytest.mark.parametrize(("answer", "state"), [("yes", "granted"), ("no", "refused"), ("", None)])
def test_what_is_answered_at_sign_up_is_kept_and_an_open_question_is_not_asked(
    client: Client, answer: str, state: str | None
) -> None:
    form = signup_form(**({"tailoring": answer} if answer else {}))
    assert client.post("/signup/", form).status_code == 302
    found = Preference.objects.filter(topic__slug="tailoring").values_list("state", flat=True)
    assert list(found) == ([state] if state else [])
    assert is_tailored(User.objects.get().pk) is (answer == "yes")


def test_an_unsubscribe_link_from_a_mail_cannot_say_yes_to_it(client: Client, person: User) -> None:
    door = f"/p/{sign_token(RecipientToken(person_id=person.pk, topic=1, issued_at=NOW))}/"
    assert f'value="{NUMBER}"' not in client.get(door).content.decode()
    client.post(door, {"topic": NUMBER, "choice": "yes"})
    assert not ConsentDetail.objects.filter(topic_id=topic("tailoring").pk).exists()


def test_whoever_asks_with_a_request_without_the_signal_gets_the_choice(
    client: Client, person: User, rf: RequestFactory
) -> None:
    say(client, "yes")
    assert is_tailored(person.pk, rf.get("/"))
