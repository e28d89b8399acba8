"""`mailto:` of List-Unsubscribe: the token is the authority, whatever the mail looks like."""

from datetime import timedelta

import pytest
from django.db import connection

from consent import services as consent
from consent.models import ConsentDetail, Source, State
from messaging.incoming.services import receive_mail
from messaging.models import Message, ProviderEvent
from tests.factories import NOW, make_customer, topic
from tests.incoming import letters

pytestmark = pytest.mark.django_db


def receive(raw, *, at=NOW, recipient=""):
    return receive_mail(raw, recipient=recipient, received_at=at, now=at + timedelta(seconds=2))


def state(person, slug="newsletter"):
    return consent.current_preferences(person.pk)[topic(slug).pk].state


def only_event():
    return ProviderEvent.objects.get()


@pytest.mark.parametrize(
    "program",
    [
        letters.gmail,
        letters.outlook,
        letters.apple_mail,
        letters.folded,
        letters.encoded,
        letters.plus_address,
        letters.token_in_body,
    ],
)
def test_a_mail_of_any_program_stops_the_topic_it_is_about(program):
    person = make_customer(yes=("newsletter", "product_news"))
    assert receive(program(letters.token_for(person))) == "applied"
    assert state(person) == State.WITHDRAWN
    assert state(person, "product_news") == State.GRANTED


@pytest.mark.parametrize("subject", ["Re: {}", "SV: Re: {}", "Unsubscribe {}", "unsubscribe:{}"])
def test_what_stands_before_the_token_does_not_matter(subject):
    person = make_customer(yes=("newsletter",))
    token = letters.token_for(person)
    receive(letters.gmail(token, subject=subject.format(token)))
    assert state(person) == State.WITHDRAWN


def test_the_envelope_may_hold_the_token_alone():
    person = make_customer(yes=("newsletter",))
    recipient = f"unsubscribe+{letters.token_for(person)}@portal.example"
    receive(letters.gmail("", subject="hello"), recipient=recipient)
    assert state(person) == State.WITHDRAWN


def test_the_event_says_how_when_and_which_wording_was_seen():
    person = make_customer(yes=("newsletter",))
    receive(letters.gmail(letters.token_for(person, mailing=7, wording=1)))
    last = ConsentDetail.objects.of(person.pk).get(source=Source.MAILTO)
    assert (last.mailing, last.wording_version, last.actor) == (7, 1, "self")
    assert (last.received_at, last.at) == (NOW, NOW + timedelta(seconds=2))


def test_a_token_without_a_topic_stops_everything_optional():
    person = make_customer(yes=("newsletter", "product_news"))
    receive(letters.gmail(letters.token_for(person, slug="")))
    assert state(person) == state(person, "product_news") == State.WITHDRAWN


def test_the_sender_is_never_believed():
    owner = make_customer(yes=("newsletter",), email="owner@example.test")
    outcome = receive(letters.gmail("", sender=owner.email, subject="Unsubscribe me please"))
    assert outcome == "unknown"
    assert state(owner) == State.GRANTED


def test_what_has_no_token_is_kept_for_a_look_with_a_hint_of_whom_it_may_be():
    owner = make_customer(yes=("newsletter",), email="owner@example.test")
    receive(letters.gmail("", sender=owner.email, subject="Stop! My number is 203.0.113.7"))
    event = only_event()
    assert (event.outcome, event.why, event.person_id) == ("unknown", "no_token", owner.pk)
    assert event.about == "Stop! My number is [ip]"


def test_somebody_elses_mail_may_carry_the_token():
    person = make_customer(yes=("newsletter",))
    receive(letters.gmail(letters.token_for(person), sender="assistant@example.test"))
    assert state(person) == State.WITHDRAWN


def test_a_token_with_one_letter_changed_changes_nothing():
    person = make_customer(yes=("newsletter",))
    token = letters.token_for(person)
    wrong = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    assert receive(letters.gmail(wrong)) == "unknown"
    assert state(person) == State.GRANTED


def test_two_tokens_stuck_to_something_else_are_still_found():
    person = make_customer(yes=("newsletter",))
    token = letters.token_for(person)
    receive(letters.gmail(token, subject=f"unsubscribe_{token}_please"))
    assert state(person) == State.WITHDRAWN


@pytest.mark.parametrize(
    "headers",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-replied (vacation)",
        "Auto-Submitted: auto-generated\nX-MS-Exchange-Inbox-Rules-Loop: ola@firma.example",
        "Auto-Submitted: auto-generated",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
        "X-Mailer: no mark at all but its subject",
    ],
)
def test_an_out_of_office_answer_unsubscribes_nobody(headers):
    person = make_customer(yes=("newsletter",))
    token = letters.token_for(person)
    assert receive(letters.out_of_office(token, headers=headers)) == "nothing"
    assert state(person) == State.GRANTED
    assert only_event().kind == ProviderEvent.Kind.AUTO_REPLY


