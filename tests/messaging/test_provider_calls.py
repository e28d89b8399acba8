"""Calls to a mail provider over real HTTP: one for many readers, each with their own mail."""

import socket
from datetime import timedelta
from unittest import mock

import pytest

from consent import services as consent
from consent.models import Source
from consent.tokens import read_token
from foundation.roles import SENDER, as_role
from messaging import services
from messaging.models import Message, SendingLimit
from messaging.outbox import put_account_mail
from messaging.policy import BUSY_WAIT, LEAST_ATTEMPTS
from messaging.rendering import compose_slowly
from messaging.sending import claims, limits, marks
from messaging.sending.calling import ProviderDelivery
from tests.factories import NOW, make_announcement, make_campaign, make_customer, make_staff, topic
from tests.messaging import wire
from tests.messaging.test_hand_over import started

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid"),
]
MERGING = ("mailgun", "mailjet", "sendgrid")
PERSONAL = {
    "body_nb": "# Hei {first_name|du}\n\nFra {company} & [lenke](https://portal.example/nytt).",
    "body_en": "# Hi {first_name|you}\n\nFrom {company} & [link](https://portal.example/new).",
}


ANEW = {"state": "queued", "lease": None, "finished_at": None, "attempts": 0}


@pytest.fixture(params=MERGING)
def merging(request, settings):
    with wire.running(request.param, settings) as running:
        yield running


@pytest.fixture
def mailgun(settings):
    with wire.running("mailgun", settings) as running:
        yield running


@pytest.fixture
def postmark(settings):
    with wire.running("postmark", settings) as running:
        yield running


def campaign_to(people, **fields):
    return started(make_campaign(**fields))


def customers(number, **fields):
    return [make_customer(yes=("newsletter",), **fields) for _ in range(number)]


class Round(ProviderDelivery):
    """One round of a worker at a given moment, and what it asked."""

    def __init__(self, now=NOW, before_call=lambda: None):
        super().__init__(clock=lambda: now)
        self.before_call = before_call
        self.asked = []

    def _permitted(self, messages):
        self.before_call()
        self.asked.append(len(messages))
        return super()._permitted(messages)


def run(now=NOW, **more):
    done = Round(now, **more)
    done.run()
    return done


def state(person):
    message = Message.objects.of_person(person.pk).get()
    return message.state, message.reason


# --- one call for many ---------------------------------------------------------------------------


def test_one_call_takes_many_readers_and_each_gets_exactly_their_own_mail(merging):
    names = ["Kari", "", "Åse & <b>Ola</b>", 'O"Hara', "a" * 100, "{first_name}", "x.example"]
    people = [make_customer(yes=("newsletter",), first_name=name, company=name) for name in names]
    campaign_to(people, **PERSONAL)
    before = Message.objects.in_bulk()
    done = run()
    assert len(merging.calls) == 1
    assert done.asked == [len(people)]
    assert {state(person) for person in people} == {("sent", "")}
    by_address = {each.to: each for each in merging.received()}
    assert len(by_address) == len(people)
    for person in people:
        message = next(each for each in before.values() if each.person_id == person.pk)
        own = compose_slowly(claimed(message, person), now=NOW)
        got = by_address[person.email]
        assert (got.subject, got.text) == (own.subject, own.body)
        assert got.html == own.alternatives[0][0]
        headers = {name.title(): value for name, value in got.headers.items()}
        for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"):
            assert headers[name.title()] == own.extra_headers[name]
        assert got.metadata["portal_message"] == str(message.pk)


def claimed(message, person):
    names = {name: getattr(person, name) for name in ("first_name", "last_name", "company")}
    fields = claims.Claimed.__dataclass_fields__.keys() - names.keys()
    return claims.Claimed(**{name: getattr(message, name) for name in fields}, **names)


def test_the_way_out_of_each_reader_is_their_own(merging):
    people = customers(3)
    campaign_to(people)
    run()
    for got in merging.received():
        headers = {name.title(): value for name, value in got.headers.items()}
        token = read_token(headers["List-Unsubscribe"].partition("?subject=")[2].rstrip(">"))
        assert token.person_id in {p.pk for p in people if p.email == got.to}
        assert got.text.count(headers["List-Unsubscribe"].partition(">")[0].lstrip("<")) == 1


def test_nobody_is_watched_reading(merging):
    campaign_to(customers(2))
    run()
    (body,) = (str(body) for _, body in merging.calls)
    assert "'enable': False" in body or "['no']" in body or "'disabled'" in body
    assert "True" not in body


