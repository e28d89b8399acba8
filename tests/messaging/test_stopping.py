"""A mailing that reaches dead addresses or annoys its readers stops itself, and says so."""

import uuid
from datetime import timedelta

import pytest
from celery import current_app
from django.core.cache import cache
from django.urls import reverse

from foundation.roles import SENDER, as_role
from messaging import audience, services, stopping
from messaging.models import Campaign, Mailing, Message, ProviderEvent
from messaging.policy import handed_to_ask, why_stop
from tests.factories import (
    NOW,
    make_announcement,
    make_campaign,
    make_customer,
    make_staff,
)

pytestmark = pytest.mark.django_db
Kind = ProviderEvent.Kind
State = Mailing.State


@pytest.fixture
def campaign():
    return make_campaign(
        state=State.SENDING,
        resolved=True,
        resolved_at=NOW,
        author=make_staff(language="en"),
        approved_by=make_staff(language="nb"),
    )


def messages(mailing, number, state=Message.State.SENT, reason=""):
    is_campaign = isinstance(mailing, Campaign)
    return Message.objects.bulk_create(
        Message(
            kind="optional" if is_campaign else "service",
            priority=5,
            purpose="test",
            mailing_id=mailing.pk,
            person_id=uuid.uuid4(),
            topic_id=mailing.topic_id if is_campaign else None,
            to_address="kari@example.test",
            language="nb",
            state=state,
            reason=reason,
            not_before=NOW,
            queued_at=NOW,
            finished_at=None if state == Message.State.QUEUED else NOW,
        )
        for _ in range(number)
    )


def came_back(kind, mailing, number, told=None):
    ProviderEvent.objects.bulk_create(
        ProviderEvent(
            kind=kind,
            outcome=ProviderEvent.Outcome.APPLIED,
            mailing_id=mailing.pk,
            message_id=told or uuid.uuid4(),
            happened_at=NOW,
            received_at=NOW,
        )
        for _ in range(number)
    )


def stops(mailing):
    stopped = stopping.stop_if_over_threshold(mailing, now=NOW)
    mailing.refresh_from_db()
    assert stopped == (mailing.state == State.PAUSED)
    return mailing.stop_reason


# --- the rule ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handed", "bounced", "complained", "reason"),
    [
        (49, 49, 0, ""),
        (50, 2, 0, ""),
        (50, 3, 0, "bounces"),
        (1000, 50, 0, ""),
        (1000, 51, 0, "bounces"),
        (10, 0, 2, ""),
        (10, 0, 3, "complaints"),
        (1000, 0, 3, ""),
        (999, 0, 3, "complaints"),
        (10_000, 0, 30, ""),
        (10_000, 0, 31, "complaints"),
    ],
)
def test_what_is_too_much(handed, bounced, complained, reason):
    assert why_stop(handed, bounced, complained) == reason


@pytest.mark.parametrize(("bounced", "complained"), [(3, 0), (0, 3), (51, 31), (7, 2), (1000, 9)])
def test_counting_further_than_needed_would_change_no_answer(bounced, complained):
    enough = handed_to_ask(bounced, complained)
    assert why_stop(enough, bounced, complained) == ""
    assert why_stop(enough - 1, bounced, complained) or enough == 50


# --- counting ------------------------------------------------------------------------------------


def test_dead_addresses_stop_a_campaign(campaign):
    messages(campaign, 60)
    came_back(Kind.HARD_BOUNCE, campaign, 3)
    assert stops(campaign) == ""
    came_back(Kind.HARD_BOUNCE, campaign, 1)
    assert stops(campaign) == "bounces"


def test_complaints_stop_it_sooner(campaign):
    messages(campaign, 900)
    came_back(Kind.COMPLAINT, campaign, 2)
    assert stops(campaign) == ""
    came_back(Kind.COMPLAINT, campaign, 1)
    assert stops(campaign) == "complaints"


def test_an_announcement_stops_as_well():
    announcement = make_announcement(state=State.SENDING, resolved=True, resolved_at=NOW)
    messages(announcement, 50)
    came_back(Kind.HARD_BOUNCE, announcement, 10)
    assert stops(announcement) == "bounces"


def test_what_a_server_refused_for_good_counts_as_come_back(campaign):
    messages(campaign, 47)
    messages(campaign, 2, Message.State.FAILED, "550 5.1.1 no such user")
    assert stops(campaign) == ""
    messages(campaign, 1, Message.State.FAILED, "550 5.1.1 no such user")
    assert stops(campaign) == "bounces"


@pytest.mark.parametrize("reason", ["450 4.2.1 later", "connection lost", "cannot be composed"])
def test_what_says_nothing_of_the_address_does_not(campaign, reason):
    messages(campaign, 50)
    messages(campaign, 50, Message.State.FAILED, reason)
    assert stops(campaign) == ""


