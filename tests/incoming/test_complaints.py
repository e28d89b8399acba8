"""Spam complaints (RFC 5965): nothing optional any more, found by our own marks."""

import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest

from consent import services as consent
from consent.models import ConsentDetail, Source, State, Suppression
from consent.suppression import is_suppressed
from messaging.incoming.services import receive_mail
from messaging.models import ProviderEvent
from tests.factories import NOW, make_customer, topic
from tests.incoming import letters

pytestmark = pytest.mark.django_db
COMPLAINT = Suppression.Reason.COMPLAINT


def receive(raw, *, at=NOW):
    return receive_mail(raw, received_at=at, now=at)


def states(person):
    return {row.state for row in consent.current_preferences(person.pk).values()}


@pytest.mark.parametrize("loop", [letters.yahoo, letters.microsoft, letters.links_in_the_text])
def test_a_complaint_with_a_blacked_out_recipient_ends_everything_optional(loop):
    person = make_customer(yes=("newsletter", "product_news"), no=("special_offers",))
    assert receive(loop(letters.token_for(person))) == "applied"
    assert State.GRANTED not in states(person)
    assert is_suppressed(person.email, reasons=(COMPLAINT,))


def test_each_topic_says_that_it_was_a_complaint_and_when_it_was_received():
    person = make_customer(yes=("newsletter", "product_news"))
    receive(letters.yahoo(letters.token_for(person)))
    events = ConsentDetail.objects.of(person.pk).filter(source=Source.COMPLAINT)
    assert {event.received_at for event in events} == {NOW}
    assert events.count() == 3


def test_a_complaint_without_any_token_is_found_by_our_message():
    person = make_customer(yes=("newsletter",))
    message = letters.handed_over(person)
    enclosed = letters.newsletter("", redacted=True, message_id=letters.message_id_of(message))
    assert receive(letters.complaint(enclosed)) == "applied"
    assert states(person) == {State.WITHDRAWN, State.REFUSED}
    assert is_suppressed(person.email, reasons=(COMPLAINT,))


def test_a_complaint_about_a_mail_that_is_not_ours_changes_nothing():
    person = make_customer(yes=("newsletter",))
    enclosed = letters.newsletter(
        "", redacted=True, message_id=f"<{uuid.uuid4()}@portal.example>", to=person.email
    )
    assert receive(letters.complaint(enclosed)) == "unknown"
    assert states(person) == {State.GRANTED}
    assert not Suppression.objects.exists()


def test_a_message_id_of_another_domain_is_not_ours():
    person = make_customer(yes=("newsletter",))
    message = letters.handed_over(person)
    enclosed = letters.newsletter("", redacted=True, message_id=f"<{message.pk}@other.example>")
    assert receive(letters.complaint(enclosed)) == "unknown"
    assert states(person) == {State.GRANTED}


@pytest.mark.parametrize("kind", ["not-spam", "fraud", "virus", "auth-failure", ""])
def test_a_report_of_another_kind_is_kept_for_a_look(kind):
    person = make_customer(yes=("newsletter",))
    token = letters.token_for(person)
    assert receive(letters.complaint(letters.newsletter(token), kind=kind)) == "unknown"
    assert states(person) == {State.GRANTED}


def test_a_complaint_that_comes_twice_counts_once_even_after_a_new_yes():
    person = make_customer(yes=("newsletter",))
    mail = letters.yahoo(letters.token_for(person))
    receive(mail)
    consent.record_choices(
        person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW + timedelta(minutes=5)
    )
    receive(mail, at=NOW + timedelta(minutes=9))
    assert State.GRANTED in states(person)
    assert not is_suppressed(person.email)
    assert ProviderEvent.objects.count() == 1


def test_a_complaint_stands_until_its_owner_says_yes_signed_in():
    person = make_customer(yes=("newsletter",))
    receive(letters.yahoo(letters.token_for(person)))
    later = NOW + timedelta(minutes=5)
    consent.record_opt_out(person.pk, [topic().pk], source=Source.PREFERENCES, now=later)
    assert is_suppressed(person.email)
    consent.record_choices(person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=later)
    assert not is_suppressed(person.email)


def test_a_complaint_of_somebody_who_is_gone_changes_nothing():
    gone = SimpleNamespace(pk=uuid.uuid4())
    assert receive(letters.yahoo(letters.token_for(gone))) == "unknown"
    assert not Suppression.objects.exists()