def test_a_personal_subject_goes_along_where_the_provider_can(settings):
    fields = {"subject_nb": "Hei {first_name|du}", "subject_en": "Hi {first_name|you}"}
    people = customers(2)
    campaign = campaign_to(people, **fields)
    for esp, calls in (("mailgun", 1), ("sendgrid", 1), ("mailjet", 2)):
        Message.objects.of_mailing(campaign.pk).update(**ANEW)
        with wire.running(esp, settings) as running:
            run()
            assert len(running.calls) == calls
            assert [each.subject for each in running.received()] == ["Hei Kari", "Hei Kari"]


def test_an_announcement_goes_out_in_one_call_and_without_a_way_out(merging):
    for _ in range(3):
        make_customer()
    announcement = make_announcement(author=make_staff(email="author@staff.test"))
    started(announcement)
    run()
    got = merging.received()
    assert len(got) >= 3
    assert len(merging.calls) == 1
    assert not any("list-unsubscribe" in map(str.lower, each.headers) for each in got)


def test_two_languages_are_two_calls(merging):
    campaign_to(customers(2, language="nb") + customers(2, language="en"))
    run()
    assert len(merging.calls) == 2
    assert sorted(each.subject for each in merging.received()) == [
        "News in November",
        "News in November",
        "Nyheter i november",
        "Nyheter i november",
    ]


@pytest.mark.parametrize("words", ["%recipient.x%", "[[var:x]]", "-portal.subject-"])
def test_words_that_the_provider_would_take_for_places_go_alone(settings, words):
    people = customers(2)
    campaign = campaign_to(people, body_nb=f"Om {words} igjen.")
    counts = {}
    for esp in MERGING:
        Message.objects.of_mailing(campaign.pk).update(**ANEW)
        with wire.running(esp, settings) as running:
            run()
            counts[len(running.calls)] = esp
    assert counts.keys() == {1, 2}
    assert wire.SYNTAX_OF[counts[2]] in words


def test_a_name_that_looks_like_a_place_goes_alone(mailgun):
    people = [*customers(2), *customers(1, first_name="%recipient.t1%")]
    campaign_to(people, **PERSONAL)
    run()
    assert len(mailgun.calls) == 2
    assert {state(person) for person in people} == {("sent", "")}


def test_letters_beyond_ascii_in_an_address_go_alone(mailgun):
    people = [*customers(2), *customers(1, email="kari@blåbær.example")]
    campaign_to(people)
    run()
    assert len(mailgun.calls) == 2


def test_elsewhere_each_mail_is_a_call(postmark):
    people = customers(3)
    campaign_to(people)
    done = run()
    assert done.asked == [1, 1, 1]
    assert len(postmark.calls) == 3
    assert {state(person) for person in people} == {("sent", "")}
    assert all(body["TrackOpens"] is False for _, body in postmark.calls)


# --- permission ----------------------------------------------------------------------------------


def test_who_says_no_before_the_call_is_taken_out_of_it(merging):
    people = customers(3)
    campaign_to(people)

    def withdraw():
        consent.record_opt_out(people[1].pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)

    run(before_call=withdraw)
    assert people[1].email not in str(merging.calls)
    assert len(merging.received()) == 2
    assert state(people[1]) == ("withheld", "withdrawn")


def test_where_nobody_is_permitted_nothing_is_called(merging):
    people = customers(2)
    campaign_to(people)
    for person in people:
        consent.record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)
    done = run()
    assert not merging.calls
    assert done.accepted == 0


# --- what can go wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["cut", 502, 504, (200, b"<html>")])
def test_a_call_whose_answer_is_lost_leaves_all_of_it_in_doubt(mailgun, answer):
    people = customers(3)
    campaign_to(people)
    mailgun.answers = [answer]
    run()
    assert {state(person)[0] for person in people} == {"in_doubt"}
    run(NOW + timedelta(days=1))
    assert len(mailgun.calls) == 1


@pytest.mark.parametrize("failing", ["before", "after"])
def test_what_no_code_foresaw_is_in_doubt_only_once_the_request_has_left(
    mailgun, monkeypatch, failing
):
    people = customers(2)
    campaign_to(people)
    name = {"before": "provider.merged", "after": "provider._told_of"}[failing]
    monkeypatch.setattr(f"messaging.sending.{name}", mock.Mock(side_effect=IndexError("x@y.test")))
    run()
    told = {"before": ("queued", "cannot be sent: IndexError"),
            "after": ("in_doubt", "the answer was not understood: IndexError")}  # fmt: skip
    assert {state(person) for person in people} == {told[failing]}
    assert len(mailgun.calls) == (failing == "after")


