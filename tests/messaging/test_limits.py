"""How fast mail may leave: the limits of the database, honoured over all workers together."""

import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection

from foundation.roles import as_role
from messaging.models import SendingLimit
from messaging.sending import limits
from tests.factories import NOW

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def nothing_known():
    limits.forget()
    yield
    limits.forget()


def limit(per_minute, domain="", burst=1):
    return SendingLimit.objects.create(domain=domain, per_minute=per_minute, burst=burst)


def places(domains, now=NOW, **more):
    """Seconds from `now` on."""
    moments = limits.take_places(domains, now=now, **more)
    return [round((moment - now).total_seconds(), 3) for moment in moments]


def taken(domain=""):
    """How many places of a limit are taken at NOW."""
    row = SendingLimit.objects.get(domain=domain)
    return round((row.next_at - NOW) / (timedelta(minutes=1) / row.per_minute))


def test_without_a_limit_all_leave_at_once(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert places(["a.example"] * 50) == [0] * 50
    with django_assert_num_queries(0):
        assert places(["a.example"] * 50) == [0] * 50


def test_a_limit_elsewhere_costs_no_statement(django_assert_num_queries):
    limit(60, "gmail.com")
    places(["a.example"])
    with django_assert_num_queries(0):
        assert places(["a.example"]) == [0]


def test_messages_leave_one_step_apart():
    limit(600)
    assert places(["a.example"] * 5) == [0, 0.1, 0.2, 0.3, 0.4]
    assert places(["a.example"] * 2) == [0.5, 0.6]


def test_what_must_wait_longer_than_a_second_takes_no_place():
    limit(60)
    assert places(["a.example"] * 4) == [0, 1, 2, 3]
    assert taken() == 2
    assert places(["a.example"], now=NOW + 2 * SECOND) == [0]


def test_after_a_rest_a_burst_leaves_together():
    limit(60, burst=3)
    assert places(["a.example"] * 5) == [0, 0, 0, 1, 2]
    assert taken() == 4
    assert places(["a.example"], now=NOW + 2 * SECOND) == [0]
    assert places(["a.example"] * 4, now=NOW + timedelta(hours=1)) == [0, 0, 0, 1]


def test_a_domain_has_its_own_limit_and_holds_nobody_else_up():
    limit(60, "gmail.com")
    assert places(["gmail.com", "b.example", "gmail.com", "b.example", "gmail.com"]) == [
        0,
        0,
        1,
        0,
        2,
    ]


def test_both_limits_count_for_one_message():
    limit(600)
    limit(60, "gmail.com")
    assert places(["gmail.com", "b.example", "gmail.com", "b.example"]) == [0, 0.1, 1, 0.3]


def test_what_one_limit_holds_takes_no_place_in_the_other():
    limit(600)
    limit(60, "gmail.com")
    places(["gmail.com"] * 10)
    assert (taken(), taken("gmail.com")) == (2, 2)
    SendingLimit.objects.update(next_at=None)
    SendingLimit.objects.filter(domain="").update(per_minute=1)
    SendingLimit.objects.filter(domain="gmail.com").update(per_minute=6000)
    places(["gmail.com"] * 10)
    assert (taken(), taken("gmail.com")) == (1, 1)


@pytest.mark.parametrize("domain", ["Gmail.COM", "gmail.com.", " gmail.com"])
def test_a_domain_is_one_however_it_is_written(domain):
    limit(60, "gmail.com")
    assert places(["gmail.com", domain, domain]) == [0, 1, 2]


def test_a_domain_is_one_in_letters_and_in_ascii():
    limit(60, "xn--blbr-roah.example")
    assert places(["blåbær.example", "xn--blbr-roah.example"]) == [0, 1]


@pytest.mark.parametrize("domain", ["", "x" * 300, "a..b", "ø" * 80])
def test_what_is_no_domain_goes_by_the_general_limit_alone(domain):
    limit(60)
    assert places([domain, "a.example"]) == [0, 1]


def test_urgent_mail_takes_places_and_never_waits():
    limit(60)
    assert places(["a.example"] * 4, urgent=[False, True, True, True]) == [3, 0, 0, 0]
    assert taken() == 3
    assert places(["a.example"]) == [4]  # after the one that was told 3


def test_who_must_wait_comes_again_one_after_the_other():
    limit(60)
    assert places(["a.example"] * 3) == [0, 1, 2]
    assert places(["a.example"] * 3) == [3, 4, 5]
    assert taken() == 2


def test_nobody_waits_longer_than_a_limit_may_need_to_be_raised():
    limit(1)
    waits = places(["a.example"] * 100)
    assert max(waits) <= limits.LONGEST_WAIT.total_seconds()
    assert taken() == 1
    late = [wait for wait in waits if wait > 60 * 14]
    assert len(set(late)) == len(late)


def test_a_domain_that_asks_to_slow_down_is_left_alone():
    limit(60, "gmail.com", burst=10)
    limits.hold_back("Gmail.com", until=NOW + 30 * SECOND)
    assert places(["gmail.com", "b.example"]) == [30, 0]
    limits.hold_back("gmail.com", until=NOW + 10 * SECOND)  # never sooner than told before
    limits.forget()
    assert places(["gmail.com"]) == [30]


def test_a_domain_without_a_limit_is_not_given_one():
    limits.hold_back("gmail.com", until=NOW + 30 * SECOND)
    assert not SendingLimit.objects.exists()


def test_the_senders_role_moves_a_limit_and_changes_none():
    row = limit(60)
    with as_role("portal_sender"):
        assert places(["a.example"] * 2) == [0, 1]
        limits.hold_back("", until=NOW + 9 * SECOND)
        with pytest.raises(Exception, match="permission denied"):
            SendingLimit.objects.filter(pk=row.pk).update(per_minute=6000)


def test_a_limit_of_none_a_minute_does_not_exist():
    with pytest.raises(IntegrityError, match="messaging_limit_moves"):
        limit(0)


@pytest.mark.django_db(transaction=True)
def test_workers_together_never_exceed_a_limit():
    """Eight workers, each on a connection of its own, two limits, and rows asked for in any order.

    In every span of time no more leave than the burst and what the rate lets through. A message
    held up to a second by its domain was counted that much earlier among all mail.
    """
    limit(6000, burst=20)
    limit(1200, "gmail.com", burst=5)
    left: list[tuple[str, datetime]] = []

    def work(number):
        try:
            for turn in range(25):
                domains = ["gmail.com", f"{number}.example", "b.example", "gmail.com"]
                now = NOW + timedelta(milliseconds=40 * turn + number)
                moments = limits.take_places(domains, now=now)
                left.extend(
                    (domain, moment)
                    for domain, moment in zip(domains, moments, strict=True)
                    if moment <= now + limits.SOON
                )
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(domain for domain, _ in left)["gmail.com"] > 20
    google = sorted(moment for domain, moment in left if domain == "gmail.com")
    assert fits(google, per_second=20, burst=5)
    assert fits(sorted(m for d, m in left if d != "gmail.com"), per_second=100, burst=20)
    assert len(left) <= 20 + 100 * (max(m for _, m in left) - NOW).total_seconds() + 1


def fits(moments, *, per_second, burst):
    """Whether no span holds more than the burst and the rate."""
    microseconds = [round((moment - NOW).total_seconds() * 1_000_000) for moment in moments]
    step = 1_000_000 // per_second
    return all(
        last - first + 2 >= (count - burst) * step
        for start, first in enumerate(microseconds)
        for count, last in enumerate(microseconds[start:], 1)
    )


def test_a_line_whose_campaign_was_cancelled_holds_nobody_up():
    limit(6, "gmail.com")
    assert max(places(["gmail.com"] * 80)) == 790
    # Nobody came when it was their turn.
    assert places(["gmail.com"] * 3, now=NOW + 25 * SECOND) == [0, 10, 20]


def test_a_line_that_comes_is_stood_in():
    limit(6, "gmail.com")
    places(["gmail.com"] * 3)
    assert places(["gmail.com"], now=NOW + 10 * SECOND) == [0]
    assert places(["gmail.com"], now=NOW + 11 * SECOND) == [19]
