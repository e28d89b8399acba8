"""`/hooks/…`: what the configured provider tells, authenticated, once, in any order."""

import json
import uuid
from base64 import b64encode
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from django.test import Client
from django.test.client import encode_multipart
from django.utils import timezone

from accounts.models import User
from clicksend_portal.addresses import parse_mail
from consent import services as consent
from consent.models import ConsentDetail, Source, State, Suppression
from consent.suppression import is_suppressed
from messaging.incoming import events
from messaging.models import ProviderEvent
from tests.factories import NOW, make_customer, topic
from tests.incoming import letters

pytestmark = pytest.mark.django_db
SECRET = "postmark:a-password-that-is-long-enough-0123456789"
TRACKING = "/hooks/anymail/postmark/tracking/"


@pytest.fixture
def postmark(settings):
    settings.MAIL_TRANSPORT = parse_mail("anymail+postmark://KEY")
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "KEY", "WEBHOOK_SECRET": SECRET}


def post(body, *, path=TRACKING, secret=SECRET, content_type="application/json"):
    client = Client(raise_request_exception=False)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    authorization = "Basic " + b64encode(secret.encode()).decode()
    return client.post(
        path, data, content_type=content_type, headers={"authorization": authorization}
    )


def complaint(email, *, at=NOW, number=1, message=None):
    return {
        "RecordType": "SpamComplaint",
        "ID": number,
        "Type": "SpamComplaint",
        "TypeCode": 512,
        "Email": email,
        "MessageID": f"pm-{number}",
        "BouncedAt": at.isoformat(),
        "Metadata": {} if message is None else {"portal_message": str(message.pk)},
        "Content": "Received: from [203.0.113.7] by x",
    }


def bounce(email, *, kind="HardBounce", details="smtp;550 5.1.1 User unknown", at=NOW, number=2):
    return {
        "RecordType": "Bounce",
        "ID": number,
        "Type": kind,
        "Email": email,
        "MessageID": f"pm-{number}",
        "BouncedAt": at.isoformat(),
        "Details": details,
        "Description": "The server was unable to deliver your message (203.0.113.7).",
    }


def unsubscribed(email, *, message=None, at=NOW):
    return {
        "RecordType": "SubscriptionChange",
        "MessageID": "pm-3",
        "Recipient": email,
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
        "Origin": "Recipient",
        "ChangedAt": at.isoformat(),
        "Metadata": {} if message is None else {"portal_message": str(message.pk)},
    }


def states(person):
    rows = consent.current_preferences(person.pk)
    return {slug: rows[topic(slug).pk].state for slug in ("newsletter", "product_news")}


YES = {"newsletter": State.GRANTED, "product_news": State.GRANTED}
NO = {"newsletter": State.WITHDRAWN, "product_news": State.WITHDRAWN}


@pytest.fixture
def person():
    before = NOW - timedelta(days=1)
    return make_customer(yes=("newsletter", "product_news"), now=before)


def test_a_complaint_ends_everything_optional(postmark, person):
    assert post(complaint(person.email)).status_code == 200
    assert states(person) == NO
    assert is_suppressed(person.email, reasons=(Suppression.Reason.COMPLAINT,))
    sources = {event.source for event in ConsentDetail.objects.of(person.pk) if event.received_at}
    assert sources == {Source.COMPLAINT}


def test_an_unsubscribe_without_a_mail_leaves_the_reference_program_too(postmark):
    reader = make_customer(yes=("newsletter", "reference_quote"), now=NOW - timedelta(days=1))
    post(unsubscribed(reader.email))
    rows = consent.current_preferences(reader.pk)
    assert rows[topic("reference_quote").pk].state == State.WITHDRAWN


def test_an_unsubscribe_at_the_provider_ends_the_topic_of_its_mail(postmark, person):
    message = letters.handed_over(person)
    post(unsubscribed(person.email, message=message))
    assert states(person) == {"newsletter": State.WITHDRAWN, "product_news": State.GRANTED}
    assert ConsentDetail.objects.of(person.pk).filter(source=Source.PROVIDER).get().received_at


def test_an_unsubscribe_that_names_no_mail_ends_everything_optional(postmark, person):
    post(unsubscribed(person.email))
    assert states(person) == NO