def test_an_answer_in_an_unknown_language_is_known_by_what_it_answers():
    person = make_customer(yes=("newsletter",))
    token = letters.token_for(person)
    headers = "Auto-Submitted: auto-generated\nIn-Reply-To: <x@portal.example>"
    receive(letters.out_of_office(token, headers=headers, subject=token))
    assert state(person) == State.GRANTED


def test_thanks_for_a_newsletter_with_its_footer_quoted_stops_nothing():
    person = make_customer(yes=("newsletter",))
    assert receive(letters.reply_with_quote(letters.token_for(person))) == "unknown"
    assert state(person) == State.GRANTED


def test_a_quoted_or_late_line_is_not_the_persons_own():
    person = make_customer(yes=("newsletter",))
    token = letters.token_for(person)
    receive(letters.token_in_body(token, quoted=True))
    receive(letters.token_in_body(token, before="a\nb\nc\nd\ne\n"))
    assert state(person) == State.GRANTED
    receive(letters.token_in_body(token, before="a\nb\nc\nd\n"))
    assert state(person) == State.WITHDRAWN


def test_the_same_mail_twice_is_once_even_after_a_new_yes():
    person = make_customer(yes=("newsletter",))
    mail = letters.gmail(letters.token_for(person))
    receive(mail)
    consent.record_choices(
        person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW + timedelta(minutes=5)
    )
    again = mail.replace(b"4Tabc123", b"5Tdef456")
    assert receive(again, at=NOW + timedelta(minutes=9)) == "applied"
    assert state(person) == State.GRANTED
    assert ProviderEvent.objects.count() == 1


def test_one_mail_to_two_plus_addresses_is_a_no_to_both():
    person = make_customer(yes=("newsletter", "product_news"))
    mail = letters.gmail("", subject="stop")
    for slug in ("newsletter", "product_news", "newsletter"):
        token = letters.token_for(person, slug=slug)
        outcome = receive(mail, recipient=f"unsubscribe+{token}@portal.example")
        assert outcome == "applied"
    assert state(person) == state(person, "product_news") == State.WITHDRAWN
    assert ProviderEvent.objects.count() == 2


def test_a_mail_that_comes_in_late_still_counts_for_its_date_is_not_believed():
    person = make_customer(yes=("newsletter",))
    later, answers = NOW + timedelta(minutes=5), {topic().pk: True}
    consent.record_opt_out(person.pk, answers, source=Source.LINK, now=NOW)
    consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=later)
    assert receive(letters.gmail(letters.token_for(person)), at=later) == "applied"
    assert state(person) == State.WITHDRAWN


def test_a_new_mail_after_a_new_yes_is_a_new_no():
    person = make_customer(yes=("newsletter",))
    token = letters.token_for(person)
    receive(letters.gmail(token))
    consent.record_choices(
        person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW + timedelta(minutes=5)
    )
    receive(letters.gmail(token, message_id="CAF2"), at=NOW + timedelta(minutes=9))
    assert state(person) == State.WITHDRAWN


def test_saying_it_twice_in_two_mails_is_nothing_new():
    person = make_customer(yes=("newsletter",))
    token = letters.token_for(person)
    receive(letters.gmail(token))
    assert receive(letters.gmail(token, message_id="CAF2")) == "nothing"


def test_nobody_gets_an_answer_by_mail():
    person = make_customer(yes=("newsletter",))
    receive(letters.gmail(letters.token_for(person)))
    receive(letters.gmail("nonsense"))
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "date", ["Thu, 01 Jan 1970 00:00:00 +0000", "Fri, 31 Dec 9999 23:59:59 +0000", "x"]
)
def test_an_absurd_date_does_not_lose_the_mail(date):
    person = make_customer(yes=("newsletter",))
    mail = letters.gmail(letters.token_for(person))
    lines = [
        b"Date: " + date.encode() if line.startswith(b"Date:") else line
        for line in mail.split(b"\r\n")
    ]
    assert receive(b"\r\n".join(lines)) == "applied"


def test_nothing_of_the_way_is_stored():
    person = make_customer(yes=("newsletter",))
    receive(letters.gmail(letters.token_for(person)))
    receive(letters.outlook("nothing"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(e::text, ' ') FROM messaging_providerevent e")
        stored = cursor.fetchone()[0]
    for secret in ("209.85.208.53", "2603:10a6", "203.0.113.9", "@", letters.token_for(person)):
        assert secret not in stored
