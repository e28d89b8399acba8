"""Signatures of our mail, judged by verifiers of other authors."""

import base64
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from listunsub import audit

from clicksend_portal.environment import raw_values, read
from messaging.dkim import relaxed_body, sign
from messaging.rendering import compose
from tests.factories import NOW, make_announcement, make_campaign, make_customer
from tests.messaging.test_hand_over import send, started
from tests.messaging.test_rendering import claimed
from tests.services import ENVIRONMENT

KEYS = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
NAME = "portal._domainkey.portal.example"


def pem_of(key, encryption=None):
    encryption = encryption or NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def record_of(key):
    """What stands in the DNS (RFC 6376 3.6.1, RFC 8463 section 4)."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        raw = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(raw).decode()}"
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"


@pytest.fixture(params=list(KEYS))
def key(request, settings):
    settings.DKIM_KEY = pem_of(KEYS[request.param])
    settings.DKIM_SELECTOR, settings.DKIM_DOMAIN = "portal", "portal.example"
    settings.PORTAL_URL = "https://portal.example"
    return KEYS[request.param]


def by_dkimpy(message, key):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        pytest.importorskip("nacl", reason="dkimpy reads Ed25519 with PyNaCl")
    return dkim.verify(message, dnsfunc=lambda name, timeout=5: record_of(key).encode())


def by_perl(message, key):
    """Mail::DKIM where it is installed (Debian: libmail-dkim-perl); it knows RSA alone."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        pytest.skip("Mail::DKIM knows no Ed25519")
    script = Path(__file__).with_name("verify_dkim.pl")
    perl = shutil.which("perl")
    probe = [perl or "perl", "-MMail::DKIM::Verifier", "-e", "1"]
    if not perl or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("Mail::DKIM is not installed")
    told = subprocess.run(
        [perl, script, NAME, record_of(key)], input=message, capture_output=True, check=True
    )
    return told.stdout.decode().strip() == "pass"


def by_the_book(message, key):
    """RFC 6376 sections 3.4 to 3.7 as they are written, with nothing of ours."""
    head, body = message.split(b"\r\n\r\n", 1)
    fields = [line.split(b":", 1) for line in re.split(rb"\r\n(?![ \t])", head)]
    signature = next(value for name, value in fields if name == b"DKIM-Signature")
    tags = {
        part.strip().split("=", 1)[0]: re.sub(r"\s", "", part.split("=", 1)[1])
        for part in signature.decode().split(";")
    }
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    body_hash = hashlib.sha256(b"".join(line + b"\r\n" for line in lines)).digest()
    if tags["bh"] != base64.b64encode(body_hash).decode():
        return False

    def relaxed(name, value):
        return (
            name.lower().strip()
            + b":"
            + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()
        )

    left = list(fields)
    covered = []
    for name in tags["h"].lower().encode().split(b":"):
        for at in reversed(range(len(left))):
            if left[at][0].lower() == name:
                covered.append(relaxed(*left.pop(at)))
                break
    covered.append(relaxed(b"DKIM-Signature", re.sub(rb"(\bb=)[^;]+$", rb"\1", signature)))
    data = b"\r\n".join(covered)
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            key.public_key().verify(base64.b64decode(tags["b"]), data, padding.PKCS1v15(), SHA256())
        else:
            key.public_key().verify(base64.b64decode(tags["b"]), hashlib.sha256(data).digest())
    except InvalidSignature:
        return False
    return True


VERIFIERS = [by_dkimpy, by_perl, by_the_book]


def mails():
    """One of every kind, with all that makes a mail long."""
    campaign = make_campaign(
        subject_nb="Nyheter på høsten, {first_name|du}, og så mye mer at linjen må brytes",
        body_nb="# Hei {first_name}\n\n```\n  to  mellomrom \n```\n\n.punktum først\n\nså lang "
        * 30,
    )
    yield compose(claimed(campaign, first_name="Bjørn"), now=NOW).body
    yield compose(claimed(make_announcement()), now=NOW).body
    words = {"subject": "Nytt passord", "text": "a  b \r\n\r\n\r\n", "html": ""}
    yield compose(claimed(**words), now=NOW).body
    yield compose(claimed(campaign, to_address="bjørn@example.test"), now=NOW).body