def test_an_unsubscribe_of_somebody_unknown_keeps_their_address_out(postmark):
    post(unsubscribed("stranger@example.test"))
    assert is_suppressed("stranger@example.test", reasons=(Suppression.Reason.PROVIDER,))


def test_a_hard_bounce_suppresses_the_address(postmark, person):
    post(bounce(person.email))
    assert is_suppressed(person.email, reasons=(Suppression.Reason.HARD_BOUNCE,))
    assert states(person) == YES


@pytest.mark.parametrize(
    ("kind", "details"),
    [("SoftBounce", ""), ("Transient", "4.2.2"), ("HardBounce", "552 5.2.2 mailbox full")],
)
def test_a_soft_bounce_does_not(postmark, person, kind, details):
    assert post(bounce(person.email, kind=kind, details=details)).status_code == 200
    assert not Suppression.objects.exists()


def test_told_twice_is_once_and_not_again_after_a_new_yes(postmark, person):
    post(complaint(person.email))
    answers = {topic().pk: True}
    consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=timezone.now())
    assert post(complaint(person.email)).status_code == 200
    assert states(person)["newsletter"] == State.GRANTED
    assert ProviderEvent.objects.count() == 1


def test_a_complaint_that_comes_after_a_later_yes_is_of_the_past(postmark, person):
    consent.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    later = NOW + timedelta(minutes=10)
    consent.record_choices(person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=later)
    post(complaint(person.email, at=NOW + timedelta(minutes=5)))
    assert states(person) == {"newsletter": State.GRANTED, "product_news": State.WITHDRAWN}
    assert not is_suppressed(person.email)


@pytest.mark.parametrize("told", [complaint, unsubscribed])
def test_what_comes_after_a_later_yes_to_every_topic_is_of_the_past(postmark, person, told):
    topics = consent.optional_topics()
    consent.record_opt_out(person.pk, topics, source=Source.LINK, now=NOW)
    later, answers = NOW + timedelta(minutes=10), dict.fromkeys(topics, True)
    consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=later)
    post(told(person.email, at=NOW + timedelta(minutes=5)))
    assert states(person) == YES
    assert not is_suppressed(person.email)
    event = ProviderEvent.objects.get()
    assert (event.outcome, event.why) == ("nothing", "yes_since")


@pytest.mark.parametrize("told", [complaint, unsubscribed])
@pytest.mark.parametrize("other", ["tailoring", "reference_name"])
def test_a_yes_to_something_else_loses_no_no(postmark, person, told, other):
    later, answers = NOW + timedelta(minutes=5), {topic(other).pk: True}
    consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=later)
    post(told(person.email, at=NOW))
    assert states(person) == NO
    assert is_suppressed(person.email) == (told is complaint)
    assert consent.current_preferences(person.pk)[topic(other).pk].state == State.GRANTED


def test_an_unsubscribe_ends_the_topic_of_its_mail_whatever_was_asked_for_since(postmark, person):
    message = letters.handed_over(person)
    later, answers = NOW + timedelta(minutes=5), {topic("special_offers").pk: True}
    consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=later)
    post(unsubscribed(person.email, message=message))
    assert states(person) == {"newsletter": State.WITHDRAWN, "product_news": State.GRANTED}


@pytest.mark.parametrize("told", [complaint, unsubscribed, bounce])
def test_whoever_is_erased_in_this_moment_is_named_nowhere(postmark, person, monkeypatch, told):
    gone = uuid.uuid4()
    whom = User(pk=gone, email=person.email, email_confirmed_at=NOW - timedelta(days=1))
    monkeypatch.setattr(events, "_whom", lambda incoming: (whom, whom.email))
    monkeypatch.setattr("messaging.incoming.services.person_with", lambda address: gone)
    post(told("somebody@example.test"))
    assert ProviderEvent.objects.get().person_id is None


def test_a_known_sender_of_a_mail_that_asks_nothing_is_named_unless_erased(postmark, person):
    post(inbound(letters.gmail("", sender=person.email)), path="/hooks/inbound/postmark/")
    assert ProviderEvent.objects.get().person_id == person.pk


def test_a_complaint_later_than_the_last_yes_counts(postmark, person):
    consent.record_choices(
        person.pk, {topic("special_offers").pk: True}, source=Source.PREFERENCES, now=NOW
    )
    post(complaint(person.email, at=NOW + timedelta(minutes=5)))
    assert states(person) == NO


