"""The same thing told by many workers at once, and an erasure in the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection

from consent import services as consent
from consent.models import ConsentDetail, Source, State, Suppression
from foundation.roles import OWNER, as_role
from messaging.incoming.services import receive_mail
from messaging.models import ProviderEvent
from retention import services as retention
from retention.models import Source as Asked
from tests.factories import NOW, make_customer, topic
from tests.incoming import letters

pytestmark = pytest.mark.django_db(transaction=True)


def receive(raw):
    try:
        return receive_mail(raw, received_at=NOW, now=NOW)
    finally:
        connection.close()


def test_eight_deliveries_of_one_complaint_are_one():
    person = make_customer(yes=("newsletter",))
    mail = letters.yahoo(letters.token_for(person))
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(receive, [mail] * 8)) == {"applied"}
    assert ProviderEvent.objects.count() == 1
    assert Suppression.objects.count() == len(settings.SUPPRESSION_KEYS)
    of_topic = ConsentDetail.objects.of(person.pk).filter(topic_id=topic().pk)
    assert of_topic.filter(source=Source.COMPLAINT).count() == 1
    assert consent.current_preferences(person.pk)[topic().pk].state == State.WITHDRAWN


def test_an_erased_person_leaves_no_event_and_a_late_mail_brings_none_back():
    person = make_customer(yes=("newsletter",))
    mail = letters.gmail(letters.token_for(person))
    receive(mail)
    assert ProviderEvent.objects.get().person_id == person.pk
    retention.request_deletion(person.pk, source=Asked.CUSTOMER, actor="self", now=NOW)
    with as_role(OWNER):
        assert retention.run_deletions(NOW) == 1
    assert not ProviderEvent.objects.exists()
    assert receive(mail) == "nothing"
    assert ProviderEvent.objects.get().person_id is None
    assert not ConsentDetail.objects.of(person.pk).exists()