@pytest.mark.django_db
@pytest.mark.parametrize("verify", VERIFIERS)
def test_every_kind_of_mail_is_signed_so_that_others_verify_it(key, verify):
    for message in mails():
        assert message.startswith(b"DKIM-Signature: v=1; a=")
        assert max(map(len, message.split(b"\r\n\r\n")[0].split(b"\r\n"))) <= 998
        assert verify(message, key)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("verify", VERIFIERS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: N", b"Subject: M"),
        (b"\r\nList-Unsubscribe-Post: List-Un", b"\r\nList-Unsubscribe-Post: List-un"),
        (b"/u/A", b"/u/B"),
        (b"From: ClickSend", b"From: ClickSand"),
        (b"\r\n\r\n--", b"\r\n\r\nX-"),
        (b"Subject: ", b"Subject: Another\r\nSubject: "),
        (b"List-Unsubscribe: ", b"List-Unsubscribe: <https://evil.example/>\r\nList-Unsubscribe: "),
    ],
)
def test_what_was_changed_on_the_way_fails(key, verify, old, new):
    message = next(mails())
    assert old in message
    assert not verify(message.replace(old, new, 1), key)


@pytest.mark.django_db
@pytest.mark.parametrize("verify", VERIFIERS)
def test_what_relays_add_does_not_break_it(key, verify):
    message = next(mails())
    added = b"Received: from x\r\nFeedback-ID: 1:2:3:Relay\r\n" + message
    assert verify(added, key)


@pytest.mark.django_db
def test_a_header_judge_finds_nothing_to_say(key):
    message = next(mails())
    head = message.split(b"\r\n\r\n")[0].decode()
    fields = dict(line.split(":", 1) for line in re.split(r"\r\n(?![ \t])", head))
    assert not audit(
        fields["List-Unsubscribe"].strip(),
        fields["List-Unsubscribe-Post"].strip(),
        dkim_signatures=fields["DKIM-Signature"],
    )


@pytest.mark.django_db
def test_what_arrives_is_signed(key, settings, mailbox):
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    send()
    assert by_dkimpy(mailbox.to(person.email)[0].content, key)


@pytest.mark.django_db
def test_without_a_key_nothing_is_signed():
    assert not next(mails()).startswith(b"DKIM")
    assert sign(b"From: a\r\n\r\nb\r\n") == b"From: a\r\n\r\nb\r\n"


@given(st.text(alphabet="a \t\r\n=.", max_size=60))
def test_the_body_is_made_canonical_as_another_library_does_it(text):
    body = re.sub(r"\r\n|\r|\n", "\r\n", text).encode() + b"\r\n"
    assert relaxed_body(body) == dkim.canonicalization.Relaxed.canonicalize_body(body)


def environment_with(**values):
    return read({**ENVIRONMENT, **SERVICES, **values}, ())


SERVICES = {
    "DATABASE_URL": "postgresql://portal@database.example/portal",
    "BROKER_URL": "redis://broker.example/0",
    "EMAIL_URL": "smtp://mail.example",
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_may_stand_in_one_line_or_in_a_file(tmp_path, name):
    pem = pem_of(KEYS[name])
    (tmp_path / "dkim.pem").write_text(pem)
    line = pem.replace("\n", "\\n")
    for given_as in (pem, line, f"file://{tmp_path}/dkim.pem"):
        assert environment_with(DKIM_KEY=given_as).dkim_key.strip() == pem.strip()
    (tmp_path / ".env").write_text(f"DKIM_KEY={line}\n")
    values = raw_values({}, (tmp_path / ".env",))
    assert environment_with(**values).dkim_key.strip() == pem.strip()


def test_without_a_key_there_is_a_domain_and_a_selector_all_the_same():
    found = environment_with()
    assert (found.dkim_key, found.dkim_selector) == ("", "portal")
    assert found.dkim_domain == "portal.example"


@pytest.mark.parametrize(
    "text",
    [
        "not a key",
        "file:///nowhere/at/all.pem",
        pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        pem_of(ec.generate_private_key(ec.SECP256R1())),
        pem_of(KEYS["rsa"], BestAvailableEncryption(b"secret")),
    ],
)
def test_a_key_that_cannot_sign_stops_the_start_and_is_not_repeated(text):
    with pytest.raises(ImproperlyConfigured, match="DKIM_KEY is malformed: expected") as refused:
        environment_with(DKIM_KEY=text)
    assert text not in str(refused.value)
