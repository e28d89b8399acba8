"""Several hand-overs in one statement: the answers of the one decision, and no waiting in a circle.

`consent_withheld_reason` is what everybody else asks; the set-based statement must say the same.
"""

from collections import Counter
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection, transaction

from consent import services as consent
from consent.models import Source
from consent.topics import TAILORING
from foundation.roles import SENDER, as_role
from messaging import sender, services
from messaging.models import Message, Segment
from messaging.policy import BUSY_WAIT, MIN_SEGMENT
from messaging.sending import pool
from retention.erasure import lock_person
from tests.factories import NOW, make_announcement, make_campaign, make_customer, make_staff, topic
from tests.messaging.sink import Sink
from tests.messaging.test_connections import point_at
from tests.messaging.test_hand_over import REASONS, deactivate, erase, retire, started, withdraw
from tests.messaging.test_races import Beside

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def claimed():
    lease = uuid4()
    return lease, sender.claim(lease, now=NOW, optional=True)


def asked(messages, lease, sent=()):
    return sender.hand_over_many([each.id for each in messages], lease, list(sent), NOW)


def the_decision(message) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT consent_withheld_reason(%s, %s, %s, %s)",
            [message.person_id, message.topic_id, message.to_address, NOW],
        )
        return str(cursor.fetchone()[0])


def never_asked(person):
    Message.objects.of_person(person.pk).update(topic_id=topic("special_offers").pk)


CASES = [*[each for each in REASONS if each[1] != "topic_retired"], (never_asked, "not_asked")]


def test_one_statement_gives_every_answer_that_the_decision_gives_one_by_one():
    people = {reason: make_customer(yes=("newsletter",)) for _change, reason in CASES}
    people[""] = make_customer(yes=("newsletter",))
    started(make_campaign())
    reason_of = {person.pk: reason for reason, person in people.items()}
    for change, reason in CASES:
        change(people[reason])
    lease, messages = claimed()
    assert len(messages) == len(people)
    decisions = {message.id: the_decision(message) for message in messages}
    answers = asked(messages, lease)
    assert answers == decisions
    assert {message.person_id: answers[message.id] for message in messages} == reason_of
    for message in messages:
        row = Message.objects.get(pk=message.id)
        answer = answers[message.id]
        assert (row.state, row.reason) == (("withheld", answer) if answer else ("handing", ""))


def test_a_retired_topic_is_answered_for_all():
    people = [make_customer(yes=("newsletter",)) for _ in range(3)]
    started(make_campaign())
    retire(people[0])
    lease, messages = claimed()
    assert set(asked(messages, lease).values()) == {"topic_retired"}


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    ("state", "answer", "row"),
    [
        ("sending", "", "handing"),
        ("paused", "mailing_paused", "queued"),
        ("cancelled", "cancelled", "withheld"),
        ("finished", "cancelled", "withheld"),
    ],
)
@pytest.mark.parametrize("make", [make_campaign, make_announcement])
def test_the_mailings_state_is_asked_with_each(make, state, answer, row, number):
    for _ in range(number):
        make_customer(yes=("newsletter",))
    mailing = started(make())
    lease, messages = claimed()
    type(mailing).objects.filter(pk=mailing.pk).update(state=state)
    answers = asked(messages, lease)
    assert set(answers.values()) == {answer}
    assert set(Message.objects.of_mailing(mailing.pk).values_list("state", flat=True)) == {row}


@pytest.mark.parametrize("number", [1, 2])
def test_a_segment_reaches_only_those_whose_tailoring_is_still_on(number):
    people = [
        make_customer(yes=("newsletter", TAILORING), country="NO") for _ in range(MIN_SEGMENT)
    ]
    norwegians = Segment.objects.create(name="Norwegians", countries=["NO"])
    started(make_campaign(segment=norwegians))
    changed = {person.pk for person in people[:number]}
    for each in changed:
        no = {topic(TAILORING).pk: False}
        consent.record_choices(each, no, source=Source.PREFERENCES, now=NOW)
    lease, messages = claimed()
    off = [each for each in messages if each.person_id in changed]
    on = [each for each in messages if each.person_id not in changed][:number]
    assert set(asked(off, lease).values()) == {"tailoring_off"}
    assert set(asked(on, lease).values()) == {""}


