"""Anything may come in. Nothing fails, and without a token of ours nothing changes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent import services as consent
from consent.models import ConsentDetail, Suppression
from messaging.incoming.reading import Reading, read_mail
from messaging.incoming.services import receive_mail
from tests.factories import NOW, make_customer, topic
from tests.incoming import letters

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
QUICKLY = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES = st.sampled_from(
    [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Content-Type",
        "Content-Transfer-Encoding",
        "Auto-Submitted",
        "Return-Path",
        "X-Failed-Recipients",
        "References",
        "List-Unsubscribe",
        "Delivered-To",
    ]
)
VALUES = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            'multipart/report; report-type=delivery-status; boundary="b"',
            'multipart/report; report-type=feedback-report; boundary="b"',
            "message/delivery-status",
            "message/feedback-report",
            "message/rfc822",
            "text/plain; charset=no-such-charset",
            "text/plain; charset*=utf-8''%00\"",
            "=?utf-8?B?////?=",
            "=?x-unknown?Q?=00=ff?=",
            "base64",
            "quoted-printable",
            "<00000000-0000-7000-8000-000000000000@portal.example>",
            "unsubscribe+x@portal.example",
            "<" * 50,
        ]
    ),
)
BODIES = st.one_of(
    st.binary(max_size=300),
    st.sampled_from(
        [
            b"--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822\r\n",
            b"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n",
            b"--b\r\nContent-Type: message/rfc822\r\n\r\n" * 5,
        ]
    ),
)


@st.composite
def mails(draw):
    headers = draw(st.lists(st.tuples(NAMES, VALUES), max_size=8))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode(errors="replace") + b"\r\n" + draw(BODIES)


@QUICKLY
@given(st.one_of(st.binary(max_size=2000), mails()))
def test_reading_never_fails_and_finds_no_token(raw):
    read = read_mail(raw)
    assert isinstance(read, Reading)
    assert read.token is None


@QUICKLY
@given(st.one_of(st.binary(max_size=500), mails()))
def test_nothing_changes_without_a_token(raw):
    person = make_customer(yes=("newsletter",))
    before = ConsentDetail.objects.count()
    receive_mail(raw, received_at=NOW, now=NOW)
    assert ConsentDetail.objects.count() == before
    assert not Suppression.objects.exists()
    assert consent.current_preferences(person.pk)[topic().pk].state == "granted"


@QUICKLY
@given(data=st.data())
def test_a_real_mail_with_a_few_bytes_changed_never_fails(data):
    person = make_customer(yes=("newsletter",))
    token = letters.token_for(person)
    message = letters.handed_over(person)
    mail = bytearray(
        data.draw(
            st.sampled_from(
                [
                    letters.gmail(token),
                    letters.yahoo(token),
                    letters.postfix(person.email, letters.message_id_of(message)),
                    letters.exchange(person.email, letters.message_id_of(message)),
                ]
            )
        )
    )
    for _change in range(data.draw(st.integers(1, 6))):
        where = data.draw(st.integers(0, len(mail) - 1))
        mail[where : where + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    receive_mail(bytes(mail), received_at=NOW, now=NOW)


def test_a_mail_nested_deeper_than_any_is_kept():
    inner = b"Subject: x\r\n\r\n"
    for _level in range(3000):
        inner = b"Content-Type: message/rfc822\r\n\r\n" + inner
    assert receive_mail(inner, received_at=NOW, now=NOW) == "unknown"
