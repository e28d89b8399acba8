"""From the outbox to the wire: headers, retries, leases, pause and cancel."""

import re
import socket
from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consent import suppression
from consent.models import Suppression, Topic, TopicWording
from consent.tokens import read_token
from messaging import sender, services, tasks
from messaging.audience import resolve
from messaging.models import Message
from messaging.outbox import put_account_mail
from messaging.policy import LEASE, LEAST_ATTEMPTS, Lane, give_up_after
from messaging.sending import claims
from messaging.tasks import ROUND
from tests.factories import NOW, make_announcement, make_campaign, make_customer, make_staff, topic
from tests.mailbox import Mailbox
from tests.messaging.test_hand_over import send, started

pytestmark = pytest.mark.django_db


def the_message(person):
    return Message.objects.of_person(person.pk).get()


def test_an_optional_mail_carries_every_way_out_that_standards_know(mailbox):
    person = make_customer(yes=("newsletter",))
    campaign = started(make_campaign())
    send()
    mail = mailbox.to(person.email)[0]
    raw_headers = mail.content.split(b"\r\n\r\n")[0].decode()
    https, mailto = re.fullmatch(
        r"<(http[^>]+)>, <(mailto:[^>]+)>", mail.message["List-Unsubscribe"]
    ).groups()
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.message["List-Id"] == "<newsletter.portal.example>"
    assert mail.message["From"] == "ClickSend <news@portal.example>"
    assert "=?" not in re.search(r"List-Unsubscribe: .*", raw_headers)[0]
    token = read_token(https.rstrip("/").rpartition("/")[2])
    assert (token.person_id, token.topic, token.mailing) == (person.pk, 1, campaign.number)
    assert mailto.endswith(https.rstrip("/").rpartition("/")[2])
    for kind in ("plain", "html"):
        assert https in mail.text(kind)
        assert https.replace("/u/", "/p/") in mail.text(kind)
        assert "Blåbærsyltetøy" in mail.text(kind)
    assert "portalmark" not in mail.content.decode()


def test_the_link_names_the_wording_its_campaign_was_about(mailbox):
    person = make_customer(yes=("newsletter",))
    versions = []
    for version in (1, 2):
        TopicWording.objects.get_or_create(topic=topic(), version=version)
        Topic.objects.filter(pk=topic().pk).update(wording_version=version)
        started(make_campaign())
        send()
        link = mailbox.to(person.email)[-1].message["List-Unsubscribe"].partition(">")[0]
        versions.append(read_token(link.rstrip("/").rpartition("/")[2]).wording_version)
    assert versions == [1, 2]


def test_each_person_reads_their_own_language_and_has_their_own_link(mailbox):
    kari, ola = (make_customer(yes=("newsletter",), language=code) for code in ("nb", "en"))
    started(make_campaign())
    send()
    first, second = mailbox.to(kari.email)[0], mailbox.to(ola.email)[0]
    assert first.message["Subject"] == "Nyheter i november"
    assert second.message["Subject"] == "News in November"
    assert first.message["List-Unsubscribe"] != second.message["List-Unsubscribe"]


def test_service_and_account_mail_have_no_unsubscribe_and_their_own_senders(mailbox):
    person = make_customer()
    started(make_announcement())
    EmailMultiAlternatives("Subject", "Text", to=[person.email]).send()
    send(timezone.now())
    account, service = (mail.message for mail in mailbox.to(person.email))
    assert service["From"] == "ClickSend <service@portal.example>"
    assert account["From"] == "ClickSend <account@portal.example>"
    assert service["List-Unsubscribe"] is account["List-Unsubscribe"] is None


def test_the_words_of_account_mail_are_gone_once_it_is_sent(mailbox):
    person = make_customer()
    EmailMultiAlternatives("Secret", "Secret link", to=[person.email]).send()
    assert Message.objects.get(to_address=person.email).text == "Secret link"
    send(timezone.now())
    row = Message.objects.get(purpose="system")
    assert (row.state, row.subject, row.text, row.html, row.to_address) == ("sent", "", "", "", "")


def test_doing_it_twice_sends_nothing_twice(mailbox):
    person = make_customer(yes=("newsletter",))
    campaign = started(make_campaign())
    send()
    services.run_mailings(now=NOW)
    send()
    campaign.refresh_from_db()
    assert campaign.state == "finished"
    assert len(mailbox.to(person.email)) == 1


def test_an_audience_cut_off_in_the_middle_goes_on_and_writes_nobody_twice():
    people = [make_customer(yes=("newsletter",)) for _ in range(5)]
    campaign = started(make_campaign())
    campaign.resolved, campaign.resolved_through = False, None
    campaign.save()
    assert resolve(campaign, now=NOW, chunk=2) == 0
    assert Message.objects.of_mailing(campaign.pk).count() == len(people)
    campaign.refresh_from_db()
    assert campaign.resolved