def test_an_announcement_asks_the_account_and_no_topic():
    goes, leaves, gone = (make_customer(no=("newsletter",)) for _ in range(3))
    started(make_announcement())
    deactivate(leaves)
    erase(gone)
    lease, messages = claimed()
    kept = {message.person_id: message for message in messages}
    answers = asked(messages, lease)
    assert answers[kept[goes.pk].id] == ""
    assert {answers[kept[each].id] for each in kept if each != goes.pk} == {
        "deactivated",
        "erased",
    }


def test_what_was_accepted_is_marked_on_the_way():
    people = [make_customer(yes=("newsletter",)) for _ in range(4)]
    started(make_campaign())
    lease, messages = claimed()
    asked(messages[:2], lease)
    asked(messages[2:], lease, [each.id for each in messages[:2]])
    states = Message.objects.in_bulk([each.id for each in messages])
    assert [states[each.id].state for each in messages] == ["sent"] * 2 + ["handing"] * 2
    assert people


def test_who_lost_the_lease_is_told_so_and_nothing_changes():
    make_customer(yes=("newsletter",))
    make_customer(yes=("newsletter",))
    started(make_campaign())
    _lease, messages = claimed()
    assert set(asked(messages, uuid4()).values()) == {"lost"}
    assert set(Message.objects.filter(kind="optional").values_list("state", flat=True)) == {
        "claimed"
    }


def test_nobody_is_handed_over_twice_in_one_lease():
    make_customer(yes=("newsletter",))
    make_customer(yes=("newsletter",))
    started(make_campaign())
    lease, messages = claimed()
    asked(messages, lease)
    assert set(asked(messages, lease).values()) == {"lost"}


def test_an_opt_out_under_way_holds_up_nobody_else_and_is_obeyed():
    people = [make_customer(yes=("newsletter",)) for _ in range(5)]
    leaver = people[2]
    started(make_campaign())
    lease, messages = claimed()
    with transaction.atomic():
        consent.record_opt_out(leaver.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)
        handing = Beside(partial(asked, messages, lease))
        handing.start()
        handing.join(10)
        # The permissions are there at once, to be used before anybody is waited for.
        assert Counter(handing.answer.values()) == {"": 4, "busy": 1}
    (message,) = (each for each in messages if each.person_id == leaver.pk)
    assert asked([message], lease) == {message.id: "withdrawn"}


def test_one_asked_alone_is_waited_for_a_moment_only():
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    lease, messages = claimed()
    with transaction.atomic():
        lock_person(person.pk)
        handing = Beside(partial(asked, messages, lease))
        handing.start()
        assert handing.waits_for_a_lock()
        handing.join(10)
        assert list(handing.answer.values()) == ["busy"]
    assert Message.objects.of_person(person.pk).get().state == "claimed"


def test_the_moment_of_a_hand_over_is_after_its_wait():
    """The published reading compares it with each no: it must see a wait."""
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    lease, messages = claimed()
    with transaction.atomic():
        lock_person(person.pk)
        handing = Beside(partial(sender.hand_over, messages[0], lease, None, NOW))
        handing.start()
        assert handing.waits_for_a_lock()
        held = 0.4
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [held])
    handing.join()
    assert handing.answer == ""
    handed_at = Message.objects.of_person(person.pk).get().handed_at
    assert handed_at - NOW >= timedelta(seconds=held)


