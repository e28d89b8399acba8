"""Staff add a topic, give it new words, retire it; nobody is ever subscribed by that."""

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from consent import services, topics
from consent.models import ConsentDetail, Preference, Source, Topic, TopicWording
from consent.tokens import RecipientToken, sign_token
from consent.topic_services import (
    FixedTopicError,
    StaleWordingError,
    Words,
    add_topic,
    reach_of,
    retire_topic,
    reword_topic,
)
from messaging import sender
from messaging import services as messaging
from messaging.models import Mailing, Message
from tests.accounts.walk import signup_form
from tests.factories import NOW, make_campaign, make_customer, make_staff, topic
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

TIPS = Words(
    name_nb="Gode råd",
    name_en="Good advice",
    description_nb="Et råd i uka om SMS.",
    description_en="One piece of advice a week about SMS.",
)


def reworded(**changes: str) -> Words:
    values = {name: getattr(TIPS, name) for name in TIPS.__dataclass_fields__}
    return Words(**(values | changes))


def link(person: User, named: Topic, door: str = "u") -> str:
    token = RecipientToken(
        person_id=person.pk, topic=named.number, mailing=1, wording_version=1, issued_at=NOW
    )
    return f"/{door}/{sign_token(token)}/"


def press(client: Client, person: User, **fields: Any) -> None:
    client.force_login(person)
    client.post("/preferences/", fields)


# --- adding ---------------------------------------------------------------------------------------


def test_a_new_topic_subscribes_nobody() -> None:
    people = [make_customer(yes=("newsletter",)), make_customer()]
    before = list(Preference.objects.order_by("pk").values())
    add_topic(TIPS, now=NOW)
    assert list(Preference.objects.order_by("pk").values()) == before
    assert not services.current_preferences(people[1].pk)
    assert ConsentDetail.objects.count() == 1


def test_a_new_topic_is_asked_in_the_preference_centre_and_is_neither_yes_nor_no(
    client: Client,
) -> None:
    added = add_topic(TIPS, now=NOW)
    client.force_login(make_customer(yes=("newsletter",), language="nb"))
    page = client.get("/preferences/").content.decode()
    row = page[page.index(f'id="topic-{added.number}"') :].partition("</form>")[0]
    assert "Gode råd" in row
    assert "Et råd i uka" in row
    assert "checked" not in row


def test_a_new_topic_is_asked_at_sign_up(client: Client) -> None:
    add_topic(TIPS, now=NOW)
    answer = client.post("/signup/", signup_form())
    assert set(answer.context["form"].errors) == {"topic_good_advice"}
    assert client.post("/signup/", signup_form(topic_good_advice="no")).status_code == 302
    assert Preference.objects.get(topic__slug="good_advice").state == "refused"


def test_its_number_is_new_and_follows_the_highest_ever_given() -> None:
    highest = max(Topic.objects.values_list("number", flat=True))
    first = add_topic(TIPS, now=NOW)
    retire_topic(first.pk, now=NOW)
    second = add_topic(TIPS, now=NOW)
    assert (first.number, second.number) == (highest + 1, highest + 2)
    assert (first.slug, second.slug) == ("good_advice", "good_advice_2")


@pytest.mark.parametrize("name", ["日本語", "!!!", "x" * 80])
def test_any_name_gets_a_short_name(name: str) -> None:
    assert add_topic(reworded(name_en=name), now=NOW).slug


