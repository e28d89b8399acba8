"""What is said on an SMTP connection, and what each answer means, without any socket."""

from uuid import uuid4

import pytest

from messaging.rendering import CannotCompose, Wire
from messaging.sending.claims import Claimed
from messaging.sending.wire import BrokenTalk, Job, Talk, check_words, stuffed

ENVELOPE = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<%s>\r\nDATA\r\n"
READY = b"250 ok\r\n250 ok\r\n354 go\r\n"


def job(recipient="k@b.test", body=b"Subject: S\r\n\r\nText\r\n", international=False):
    message = Claimed(
        id=uuid4(),
        kind="account",
        purpose="x",
        mailing_id=None,
        person_id=None,
        topic_id=None,
        to_address=recipient,
        language="nb",
        sender="",
        subject="",
        text="",
        html="",
        attempts=0,
    )
    return Job(message, Wire("a@b.test", recipient, body, international))


def said(talk):
    out = bytes(talk.out)
    talk.out.clear()
    return out


def talk(*extensions):
    return Talk(extensions or ("pipelining",))


def outcomes(each):
    return [(done.message.id, outcome) for done, outcome in each.done]


def test_the_envelope_is_one_write_and_its_readiness_a_question():
    one, line = job(), talk()
    line.begin(one)
    assert said(line) == ENVELOPE % b"k@b.test"
    line.hear(READY)
    assert line.ask is one
    assert (said(line), one.handed) == (b"", False)


def test_the_body_and_the_next_envelope_are_one_write():
    first, second, line = job(), job("n@b.test"), talk()
    line.begin(first)
    line.hear(READY)
    said(line)
    line.send_body(second)
    assert said(line) == first.words.body + b".\r\n" + ENVELOPE % b"n@b.test"
    assert (first.handed, second.handed) == (True, False)
    line.hear(b"250 taken\r\n" + READY)
    assert [outcome.accepted for _done, outcome in line.done] == [True]
    assert line.ask is second


def test_without_pipelining_each_thing_waits_for_its_answer():
    one, line = job(), talk("8bitmime")
    line.begin(one)
    steps = [said(line)]
    for answer in (b"250 ok\r\n", b"250 ok\r\n"):
        line.hear(answer)
        steps.append(said(line))
    assert b"".join(steps) == ENVELOPE % b"k@b.test"
    assert [step[:4] for step in steps] == [b"MAIL", b"RCPT", b"DATA"]
    line.hear(b"354 go\r\n")
    line.send_body(None)
    assert not line.is_idle
    said(line)
    line.hear(b"250 taken\r\n")
    assert line.is_idle


