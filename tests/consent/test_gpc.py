"""`Sec-GPC: 1` is honoured: in that visit nothing is tailored, whatever the choice."""

import pytest
from django.test import Client, RequestFactory

from accounts.models import User
from consent import services
from consent.models import ConsentDetail, Preference, Source
from consent.tailoring import is_tailored
from tests.factories import NOW, make_customer, topic

pytestmark = pytest.mark.django_db
GPC = {"sec-gpc": "1"}
SENTENCE = "Your browser asks not to be tailored to"


@pytest.fixture
def person(client: Client) -> User:
    """Has said yes to tailoring, and is signed in."""
    person = make_customer(yes=("newsletter",), language="en")
    services.record_choices(
        person.pk, {topic("tailoring").pk: True}, source=Source.PREFERENCES, now=NOW
    )
    client.force_login(person)
    return person


def test_with_the_signal_tailoring_is_off_whatever_the_choice(
    person: User, rf: RequestFactory
) -> None:
    assert is_tailored(person.pk)
    assert not is_tailored(person.pk, rf.get("/", headers=GPC))
    assert is_tailored(person.pk, rf.get("/"))


@pytest.mark.parametrize("value", ["0", "", "true", "1, 1", "2"])
def test_only_the_value_one_means_anything(person: User, rf: RequestFactory, value: str) -> None:
    assert is_tailored(person.pk, rf.get("/", headers={"sec-gpc": value}))


def test_the_preference_page_says_so_and_only_then(client: Client, person: User) -> None:
    page = client.get("/preferences/", headers=GPC)
    assert SENTENCE in page.content.decode()
    assert "/privacy/global-privacy-control/" in page.content.decode()
    assert SENTENCE not in client.get("/preferences/").content.decode()


def test_the_choice_itself_is_not_changed_by_it(client: Client, person: User) -> None:
    events = ConsentDetail.objects.count()
    page = client.get("/preferences/", headers=GPC).content.decode()
    assert 'id="topic-201-yes" name="choice" value="yes" checked' in page
    assert ConsentDetail.objects.count() == events
    assert Preference.objects.get(person=person, topic__slug="tailoring").state == "granted"


def test_one_may_still_choose_while_the_signal_comes(
    client: Client, person: User, rf: RequestFactory
) -> None:
    client.post("/preferences/", {"topic": 201, "choice": "no"}, headers=GPC)
    assert not is_tailored(person.pk, rf.get("/"))
    client.post("/preferences/", {"topic": 201, "choice": "yes"}, headers=GPC)
    assert is_tailored(person.pk, rf.get("/"))


def test_it_is_no_opt_out_of_email(client: Client, person: User) -> None:
    client.get("/preferences/", headers=GPC)
    assert Preference.objects.get(person=person, topic=topic()).state == "granted"


@pytest.mark.parametrize("address", ["/preferences/", "/privacy/global-privacy-control/"])
@pytest.mark.parametrize("headers", [GPC, {}])
def test_pages_that_depend_on_it_say_so_to_caches(
    client: Client, person: User, address: str, headers: dict[str, str]
) -> None:
    assert "Sec-GPC" in client.get(address, headers=headers)["Vary"]


def test_a_page_of_ours_explains_the_signal_and_tells_whether_it_comes(client: Client) -> None:
    page = "/privacy/global-privacy-control/"
    english = {"accept-language": "en"}
    assert "does not send the signal" in client.get(page, headers=english).content.decode()
    assert "sends the signal now" in client.get(page, headers=english | GPC).content.decode()


def test_that_it_is_honoured_is_declared_as_the_standard_says(client: Client) -> None:
    answer = client.get("/.well-known/gpc.json")
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {"gpc": True, "lastUpdate": "2026-11-22"}