def test_a_bounce_older_than_the_confirmation_is_of_the_past(postmark, person):
    post(bounce(person.email, at=NOW - timedelta(days=3)))
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("kind", ["Open", "Click", "Delivery"])
def test_who_reads_what_is_not_kept(postmark, person, kind):
    body = {
        "RecordType": kind,
        "MessageID": "pm",
        "Recipient": person.email,
        "ReceivedAt": NOW.isoformat(),
        "DeliveredAt": NOW.isoformat(),
        "Geo": {"IP": "203.0.113.7"},
        "OriginalLink": "https://x.example",
    }
    assert post(body).status_code == 200
    assert not ProviderEvent.objects.exists()


def test_a_subscription_at_the_provider_is_no_yes(postmark, person):
    consent.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    body = unsubscribed(person.email) | {"SuppressSending": False, "SuppressionReason": None}
    assert post(body).status_code == 200
    assert states(person)["newsletter"] == State.WITHDRAWN


def test_unknown_addresses_are_kept_without_the_address(postmark):
    post(bounce("nobody@example.test"))
    event = ProviderEvent.objects.get()
    assert (event.person_id, event.status) == (None, "5.1.1")
    assert "nobody" not in str(vars(event))
    assert "203.0.113" not in str(vars(event))


def inbound(raw):
    return {
        "RawEmail": raw.decode(),
        "FromFull": {"Email": "kari@example.test"},
        "OriginalRecipient": "unsubscribe@portal.example",
        "MessageID": "pm-in-1",
        "Headers": [],
    }


@pytest.mark.parametrize("path", ["/hooks/inbound/postmark/", "/hooks/anymail/postmark/inbound/"])
def test_mail_that_the_provider_received_is_read_like_any_other(postmark, person, path):
    assert post(inbound(letters.gmail(letters.token_for(person))), path=path).status_code == 200
    assert states(person)["newsletter"] == State.WITHDRAWN
    detail = ConsentDetail.objects.of(person.pk).get(source=Source.MAILTO)
    assert detail.received_at <= detail.at


INBOUND = "/hooks/inbound/postmark/"
FORM = "multipart/form-data; boundary=edge"


def with_attachment(person, size):
    mail = letters.gmail(letters.token_for(person))
    return inbound(mail) | {"Attachments": [{"Name": "x.pdf", "Content": "A" * size}]}


def test_a_request_to_stop_with_a_large_attachment_is_not_lost(postmark, person):
    assert post(with_attachment(person, 11_500_000), path=INBOUND).status_code == 200
    assert states(person)["newsletter"] == State.WITHDRAWN


def test_what_is_larger_than_any_mail_is_refused(postmark, person):
    assert post(with_attachment(person, 12 * 1024 * 1024), path=INBOUND).status_code == 400
    assert states(person) == YES


def test_nobody_without_the_secret_makes_us_read_a_large_body(postmark, person, monkeypatch):
    monkeypatch.setattr(HttpRequest, "read", lambda *_: pytest.fail("was read"))
    body = with_attachment(person, 3_000_000)
    assert post(body, path=INBOUND, secret="postmark:wrong").status_code == 403


def test_every_other_page_takes_no_more_than_before(person):
    client = Client(raise_request_exception=False)
    assert client.post("/login/", {"login": "x" * 3_000_000}).status_code == 400
    form = "application/x-www-form-urlencoded"
    assert client.post("/login/", b"x" * 3_000_000, content_type=form).status_code == 400


@pytest.mark.filterwarnings("ignore:django-anymail has dropped")
@pytest.mark.parametrize("size", [10, 4_000_000])
def test_a_raw_mail_in_a_field_of_a_form_is_read_whatever_its_size(settings, person, size):
    settings.MAIL_TRANSPORT = parse_mail("anymail+sendgrid://KEY")
    settings.ANYMAIL = {"SENDGRID_API_KEY": "KEY", "WEBHOOK_SECRET": SECRET}
    token = letters.token_for(person)
    mail = letters.gmail("", subject="hello") + b"\r\n" + b"x" * size
    fields = {
        "headers": "Subject: hello\n",
        "email": mail.decode(),
        "envelope": json.dumps({"to": [f"unsubscribe+{token}@portal.example"], "from": "a@b.no"}),
        "attachment1": SimpleUploadedFile("x.png", b"\x89PNG\r\n\x00", "image/png"),
    }
    body = encode_multipart("edge", fields)
    path = "/hooks/inbound/sendgrid/"
    assert post(body, path=path, content_type=FORM).status_code == 200
    assert states(person) == {"newsletter": State.WITHDRAWN, "product_news": State.GRANTED}