def test_answers_come_in_any_pieces_and_of_several_lines():
    one, line = job(), talk()
    line.begin(one)
    for byte in b"250-first\r\n250 ok\r\n250 ok\r\n354 go\r\n":
        line.hear(bytes([byte]))
    assert line.ask is one


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(("code", "permanent"), [(451, False), (550, True)])
@pytest.mark.parametrize("refused", [0, 1, 2])
def test_a_refusal_of_the_envelope_ends_this_message_only_where_it_speaks_of_it(
    refused, code, permanent, pipelining
):
    is_ours = permanent and refused != 1
    one, next_one = job(), job("n@b.test")
    line = talk("pipelining" if pipelining else "size")
    line.begin(one)
    answers = [b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"]
    answers[refused] = b"%d no k@b.test\r\n" % code
    if pipelining and refused < 2:
        answers[2] = b"554 no valid recipients\r\n"
    for answer in answers if pipelining else answers[: refused + 1]:
        line.hear(answer)
    ((_, outcome),) = outcomes(line)
    assert (outcome.permanent, outcome.ours) == (permanent and not is_ours, is_ours)
    assert (outcome.accepted, outcome.handed) == (False, False)
    assert outcome.reply == f"{code} no [address]"
    assert line.ask is None
    said(line)
    line.begin(next_one)
    assert said(line).startswith(b"RSET\r\n")
    line.hear(b"250 ok\r\n" * 3 + b"354 go\r\n" if pipelining else b"250 ok\r\n")


@pytest.mark.parametrize(
    ("answer", "accepted", "permanent"),
    [(b"250 ok", True, False), (b"452 full", False, False), (b"554 no", False, True)],
)
def test_an_answer_to_the_body_ends_the_doubt_whichever_it_is(answer, accepted, permanent):
    one, line = job(), talk()
    line.begin(one)
    line.hear(READY)
    line.send_body(None)
    line.hear(answer + b"\r\n")
    ((_, outcome),) = outcomes(line)
    assert (outcome.accepted, outcome.permanent, outcome.handed) == (accepted, permanent, False)


@pytest.mark.parametrize("answer", [b"354 go on", b"150 x", b"25 x", b"2500 x", b"999 x", b"250x"])
def test_an_answer_to_the_body_that_is_none_leaves_the_doubt(answer):
    one, line = job(), talk()
    line.begin(one)
    line.hear(READY)
    line.send_body(None)
    with pytest.raises(BrokenTalk):
        line.hear(answer + b"\r\n")
    line.lost("broken")
    ((_, outcome),) = outcomes(line)
    assert (outcome.accepted, outcome.handed) == (False, True)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("code", [454, 530, 535, 538])
def test_a_missing_login_or_tls_is_our_trouble_at_any_step(step, code):
    one, line = job(), talk("size")
    line.begin(one)
    for _ in range(("MAIL", "RCPT", "DATA").index(step)):
        line.hear(b"250 ok\r\n")
    line.hear(b"%d no\r\n" % code)
    ((_, outcome),) = outcomes(line)
    assert (outcome.ours, outcome.permanent) == (True, False)


def test_of_an_international_address_a_refused_mail_speaks_of_the_message():
    one, line = job("bjørn@b.test", international=True), talk("smtputf8")
    line.begin(one)
    line.hear(b"550 not here\r\n")
    ((_, outcome),) = outcomes(line)
    assert (outcome.ours, outcome.permanent) == (False, True)


def test_of_a_lost_connection_only_whoevers_body_was_said_is_in_doubt():
    first, second, line = job(), job(), talk()
    line.begin(first)
    line.hear(READY)
    line.send_body(second)
    line.lost("cut")
    assert [(done is first, outcome.handed) for done, outcome in line.done] == [
        (True, True),
        (False, False),
    ]


def test_a_server_that_takes_data_after_a_refused_recipient_gets_nothing_more():
    one, line = job(), talk()
    line.begin(one)
    with pytest.raises(BrokenTalk):
        line.hear(b"250 ok\r\n550 no\r\n354 go\r\n")
    assert outcomes(line)[0][1].permanent
    assert line.ask is None


@pytest.mark.parametrize(
    "nonsense", [b"hello\r\n", b"250 a reply to nothing\r\n", b"250-" * 20_000]
)
def test_what_no_server_may_say_breaks_the_connection(nonsense):
    with pytest.raises(BrokenTalk):
        talk().hear(nonsense)


def test_a_server_that_closes_gets_no_further_message():
    line = talk()
    line.hear(b"421 closing\r\n")
    assert not line.is_idle


def test_an_international_address_needs_a_server_that_takes_it():
    one, line = job("bjørn@b.test", international=True), talk()
    line.begin(one)
    assert outcomes(line)[0][1].permanent
    assert said(line) == b""
    able = talk("pipelining", "smtputf8", "8bitmime")
    able.begin(job("bjørn@b.test", international=True))
    assert said(able).startswith(
        "MAIL FROM:<a@b.test> SMTPUTF8 BODY=8BITMIME\r\nRCPT TO:<bjørn@b.test>".encode()
    )


def test_lines_that_begin_with_a_dot_keep_it():
    assert stuffed(b".a\r\n..b\r\nc.\r\n") == b"..a\r\n...b\r\nc.\r\n.\r\n"


@pytest.mark.parametrize("body", [b"a\n.\nb\r\n", b"a\rb\r\n", b"a\n.\r\nMAIL FROM:<x@y.test>\r\n"])
def test_a_lone_line_break_never_leaves_so_one_mail_stays_one(body):
    with pytest.raises(CannotCompose):
        check_words(job(body=body).words)


@pytest.mark.parametrize("address", ["k@b.test>\r\nRCPT TO:<n@b.test", "k@b.test\n"])
def test_an_address_cannot_say_a_command(address):
    with pytest.raises(CannotCompose):
        check_words(job(recipient=address).words)
