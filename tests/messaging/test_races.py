"""An opt-out and a hand-over at the same moment: one comes first, and both know which."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from consent import services as consent
from consent import suppression
from consent.models import ConsentDetail, Source, Suppression
from messaging import sender, services
from messaging.models import Message
from retention.erasure import lock_person
from tests.factories import NOW, make_campaign, make_customer, topic
from tests.messaging.test_hand_over import started

pytestmark = pytest.mark.django_db(transaction=True)


class Beside(threading.Thread):
    """Runs something on a connection of its own; `waiting` tells whether a lock holds it."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__()
        self.act = act
        self.answer: Any = None
        self.pid = 0
        self.connected = threading.Event()

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.pid = cursor.fetchone()[0]
            self.connected.set()
            self.answer = self.act()
        finally:
            connection.close()

    def waits_for_a_lock(self) -> bool:
        self.connected.wait(5)
        for _ in range(100):
            with connection.cursor() as cursor:
                cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [self.pid])
                if cursor.fetchone()[0]:
                    return True
            self.join(0.02)
            if not self.is_alive():
                return False
        return False


def claimed():
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    lease = uuid4()
    (message,) = sender.claim(lease, now=NOW, optional=True)
    return person, message, lease


def no(person):
    return consent.record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)


def test_an_opt_out_waits_for_a_mark_that_came_first():
    person, message, lease = claimed()
    with transaction.atomic():
        assert sender.hand_over(message, lease, None, NOW) == ""
        opting_out = Beside(lambda: no(person))
        opting_out.start()
        assert opting_out.waits_for_a_lock()
    opting_out.join()
    assert opting_out.answer == [topic().pk]


def test_a_mark_waits_for_an_opt_out_that_came_first_and_obeys_it():
    person, message, lease = claimed()
    with transaction.atomic():
        no(person)
        handing = Beside(lambda: sender.hand_over(message, lease, None, NOW))
        handing.start()
        assert handing.waits_for_a_lock()
    handing.join()
    assert handing.answer == "withdrawn"
    assert Message.objects.get(person_id=person.pk).state == "withheld"


def test_an_opt_out_that_is_rolled_back_withholds_nothing():
    person, message, lease = claimed()
    transaction.set_autocommit(False)
    no(person)
    handing = Beside(lambda: sender.hand_over(message, lease, None, NOW))
    handing.start()
    assert handing.waits_for_a_lock()
    transaction.rollback()
    transaction.set_autocommit(True)
    handing.join()
    assert handing.answer == ""


def test_forty_choices_of_one_person_at_once_leave_one_state_and_every_event():
    person = make_customer(yes=("newsletter", "special_offers"))
    every = consent.optional_topics()

    def choose(number: int) -> object:
        if number % 2:
            return consent.record_opt_out(person.pk, every, source=Source.LINK, now=NOW)
        return consent.record_choices(
            person.pk, dict.fromkeys(reversed(every), True), source=Source.PREFERENCES, now=NOW
        )

    threads = [Beside(partial(choose, number)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(thread.answer is not None for thread in threads)
    for topic_id, preference in consent.current_preferences(person.pk).items():
        events = ConsentDetail.objects.of(person.pk).filter(topic_id=topic_id)
        ordered = list(events.order_by("version"))
        assert [event.version for event in ordered] == list(range(1, len(ordered) + 1))
        assert (preference.version, preference.state) == (ordered[-1].version, ordered[-1].state)


def test_a_campaign_hands_over_to_nobody_whose_opt_out_had_committed(mailbox, settings):
    people = [make_customer(yes=("newsletter",)) for _ in range(60)]
    campaign = started(make_campaign())
    committed: dict[object, int] = {}

    def leave() -> None:
        for person in people[::2]:
            no(person)
            committed[person.pk] = len(mailbox.deliveries)

    leaving = Beside(leave)
    leaving.start()
    services.deliver_pending()
    leaving.join()
    for person in people[1::2]:
        assert len(mailbox.to(person.email)) == 1
    order = [delivery.recipients[0] for delivery in mailbox.deliveries]
    for person in people[::2]:
        message = Message.objects.get(mailing_id=campaign.pk, person_id=person.pk)
        assert message.state in ("sent", "withheld")
        if message.state == "sent":
            # What was marked before the commit may still be on its way: one a connection.
            assert order.index(person.email) < committed[person.pk] + settings.SMTP_CONNECTIONS


def test_an_erasure_and_a_hand_over_never_wait_for_each_other():
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    started(make_campaign())
    lease = uuid4()
    first, second = sender.claim(lease, now=NOW, optional=True)
    assert sender.hand_over(first, lease, None, NOW) == ""
    with transaction.atomic():
        lock_person(person.pk)
        beside = Beside(partial(sender.hand_over, second, lease, first.id, NOW))
        beside.start()
        assert beside.waits_for_a_lock()
        # In the other order the database would end one of the two as a deadlock.
        assert Message.objects.of_person(person.pk).delete()[0] == 2
    beside.join(5)
    assert beside.answer == "lost"


def barred(person):
    return suppression.suppress(person.email, reason=Suppression.Reason.COMPLAINT, now=NOW)


def test_a_bar_waits_for_a_mark_that_came_first():
    person, message, lease = claimed()
    with transaction.atomic():
        assert sender.hand_over(message, lease, None, NOW) == ""
        barring = Beside(lambda: barred(person))
        barring.start()
        assert barring.waits_for_a_lock()
    barring.join()
    assert barring.answer is True


def test_a_mark_waits_for_a_bar_that_came_first_and_obeys_it():
    person, message, lease = claimed()
    with transaction.atomic():
        assert barred(person)
        marking = Beside(lambda: sender.hand_over(message, lease, None, NOW))
        marking.start()
        assert marking.waits_for_a_lock()
    marking.join()
    assert marking.answer == "suppressed"