@pytest.mark.django_db(transaction=True)
def test_two_who_add_at_once_get_two_numbers() -> None:
    made = []

    def add() -> None:
        try:
            made.append(add_topic(TIPS, now=NOW))
        finally:
            connection.close()

    both = [threading.Thread(target=add) for _ in range(4)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert len({each.number for each in made}) == len({each.slug for each in made}) == 4


def test_a_process_that_read_the_topics_before_finds_one_that_another_added() -> None:
    assert topics.topic_id(1) == topic().pk
    known = dict(topics._ids)
    added = add_topic(TIPS, now=NOW)
    assert topics._ids == known
    assert topics.topic_id(added.number) == added.pk


# --- wording --------------------------------------------------------------------------------------


def test_new_words_are_a_new_version_and_the_old_ones_stay() -> None:
    added = add_topic(TIPS, now=NOW)
    assert reword_topic(added.pk, reworded(name_nb="Råd"), seen=1, now=NOW)
    assert sorted(added.wordings.values_list("version", "name_nb")) == [(1, "Gode råd"), (2, "Råd")]
    assert Topic.objects.with_wording().get(pk=added.pk).wording.name_nb == "Råd"


def test_the_same_words_again_are_no_new_version() -> None:
    added = add_topic(TIPS, now=NOW)
    assert not reword_topic(added.pk, TIPS, seen=1, now=NOW)
    assert added.wordings.count() == 1


def test_words_changed_by_somebody_else_meanwhile_are_not_overwritten() -> None:
    added = add_topic(TIPS, now=NOW)
    reword_topic(added.pk, reworded(name_nb="Råd"), seen=1, now=NOW)
    with pytest.raises(StaleWordingError):
        reword_topic(added.pk, reworded(name_nb="Tips"), seen=1, now=NOW)


def test_a_wording_that_was_shown_cannot_be_changed_in_the_database() -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        TopicWording.objects.update(name_nb="Noe annet")


def test_whoever_said_yes_keeps_it_with_the_words_they_read(client: Client) -> None:
    added = add_topic(TIPS, now=NOW)
    early, late = make_customer(), make_customer()
    press(client, early, topic=added.number, choice="yes", wording=1)
    reword_topic(added.pk, reworded(description_nb="To råd i uka."), seen=1, now=timezone.now())
    press(client, late, topic=added.number, choice="yes", wording=2)
    versions = dict(
        ConsentDetail.objects.filter(topic_id=added.pk).values_list("person_id", "wording_version")
    )
    assert versions == {early.pk: 1, late.pk: 2}
    assert set(Preference.objects.filter(topic=added).values_list("state", flat=True)) == {
        "granted"
    }


def test_the_version_on_the_page_is_recorded_not_one_that_came_while_it_was_open(
    client: Client,
) -> None:
    added = add_topic(TIPS, now=NOW)
    person = make_customer()
    client.force_login(person)
    page = client.get("/preferences/").content.decode()
    row = page[page.index(f'id="topic-{added.number}"') :].partition("</form>")[0]
    assert 'name="wording" value="1"' in row
    reword_topic(added.pk, reworded(name_nb="Råd"), seen=1, now=NOW)
    press(client, person, topic=added.number, choice="yes", wording=1)
    assert ConsentDetail.objects.get(person_id=person.pk).wording_version == 1


@pytest.mark.parametrize("said", ["", "0", "7", "-1", "one", "²", "9" * 30])
def test_a_version_that_never_was_is_not_recorded_and_stops_no_choice(
    client: Client, said: str
) -> None:
    person = make_customer(yes=("newsletter",))
    press(client, person, topic=1, choice="no", wording=said)
    assert services.last_change(person.pk, topic().pk).wording_version == 1
    assert Preference.objects.get(person=person).state == "withdrawn"


def test_at_sign_up_words_that_changed_meanwhile_are_read_before_they_count(client: Client) -> None:
    page = client.get("/signup/").content.decode()
    shown = re.search(r'name="wordings" value="([^"]+)"', page)
    assert shown is not None
    form = signup_form(wordings=shown[1])
    reword_topic(topic("newsletter").pk, TIPS, seen=1, now=NOW)
    answer = client.post("/signup/", form)
    assert answer.context["form"].non_field_errors()
    assert not User.objects.exists()
    again = re.search(r'name="wordings" value="([^"]+)"', answer.content.decode())
    assert again is not None
    assert client.post("/signup/", {**form, "wordings": again[1]}).status_code == 302
    assert ConsentDetail.objects.get(topic_id=topic("newsletter").pk).wording_version == 2


# --- retiring -------------------------------------------------------------------------------------


def test_a_retired_topic_is_not_asked_any_more_and_no_choice_is_lost(client: Client) -> None:
    person = make_customer(yes=("newsletter", "special_offers"))
    assert retire_topic(topic("special_offers").pk, now=NOW)
    assert not retire_topic(topic("special_offers").pk, now=NOW + timedelta(days=1))
    assert topic("special_offers").retired_at == NOW
    client.force_login(person)
    page = client.get("/preferences/").content.decode()
    assert 'id="topic-3"' not in page
    assert 'id="topic-1"' in page
    assert 'name="topic" value="3"' not in client.get(link(person, topic(), "p")).content.decode()
    client.logout()
    assert "topic_special_offers" not in client.get("/signup/").content.decode()
    assert Preference.objects.filter(person=person, state="granted").count() == 2


def test_a_yes_to_a_retired_topic_is_refused(client: Client) -> None:
    retire_topic(topic("special_offers").pk, now=NOW)
    person = make_customer()
    press(client, person, topic=3, choice="yes")
    assert not Preference.objects.exists()


def test_a_campaign_that_is_being_sent_stops_where_it_stands(mailbox: Mailbox) -> None:
    for _ in range(3):
        make_customer(yes=("special_offers",))
    campaign = make_campaign("special_offers")
    boss = make_staff()
    messaging.approve(campaign, actor=boss, now=NOW)
    messaging.start(campaign, actor=boss, now=NOW)
    messaging.run_mailings(now=NOW)
    assert Message.objects.of_mailing(campaign.pk).count() == 3
    reach = reach_of(topic("special_offers").pk)
    assert reach.people == 3
    assert len(reach.mailings) == 1
    retire_topic(topic("special_offers").pk, now=NOW)
    sender.deliver_pending()
    outcomes = set(Message.objects.of_mailing(campaign.pk).values_list("state", "reason"))
    assert outcomes == {("withheld", "topic_retired")}
    assert not mailbox.deliveries


def test_what_is_over_does_not_stop_anything() -> None:
    make_campaign("special_offers", state=Mailing.State.FINISHED)
    make_campaign("newsletter")
    assert reach_of(topic("special_offers").pk).mailings == []


@pytest.mark.parametrize("kind", ["button", "header"])
def test_unsubscribe_links_of_its_old_mails_go_on_working(client: Client, kind: str) -> None:
    person = make_customer(yes=("special_offers",))
    old = link(person, topic("special_offers"))
    retire_topic(topic("special_offers").pk, now=NOW)
    page = client.get(old)
    assert page.status_code == 200
    assert "Spesialtilbud" in page.content.decode()
    post = {"List-Unsubscribe": "One-Click"} if kind == "header" else {"scope": "topic"}
    assert client.post(old, post).status_code == 200
    assert Preference.objects.get(person=person).state == "withdrawn"
    assert client.get(old).status_code == 200


def test_no_to_everything_reaches_a_retired_topic_too(client: Client) -> None:
    person = make_customer(yes=("special_offers",))
    retire_topic(topic("special_offers").pk, now=NOW)
    press(client, person, action="no")
    assert Preference.objects.get(person=person, topic__slug="special_offers").state == "withdrawn"


@pytest.mark.parametrize("slug", ["tailoring", "reference_logo"])
def test_what_the_policy_names_beside_mail_cannot_be_retired(slug: str) -> None:
    with pytest.raises(FixedTopicError):
        retire_topic(topic(slug).pk, now=NOW)


def test_a_retired_topic_stays_retired_when_the_portal_starts_anew() -> None:
    retire_topic(topic("special_offers").pk, now=NOW)
    topics.ensure_default_topics()
    assert topic("special_offers").retired_at == NOW


def test_history_of_a_retired_topic_can_still_be_read(client: Client) -> None:
    person = make_customer(yes=("special_offers",), language="nb")
    services.record_opt_out(person.pk, [topic("special_offers").pk], source=Source.LINK, now=NOW)
    retire_topic(topic("special_offers").pk, now=NOW)
    client.force_login(person)
    assert "Spesialtilbud" in client.get("/preferences/").content.decode()