@pytest.mark.filterwarnings("ignore:django-anymail has dropped")
@pytest.mark.parametrize(
    "broken",
    [b"", b"--x", b"--x\r\n\r\n\r\n--x--", b"\xff" * 90],
    ids=["none", "cut", "empty", "noise"],
)
def test_a_broken_form_is_not_our_fault(settings, broken):
    settings.MAIL_TRANSPORT = parse_mail("anymail+sendgrid://KEY")
    settings.ANYMAIL = {"SENDGRID_API_KEY": "KEY", "WEBHOOK_SECRET": SECRET}
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data", FORM):
        assert post(broken, path="/hooks/inbound/sendgrid/", content_type=kind).status_code == 400


@pytest.mark.parametrize("secret", ["postmark:wrong", "x", SECRET + "x"])
def test_without_the_secret_nothing_is_believed(postmark, person, secret):
    assert post(complaint(person.email), secret=secret).status_code == 403
    assert Client().post(TRACKING, "{}", content_type="application/json").status_code == 403
    assert states(person) == YES


def test_without_a_provider_the_addresses_do_not_exist(person):
    for path in (TRACKING, "/hooks/inbound/postmark/", "/hooks/anymail/x", "/hooks/inbound/x/"):
        assert post(complaint(person.email), path=path).status_code == 404
    assert states(person) == YES


def test_only_the_configured_provider_is_heard(postmark, person):
    for path in ("/hooks/anymail/sendgrid/tracking/", "/hooks/anymail/postmark/nothing/"):
        assert post([], path=path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"3",
        b'"x"',
        b"{}",
        b'{"RecordType": "Bounce"}',
        b'{"RecordType": ["Bounce"]}',
        b'{"RecordType": "SpamComplaint", "Email": 5, "BouncedAt": "yesterday"}',
        b'{"RecordType": "SpamComplaint", "Metadata": [1], "Email": null}',
        b'{"RecordType": "SpamComplaint", "Email": "a@b\\u0000c", "MessageID": "\\u0000"}',
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b"x" * 1_000_000,
        b'{"RecordType": "' + b"A" * 1_000_000 + b'"}',
        b"x" * 3_000_000,
    ],
)
@pytest.mark.parametrize("path", [TRACKING, "/hooks/inbound/postmark/"])
def test_a_body_that_cannot_be_read_is_nobodys_fault_of_ours(postmark, body, path):
    assert post(body, path=path).status_code in (200, 400)
    assert not Suppression.objects.exists()


def test_knocking_tells_nothing(postmark):
    assert Client().get(TRACKING).content == b""
    assert Client().head(TRACKING).status_code == 200


def test_a_failure_of_ours_lets_the_provider_try_again(postmark, person, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("messaging.incoming.services.receive", fail)
    assert post(complaint(person.email)).status_code == 500
    monkeypatch.undo()
    assert post(complaint(person.email)).status_code == 200
    assert states(person) == NO


def test_the_secret_is_required_with_a_provider_and_only_then():
    from django.core.exceptions import ImproperlyConfigured

    from clicksend_portal.environment import parse, raw_values

    raw = raw_values()
    assert parse(raw | {"EMAIL_URL": "smtp://x"}).hooks_secret == ""
    with pytest.raises(ImproperlyConfigured, match="HOOKS_SECRET is missing"):
        parse(raw | {"EMAIL_URL": "anymail+postmark://KEY"})
    given = {"EMAIL_URL": "anymail+postmark://KEY", "HOOKS_SECRET": SECRET}
    assert parse(raw | given).hooks_secret == SECRET
    with pytest.raises(ImproperlyConfigured, match="HOOKS_SECRET is malformed"):
        parse(raw | given | {"HOOKS_SECRET": "short:short"})
