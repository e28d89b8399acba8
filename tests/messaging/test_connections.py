"""Several connections at once to servers that stall, cut, refuse, or speak TLS."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.mail import EmailMultiAlternatives
from django.db import OperationalError, connection

from messaging import rendering, sender, services
from messaging.models import Message, SendingLimit
from messaging.policy import LEASE, Lane
from messaging.sending import engine, limits, marks, pool, wire
from tests.factories import NOW, make_announcement, make_campaign, make_customer, make_staff
from tests.messaging.sink import CUT, STALL, Sink
from tests.messaging.test_hand_over import send, started

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def audience(number):
    return [make_customer(yes=("newsletter",)) for _ in range(number)]


def point_at(settings, sink, *, security="plain", connections=4, timeout=1, user=""):
    made = type(settings.MAIL_TRANSPORT)
    settings.MAIL_TRANSPORT = made(
        url="", host="127.0.0.1", port=sink.port, security=security, user=user, password=user
    )
    settings.SMTP_CONNECTIONS = connections
    settings.SMTP_TIMEOUT = settings.SMTP_ANSWER_TIMEOUT = timeout


def states():
    rows = Message.objects.filter(kind="optional").order_by("state")
    return [row.state for row in rows]


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
def test_everybody_gets_one_over_several_connections(settings, extensions):
    people = audience(12)
    started(make_campaign())
    with Sink(extensions=extensions) as sink:
        point_at(settings, sink)
        send()
        assert sorted(address for address, _ in sink.taken) == sorted(p.email for p in people)
        assert sink.connections == 4
    assert set(states()) == {"sent"}


def test_one_message_opens_one_connection(settings):
    audience(1)
    started(make_campaign())
    with Sink() as sink:
        point_at(settings, sink)
        send()
        assert sink.connections == 1


@pytest.mark.parametrize("verb", ["CONNECT", "MAIL", "DATA", "BODY"])
def test_a_connection_that_stalls_holds_up_no_other(settings, verb):
    audience(8)
    started(make_campaign())
    stalled: list[float] = []

    def script(number, said, line):
        if said == verb and not stalled:
            stalled.append(time.monotonic())
            return STALL
        return None

    with Sink(script) as sink:
        point_at(settings, sink)
        send()
        others = 8 if verb == "CONNECT" else 7
        assert len(sink.taken) == others
    in_doubt = ["in_doubt"] if verb == "BODY" else []
    waits = ["queued"] if verb in ("MAIL", "DATA") else []
    assert states() == sorted([*in_doubt, *waits, *["sent"] * others])


def test_a_connection_cut_after_a_body_leaves_that_one_in_doubt_and_no_other(settings):
    people = audience(6)
    started(make_campaign())
    cut: list[str] = []

    def script(number, said, line):
        if said == "BODY" and not cut:
            cut.append(line)
            return CUT
        return None

    with Sink(script) as sink:
        point_at(settings, sink, connections=1)
        send()
        assert sorted(address for address, _ in sink.taken) == sorted(p.email for p in people)
    (doubtful,) = Message.objects.filter(state="in_doubt")
    assert doubtful.to_address == cut[0]
    # The one whose envelope had gone with that body is none the worse for it.
    others = Message.objects.filter(kind="optional").exclude(state="in_doubt")
    assert set(others.values_list("state", "attempts")) == {("sent", 1)}


def test_a_server_that_takes_few_messages_a_connection_is_met_again(settings):
    audience(9)
    started(make_campaign())
    bodies: dict[int, int] = {}

    def script(number, said, line):
        if said == "BODY":
            bodies[number] = bodies.get(number, 0) + 1
        if said == "MAIL" and bodies.get(number) == 3:
            return b"421 enough for one connection"
        return None

    with Sink(script) as sink:
        point_at(settings, sink, connections=1)
        send()
        assert len(sink.taken) == 9
    assert set(Message.objects.filter(kind="optional").values_list("state", "attempts")) == {
        ("sent", 1)
    }


def test_a_server_that_refuses_more_connections_is_sent_to_over_those_it_takes(settings):
    audience(8)
    started(make_campaign())

    def script(number, said, line):
        return b"421 too many" if said == "CONNECT" and number > 2 else None

    with Sink(script) as sink:
        point_at(settings, sink, connections=6)
        send()
        assert len(sink.taken) == 8
        assert {number for number, verb in sink.said if verb == "MAIL"} == {1, 2}


@pytest.mark.parametrize(
    ("verb", "answer", "state"),
    [
        ("MAIL", b"451 later", "queued"),
        ("RCPT", b"450 later", "queued"),
        ("RCPT", b"550 no", "failed"),
        ("DATA", b"451 later", "queued"),
        ("BODY", b"452 full", "queued"),
        ("BODY", b"554 no", "failed"),
    ],
)
@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
def test_a_refusal_is_one_messages_own(settings, verb, answer, state, extensions):
    audience(3)
    started(make_campaign())
    refused: list[int] = []

    def script(number, said, line):
        if said == verb and not refused:
            refused.append(number)
            return answer
        if said == "DATA" and refused and verb in ("MAIL", "RCPT") and len(refused) == 1:
            refused.append(number)
            return b"503 no recipient" if extensions else None
        return None

    with Sink(script, extensions=extensions) as sink:
        point_at(settings, sink, connections=1)
        send()
        assert sink.connections == 1
        assert len(sink.taken) == 2
    assert states() == sorted(["sent", "sent", state])


def test_a_server_that_closes_while_the_permission_is_asked_gets_no_body(settings, monkeypatch):
    audience(2)
    started(make_campaign())

    def script(number, said, line):
        return b"354 go\r\n421 no, closing" if said == "DATA" and number == 1 else None

    monkeypatch.setattr(pool, "GATHER", 0.3)  # both are waited for
    with Sink(script) as sink:
        point_at(settings, sink, connections=2)
        send()
        assert "BODY" not in sink.verbs(1)
        assert len(sink.taken) == 1
    assert states() == ["queued", "sent"]


@pytest.mark.parametrize(
    ("verb", "answer"),
    [("MAIL", b"530 login first"), ("MAIL", b"550 no"), ("RCPT", b"454 TLS"), ("DATA", b"554 no")],
)
@pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
def test_a_server_that_refuses_us_costs_no_message_and_no_attempt(
    settings, verb, answer, extensions
):
    audience(7)
    started(make_campaign())
    bodies: list[str] = []

    def script(number, said, line):
        if said == "BODY":
            bodies.append(line)
        return answer if said == verb and len(bodies) >= 2 else None

    with Sink(script, extensions=extensions) as sink:
        point_at(settings, sink, connections=2, timeout=5)
        send()
        sent = len(sink.taken)
        assert 2 <= sent <= 4
        assert sink.connections == 2
    rows = Message.objects.filter(kind="optional").order_by("attempts")
    assert list(rows.values_list("state", "attempts", "reason")) == [
        *[("queued", 0, "")] * (7 - sent),
        *[("sent", 1, "")] * sent,
    ]
    assert all(row.not_before > NOW for row in rows.filter(state="queued"))


def test_the_next_message_is_fetched_before_the_permission_and_not_after_it(settings, monkeypatch):
    """A claim may wait for the database: a body permitted meanwhile would be said after a no."""
    monkeypatch.setattr("messaging.sending.claims.CLAIM_SIZE", 1)
    audience(4)
    started(make_campaign())
    steps: list[str] = []
    claim, permit, stuff = engine.Delivery._claim, engine.Delivery.permit, wire.stuffed

    def noted(name, act):
        def acting(*args):
            steps.append(name)
            return act(*args)

        return acting

    monkeypatch.setattr(engine.Delivery, "_claim", noted("claim", claim))
    monkeypatch.setattr(engine.Delivery, "permit", noted("permit", permit))
    monkeypatch.setattr(wire, "stuffed", noted("body", stuff))
    with Sink() as sink:
        point_at(settings, sink, connections=1)
        send()
        assert len(sink.taken) == 4
    after = [steps[place + 1] for place, step in enumerate(steps) if step == "permit"]
    assert after == ["body"] * 4


def test_where_the_next_cannot_be_fetched_nothing_was_permitted(settings, monkeypatch):
    monkeypatch.setattr("messaging.sending.claims.CLAIM_SIZE", 1)
    audience(2)
    started(make_campaign())
    claim, claims_made = engine.Delivery._claim, []

    def broken(delivery):
        claims_made.append(delivery)
        if len(claims_made) == 2:
            raise OSError("the limits cannot be asked")
        claim(delivery)

    monkeypatch.setattr(engine.Delivery, "_claim", broken)
    with Sink() as sink:
        point_at(settings, sink, connections=1)
        with pytest.raises(OSError, match="limits"):
            send()
        assert sink.taken == []
    assert set(Message.objects.filter(kind="optional").values_list("state", "lease")) == {
        ("queued", None)
    }


def test_what_was_accepted_stays_known_when_a_permission_fails(settings, monkeypatch):
    audience(2)
    started(make_campaign())
    ask, asked = marks.hand_over_many, []

    def broken(messages, lease, sent, now):
        asked.append(messages)
        if len(asked) == 2:
            raise RuntimeError("the database went away")
        return ask(messages, lease, sent, now)

    monkeypatch.setattr(marks, "hand_over_many", broken)
    with Sink() as sink:
        point_at(settings, sink, connections=1)
        with pytest.raises(RuntimeError):
            send()
        assert len(sink.taken) == 1
    assert states() == ["queued", "sent"]


def test_a_mark_that_fails_is_tried_once_more_and_the_rest_goes_back(settings, monkeypatch):
    audience(1)
    started(make_campaign())
    mark, tried = marks.mark_sent_many, []

    def broken(messages, lease, now):
        tried.append(messages)
        if len(tried) == 1:
            raise OperationalError
        mark(messages, lease, now)

    monkeypatch.setattr(marks, "mark_sent_many", broken)
    monkeypatch.setattr(engine, "UNMARKED_SECONDS", 60)
    monkeypatch.setattr(connection, "close", lambda: None)
    with Sink() as sink:
        point_at(settings, sink, connections=1)
        send()
    assert (states(), len(tried)) == (["sent"], 2)


def test_the_answer_to_a_body_may_take_longer_than_any_other(settings):
    audience(2)
    started(make_campaign())
    with Sink(lambda number, said, line: time.sleep(1.5) if said == "BODY" else None) as sink:
        point_at(settings, sink, connections=1, timeout=1)
        settings.SMTP_ANSWER_TIMEOUT = 30
        send()
    assert states() == ["sent", "sent"]


def test_while_one_answer_is_awaited_what_is_newly_queued_goes(settings, monkeypatch):
    monkeypatch.setattr(engine, "LOOK_AGAIN_SECONDS", 0)
    (slow,) = audience(1)
    started(make_campaign())
    mails: list[str] = []

    def script(number, said, line):
        if said == "BODY" and line == slow.email:
            while "kari@example.test" not in mails:
                time.sleep(0.02)
        elif said == "BODY":
            mails.append(line)

    with Sink(script) as sink:
        point_at(settings, sink, connections=2, timeout=10)
        ready = engine.Delivery.ready

        def late(delivery):
            if sink.verbs(1)[-1:] == ["BODY"] and not Message.objects.filter(kind="account"):
                EmailMultiAlternatives("S", "T", to=["kari@example.test"]).send()
            return ready(delivery)

        monkeypatch.setattr(engine.Delivery, "ready", late)
        services.deliver_pending(clock=lambda: datetime.now(UTC))
        assert len(sink.taken) == 2


def test_a_message_that_no_code_foresaw_ends_alone(settings, monkeypatch):
    people = audience(3)
    started(make_campaign())
    compose = rendering.compose

    def broken(message, *, now):
        if message.person_id == people[0].pk:
            raise IndexError(f"a secret {message.to_address}")
        return compose(message, now=now)

    monkeypatch.setattr(engine, "compose", broken)
    with Sink() as sink:
        point_at(settings, sink)
        send()
        assert len(sink.taken) == 2
    row = Message.objects.of_person(people[0].pk).get()
    assert (row.state, row.reason) == ("failed", "cannot be composed: IndexError")


def test_the_body_of_what_is_withheld_never_begins(settings):
    """After the 354 nothing is said any more; the server never sees an end of the transaction."""
    people = audience(3)
    started(make_campaign())
    with Sink() as sink:
        point_at(settings, sink)
        Message.objects.of_person(people[0].pk).update(to_address="former@example.test")
        send()
        assert "former@example.test" not in [address for address, _ in sink.taken]
        assert len(sink.taken) == 2
        bodies = [verb for _, verb in sink.said if verb == "BODY"]
        assert len(bodies) == 2
    assert states() == ["sent", "sent", "withheld"]


def test_a_slow_server_never_outlasts_the_lease(settings, monkeypatch):
    audience(3)
    started(make_campaign())
    monkeypatch.setattr(engine, "RENEW_SECONDS", 0)
    monkeypatch.setattr(engine, "UNMARKED_SECONDS", 60)
    now = [NOW]

    def script(number, said, line):
        if said == "BODY":
            time.sleep(0.6)  # a tick of the pool
            now[0] += LEASE * 0.6

    with Sink(script) as sink:
        point_at(settings, sink, connections=1, timeout=5)
        services.deliver_pending(clock=lambda: now[0])
        sender.reclaim(now=now[0])
        assert len(sink.taken) == 3
    assert states() == ["sent"] * 3


def test_whoever_lost_the_lease_meanwhile_says_no_body(settings, monkeypatch):
    """As after a suspended machine: another worker has taken the message over."""
    (person,) = audience(1)
    started(make_campaign())
    rows = Message.objects.of_person(person.pk)
    with Sink() as sink:
        point_at(settings, sink, connections=1)
        delivery = engine.Delivery(clock=lambda: NOW)
        permit = delivery.permit

        def late(_delivery, jobs):
            later = NOW + LEASE + timedelta(seconds=1)
            sender.reclaim(now=later)
            assert len(sender.claim(uuid4(), now=later, optional=True)) == 1
            return permit(jobs)

        monkeypatch.setattr(engine.Delivery, "permit", late)
        delivery.run()
        assert sink.taken == []
    assert rows.get().state == "claimed"


def test_each_lane_carries_its_own_and_urgent_mail_never_waits_for_the_other(settings):
    audience(2)
    started(make_campaign())
    started(make_announcement())
    EmailMultiAlternatives("S", "T", to=["kari@example.test"]).send()
    with Sink() as sink:
        point_at(settings, sink)
        later = datetime.now(UTC)
        services.deliver_pending(clock=lambda: later, lane=Lane.URGENT)
        assert not Message.objects.filter(kind="optional").exclude(state="queued")
        assert set(Message.objects.exclude(kind="optional").values_list("state", flat=True)) == {
            "sent"
        }
        services.deliver_pending(clock=lambda: later, lane=Lane.CAMPAIGNS)
        assert states() == ["sent", "sent"]


def test_a_pause_in_mid_campaign_gives_back_all_that_is_claimed(settings, monkeypatch):
    audience(12)
    campaign, staff = started(make_campaign()), make_staff()
    with Sink() as sink:
        point_at(settings, sink, connections=2)
        delivery = engine.Delivery(clock=lambda: NOW)
        permit = delivery.permit

        def pausing(_delivery, jobs):
            if delivery.accepted >= 4:
                services.pause(campaign, actor=staff, now=NOW)
            return permit(jobs)

        monkeypatch.setattr(engine.Delivery, "permit", pausing)
        delivery.run()
        monkeypatch.undo()
        sent = len(sink.taken)
        assert 4 <= sent <= 8
        # Nobody was asked for message by message: at most one dropped connection each.
        assert sink.connections <= 4
    assert Message.objects.filter(state="queued", lease=None).count() == 12 - sent
    with Sink() as sink:
        point_at(settings, sink)
        services.resume(campaign, actor=staff, now=NOW)
        send()
        assert len(sink.taken) == 12 - sent


# --- TLS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority of our own and a certificate of it for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    now = datetime.now(UTC)

    def made(name, key, issuer, signer, *extensions):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(signer, hashes.SHA256())

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    authority = made(
        authority_name,
        authority_key,
        authority_name,
        authority_key,
        x509.BasicConstraints(ca=True, path_length=0),
        usage,
        x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()),
    )
    own = made(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")]),
        key,
        authority_name,
        authority_key,
        x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "sink.pem").write_bytes(
        own.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "sink.pem")
    return folder / "ca.pem", context


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_over_tls_everything_goes_as_over_plain(settings, certificates, monkeypatch, security):
    authority, context = certificates
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    people = audience(12)
    # Longer than one TLS record.
    paragraph = "Blåbærsyltetøy på brødskiva. " * 2_500
    started(make_campaign(body_nb=paragraph))
    offered = {"tls": {"tls": context}, "starttls": {"starttls": context}}[security]
    with Sink(**offered) as sink:
        point_at(settings, sink, security=security, timeout=10, user="portal")
        send()
        assert sorted(address for address, _ in sink.taken) == sorted(p.email for p in people)
        assert all(len(body) > 60_000 for _, body in sink.taken)
        assert "AUTH" in sink.verbs(1)
    assert set(states()) == {"sent"}


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(
    settings, certificates, security
):
    audience(2)
    started(make_campaign())
    offered = {"tls": {"tls": certificates[1]}, "starttls": {"starttls": certificates[1]}}
    with Sink(**offered[security]) as sink:
        point_at(settings, sink, security=security)
        send()
        assert "MAIL" not in [verb for _, verb in sink.said]
    assert set(Message.objects.filter(kind="optional").values_list("state", "attempts")) == {
        ("queued", 0)
    }


# --- limits ---------------------------------------------------------------------------------------


def test_what_a_limit_holds_back_keeps_nobody_else_waiting(settings, monkeypatch):
    monkeypatch.setattr("messaging.sending.claims.CLAIM_SIZE", 3)
    slow = [make_customer(yes=("newsletter",), email=f"k{n}@slow.test") for n in range(6)]
    audience(4)
    SendingLimit.objects.create(domain="slow.test", per_minute=1)
    limits.forget()
    started(make_campaign())
    with Sink() as sink:
        point_at(settings, sink)
        send()
        limits.forget()
        assert len([address for address, _ in sink.taken if "slow" not in address]) == 4
        assert len([address for address, _ in sink.taken if "slow" in address]) == 1
    held = Message.objects.filter(state="queued")
    assert (held.count(), set(held.values_list("attempts", flat=True))) == (len(slow) - 1, {0})
    assert all(row.not_before > NOW for row in held)