def test_of_two_connections_one_bodys_permission_never_waits_for_the_others_person(
    settings, monkeypatch
):
    """The first is held by a slow job all the time: the second's body is said meanwhile."""
    monkeypatch.setattr(pool, "BUSY_SECONDS", 0.2)
    held, goes = (make_customer(yes=("newsletter",)) for _ in range(2))
    started(make_campaign())
    with Sink() as sink:
        point_at(settings, sink, connections=2, timeout=20)
        with transaction.atomic():
            lock_person(held.pk)
            delivery = Beside(partial(sender.deliver_pending, clock=lambda: NOW))
            delivery.start()
            delivery.join(10)
            assert [address for address, _ in sink.taken] == [goes.email]
            assert delivery.answer == 1
        row = Message.objects.of_person(held.pk).get()
        assert (row.state, row.attempts, row.not_before) == ("queued", 0, NOW + BUSY_WAIT)
        sender.deliver_pending(clock=lambda: NOW + BUSY_WAIT)
        assert sink.to(held.email)


def test_an_opt_out_waits_for_a_hand_over_of_many_that_came_first():
    people = [make_customer(yes=("newsletter",)) for _ in range(3)]
    started(make_campaign())
    lease, messages = claimed()
    with transaction.atomic():
        assert set(asked(messages, lease).values()) == {""}
        leaving = Beside(partial(withdraw, people[1]))
        leaving.start()
        assert leaving.waits_for_a_lock()
    leaving.join()


def test_with_two_accounts_locked_in_the_other_order_nobody_is_ended_as_a_deadlock():
    """Some of our own jobs lock many accounts, in the order their plan happens to give."""
    first, second = sorted(
        (make_customer(yes=("newsletter",)) for _ in range(2)), key=lambda person: person.pk
    )
    started(make_campaign())
    lease, messages = claimed()
    with transaction.atomic():
        lock_person(second.pk)
        beside = Beside(partial(asked, messages, lease))
        beside.start()
        beside.join(5)
        lock_person(first.pk)  # held by the other, it would be a circle
        assert Message.objects.of_person(second.pk).delete()[0] == 1
    assert sorted(beside.answer.values()) == ["", "busy"]
    assert set(asked(messages, lease).values()) == {"lost"}


def test_a_message_locked_by_somebody_else_is_busy_and_what_was_accepted_stays_known():
    for _ in range(3):
        make_customer(yes=("newsletter",))
    started(make_campaign())
    lease, messages = claimed()
    first, *others = messages
    asked([first], lease)
    with transaction.atomic():
        Message.objects.select_for_update().get(pk=others[0].id)
        beside = Beside(partial(asked, others, lease, [first.id]))
        beside.start()
        beside.join(5)
        assert set(beside.answer.values()) == {"busy"}
    assert Message.objects.get(pk=first.id).state == "handing"
    assert set(asked(others, lease, [first.id]).values()) == {""}
    assert Message.objects.get(pk=first.id).state == "sent"


def test_the_sender_asks_under_its_own_role_and_reads_the_names():
    make_customer(yes=("newsletter",), first_name="Åse", last_name="Lie", company="Lie AS")
    make_customer(yes=("newsletter",), first_name="Per")
    started(make_campaign())
    with as_role(SENDER):
        lease, messages = claimed()
        assert set(asked(messages, lease).values()) == {""}
    assert {(each.first_name, each.last_name, each.company) for each in messages} == {
        ("Åse", "Lie", "Lie AS"),
        ("Per", "Nordmann", ""),
    }


def test_a_paused_mailing_of_any_size_holds_up_no_other_and_two_share():
    staff = make_staff()
    for _ in range(4):
        make_customer(yes=("newsletter",))
    held, one, other = (started(make_campaign()) for _ in range(3))
    services.pause(held, actor=staff, now=NOW)
    _lease, messages = claimed()
    numbers = {mailing.pk: 0 for mailing in (held, one, other)}
    for message in messages:
        numbers[message.mailing_id] += 1
    assert list(numbers.values()) == [0, 4, 4]