def test_a_temporary_refusal_waits_and_a_permanent_one_ends(mailbox):
    busy, wrong = make_customer(yes=("newsletter",)), make_customer(yes=("newsletter",))
    started(make_campaign())
    mailbox.refuse = {busy.email: "451 try later", wrong.email: f"550 no such user {wrong.email}"}
    send()
    assert (the_message(busy).state, the_message(busy).attempts) == ("queued", 1)
    assert the_message(busy).not_before > NOW
    assert the_message(wrong).state == "failed"
    assert wrong.email not in the_message(wrong).reason
    mailbox.refuse = {}
    send(NOW + timedelta(minutes=1))
    assert the_message(busy).state == "sent"


def put_words(to, **values):
    """An account mail to an address of nobody, as a reset for a stranger is."""
    words = {"subject": "Nytt passord", "text": "/password/reset/key/secret/", "html": "<p>s</p>"}
    put_account_mail(
        **{"to": to, "person_id": None, "purpose": "x", "language": "nb", "now": NOW}
        | words
        | values
    )
    return Message.objects.filter(kind="account").latest("queued_at", "id")


def words_of(message):
    message.refresh_from_db()
    return message.subject + message.text + message.html + message.to_address


def test_what_waits_keeps_its_words_and_what_failed_keeps_none(mailbox):
    waits, fails = put_words("busy@shop.test"), put_words("wrong@shop.test")
    mailbox.refuse = {"busy@shop.test": "451 try later", "wrong@shop.test": "550 no such user"}
    send()
    assert "secret" in words_of(waits)
    assert (words_of(fails), fails.state) == ("", "failed")


def test_what_is_in_doubt_keeps_no_words():
    message = put_words("kari@shop.test")
    lease = uuid4()
    (claimed,) = sender.claim(lease, now=NOW, optional=True)
    sender.hand_over(claimed, lease, None, NOW)
    sender.reclaim(now=NOW + LEASE + timedelta(seconds=1))
    assert (words_of(message), message.state) == ("", "in_doubt")


def test_a_mail_that_cannot_be_written_holds_up_no_other(mailbox):
    broken = put_words("kari@shop.test", subject="Two\nlines")
    put_words("ola@shop.test")
    send()
    broken.refresh_from_db()
    assert (broken.state, broken.reason) == (
        "failed",
        "cannot be composed: a line break in the subject",
    )
    assert mailbox.to("ola@shop.test")


@pytest.mark.parametrize(("took", "wakes"), [(ROUND, 1), (timedelta(), 0)])
def test_a_round_that_ran_out_of_time_wakes_the_next(monkeypatch, took, wakes):
    woken: list[Lane] = []
    monkeypatch.setattr("messaging.tasks.wake_sender", woken.append)
    with time_machine.travel(NOW, tick=False) as clock:
        monkeypatch.setattr(
            "messaging.services.deliver_pending", lambda until, lane: clock.shift(took)
        )
        tasks.deliver()
        tasks.deliver_campaigns()
    assert woken == [Lane.URGENT, Lane.CAMPAIGNS] * wakes


def test_a_message_that_is_refused_again_and_again_ends(mailbox):
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    mailbox.refuse = {person.email: "451 try later"}
    for day in range(LEAST_ATTEMPTS):
        assert the_message(person).state == "queued"
        send(NOW + timedelta(days=day))
    assert the_message(person).state == "failed"


@pytest.mark.parametrize(("minutes", "state"), [(-1, "queued"), (0, "failed")])
@pytest.mark.parametrize("kind", ["optional", "service"])
def test_an_outage_of_a_weekend_costs_no_message_and_a_longer_one_ends_it(
    mailbox, kind, minutes, state
):
    person = make_customer(yes=("newsletter",))
    started(make_campaign() if kind == "optional" else make_announcement())
    row = Message.objects.of_person(person.pk).filter(kind=kind)
    mailbox.refuse = {person.email: "451 try later"}
    # As often as it would have been tried meanwhile.
    row.update(attempts=100, not_before=NOW)
    send(NOW + give_up_after(kind) + timedelta(minutes=minutes))
    assert row.get().state == state


def test_what_waited_in_a_paused_mailing_is_not_given_up_at_its_first_refusal(mailbox):
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    mailbox.refuse = {person.email: "451 try later"}
    send(NOW + timedelta(days=30))
    assert the_message(person).state == "queued"


def test_without_a_server_nothing_is_lost_and_no_attempt_is_counted(settings, mailbox):
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    good = settings.MAIL_TRANSPORT
    settings.MAIL_TRANSPORT = type(good)(url="", host="127.0.0.1", port=9)
    send()
    assert (the_message(person).state, the_message(person).attempts) == ("queued", 0)
    settings.MAIL_TRANSPORT = good
    send(NOW + timedelta(minutes=5))
    assert the_message(person).state == "sent"