def test_a_message_that_no_code_foresaw_ends_alone(mailgun, monkeypatch, caplog):
    people = customers(3)
    campaign_to(people)

    def broken(message, *, now):
        if message.person_id == people[0].pk:
            raise IndexError(f"a secret {message.to_address}")
        return compose_slowly(message, now=now)

    monkeypatch.setattr("messaging.sending.provider.compose_slowly", broken)
    run()
    assert state(people[0]) == ("failed", "cannot be composed: IndexError")
    assert [state(person)[0] for person in people[1:]] == ["sent", "sent"]
    assert "IndexError" in caplog.text
    assert people[0].email not in caplog.text


@pytest.mark.parametrize("status", [401, 402, 403, 408, 429, 503])
def test_a_provider_that_refuses_us_is_called_once_a_round_and_no_attempt_is_counted(
    postmark, status
):
    people = customers(4)
    campaign_to(people)
    for day in range(LEAST_ATTEMPTS + 1):
        postmark.answers = [(status, {"ErrorCode": 1, "Message": "no"})] * 4
        run(NOW + timedelta(days=day))
        assert len(postmark.calls) == day + 1
    rows = Message.objects.filter(kind="optional")
    assert set(rows.values_list("state", "attempts", "lease")) == {("queued", 0, None)}
    postmark.answers = []
    run(NOW + timedelta(days=30))
    assert {state(person)[0] for person in people} == {"sent"}


def test_whom_somebody_else_holds_is_left_for_later(postmark, monkeypatch):
    people = customers(2)
    campaign_to(people)
    monkeypatch.setattr(
        marks, "hand_over_many", lambda messages, *_rest: dict.fromkeys(messages, "busy")
    )
    run()
    assert not postmark.calls
    rows = Message.objects.filter(kind="optional")
    assert set(rows.values_list("state", "attempts", "not_before")) == {
        ("queued", 0, NOW + BUSY_WAIT)
    }


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_a_provider_that_is_out_of_order_gets_the_mail_later(merging, status):
    people = customers(3)
    campaign_to(people)
    merging.answers = [(status, {"ErrorCode": "x", "ErrorMessage": "x"})]
    run()
    assert {state(person) for person in people} == {("queued", f"HTTP {status}")}
    run(NOW + timedelta(days=1))
    assert {state(person)[0] for person in people} == {"sent"}
    assert len(merging.calls) == 2


def test_a_provider_that_does_not_listen_has_nothing_in_doubt(mailgun, settings):
    people = customers(2)
    campaign_to(people)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    settings.ANYMAIL = settings.ANYMAIL | {"MAILGUN_API_URL": f"http://127.0.0.1:{port}/"}
    run()
    assert {state(person)[0] for person in people} == {"queued"}


def test_one_bad_address_fails_nobody_else(mailgun):
    """Mailgun answers 400 to a call with one: it is tried in smaller company, then alone."""
    people = customers(3)
    campaign_to(people)
    refused = (400, {"message": "to parameter is not a valid address"})
    mailgun.answers = [refused]
    run()
    assert {state(person)[0] for person in people} == {"queued"}
    mailgun.answers = [refused]
    run(NOW + timedelta(days=1))
    assert {state(person)[0] for person in people} == {"queued"}
    mailgun.answers = [refused]
    run(NOW + timedelta(days=2))
    assert len(mailgun.calls) == 2 + 3
    assert sorted(state(person)[0] for person in people) == ["failed", "sent", "sent"]


def test_what_mailjet_tells_of_each_reader_counts_for_that_reader(settings):
    people = customers(3)
    campaign_to(people)
    with wire.running("mailjet", settings) as running:
        success = {"Status": "success", "To": [{"Email": people[0].email, "MessageID": 1}]}
        running.answers = [(400, {"Messages": [success, {"Status": "error"}, {"Status": "error"}]})]
        run()
    assert [state(person) for person in people] == [
        ("sent", ""),
        ("queued", "the provider could not send it"),
        ("queued", "the provider could not send it"),
    ]


def test_an_address_that_the_provider_spells_its_own_way_is_not_written_to_twice(settings):
    people = customers(1, email="Kari.Nordmann@Example.test") + customers(1)
    campaign_to(people)

    def lower(body):
        told = [
            {"Email": each["To"][0]["Email"].lower(), "MessageID": 1} for each in body["Messages"]
        ]
        return 200, {"Messages": [{"Status": "success", "To": [each]} for each in told]}

    with wire.running("mailjet", settings) as running:
        running.answers = [lower]
        run()
    assert {state(person) for person in people} == {("sent", "")}


INACTIVE = "You tried … Found inactive addresses: {}. Inactive recipients are ones that …"


