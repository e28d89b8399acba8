"""Two hundred at once for one person: they queue, none is lost, and nobody waits for ever."""

import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from accounts.models import User
from consent import services
from consent.models import ConsentDetail, Source
from foundation.roles import KEEPER, as_role
from retention import services as retention
from retention.models import Source as AskedBy
from tests.consent.ledger import assert_everything_adds_up
from tests.factories import NOW, make_customer, topic
from tests.messaging.test_races import Beside
from tests.services import ADMIN_URL

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

MANY, CONNECTIONS = 200, 8
WAYS_OUT = (Source.ONE_CLICK, Source.LINK, Source.MAILTO, Source.COMPLAINT, Source.STAFF)


def all_at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """What each answered; eight connections that begin together and never rest."""
    start = threading.Barrier(CONNECTIONS)

    def work(part: list[Callable[[], Any]]) -> list[Any]:
        try:
            start.wait(10)
            return [act() for act in part]
        finally:
            connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        parts = pool.map(work, [acts[n::CONNECTIONS] for n in range(CONNECTIONS)])
        return [answer for part in parts for answer in part]


def test_two_hundred_opt_outs_and_choices_leave_one_state_and_every_event() -> None:
    person = make_customer(yes=("newsletter", "special_offers"))
    every = services.optional_topics()
    written: Counter[Any] = Counter()
    chance = random.Random(3)

    def act(number: int) -> Callable[[], Any]:
        topics = chance.sample(every, chance.randint(1, len(every)))  # in any order
        way = chance.choice(WAYS_OUT)
        months = chance.choice([1, 3, 6, None])
        choices: list[Callable[[], Any]] = [
            lambda: services.record_opt_out(person.pk, topics, source=way, now=NOW),
            lambda: services.record_choices(
                person.pk, dict.fromkeys(topics, True), source=Source.PREFERENCES, now=NOW
            ),
            lambda: services.record_pause(
                person.pk, topics, months=months, source=Source.PREFERENCES, now=NOW
            ),
            lambda: services.undo_latest(person.pk, source=Source.PREFERENCES, now=NOW),
            lambda: services.undo_last(person.pk, topics[0], source=Source.LINK, now=NOW),
        ]
        return choices[number % len(choices)]

    before = ConsentDetail.objects.of(person.pk).count()
    answers = all_at_once([act(number) for number in range(MANY)])
    for answer in answers:
        written.update(answer if isinstance(answer, list) else ["one"] * answer)
    assert ConsentDetail.objects.of(person.pk).count() - before == written.total() > MANY / 4
    stored = assert_everything_adds_up()
    assert {key for _, key in stored} == set(every)


def test_two_hundred_opt_outs_of_one_topic_are_one() -> None:
    """And one more where a mail's link came first: that could be undone, the next cannot."""
    person = make_customer(yes=("newsletter",))
    leave = partial(services.record_opt_out, person.pk, [topic().pk], now=NOW)
    ways = WAYS_OUT * (MANY // len(WAYS_OUT))
    answers = all_at_once([partial(leave, source=way) for way in ways])
    events = list(ConsentDetail.objects.of(person.pk).order_by("version"))
    expected = 2 if events[1].source in services.FROM_MAIL else 1
    assert sum(map(len, answers)) == expected
    assert [event.state for event in events] == ["granted", *["withdrawn"] * expected]
    assert_everything_adds_up()


def test_two_hundred_undos_take_one_change_back_once() -> None:
    person = make_customer(yes=("newsletter",))
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    answers = all_at_once(
        [
            lambda: services.undo_last(person.pk, topic().pk, source=Source.LINK, now=NOW)
            for _ in range(MANY)
        ]
    )
    assert sum(answers) == 1
    assert services.current_preferences(person.pk)[topic().pk].version == 3
    assert_everything_adds_up()


def test_choices_in_the_middle_of_an_erasure_stop_neither_and_leave_nothing() -> None:
    person = make_customer(yes=("newsletter",))
    every = services.optional_topics()

    def erase() -> bool:
        retention.request_deletion(person.pk, source=AskedBy.CUSTOMER, actor="self", now=NOW)
        with as_role(KEEPER):
            return retention.run_deletions(NOW) == 1

    def choose(number: int) -> Callable[[], Any]:
        yes = bool(number % 2)
        return lambda: services.record_choices(
            person.pk, dict.fromkeys(every, yes), source=Source.PREFERENCES, now=NOW
        )

    acts = [choose(number) for number in range(MANY)]
    acts.insert(MANY // 3, erase)
    assert True in all_at_once(acts)
    assert not User.objects.filter(pk=person.pk).exists()
    assert not ConsentDetail.objects.of(person.pk).exists()


def test_an_opt_out_of_someone_erased_at_that_moment_waits_and_finds_nobody() -> None:
    person = make_customer()
    with transaction.atomic(), as_role(KEEPER):
        User.objects.filter(pk=person.pk).delete()
        leaving = Beside(
            lambda: services.record_opt_out(
                person.pk, services.optional_topics(), source=Source.ONE_CLICK, now=NOW
            )
        )
        leaving.start()
        assert leaving.waits_for_a_lock()
    leaving.join(10)
    assert leaving.answer == []
    assert not ConsentDetail.objects.of(person.pk).exists()


def test_an_erasure_waits_for_a_choice_that_came_first_and_takes_it_along() -> None:
    person = make_customer(yes=("newsletter",))
    every = services.optional_topics()

    def erase() -> int:
        retention.request_deletion(person.pk, source=AskedBy.CUSTOMER, actor="self", now=NOW)
        with as_role(KEEPER):
            return retention.run_deletions(NOW)

    with transaction.atomic():
        assert services.record_opt_out(person.pk, every, source=Source.LINK, now=NOW)
        erasing = Beside(erase)
        erasing.start()
        assert erasing.waits_for_a_lock()
    erasing.join(20)
    assert erasing.answer == 1
    assert not ConsentDetail.objects.of(person.pk).exists()


def test_a_pause_leaves_alone_what_was_answered_while_it_waited() -> None:
    """Locks are taken by topic; one taken later would be out of turn, and could deadlock."""
    first, last = sorted(services.optional_topics())[:2]
    person = make_customer()
    services.record_choices(person.pk, {last: True}, source=Source.PREFERENCES, now=NOW)
    both = [last, first]
    pausing = Beside(
        lambda: services.record_pause(person.pk, both, months=1, source=Source.PREFERENCES, now=NOW)
    )
    with psycopg.connect(os.environ[ADMIN_URL], dbname=connection.settings_dict["NAME"]) as other:
        other.execute("SELECT FROM consent_preference WHERE topic_id = %s FOR UPDATE", [last])
        pausing.start()
        assert pausing.waits_for_a_lock()
        services.record_choices(person.pk, {first: True}, source=Source.PREFERENCES, now=NOW)
        with transaction.atomic():
            services.record_opt_out(person.pk, [first], source=Source.LINK, now=NOW)
            other.rollback()
            services.record_opt_out(person.pk, [last], source=Source.LINK, now=NOW)
    pausing.join(10)
    assert pausing.answer == [last]
    states = {key: each.state for key, each in services.current_preferences(person.pk).items()}
    assert states == {first: "withdrawn", last: "withdrawn"}
    assert_everything_adds_up()
