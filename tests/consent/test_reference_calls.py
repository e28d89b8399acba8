"""Sales calls: asked for one by one, never more often than the customer wants."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from consent import policy
from consent.models import SalesCall
from consent.reference import services
from consent.reference.program import part_of
from consent.reference.services import AlreadyDecidedError, CallLimitError, NotGrantedError
from messaging.models import Message
from tests.consent.referring import CALL, NAME, ask, say_no
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db
YEAR_AGO = NOW - timedelta(days=366)


@pytest.fixture
def person():
    return make_customer(yes=(CALL,), now=YEAR_AGO - timedelta(days=9))


def ask_before(person, *, days: int) -> SalesCall:
    then = NOW - timedelta(days=days)
    return ask(person, now=then, answer_until=then + timedelta(days=1))


def test_nobody_is_asked_without_a_yes_to_calls():
    for person in (make_customer(), make_customer(yes=(NAME,)), make_customer(no=(CALL,))):
        with pytest.raises(NotGrantedError):
            ask(person)
    assert not Message.objects.exists()


def test_a_request_is_an_optional_mail_of_its_own_activity(person):
    call = ask(person)
    mail = Message.objects.get(purpose="reference_call")
    assert (mail.kind, mail.person_id) == ("optional", person.pk)
    assert "Fjord Bank" in mail.text
    assert call.answer == "open"


def test_one_request_at_a_time(person):
    ask(person)
    with pytest.raises(CallLimitError):
        ask(person)


def test_without_a_number_of_their_own_the_limit_is_the_policys(person):
    for number in range(policy.CALLS_A_YEAR):
        ask_before(person, days=40 - 5 * number)
    with pytest.raises(CallLimitError):
        ask(person)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_each_request_of_a_year_counts_whatever_the_answer(person, number):
    services.set_call_limit(person, number)
    for days in range(number):
        services.answer_call(
            ask_before(person, days=30 + days), accept=False, now=NOW - timedelta(days=30 + days)
        )
    with pytest.raises(CallLimitError):
        ask(person)


def test_a_request_of_more_than_a_year_ago_counts_no_more(person):
    services.set_call_limit(person, 1)
    ask(person, now=YEAR_AGO, answer_until=YEAR_AGO + timedelta(days=1))
    ask(person)


def test_the_number_of_a_year_is_not_reset(person):
    """By deleted requests, or by one that says it is of another year."""
    services.set_call_limit(person, 1)
    services.answer_call(ask(person), accept=False, now=NOW)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        SalesCall.objects.all().delete()
    later = NOW + timedelta(days=400)
    with pytest.raises(CallLimitError):
        ask(person, now=later, answer_until=later)


def test_the_limit_holds_past_the_services(person):
    services.set_call_limit(person, 0)
    with pytest.raises(IntegrityError, match="in a year"), transaction.atomic():
        SalesCall.objects.create(person=person, asked_at=NOW, answer_until=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        services.set_call_limit(person, policy.MOST_CALLS_A_YEAR + 1)


def test_no_answer_in_time_is_a_no(person):
    call = ask(person)
    late = call.answer_until + timedelta(seconds=1)
    assert services.expire_calls(now=call.answer_until) == 0
    assert part_of(person, now=late).open_call is None
    with pytest.raises(AlreadyDecidedError):
        services.answer_call(call, accept=True, now=late)
    assert services.expire_calls(now=late) == 1
    call.refresh_from_db()
    assert (call.answer, call.answered_at) == ("expired", call.answer_until)


def test_a_yes_may_become_a_no_but_never_the_other_way(person):
    call = ask(person)
    services.answer_call(call, accept=True, now=NOW)
    services.answer_call(call, accept=True, now=NOW)
    services.answer_call(call, accept=False, now=NOW)
    services.answer_call(call, accept=False, now=NOW)
    with pytest.raises(AlreadyDecidedError):
        services.answer_call(call, accept=True, now=NOW)
    with pytest.raises(AlreadyDecidedError):
        services.record_call_made(call, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        SalesCall.objects.filter(pk=call.pk).update(answer="accepted")


def test_nothing_is_accepted_after_a_no_to_calls(person):
    call = ask(person)
    say_no(person, CALL)
    with pytest.raises(NotGrantedError):
        services.answer_call(call, accept=True, now=NOW)
