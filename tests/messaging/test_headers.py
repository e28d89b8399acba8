"""What each kind of mail says about itself, and what no mail says about its reader."""

import re
import uuid
from email import message_from_bytes, policy

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consent.tokens import read_token
from messaging.rendering import CannotCompose, compose, compose_slowly
from messaging.rendering.addresses import is_plain, wire_address
from tests.factories import NOW, make_announcement, make_campaign, topic
from tests.messaging.test_rendering import claimed

pytestmark = pytest.mark.django_db


def mail_of(message):
    return message_from_bytes(compose(message, now=NOW).body, policy=policy.default)


def test_optional_mail_says_what_it_is_about_and_how_to_leave(settings):
    settings.PORTAL_URL = "https://portal.example"
    campaign = make_campaign("product_news")
    message = claimed(campaign)
    mail = mail_of(message)
    https, mailto = re.fullmatch(
        r"<(https:[^>]+)>, <(mailto:[^>]+)>", mail["List-Unsubscribe"]
    ).groups()
    token = read_token(https.rstrip("/").rpartition("/")[2])
    assert (token.person_id, token.topic) == (message.person_id, topic("product_news").number)
    assert read_token(mailto.partition("subject=")[2]) == token
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Id"] == "<product-news.portal.example>"
    assert mail["Feedback-ID"] == f"{campaign.number}:product-news:optional:clicksend"
    assert mail["From"] == "ClickSend <news@portal.example>"
    assert mail["Auto-Submitted"] is mail["Precedence"] is None


@pytest.mark.parametrize("kind", ["service", "account"])
def test_mail_nobody_asked_for_says_so_and_has_nothing_to_unsubscribe_from(kind):
    message = claimed(make_announcement()) if kind == "service" else claimed(subject="S", text="T")
    mail = mail_of(message)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == f"ClickSend <{kind}@portal.example>"
    for name in ("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"):
        assert mail[name] is None


def test_every_kind_has_its_moment_its_number_and_its_form():
    for message in (claimed(make_campaign()), claimed(make_announcement()), claimed(text="T")):
        mail = mail_of(message)
        assert mail["Date"].datetime == NOW
        assert mail["Message-ID"] == f"<{message.id}@portal.example>"
        assert mail["MIME-Version"] == "1.0"
        assert not mail.defects
        assert all(mail.get_all(name) == [mail[name]] for name in mail)


def test_nothing_names_the_reader_but_the_address_and_the_token():
    message = claimed(make_campaign(), first_name="Zebra", last_name="Quagga", company="Okapi")
    body = compose(message, now=NOW).body.decode()
    token = re.search(r"subject=([\w-]+)>", body)[1]
    for text in mail_of(message).walk():
        if not text.is_multipart():
            body += text.get_content()
    body = body.replace(token, "").replace(message.to_address, "")
    for known in (message.person_id, message.person_id.hex, "Zebra", "Quagga", "Okapi", "kari@"):
        assert str(known) not in body


def test_no_mail_loads_anything_but_pictures_of_ours():
    campaign = make_campaign(
        body_nb="![a](https://elsewhere.example/p.gif) ![b](//x.example/p) ![c](picture:abcd)\n\n"
        '<img src="https://elsewhere.example/t.gif"> ![d](cid:x)',
    )
    html = mail_of(claimed(campaign)).get_body(("html",)).get_content()
    assert not re.search(r"<img|<[^>]+\bsrc=|url\(|<link|@import|@font-face", html)


BROKEN = [
    *("", "kari", "@example.test", "kari@", "a@b@example.test", "kari@example..test"),
    *("kari@example.test\r\nBcc: ola@example.test", "kari@example.test\n", "kari@exa mple.test"),
    *("a@example.test, b@example.test", "a@example.test;b@example.test", "<a@example.test>"),
    *("Kari <a@example.test>", "a@example.test>", "a@-x.test", "x@" + "a" * 70 + ".test"),
    *("x" * 65 + "@example.test", "=?utf-8?q?a?=@example.test", "a@\ud800.test", "a\x00@b.test"),
    *("a@[127.0.0.1]", '"a b"@example.test', "a@example.test.", "a\u2028@example.test"),
]


@pytest.mark.parametrize("address", BROKEN)
@pytest.mark.parametrize("kind", ["optional", "account"])
def test_a_malformed_address_is_refused_and_reaches_no_header(address, kind):
    mailing = make_campaign() if kind == "optional" else None
    with pytest.raises(CannotCompose):
        compose(claimed(mailing, to_address=address, text="T"), now=NOW)


@pytest.mark.parametrize("break_", ["\n", "\r", "\r\n ", "\u2028", "\x0b"])
def test_no_line_break_gets_into_a_header(break_):
    injected = f"Hei{break_}Bcc: ola@example.test"
    with pytest.raises(CannotCompose):
        compose(claimed(subject=injected, text="T"), now=NOW)
    with pytest.raises(CannotCompose):
        compose_slowly(claimed(subject=injected, text="T"), now=NOW)
    with pytest.raises(CannotCompose):
        compose(claimed(text="T", sender=f"A{break_}Bcc: x@y.test <a@b.test>"), now=NOW)
    for name in ("first_name", "last_name", "company"):
        campaign = make_campaign(subject_nb=f"Hei {{{name}}}")
        mail = mail_of(claimed(campaign, **{name: injected}))
        assert mail["Bcc"] is None
        assert mail["Subject"] == "Hei Hei Bcc: ola@example.test"


@pytest.mark.parametrize(
    ("address", "wire", "international"),
    [
        ("kari@example.test", "kari@example.test", False),
        ("k.n+x=1@sub.example.test", "k.n+x=1@sub.example.test", False),
        ("kari@blåbær.test", "kari@xn--blbr-roah.test", False),
        ("bjørn@example.test", "bjørn@example.test", True),
        ("bjørn@blåbær.test", "bjørn@xn--blbr-roah.test", True),
        ("a..b@example.test", "a..b@example.test", False),
    ],
)
def test_the_envelope_has_the_domain_in_ascii_and_the_header_the_same(address, wire, international):
    for mailing in (make_campaign(), make_announcement(), None):
        ready = compose(claimed(mailing, to_address=address, text="T"), now=NOW)
        assert (ready.recipient, ready.international) == (wire, international)
        assert f"\r\nTo: {wire}\r\n".encode() in ready.body
        assert ready.sender.endswith("@portal.example")


@settings(max_examples=40)  # drawing an address costs more than looking at it
@given(st.emails())
@example("o'hara@example.test")
def test_ordinary_addresses_go_the_quick_way(address):
    local, _, _domain = address.rpartition("@")
    if "=?" not in local and len(local) <= 64:
        assert wire_address(address) == address
        assert is_plain(address)


def test_an_account_mail_may_have_a_sender_of_its_own():
    ready = compose(claimed(text="T", sender="Blåbær <a@blåbær.test>"), now=NOW)
    assert ready.sender == "a@xn--blbr-roah.test"
    mail = message_from_bytes(ready.body, policy=policy.default)
    assert mail["From"] == "Blåbær <a@xn--blbr-roah.test>"


def test_what_is_gone_or_broken_is_said_and_not_raised_as_something_else():
    gone = claimed(make_campaign(), mailing_id=uuid.uuid4())
    with pytest.raises(CannotCompose, match="DoesNotExist"):
        compose(gone, now=NOW)
    with pytest.raises(CannotCompose):
        compose(claimed(text="half \ud800"), now=NOW)