@pytest.mark.parametrize(
    ("code", "words", "reason"),
    [
        (406, INACTIVE, "refused: on the provider's list"),
        (300, "Invalid 'To' address: '{}'.", "refused: invalid address"),
        (300, "Invalid 'To' something new.", "HTTP 422"),
    ],
)
def test_a_reader_whom_the_provider_refuses_fails_and_no_other(postmark, code, words, reason):
    people = customers(2)
    campaign_to(people)
    postmark.answers = [
        lambda body: (422, {"ErrorCode": code, "Message": words.format(body["To"])})
    ]
    run()
    assert sorted(state(person) for person in people) == [("failed", reason), ("sent", "")]


def test_a_provider_that_says_too_fast_slows_all_workers_down(mailgun):
    limits.forget()
    SendingLimit.objects.create(domain="", per_minute=6000)
    campaign_to(customers(2))
    mailgun.answers = [(429, {"message": "slow down"})]
    run()
    assert limits.take_places(["a.example"], now=NOW) == [NOW + timedelta(seconds=30)]
    limits.forget()


def test_refused_again_and_again_it_ends(mailgun):
    (person,) = customers(1)
    campaign_to([person])
    mailgun.answers = [(500, {"message": "later"})] * LEAST_ATTEMPTS
    for day in range(LEAST_ATTEMPTS):
        run(NOW + timedelta(days=day))
    assert state(person) == ("failed", "HTTP 500")


def test_a_message_that_cannot_be_composed_holds_nobody_up(mailgun):
    people = customers(3)
    campaign_to(people)
    Message.objects.of_person(people[0].pk).update(to_address="kari@" + "x" * 80 + ".example")
    people[0].email = "kari@" + "x" * 80 + ".example"
    people[0].save()
    run()
    assert [state(person)[0] for person in people[1:]] == ["sent", "sent"]
    assert state(people[0])[0] != "sent"


# --- a round -------------------------------------------------------------------------------------


def test_a_round_that_runs_out_of_time_gives_back_what_it_has_not_called_for(postmark):
    people = customers(3)
    campaign_to(people)
    late = NOW + timedelta(seconds=3)
    ProviderDelivery(clock=lambda: late if postmark.calls else NOW, until=late).run()
    assert len(postmark.calls) == 1
    assert sorted(state(person)[0] for person in people) == ["queued", "queued", "sent"]
    assert not Message.objects.filter(lease__isnull=False).exists()


def test_a_standstill_holds_optional_mail_and_nothing_else(postmark, monkeypatch):
    person = make_customer(yes=("newsletter",))
    campaign_to([person])
    done = Round()

    def stand_still():
        monkeypatch.setattr("foundation.standstill.why", lambda: "restored")

    done.before_call = stand_still
    done.run()
    assert state(person) == ("queued", "")
    assert not postmark.calls
    put_account_mail(
        to=person.email, person_id=person.pk, purpose="x", language="nb", subject="x", text="x",
        html="<p>x</p>", now=NOW,
    )  # fmt: skip
    run()
    assert len(postmark.calls) == 1


def test_a_limit_spaces_the_calls(postmark, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr("messaging.sending.calling.time.sleep", waited.append)
    limits.forget()
    SendingLimit.objects.create(domain="", per_minute=60)
    people = customers(3)
    campaign_to(people)
    run()
    limits.forget()
    assert (waited, len(postmark.calls)) == ([1.0], 2)
    (waiting,) = Message.objects.filter(state="queued")
    assert (waiting.attempts, waiting.not_before) == (0, NOW + timedelta(seconds=2))


def test_a_stopped_worker_leaves_at_most_one_call_in_doubt(mailgun, monkeypatch):
    people = customers(2, language="nb") + customers(2, language="en")
    campaign_to(people)
    monkeypatch.setattr(
        "messaging.sending.provider.ProviderTransport._send", mock.Mock(side_effect=SystemExit)
    )
    with pytest.raises(SystemExit):
        run()
    states = sorted(state(person)[0] for person in people)
    assert states == ["handing", "handing", "queued", "queued"]
    claims.reclaim(now=NOW + timedelta(hours=1))
    assert sorted(state(p)[0] for p in people) == ["in_doubt", "in_doubt", "queued", "queued"]


def test_the_sender_calls_the_provider_where_there_is_one(mailgun):
    people = customers(2)
    campaign_to(people)
    with as_role(SENDER):
        assert services.deliver_pending(clock=lambda: NOW) == 2
    assert len(mailgun.calls) == 1
    assert {state(person) for person in people} == {("sent", "")}
