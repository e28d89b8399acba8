"""Permission and mark in one statement, right before the body: every reason, every race."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import services as accounts
from consent import services as consent
from consent import suppression
from consent.models import Source, Suppression
from foundation.roles import KEEPER, SENDER, as_role
from messaging import services
from messaging.models import Message
from tests.factories import NOW, make_announcement, make_campaign, make_customer, make_staff, topic

pytestmark = pytest.mark.django_db


def started(mailing, now=NOW):
    staff = make_staff()
    services.approve(mailing, actor=staff, now=now)
    services.start(mailing, actor=staff, now=now)
    services.run_mailings(now=now)
    mailing.refresh_from_db()
    return mailing


def send(now=NOW):
    services.deliver_pending(clock=lambda: now)


def outcome(person):
    message = Message.objects.of_person(person.pk).exclude(kind="account").get()
    return message.state, message.reason


def test_whoever_said_yes_gets_it(mailbox):
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    send()
    assert outcome(person) == ("sent", "")
    assert len(mailbox.to(person.email)) == 1


def withdraw(person):
    consent.record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)


def pause(person):
    consent.record_pause(person.pk, [topic().pk], months=1, source=Source.PREFERENCES, now=NOW)


def deactivate(person):
    accounts.deactivate_account(person, now=NOW)


def suppress(person):
    suppression.suppress(person.email, reason=Suppression.Reason.COMPLAINT, now=NOW)


def change_address(person):
    person.email = f"new-{person.email}"
    person.save()


def retire(person):
    newsletter = topic()
    newsletter.retired_at = NOW
    newsletter.save()


def unconfirm(person):
    person.email_confirmed_at = None
    person.save()


def erase(person):
    with as_role(KEEPER):
        person.delete()


REASONS = [
    (withdraw, "withdrawn"),
    (pause, "paused"),
    (deactivate, "deactivated"),
    (suppress, "suppressed"),
    (change_address, "address_changed"),
    (retire, "topic_retired"),
    (unconfirm, "not_confirmed"),
    (erase, "erased"),
]


@pytest.mark.parametrize(("change", "reason"), REASONS, ids=[r for _, r in REASONS])
def test_what_changed_since_the_audience_was_resolved_is_withheld_with_the_reason(
    change, reason, mailbox
):
    person, other = make_customer(yes=("newsletter",)), make_customer(yes=("newsletter",))
    campaign = started(make_campaign())
    address, key = person.email, person.pk
    change(person)
    send()
    message = Message.objects.get(mailing_id=campaign.pk, person_id=key)
    assert (message.state, message.reason) == ("withheld", reason)
    assert not [mail for mail in mailbox.to(address) if "List-Id" in mail.message]
    if change is not retire:
        assert len(mailbox.to(other.email)) == 1


NOT_REACHED = [
    (withdraw, "withdrawn"),
    (pause, "paused"),
    (deactivate, "deactivated"),
    (suppress, "suppressed"),
    (unconfirm, "not_confirmed"),
]


@pytest.mark.parametrize(("change", "reason"), NOT_REACHED, ids=[r for _, r in NOT_REACHED])
def test_the_audience_leaves_them_out_and_the_preview_says_why(change, reason):
    person, reached = make_customer(yes=("newsletter",)), make_customer(yes=("newsletter",))
    change(person)
    campaign = make_campaign()
    preview = services.audience_preview(campaign, now=NOW)
    assert (preview["reached"], preview[reason]) == (1, 1)
    started(campaign)
    audience = Message.objects.of_mailing(campaign.pk).values_list("person_id", flat=True)
    assert list(audience) == [reached.pk]


def test_a_pause_that_is_over_no_longer_withholds(mailbox):
    person = make_customer(yes=("newsletter",))
    pause(person)
    later = NOW + timedelta(days=31)
    started(make_campaign(), now=later)
    send(later)
    assert len(mailbox.to(person.email)) == 1


def test_no_role_can_declare_an_optional_message_handed_over_but_by_the_function():
    make_customer(yes=("newsletter",))
    started(make_campaign())
    with pytest.raises(DatabaseError), transaction.atomic():
        Message.objects.update(state="handing")


def test_an_optional_message_without_a_topic_cannot_exist():
    person = make_customer()
    with pytest.raises(DatabaseError), transaction.atomic():
        Message.objects.create(
            kind="optional",
            priority=5,
            purpose="campaign",
            person_id=person.pk,
            to_address=person.email,
            language="nb",
            not_before=NOW,
            queued_at=NOW,
        )


def test_a_service_announcement_reaches_active_customers_whatever_their_topics(mailbox):
    refuser = make_customer(no=("newsletter", "product_news", "special_offers"))
    silent, gone, new = make_customer(), make_customer(), make_customer(email_confirmed_at=None)
    deactivate(gone)
    suppress(silent)
    started(make_announcement())
    send(timezone.now())
    assert len(mailbox.to(refuser.email)) == len(mailbox.to(silent.email)) == 1
    assert "Auto-Submitted" in mailbox.to(refuser.email)[0].message
    assert not mailbox.to(new.email)
    assert [mail.message["From"] for mail in mailbox.to(gone.email)] == [
        "ClickSend <account@portal.example>"
    ]


def test_who_deactivated_since_is_withheld_from_an_announcement():
    person = make_customer()
    started(make_announcement())
    deactivate(person)
    send()
    assert outcome(person) == ("withheld", "deactivated")


def test_the_sender_does_all_of_it_under_its_own_role(mailbox):
    person = make_customer(yes=("newsletter",))
    campaign, staff = make_campaign(), make_staff()
    services.approve(campaign, actor=staff, now=NOW)
    campaign.send_at = NOW
    campaign.save()
    with as_role(SENDER):
        services.run_mailings(now=NOW)
        send()
        services.run_mailings(now=NOW)
    campaign.refresh_from_db()
    assert campaign.state == "finished"
    assert len(mailbox.to(person.email)) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("portal_app",)