@pytest.mark.parametrize("kind", [Kind.SOFT_BOUNCE, Kind.AUTO_REPLY, Kind.OTHER])
def test_other_events_do_not_count(campaign, kind):
    messages(campaign, 50)
    came_back(kind, campaign, 50)
    assert stops(campaign) == ""


def test_an_event_told_by_provider_and_mail_counts_once(campaign):
    (message, *_) = messages(campaign, 50)
    came_back(Kind.HARD_BOUNCE, campaign, 5, told=message.pk)
    came_back(Kind.COMPLAINT, campaign, 5, told=message.pk)
    assert stops(campaign) == ""


def test_a_bounce_that_anybody_could_have_written_does_not_count(campaign):
    messages(campaign, 50)
    came_back(Kind.HARD_BOUNCE, campaign, 10)
    came_back(Kind.COMPLAINT, campaign, 10)
    ProviderEvent.objects.update(outcome=ProviderEvent.Outcome.UNKNOWN)
    assert stops(campaign) == ""


def test_another_mailings_events_do_not_count(campaign):
    messages(campaign, 50)
    came_back(Kind.HARD_BOUNCE, make_campaign(), 50)
    assert stops(campaign) == ""


def test_while_little_came_back_the_messages_are_not_counted(campaign, django_assert_num_queries):
    came_back(Kind.HARD_BOUNCE, campaign, 2)
    came_back(Kind.COMPLAINT, campaign, 2)
    with django_assert_num_queries(1):
        stopping.stop_if_over_threshold(campaign, now=NOW)


# --- stopping and going on -----------------------------------------------------------------------


def over(mailing):
    messages(mailing, 100)
    came_back(Kind.HARD_BOUNCE, mailing, 10)


def test_the_senders_round_stops_it(campaign, mailbox):
    over(campaign)
    messages(campaign, 1, Message.State.QUEUED)
    with as_role(SENDER):
        services.run_mailings(now=NOW)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.stop_reason) == (State.PAUSED, "bounces")
    assert services.deliver_pending() == 2  # the two mails that tell of it


def test_what_a_person_did_meanwhile_stands(campaign):
    over(campaign)
    Campaign.objects.update(state=State.CANCELLED)
    assert not stopping.stop_if_over_threshold(campaign, now=NOW)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.stop_reason) == (State.CANCELLED, "")
    assert not Message.objects.filter(kind="account").exists()


def test_a_person_who_lets_it_go_on_is_not_asked_about_the_same_again(campaign):
    over(campaign)
    assert stops(campaign)
    services.resume(campaign, actor=campaign.author, now=NOW)
    assert (campaign.state, campaign.stop_reason) == (State.SENDING, "")
    assert stops(campaign) == ""
    messages(campaign, 100)
    came_back(Kind.HARD_BOUNCE, campaign, 5)
    assert stops(campaign) == ""
    came_back(Kind.HARD_BOUNCE, campaign, 1)
    assert stops(campaign) == "bounces"


def test_going_on_after_ones_own_pause_forgives_nothing(campaign):
    over(campaign)
    services.pause(campaign, actor=campaign.author, now=NOW)
    services.resume(campaign, actor=campaign.author, now=NOW)
    assert stops(campaign) == "bounces"


def test_a_cache_that_forgets_makes_it_ask_once_more(campaign):
    over(campaign)
    stops(campaign)
    services.resume(campaign, actor=campaign.author, now=NOW)
    cache.clear()
    assert stops(campaign) == "bounces"


# --- telling -------------------------------------------------------------------------------------


def test_author_and_approver_learn_the_figure_in_their_language(campaign, mailbox):
    over(campaign)
    stops(campaign)
    services.deliver_pending()
    (english,) = mailbox.to(campaign.author.email)
    (norwegian,) = mailbox.to(campaign.approved_by.email)
    link = reverse("admin:messaging_campaign_change", args=[campaign.pk])
    text = english.text()
    assert english.message["Subject"] == "Stopped: News in November"
    assert "10 of 100 addresses do not take our email (10.0 %). The limit is 5 %." in text
    assert link in text
    assert link in english.text("html")
    text = norwegian.text()
    assert norwegian.message["Subject"] == "Stanset: Nyheter i november"
    assert "10 av 100 adresser tar ikke imot e-posten vår (10,0 %). Grensen er 5 %." in text


def test_complaints_are_told_as_such(campaign, mailbox):
    messages(campaign, 100)
    came_back(Kind.COMPLAINT, campaign, 3)
    stops(campaign)
    services.deliver_pending()
    (english,) = mailbox.to(campaign.author.email)
    assert "3 of 100 readers reported it as unwanted (3.0 %). The limit is 0.3 %." in english.text()


def test_who_wrote_and_approved_it_alone_gets_one_mail(campaign):
    Campaign.objects.update(approved_by=campaign.author)
    campaign.refresh_from_db()
    over(campaign)
    stops(campaign)
    assert Message.objects.filter(purpose="mailing_stopped").count() == 1