def test_a_dead_workers_claim_goes_back_and_what_it_was_handing_is_in_doubt():
    claimed, handing = make_customer(yes=("newsletter",)), make_customer(yes=("newsletter",))
    started(make_campaign())
    lease = uuid4()
    batch = {message.person_id: message for message in sender.claim(lease, now=NOW, optional=True)}
    assert sender.hand_over(batch[handing.pk], lease, None, NOW) == ""
    sender.reclaim(now=NOW + LEASE)
    assert the_message(claimed).state == "claimed"
    sender.reclaim(now=NOW + LEASE + timedelta(seconds=1))
    assert the_message(claimed).state == "queued"
    assert the_message(handing).state == "in_doubt"


def test_a_message_in_doubt_is_never_sent_again_by_itself(mailbox):
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    lease = uuid4()
    (message,) = sender.claim(lease, now=NOW, optional=True)
    sender.hand_over(message, lease, None, NOW)
    send(NOW + timedelta(days=1))
    send(NOW + timedelta(days=2))
    assert the_message(person).state == "in_doubt"
    assert not mailbox.to(person.email)


def test_two_workers_never_hold_the_same_message():
    for _ in range(4):
        make_customer(yes=("newsletter",))
    started(make_campaign())
    first = sender.claim(uuid4(), now=NOW, optional=True)
    second = sender.claim(uuid4(), now=NOW, optional=True)
    assert (len(first), second) == (4, [])


def test_what_lost_its_lease_is_not_handed_over():
    make_customer(yes=("newsletter",))
    started(make_campaign())
    (message,) = sender.claim(uuid4(), now=NOW, optional=True)
    assert sender.hand_over(message, uuid4(), None, NOW) == "lost"


def test_pause_holds_what_is_claimed_already_and_resume_goes_on(mailbox):
    person = make_customer(yes=("newsletter",))
    campaign, staff = started(make_campaign()), make_staff()
    lease = uuid4()
    (message,) = sender.claim(lease, now=NOW, optional=True)
    services.pause(campaign, actor=staff, now=NOW)
    assert sender.hand_over(message, lease, None, NOW) == "mailing_paused"
    send()
    assert the_message(person).state == "queued"
    services.resume(campaign, actor=staff, now=NOW)
    send()
    assert len(mailbox.to(person.email)) == 1


def test_cancel_withholds_what_has_not_left(mailbox):
    person = make_customer(yes=("newsletter",))
    campaign = started(make_campaign())
    services.cancel(campaign, actor=make_staff(), now=NOW)
    send()
    assert (the_message(person).state, the_message(person).reason) == ("withheld", "cancelled")
    assert not mailbox.to(person.email)


def test_each_step_may_be_taken_twice_and_a_wrong_one_is_refused_with_the_state():
    campaign, staff = make_campaign(), make_staff()
    with pytest.raises(services.WrongState, match=r"utkast|draft"):
        services.start(campaign, actor=staff, now=NOW)
    for step in ("approve", "start", "pause", "resume", "cancel"):
        for _twice in range(2):
            getattr(services, step)(campaign, actor=staff, now=NOW)
    with pytest.raises(services.WrongState):
        services.resume(campaign, actor=staff, now=NOW)


def test_an_edit_takes_the_approval_back():
    campaign = make_campaign()
    services.approve(campaign, actor=make_staff(), now=NOW)
    services.edited(campaign, actor=make_staff(), now=NOW)
    assert (campaign.state, campaign.approved_by) == ("draft", None)


def test_a_timed_campaign_starts_at_its_time_and_not_before():
    campaign = make_campaign(send_at=NOW)
    services.approve(campaign, actor=make_staff(), now=NOW)
    services.run_mailings(now=NOW - timedelta(seconds=1))
    campaign.refresh_from_db()
    assert campaign.state == "approved"
    services.run_mailings(now=NOW)
    campaign.refresh_from_db()
    assert campaign.state in ("sending", "finished")


def test_service_and_account_mail_do_not_wait_behind_a_campaign():
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    started(make_announcement())
    EmailMultiAlternatives("S", "T", to=[person.email]).send()
    kinds = [message.kind for message in sender.claim(uuid4(), now=timezone.now(), optional=True)]
    assert set(kinds) == {"account", "service", "optional"}
    order = Message.objects.order_by("priority").values_list("kind", flat=True)
    assert (order.first(), order.last()) == ("account", "optional")


def test_a_lost_suppression_key_stops_optional_mail_and_nothing_else(settings, mailbox):
    person = make_customer(yes=("newsletter",))
    suppression.suppress("x@example.test", reason=Suppression.Reason.ERASED, now=NOW)
    started(make_campaign())
    EmailMultiAlternatives("S", "T", to=[person.email]).send()
    settings.SUPPRESSION_KEYS = {77: b"another" * 8}
    send(timezone.now())
    assert [mail.message["Subject"] for mail in mailbox.to(person.email)] == ["S"]


