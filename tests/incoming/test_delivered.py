"""What a provider says of a delivery stands at its message; every event names its mailing."""

import uuid
from datetime import timedelta

import pytest

from foundation.roles import OWNER, as_role
from messaging.incoming.services import receive_mail
from messaging.models import Message, ProviderEvent
from tests.factories import NOW, make_campaign, make_customer
from tests.incoming import letters
from tests.incoming.test_hooks import TRACKING, bounce, complaint, post, postmark, unsubscribed

__all__ = ["postmark"]
pytestmark = pytest.mark.django_db
SOON = timedelta(seconds=9)


@pytest.fixture
def person():
    return make_customer(yes=("newsletter",), now=NOW - timedelta(days=1))


@pytest.fixture
def campaign():
    return make_campaign()


@pytest.fixture
def message(person, campaign):
    return letters.handed_over(person, mailing_id=campaign.pk)


def delivered(key, *, at=NOW, number=1):
    return {
        "RecordType": "Delivery",
        "MessageID": f"pm-{number}",
        "Recipient": "kari@example.test",
        "DeliveredAt": at.isoformat(),
        "Details": "250 2.0.0 OK from [203.0.113.7]",
        "Metadata": {"portal_message": str(key)},
    }


def delivered_at(message):
    message.refresh_from_db()
    return message.delivered_at


# --- delivered -----------------------------------------------------------------------------------


def test_a_delivery_stands_at_its_message_and_makes_no_event(postmark, message):
    assert post(delivered(message.pk, at=NOW + SOON)).status_code == 200
    assert delivered_at(message) == NOW + SOON
    assert not ProviderEvent.objects.exists()


def test_the_first_word_of_it_stands(postmark, message):
    post(delivered(message.pk, at=NOW + 2 * SOON))
    post(delivered(message.pk, at=NOW + 2 * SOON))
    post(delivered(message.pk, at=NOW + SOON, number=2))
    assert delivered_at(message) == NOW + 2 * SOON


@pytest.mark.parametrize("state", ["handing", "sent", "in_doubt"])
def test_it_may_come_before_our_own_mark(postmark, message, state, as_owner):
    as_owner(message, state)
    post(delivered(message.pk))
    assert delivered_at(message) == NOW


@pytest.mark.parametrize("state", ["queued", "claimed", "withheld", "failed"])
def test_what_was_never_handed_over_was_not_delivered(postmark, message, state):
    Message.objects.filter(pk=message.pk).update(state=state)
    assert post(delivered(message.pk)).status_code == 200
    assert delivered_at(message) is None


@pytest.fixture
def as_owner():
    """Only the owner may write `handing` past the one door."""

    def write(message, state):
        with as_role(OWNER):
            Message.objects.filter(pk=message.pk).update(state=state)

    return write


@pytest.mark.parametrize(
    "key", [uuid.uuid4(), "", "not-a-key", "\x00", "0" * 5000, None, {"a": 1}, [1]]
)
def test_an_unknown_or_broken_key_is_harmless(postmark, message, key):
    body = delivered("x")
    body["Metadata"]["portal_message"] = key if isinstance(key, dict | list) else str(key)
    assert post(body).status_code == 200
    assert delivered_at(message) is None


@pytest.mark.parametrize("metadata", [None, [], "x", 7, {}])
def test_metadata_of_another_form_is_harmless(postmark, message, metadata):
    assert post(delivered("x") | {"Metadata": metadata}).status_code in (200, 400)
    assert delivered_at(message) is None


def test_a_delivery_after_a_bounce_changes_nothing_of_the_bounce(postmark, message, person):
    post(bounce(person.email) | {"Metadata": {"portal_message": str(message.pk)}})
    post(delivered(message.pk))
    assert ProviderEvent.objects.get().kind == "hard_bounce"
    assert delivered_at(message) == NOW


def test_a_delivery_in_a_large_body_is_read(postmark, message):
    body = delivered(message.pk) | {"Details": "x" * 1_000_000}
    assert post(body).status_code == 200
    assert delivered_at(message) == NOW


def test_without_the_secret_no_delivery_is_believed(postmark, message):
    assert post(delivered(message.pk), path=TRACKING, secret="postmark:wrong").status_code == 403
    assert delivered_at(message) is None


@pytest.mark.parametrize("kind", ["Open", "Click"])
def test_who_reads_what_is_never_kept(postmark, message, kind):
    body = delivered(message.pk) | {"RecordType": kind, "ReceivedAt": NOW.isoformat()}
    assert post(body).status_code == 200
    assert not ProviderEvent.objects.exists()
    assert delivered_at(message) is None


# --- the mailing of an event ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", [complaint, bounce, unsubscribed])
def test_an_event_of_the_provider_names_its_mailing(postmark, message, person, campaign, kind):
    post(kind(person.email) | {"Metadata": {"portal_message": str(message.pk)}})
    assert ProviderEvent.objects.get().mailing_id == campaign.pk


def test_a_bounce_by_mail_names_its_mailing(message, person, campaign):
    receive(letters.postfix(person.email, letters.message_id_of(message)))
    event = ProviderEvent.objects.get()
    assert (event.kind, event.mailing_id) == ("hard_bounce", campaign.pk)


def test_a_complaint_by_mail_names_its_mailing_by_message_or_by_token(message, person, campaign):
    token = letters.token_for(person, mailing=campaign.number)
    for message_id in (letters.message_id_of(message), "<other@provider.example>"):
        receive(letters.complaint(letters.newsletter(token, message_id=message_id)))
    events = ProviderEvent.objects.filter(kind="complaint")
    assert {event.mailing_id for event in events} == {campaign.pk}


def test_a_request_to_stop_names_the_mailing_of_its_token(person, campaign):
    receive(letters.gmail(letters.token_for(person, mailing=campaign.number)))
    receive(letters.gmail(letters.token_for(person, mailing=999), message_id="x"))
    receive(letters.gmail(letters.token_for(person, mailing=0), message_id="y"))
    named = [event.mailing_id for event in ProviderEvent.objects.all()]
    assert sorted(named, key=str) == sorted([campaign.pk, None, None], key=str)


def test_what_names_no_mail_of_ours_names_no_mailing(postmark, person, message):
    post(complaint(person.email))
    assert ProviderEvent.objects.get().mailing_id is None


def receive(raw):
    return receive_mail(raw, received_at=NOW, now=NOW)
