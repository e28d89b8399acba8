"""Requests about personal data: the law's month, who is asking, answers, and whose list it is."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts import support
from accounts.models import User
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.models import Message
from retention import desk, services
from retention import schedule as rules
from retention.asking import day_of
from retention.desk import AnswerRefused
from retention.desk.authorities import DATATILSYNET, authority_for
from retention.desk.watching import watch_requests
from retention.models import DeletionRequest, PrivacyRequest, Source
from retention.policy import ANSWER, WARN_AFTER, WARN_BEFORE, Period
from retention.words import human_day
from tests.factories import NOW, make_contact, make_customer, make_list, make_staff

pytestmark = pytest.mark.django_db
Kind = PrivacyRequest.Kind
Ground = PrivacyRequest.Ground


def ask(person: User | None = None, **more: Any) -> PrivacyRequest:
    stranger = {} if person else {"name": "Ola Fremmed", "email": "ola@example.test"}
    fields = {"kind": Kind.ACCESS, "text": "What do you have?", "source": "page", "actor": "self"}
    return desk.open_request(**{"person": person, "now": NOW, **stranger, **fields, **more})


DAY = timedelta(days=1)
LATE = NOW + 24 * DAY


def begin_late(request: PrivacyRequest) -> DeletionRequest:
    reference = desk.start_deletion(request, actor=make_staff(), now=LATE)
    found: DeletionRequest = DeletionRequest.objects.get(reference=reference)
    return found


def mails(purpose: str) -> list[Message]:
    return list(Message.objects.filter(purpose=purpose))


def known(request: PrivacyRequest) -> PrivacyRequest:
    """A stranger whom staff have made sure of."""
    desk.check_identity(request, how="called them back", actor=make_staff(), now=NOW)
    request.refresh_from_db()
    return request


# --- the month -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-01-31T12:00", "2026-02-28"),
        ("2026-03-12T12:00", "2026-04-12"),
        # Already the next day where whoever asks lives, and we: in Oslo.
        ("2026-03-12T23:30", "2026-04-13"),
    ],
)
def test_a_request_is_due_a_month_later_by_the_calendar_of_whoever_asks(
    received: str, due: str
) -> None:
    moment = datetime.fromisoformat(received).replace(tzinfo=UTC)
    assert str(ask(make_customer(), received_at=moment).due_on) == due


def test_whoever_asks_is_told_that_it_came_and_by_when_it_is_answered() -> None:
    person = make_customer(language="en")
    request = ask(person)
    (mail,) = mails("request_received")
    assert (mail.to_address, mail.person_id) == (person.email, person.pk)
    assert str(request.due_on.day) in mail.text
    assert str(request.reference) in mail.text


def test_the_same_form_and_the_same_objection_are_one_request() -> None:
    person, form, event = make_customer(), uuid.uuid4(), uuid.uuid4()
    assert ask(person, form=form) == ask(person, form=form)
    first = ask(person, access_event_id=event, kind=Kind.OBJECTION, source="access_log")
    assert ask(person, access_event_id=event, kind=Kind.OBJECTION, source="access_log") == first
    assert len(mails("request_received")) == 2


def test_it_takes_longer_once_and_whoever_asks_is_told_why() -> None:
    request = ask(make_customer(language="en"))
    boss = make_staff()
    desk.extend_request(request, because="Three systems to search.", actor=boss, now=NOW)
    request.refresh_from_db()
    assert request.due_on == Period(months=3).end(request.received_on)
    (mail,) = mails("request_extended")
    assert "Three systems to search." in mail.text
    with pytest.raises(AnswerRefused):
        desk.extend_request(request, because="And more.", actor=boss, now=NOW)


def test_nothing_is_extended_once_its_month_is_over() -> None:
    request = ask(make_customer())
    late = datetime.combine(request.due_on + timedelta(days=1), datetime.min.time(), UTC)
    with pytest.raises(AnswerRefused):
        desk.extend_request(
            request, because="We forgot.", actor=make_staff(), now=late + timedelta(hours=12)
        )


def test_the_month_lasts_to_the_last_evening_of_whoever_asks() -> None:
    request = ask(make_customer(timezone="America/Los_Angeles"))
    evening = datetime.combine(request.due_on, time(23, 30), ZoneInfo("America/Los_Angeles"))
    desk.extend_request(request, because="Three systems.", actor=make_staff(), now=evening)
    request.refresh_from_db()
    assert request.due_on == Period(months=3).end(request.received_on)


def test_how_we_made_sure_and_why_it_takes_longer_stand() -> None:
    request = ask(make_customer())
    rows = PrivacyRequest.objects.filter(pk=request.pk)
    extended = {"due_on": request.due_on + timedelta(9), "extended_at": NOW}
    how: tuple[dict[str, Any], ...] = (
        {"identity_how": "never checked"},
        {"identity_by": "staff:x", "extended_because": "x", **extended},
        {"extended_because": "said without a new day"},
    )
    for change in how:
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)


def test_the_database_moves_no_day_by_itself() -> None:
    request = ask(make_customer())
    later = request.due_on + timedelta(days=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        PrivacyRequest.objects.filter(pk=request.pk).update(due_on=later)
    with pytest.raises(IntegrityError), transaction.atomic():
        PrivacyRequest.objects.filter(pk=request.pk).update(received_at=NOW + timedelta(days=9))


# --- who is asking -------------------------------------------------------------------------------


def test_a_customer_who_asks_on_the_page_was_signed_in() -> None:
    assert ask(make_customer()).identity_at == NOW


def test_nobody_is_answered_whom_we_do_not_know() -> None:
    request = ask()
    with pytest.raises(AnswerRefused):
        desk.answer_request(request, text="Here it is.", actor=make_staff(), now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        PrivacyRequest.objects.filter(pk=request.pk).update(
            state="answered", closed_at=NOW, answer="x", answered_by="staff:x"
        )
    desk.answer_request(known(request), text="Here it is.", actor=make_staff(), now=NOW)
    (mail,) = mails("request_answered")
    assert (mail.to_address, mail.person_id) == ("ola@example.test", None)
    assert "Here it is." in mail.text


def test_nobody_of_staff_decides_about_their_own() -> None:
    boss = make_staff()
    with pytest.raises(AnswerRefused):
        desk.answer_request(ask(boss), text="Granted.", actor=boss, now=NOW)


# --- answers -------------------------------------------------------------------------------------


def test_a_refusal_says_why_and_where_to_complain() -> None:
    request = ask(make_customer(language="en"))
    desk.refuse_request(
        request, ground=Ground.LAW, text="Invoices stay.", actor=make_staff(), now=NOW
    )
    (mail,) = mails("request_refused")
    assert "17 (3) (b)" in mail.text
    assert "Invoices stay." in mail.text
    assert DATATILSYNET.name in mail.text
    assert DATATILSYNET.web in mail.text
    assert "court" in mail.text


def test_the_authority_is_that_of_the_company_they_have_a_contract_with() -> None:
    assert authority_for("") == authority_for("no") == DATATILSYNET
    assert "Australian" in authority_for("au").name
    assert authority_for("au-2") == authority_for("au")


def test_who_cannot_be_recognised_is_refused_without_being_recognised() -> None:
    request = ask()
    boss = make_staff()
    with pytest.raises(AnswerRefused):
        desk.refuse_request(request, ground=Ground.LAW, text="No.", actor=boss, now=NOW)
    desk.refuse_request(
        request, ground=Ground.UNIDENTIFIED, text="We asked twice.", actor=boss, now=NOW
    )
    request.refresh_from_db()
    assert request.state == "refused"


def test_what_was_answered_stands() -> None:
    request = ask(make_customer())
    boss = make_staff()
    desk.answer_request(request, text="Done.", actor=boss, now=NOW)
    with pytest.raises(AnswerRefused):
        desk.answer_request(request, text="Not done.", actor=boss, now=NOW)
    for change in (
        {"answer": "Not done."},
        {"answer": "", "text": ""},
        {"identity_how": ""},
        {"closed_at": NOW + timedelta(1)},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            PrivacyRequest.objects.filter(pk=request.pk).update(**change)


def test_an_answer_without_words_is_none() -> None:
    with pytest.raises(AnswerRefused):
        desk.answer_request(ask(make_customer()), text="  ", actor=make_staff(), now=NOW)


def test_a_request_for_deletion_leads_to_one_that_the_customer_confirms() -> None:
    person, boss = make_customer(), make_staff()
    request = ask(person, kind=Kind.ERASURE)
    reference = desk.start_deletion(request, actor=boss, now=NOW)
    deletion = DeletionRequest.objects.get(reference=reference)
    assert (deletion.person_id, deletion.state) == (person.pk, "unconfirmed")
    with pytest.raises(AnswerRefused):
        desk.start_deletion(ask(person), actor=boss, now=NOW)


@pytest.mark.parametrize("extended", [False, True], ids=["within a month", "extended"])
@pytest.mark.parametrize("by", ["link", "two checks", "the customer's page"])
def test_a_deletion_begun_late_is_due_when_the_request_was(by: str, extended: bool) -> None:
    person = make_customer()
    request = ask(person, kind=Kind.ERASURE)
    if extended:
        desk.extend_request(request, because="it is much", actor=make_staff(), now=NOW)
        request.refresh_from_db()
    deletion = begin_late(request)
    assert (deletion.requested_at, deletion.law_day) == (NOW, request.due_on)
    if by == "link":
        services.confirm_deletion(deletion.reference, now=LATE)
    elif by == "two checks":
        for _each in range(2):
            services.record_identity_check(deletion, actor=make_staff(), note="met", now=LATE)
    else:
        services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=LATE)
    deletion.refresh_from_db()
    assert (deletion.state, deletion.due_on) == ("requested", request.due_on)


def test_staff_see_one_begun_late_above_what_the_law_wants_later() -> None:
    deletion = begin_late(ask(make_customer(), kind=Kind.ERASURE))
    services.request_deletion(
        make_customer().pk, source=Source.CUSTOMER, actor="self", now=LATE - DAY
    )
    assert DeletionRequest.objects.under_way().first() == deletion


@pytest.mark.parametrize("begun_by", ["a colleague", "the customer"])
def test_one_that_was_open_before_is_due_as_the_request_is(begun_by: str) -> None:
    person = make_customer()
    request = ask(person, kind=Kind.ERASURE)
    if begun_by == "a colleague":
        services.request_for_customer(person.pk, actor=make_staff(), now=LATE)
    else:
        services.request_deletion(
            person.pk, source=Source.CUSTOMER, actor="self", now=LATE, wait=True
        )
    assert DeletionRequest.objects.get().law_day > request.due_on
    deletion = begin_late(request)
    assert deletion.law_day == request.due_on
    own = ANSWER.end(day_of(person, LATE))
    assert deletion.due_on == (own if begun_by == "a colleague" else request.due_on)


@pytest.mark.parametrize("begun_by", ["a colleague", "the customer"])
def test_one_that_was_open_before_is_warned_of_ten_days_before_the_law_wants_it(
    begun_by: str,
) -> None:
    """The 20 days of the one that was open would end later."""
    person = make_customer()
    request, begun = ask(person, kind=Kind.ERASURE), NOW + 5 * DAY
    if begun_by == "a colleague":
        services.request_for_customer(person.pk, actor=make_staff(), now=begun)
    else:
        services.request_deletion(
            person.pk, source=Source.CUSTOMER, actor="self", now=begun, wait=True
        )
    desk.start_deletion(request, actor=make_staff(), now=begun)
    soon = datetime.combine(request.due_on - WARN_BEFORE, time.min, UTC)
    assert soon < begun + WARN_AFTER
    with as_role(KEEPER):
        told = [services.watch_deletions(soon + n * timedelta(hours=12)) for n in (-1, 0, 1, 3)]
    assert told == [0, 1, 0, 0]
    (mail,) = mails("deletions_due")
    with translation.override(settings.LANGUAGE_CODE):
        assert human_day(request.due_on) in mail.text


def test_a_request_that_came_after_it_moves_no_day_back() -> None:
    person = make_customer()
    first = services.request_for_customer(person.pk, actor=make_staff(), now=NOW - DAY)
    deletion = begin_late(ask(person, kind=Kind.ERASURE))
    assert (deletion.pk, deletion.law_day) == (first.pk, first.due_on)


def test_one_begun_late_is_late_by_the_law_and_lapses_by_a_month_of_its_own() -> None:
    person = make_customer()
    request = ask(person, kind=Kind.ERASURE)
    deletion = begin_late(request)
    law, last = request.due_on, ANSWER.end(day_of(person, LATE))
    assert (deletion.law_day, deletion.due_on) == (law, last)
    assert not DeletionRequest.objects.late(law).exists()
    assert DeletionRequest.objects.due_soon(law).get() == deletion
    assert DeletionRequest.objects.late(law + DAY).get() == deletion
    assert not DeletionRequest.objects.due_soon(law + DAY).exists()
    with as_role(KEEPER):
        # More than 20 days after the request: the privacy address is told the next morning.
        assert services.watch_deletions(LATE + DAY) == 1
        services.watch_deletions(datetime.combine(last, time(12), UTC))
        deletion.refresh_from_db()
        assert deletion.state == "unconfirmed"
        services.watch_deletions(datetime.combine(last + DAY, time(12), UTC))
    deletion.refresh_from_db()
    assert deletion.lapsed
    (mail,) = mails("deletions_due")
    with translation.override(settings.LANGUAGE_CODE):
        assert human_day(law) in mail.text


def test_a_letter_entered_later_was_asked_for_on_its_day() -> None:
    day = date(2026, 1, 31)
    person = make_customer(timezone="Europe/Oslo")
    request = ask(person, kind=Kind.ERASURE, source="staff", received_on=day)
    deletion = begin_late(request)
    assert deletion.requested_at == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert deletion.law_day == date(2026, 2, 28)


def test_a_customer_takes_a_request_back_once() -> None:
    request = ask(make_customer())
    desk.take_back_request(request, now=NOW)
    desk.take_back_request(request, now=NOW + timedelta(days=1))
    request.refresh_from_db()
    assert (request.state, request.closed_at) == ("withdrawn", NOW)


# --- who stands in a customer's list -------------------------------------------------------------


def test_a_stranger_in_a_list_is_passed_on_to_the_owner_they_name() -> None:
    owner, boss = make_customer(language="en"), make_staff()
    request = ask(list_owner="Fjord Bakery", kind=Kind.ERASURE, language="en")
    desk.pass_on(request, owner=owner, text="They answer you.", actor=boss, now=NOW)
    request.refresh_from_db()
    assert (request.state, request.passed_to) == ("passed_on", owner.pk)
    (to_owner,) = mails("request_to_owner")
    assert (to_owner.to_address, to_owner.person_id) == (owner.email, owner.pk)
    assert "ola@example.test" in to_owner.text
    assert request.text in to_owner.text
    (to_stranger,) = mails("request_passed_on")
    assert "Fjord Bakery" in to_stranger.text
    # No more about the owner than whoever asked has said.
    assert owner.email not in to_stranger.text + to_stranger.html
    assert owner.username not in to_stranger.text + to_stranger.html


def test_nothing_is_passed_on_to_somebody_whom_they_did_not_name() -> None:
    owner, boss = make_customer(), make_staff()
    with pytest.raises(AnswerRefused):
        desk.pass_on(ask(), owner=owner, text="To them.", actor=boss, now=NOW)
    with pytest.raises(AnswerRefused):
        desk.pass_on(ask(make_customer()), owner=owner, text="x", actor=boss, now=NOW)
    staff, named = make_staff(), ask(list_owner="Us")
    with pytest.raises(AnswerRefused):
        desk.pass_on(named, owner=staff, text="x", actor=boss, now=NOW)


def test_no_list_is_searched_for_a_stranger() -> None:
    owner = make_customer()
    with as_tenant(owner.pk):
        make_contact(make_list(owner), phone_number="+4799999999", email="ola@example.test")
    with CaptureQueriesContext(connection) as asked:
        request = ask(list_owner="Fjord Bakery")
        desk.pass_on(request, owner=owner, text="Passed.", actor=make_staff(), now=NOW)
    said = " ".join(query["sql"] for query in asked.captured_queries)
    assert "messaging_contact" not in said


# --- from a question -----------------------------------------------------------------------------


def test_a_question_becomes_one_request_whose_month_began_with_it() -> None:
    person, boss = make_customer(), make_staff()
    asked_at = NOW - timedelta(days=9)
    question = support.ask(
        customer=person,
        topic="privacy",
        channel="email",
        text="Delete me, please.",
        language="nb",
        form=uuid.uuid4(),
        now=asked_at,
    )
    request = desk.open_from_question(question, kind=Kind.ERASURE, actor=boss, now=NOW)
    assert desk.open_from_question(question, kind=Kind.ERASURE, actor=boss, now=NOW) == request
    assert (request.person_id, request.received_at) == (person.pk, asked_at)
    assert (request.text, request.identity_at) == ("Delete me, please.", asked_at)


# --- the watch -----------------------------------------------------------------------------------


def watch(now: datetime) -> int:
    with as_role(KEEPER):
        return watch_requests(now)


def test_the_privacy_address_is_told_once_that_it_came_and_once_that_it_is_due() -> None:
    request = ask(make_customer(username="zquist", email="zquist@example.test"))
    assert watch(NOW) == 1
    assert watch(NOW + timedelta(days=1)) == 0
    soon = datetime.combine(request.due_on - WARN_BEFORE, datetime.min.time(), UTC)
    assert watch(soon - timedelta(hours=12)) == 0
    assert watch(soon + timedelta(hours=12)) == 1
    assert watch(soon + timedelta(hours=36)) == 0
    found = mails("desk_digest")
    assert [mail.to_address for mail in found] == [settings.PRIVACY_EMAIL] * 2
    assert all(str(request.reference) in mail.text for mail in found)
    assert not any("zquist" in mail.text + mail.html for mail in found)


def test_what_is_answered_is_no_matter_any_more() -> None:
    request = ask(make_customer())
    desk.answer_request(request, text="Done.", actor=make_staff(), now=NOW)
    assert watch(NOW) == 0


# --- leaving -------------------------------------------------------------------------------------


def test_an_erasure_empties_what_leads_to_the_person_and_closes_what_was_open() -> None:
    person, boss = make_customer(), make_staff()
    answered, waiting = ask(person, text="secret-one"), ask(person, text="secret-two")
    desk.answer_request(answered, text="secret-answer", actor=boss, now=NOW)
    services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.run_deletions(NOW)
    answered.refresh_from_db()
    waiting.refresh_from_db()
    assert (answered.state, waiting.state) == ("answered", "withdrawn")
    for request in (answered, waiting):
        assert request.person_id is None
        assert (request.text, request.answer, request.email) == ("", "", "")
        assert request.closed_at is not None


def test_an_erased_colleague_or_owner_of_a_list_leaves_no_key() -> None:
    boss, owner = make_staff(), make_customer()
    request = ask(list_owner="Fjord Bakery")
    desk.check_identity(request, how="called back", actor=boss, now=NOW)
    desk.pass_on(request, owner=owner, text="Passed.", actor=boss, now=NOW)
    rows = PrivacyRequest.objects.filter(pk=request.pk)
    for change in ({"answered_by": ""}, {"identity_by": ""}, {"passed_to": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**{**change, "text": "another"})
        with as_role(KEEPER):
            rows.update(**change)


def test_nothing_is_registered_for_an_account_that_is_being_deleted() -> None:
    person = make_customer()
    services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    with pytest.raises(AnswerRefused):
        ask(person)


def test_the_web_deletes_no_request() -> None:
    request = ask(make_customer())
    with pytest.raises(ProgrammingError), transaction.atomic():
        PrivacyRequest.objects.filter(pk=request.pk).delete()


def test_requests_go_by_their_rule() -> None:
    assert {"privacy_requests", "breaches", "promise_alerts"} <= set(rules.RULES)