def test_whoever_sent_it_at_night_learns_of_it_too():
    night = make_staff()
    standing = make_announcement(is_standing=True, category="incident", state=State.APPROVED)
    copied = ("category", "author", "edited_by", "approved_by", "approved_at")
    announcement = make_announcement(
        **{name: getattr(standing, name) for name in copied},
        prepared_from=standing,
        sent_by=night,
        state=State.SENDING,
        resolved=True,
        resolved_at=NOW,
    )
    over(announcement)
    stops(announcement)
    told = set(
        Message.objects.filter(purpose="mailing_stopped").values_list("person_id", flat=True)
    )
    assert night.pk in told


def test_it_stops_also_when_nobody_is_left_to_tell(campaign):
    Campaign.objects.update(author=None, approved_by=None)
    campaign.refresh_from_db()
    over(campaign)
    assert stops(campaign) == "bounces"


def test_the_round_is_late_and_nothing_is_lost(campaign):
    """What came back while no round ran is found by the next."""
    over(campaign)
    assert stopping.stop_if_over_threshold(campaign, now=NOW + timedelta(days=1))


def test_what_was_counted_once_is_enough_until_twice_as_much_comes_back(
    campaign, django_assert_num_queries
):
    messages(campaign, 200)
    came_back(Kind.HARD_BOUNCE, campaign, 3)
    assert stops(campaign) == ""
    came_back(Kind.HARD_BOUNCE, campaign, 1)
    with django_assert_num_queries(1):
        stopping.stop_if_over_threshold(campaign, now=NOW)
    came_back(Kind.HARD_BOUNCE, campaign, 6)
    assert stops(campaign) == ""
    came_back(Kind.HARD_BOUNCE, campaign, 1)
    assert stops(campaign) == "bounces"


# --- who is counted, and what holds up nobody ----------------------------------------------------


def test_one_reader_counts_once_however_often_and_wherever_they_complain(campaign):
    messages(campaign, 900)
    one = uuid.uuid4()
    came_back(Kind.COMPLAINT, campaign, 1, told=messages(campaign, 1)[0].pk)
    came_back(Kind.COMPLAINT, campaign, 5)
    ProviderEvent.objects.filter(kind=Kind.COMPLAINT).update(person_id=one)
    with as_role(SENDER):
        assert stopping.came_back(campaign) == (0, 1)
    assert stops(campaign) == ""
    came_back(Kind.COMPLAINT, campaign, 2)
    assert stops(campaign) == "complaints"


def test_it_stops_also_when_the_mail_that_tells_of_it_cannot_be_written(campaign, monkeypatch):
    def refused(*args, **values):
        Message.objects.bulk_create([Message(kind="nothing")])

    monkeypatch.setattr(stopping, "write_mail", refused)
    over(campaign)
    assert stops(campaign) == "bounces"


def test_what_is_wrong_with_one_mailing_stops_no_other(campaign, monkeypatch, caplog):
    """Neither its threshold, nor its audience, nor its end."""
    ill = make_campaign(state=State.SENDING, resolved_at=NOW, created_at=NOW + timedelta(days=1))
    real = stopping.came_back

    def for_all_but_one(mailing):
        if mailing.pk == ill.pk:
            raise ValueError("kari@example.test")
        return real(mailing)

    def no_audience(mailing, **values):
        raise LookupError("kari@example.test")

    monkeypatch.setattr(stopping, "came_back", for_all_but_one)
    monkeypatch.setattr(audience, "resolve", no_audience)
    over(campaign)
    done = make_campaign(state=State.SENDING, resolved=True, resolved_at=NOW)
    services.run_mailings(now=NOW)
    assert [Campaign.objects.get(pk=each.pk).state for each in (campaign, ill, done)] == [
        State.PAUSED,
        State.SENDING,
        State.FINISHED,
    ]
    said = [record.getMessage() for record in caplog.records]
    assert f"mailing {ill.pk} was passed over: ValueError" in said
    assert f"mailing {ill.pk} was passed over: LookupError" in said
    assert not [line for line in said if "kari" in line]


def test_a_mailing_that_annoys_stops_while_the_audience_of_another_is_gathered(
    campaign, monkeypatch
):
    make_customer(yes=("newsletter",))
    make_campaign(state=State.SENDING, resolved_at=NOW)
    chunk = audience._resolve_chunk

    def meanwhile(*args, **values):
        over(campaign)
        return chunk(*args, **values)

    monkeypatch.setattr(audience, "_resolve_chunk", meanwhile)
    monkeypatch.setattr(services, "finish_if_done", lambda mailing, *, now: None)
    services.run_mailings(now=NOW)
    campaign.refresh_from_db()
    assert campaign.stop_reason == "bounces"


def test_mailings_are_run_by_a_worker_of_their_own():
    route = current_app.amqp.router.route
    for task in ("deliver", "deliver_campaigns"):
        assert route({}, f"messaging.tasks.{task}")["queue"].name != "mailings"
    assert route({}, "messaging.tasks.run_mailings")["queue"].name == "mailings"