def test_a_test_mail_goes_to_the_member_of_staff_in_both_languages(mailbox):
    staff = make_staff(language="en")
    services.send_test(make_campaign(topic=topic()), to=staff, now=NOW)
    send()
    subjects = sorted(mail.message["Subject"] for mail in mailbox.to(staff.email))
    assert [subject.partition(": ")[2] for subject in subjects] == [
        "News in November",
        "Nyheter i november",
    ]


def test_an_address_with_an_international_domain_is_sent_in_its_ascii_form(mailbox):
    person = make_customer(yes=("newsletter",), email="kari@blåbær.test")
    started(make_campaign())
    send()
    assert the_message(person).state == "sent"
    assert len(mailbox.to("kari@xn--blbr-roah.test")) == 1


def test_an_international_name_is_sent_to_a_server_that_takes_it(mailbox):
    person = make_customer(yes=("newsletter",), email="bjørn@example.test")
    started(make_campaign())
    send()
    assert len(mailbox.to("bjørn@example.test")) == 1
    assert the_message(person).state == "sent"


def test_an_international_name_fails_plainly_at_a_server_that_does_not_take_it(settings):
    person = make_customer(yes=("newsletter",), email="bjørn@example.test")
    started(make_campaign())
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    plain = Mailbox("127.0.0.1", port, enable_SMTPUTF8=False)
    plain.controller.start()
    settings.MAIL_TRANSPORT = type(settings.MAIL_TRANSPORT)(url="", host="127.0.0.1", port=port)
    send()
    plain.controller.stop()
    assert the_message(person).state == "failed"
    assert "does not take" in the_message(person).reason


def test_a_message_that_cannot_be_composed_holds_up_nobody(mailbox):
    good, bad = make_customer(yes=("newsletter",)), make_customer(yes=("newsletter",))
    started(make_campaign())
    Message.objects.of_person(bad.pk).update(to_address="x@" + "a" * 70 + ".test")
    send()
    assert the_message(bad).state == "failed"
    assert the_message(good).state == "sent"


def test_to_cancel_writes_no_message_and_the_rounds_withhold_what_waits_piece_by_piece():
    """In the request of a million messages it would hide the new state from every worker."""
    people = [make_customer(yes=("newsletter",)) for _ in range(3)]
    campaign, other = started(make_campaign()), started(make_campaign())
    with CaptureQueriesContext(connection) as asked:
        services.cancel(campaign, actor=make_staff(), now=NOW)
    assert not [each for each in asked if "messaging_message" in each["sql"]]
    rows = Message.objects.of_mailing(campaign.pk)
    assert rows.counts() == {"queued": 3}
    shown = services.progress(campaign)
    assert (shown.withheld, shown.waiting, shown.reasons) == (3, 0, {"cancelled": 3})

    assert [claims.withhold_cancelled(now=NOW, limit=2) for _ in range(3)] == [2, 1, 0]
    assert rows.counts() == {"withheld": 3}
    assert services.progress(campaign) == shown
    assert Message.objects.of_mailing(other.pk).counts() == {"queued": len(people)}


def test_the_round_of_the_mailings_withholds_all_of_it():
    make_customer(yes=("newsletter",))
    campaign = started(make_campaign())
    services.cancel(campaign, actor=make_staff(), now=NOW)
    services.run_mailings(now=NOW)
    assert Message.objects.of_mailing(campaign.pk).counts() == {"withheld": 1}


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        ("=?utf-8?q?a=00b?=", "= ?utf-8?q?a=00b?="),
        ("Test: =?utf-8?b?R3JhdGlz?=", "Test: = ?utf-8?b?R3JhdGlz?="),
        ("Hei\x00\x07 Kari", "Hei Kari"),
        ("Størrelse = ? 3", "Størrelse = ? 3"),
    ],
)
def test_what_somebody_typed_into_a_subject_is_no_encoded_word(subject, read, mailbox):
    put_account_mail(
        to="kari@example.test",
        person_id=None,
        purpose="test",
        language="nb",
        subject=subject.replace("\x00", ""),
        text="Hei",
        html="",
        now=NOW,
    )
    send()
    (mail,) = mailbox.to("kari@example.test")
    assert mail.message["Subject"] == read


@pytest.mark.parametrize("make", [make_campaign, make_announcement])
def test_nothing_is_approved_whose_hour_has_passed(make):
    staff, late = make_staff(), make(send_at=NOW - timedelta(seconds=1))
    with pytest.raises(services.WrongState):
        services.approve(late, actor=staff, now=NOW)
    services.approve(make(send_at=NOW), actor=staff, now=NOW)
