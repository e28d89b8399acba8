"""The preference centre, signed in and from a mail."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from consent import services
from consent.models import ConsentDetail, Preference, Source
from consent.tokens import RecipientToken, sign_token
from messaging.models import Message
from tests.factories import NOW, make_customer, topic

pytestmark = pytest.mark.django_db


def states(person):
    return dict(Preference.objects.of(person.pk).values_list("topic__slug", "state"))


def signed_in(client, **fields):
    person = make_customer(**fields)
    client.force_login(person)
    return person


def door(person, **fields):
    values = {"person_id": person.pk, "topic": 1, "issued_at": NOW}
    return f"/p/{sign_token(RecipientToken(**(values | fields)))}/"


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get("/preferences/")["Location"].startswith("/login/")


def test_every_topic_is_one_choice_and_nothing_is_ticked_that_was_not_chosen(client):
    signed_in(client, yes=("newsletter",))
    page = client.get("/preferences/").content.decode()
    assert page.count('name="choice" value="yes"') == 4  # three topics, and tailoring
    assert re.findall(r'id="(topic-\d-\w+)" name="choice" value="\w+" checked', page) == [
        "topic-1-yes"
    ]


def test_a_choice_is_saved_at_once_and_shown_with_its_day_and_an_undo(client):
    person = signed_in(client, no=("newsletter",))
    page = client.post("/preferences/", {"topic": 1, "choice": "yes"}, follow=True)
    assert states(person)["newsletter"] == "granted"
    assert 'value="undo"' in page.content.decode()
    # The button stands in the row, whose chosen radio button is sent along.
    client.post("/preferences/", {"topic": 1, "choice": "yes", "action": "undo"})
    assert states(person)["newsletter"] == "refused"


def test_with_htmx_the_row_and_the_history_come_back(client):
    signed_in(client)
    page = client.post(
        "/preferences/", {"topic": 2, "choice": "yes"}, headers={"hx-request": "true"}
    )
    text = page.content.decode()
    assert text.lstrip().startswith('<form class="topic"')
    assert 'id="history" hx-swap-oob="true"' in text
    assert "<html" not in text


def test_no_to_everything_is_one_button(client):
    person = signed_in(client, yes=("newsletter", "special_offers"))
    page = client.post("/preferences/", {"action": "no"}, follow=True)
    assert set(states(person).values()) == {"withdrawn", "refused"}
    assert 'value="undo"' in page.content.decode()
    client.post("/preferences/", {"action": "undo"})
    assert states(person)["newsletter"] == states(person)["special_offers"] == "granted"


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"choice": "maybe", "topic": 1},
        {"choice": "yes"},
        {"choice": "yes", "topic": 999},
        {"choice": "yes", "topic": 101},
        {"action": "pause", "months": 2},
        {"action": "pause"},
    ],
)
def test_nonsense_changes_nothing_and_is_no_error(client, nonsense):
    person = signed_in(client, no=("newsletter",))
    page = client.post("/preferences/", nonsense, follow=True)
    assert page.status_code == 200
    assert states(person) == {"newsletter": "refused"}


def test_a_pause_and_its_end(client):
    person = signed_in(client, yes=("newsletter",))
    client.post("/preferences/", {"action": "pause", "months": 1})
    assert Preference.objects.get(person=person).paused_until > timezone.now()
    client.post("/preferences/", {"action": "resume"})
    assert Preference.objects.get(person=person).paused_until is None


def test_from_a_mail_one_may_say_no_and_pause_without_signing_in(client):
    person = make_customer(yes=("newsletter", "special_offers"))
    client.post(door(person), {"topic": 1, "choice": "no"})
    assert states(person) == {"newsletter": "withdrawn", "special_offers": "granted"}
    client.post(door(person), {"action": "pause", "months": 6})
    offers = Preference.objects.get(person=person, topic=topic("special_offers"))
    assert offers.paused_until is not None
    assert services.last_change(person.pk, topic().pk).source == "mail_preferences"


def test_from_a_mail_the_latest_act_can_be_undone(client):
    person = make_customer(yes=("newsletter",))
    client.post(door(person), {"topic": 1, "choice": "no"})
    client.post(door(person), {"action": "undo"})
    assert states(person) == {"newsletter": "granted"}


def test_a_pause_cannot_be_ended_from_a_mail_but_by_undo(client):
    person = make_customer(yes=("newsletter",))
    early = NOW - timedelta(days=1)
    services.record_pause(person.pk, [topic().pk], months=1, source=Source.PREFERENCES, now=early)
    client.post(door(person), {"action": "resume"})
    client.post(door(person), {"action": "undo"})
    assert Preference.objects.get(person=person).paused_until is not None


def confirmation_link(person):
    mail = Message.objects.of_person(person.pk).get(purpose="confirm_choice")
    return re.search(r"/preferences/confirm/[\w-]+/", mail.text)[0]


def test_a_yes_from_a_mail_counts_only_after_the_confirmation_mail_was_used(client):
    person = make_customer(no=("newsletter",))
    client.post(door(person), {"topic": 1, "choice": "yes"})
    assert states(person) == {"newsletter": "refused"}
    url = confirmation_link(person)
    assert client.get(url).status_code == 200
    assert states(person) == {"newsletter": "refused"}
    client.post(url)
    assert states(person) == {"newsletter": "granted"}
    assert services.last_change(person.pk, topic().pk).source == "confirmed"


def test_a_confirmation_link_says_yes_once_and_never_over_a_later_no(client):
    person = make_customer(no=("newsletter",))
    client.post(door(person), {"topic": 1, "choice": "yes"})
    url = confirmation_link(person)
    client.post(url)
    client.post(url)
    assert ConsentDetail.objects.of(person.pk).count() == 2
    client.post(door(person), {"topic": 1, "choice": "no"})
    client.post(url)
    assert states(person) == {"newsletter": "withdrawn"}


def test_a_forwarded_mail_cannot_flood_its_owner_and_the_page_tells_nothing(client):
    person = make_customer(no=("newsletter",))
    pages = [
        client.post(door(person), {"topic": 1, "choice": "yes"}, follow=True) for _ in range(5)
    ]
    assert Message.objects.of_person(person.pk).filter(purpose="confirm_choice").count() == 3
    said = [[str(each) for each in page.context["messages"]] for page in pages]
    assert said[0] == said[-1]


def test_a_recipient_link_is_no_confirmation(client):
    person = make_customer(no=("newsletter",))
    client.post(door(person).replace("/p/", "/preferences/confirm/"))
    assert states(person) == {"newsletter": "refused"}


def test_a_broken_door_gets_the_friendly_page(client):
    assert client.get("/p/nonsense/").status_code == 200
    assert client.post("/p/nonsense/", {"action": "no"}).status_code == 200


def test_history_is_read_in_sentences(client):
    person = signed_in(client, yes=("newsletter",), language="en")
    day = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
    services.record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=day)
    page = client.get("/preferences/").content.decode()
    assert "12 March 2026" in page
    assert "you stopped “Newsletter” with the button in your mail program." in page
