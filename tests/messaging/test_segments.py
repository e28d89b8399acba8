"""Segments: only those who chose tailoring, by profile, and never fewer than twenty."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from consent import services as consent
from consent import suppression
from consent.models import Source, Suppression
from messaging import audience, segments, services
from messaging.models import Campaign, Mailing, Message, Segment
from messaging.policy import MIN_SEGMENT
from messaging.refusals import WrongState
from messaging.segments import Criteria, count_segment, shown, shown_preview, shown_words
from tests.factories import NOW, make_campaign, make_staff, retire_topic, topic
from tests.messaging.people import YES, make_people

pytestmark = pytest.mark.django_db
State = Mailing.State


@pytest.fixture(autouse=True)
def in_english():
    with override("en"):
        yield


def norway(**fields):
    segment: Segment = Segment.objects.create(**({"name": "Norway", "countries": ["NO"]} | fields))
    return segment


def count(**criteria):
    return count_segment(Criteria(**criteria), now=NOW)


# --- who belongs to it ---------------------------------------------------------------------------


def test_only_those_who_chose_tailoring_belong_to_it():
    make_people(2, chose=YES, country="NO")
    make_people(1, chose={"newsletter": "granted"}, country="NO")
    make_people(1, chose=YES | {"tailoring": "refused"}, country="NO")
    make_people(1, chose=YES | {"tailoring": "withdrawn"}, country="NO")
    assert count(countries=["NO"]) == 2


def test_once_nobody_is_asked_about_tailoring_any_more_nobody_belongs_to_any():
    make_people(2, chose=YES, country="NO")
    retire_topic(topic("tailoring"), now=NOW)
    assert count(countries=["NO"]) == 0


def test_only_those_who_would_be_reached_are_counted():
    make_people(3, chose=YES, country="NO")
    make_people(1, chose=YES, country="NO", email_confirmed_at=None)
    make_people(1, chose=YES, country="NO", deactivated_at=NOW)
    (dead,) = make_people(1, chose=YES, country="NO")
    suppression.suppress(dead.email, reason=Suppression.Reason.HARD_BOUNCE, now=NOW)
    make_people(1, chose=YES | {"newsletter": "refused"}, country="NO")
    assert count(countries=["NO"]) == 4
    assert count_segment(norway(), topic().pk, now=NOW) == 3


def test_fields_narrow_together_and_an_empty_one_does_not():
    make_people(1, chose=YES, country="NO", language="nb")
    make_people(2, chose=YES, country="NO", language="en")
    make_people(4, chose=YES, country="SE", language="en")
    make_people(8, chose=YES, country="", language="")
    assert count(countries=["NO"]) == 3
    assert count(countries=["NO", "SE"]) == 7
    assert count(languages=["en"]) == 6
    assert count(countries=["NO"], languages=["en"]) == 2
    assert count(languages=["nb"]) == 9, "who named no language is written to in Bokmål"
    assert count() == 15


def test_since_counts_whole_utc_days_both_included():
    borders = [
        datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 2, 0, 0, tzinfo=UTC),
        datetime(2026, 3, 3, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 3, 4, 0, 0, tzinfo=UTC),
    ]
    for moment in borders:
        make_people(1, chose=YES, signed_up_at=moment)
    second, third = date(2026, 3, 2), date(2026, 3, 3)
    assert count(since_from=second, since_until=third) == 2
    assert count(since_from=second) == 3
    assert count(since_until=third) == 3
    assert count(since_until=date.max) == count()
    assert count(since_from=second, since_until=second) == 1


def test_a_segment_that_narrows_nothing_or_ends_before_it_begins_cannot_be_kept():
    for wrong in (
        {},
        {"since_from": date(2026, 2, 1), "since_until": date(2026, 1, 1)},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Segment.objects.create(name="wrong", **wrong)


# --- what is shown of it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "fewer than 20"),
        (19, "fewer than 20"),
        (20, "about 20"),
        (29, "about 20"),
        (30, "about 30"),
        (1234, "about 1230"),
    ],
)
def test_a_count_is_shown_in_tens_and_never_below_twenty(number, words):
    assert shown_words(number) == words


@given(number=st.integers(0, 10_000).filter(lambda number: number % 10 != 9))
def test_one_person_more_is_not_seen(number):
    assert shown(number) == shown(number + 1)


def test_the_preview_of_a_segment_hides_the_exact_number_and_still_counts_everybody():
    exact = {"reached": 47, "outside_segment": 3, "refused": 2}
    assert shown_preview(exact) == {"reached": 40, "outside_segment": 10, "refused": 2}
    assert shown_preview({"reached": 7}) == {"reached": 0, "outside_segment": 7}
    assert shown_preview({"reached": 40, "refused": 1}) == {"reached": 40, "refused": 1}
    make_people(27, chose=YES, country="NO")
    campaign = make_campaign(segment=norway())
    assert services.audience_preview(campaign, now=NOW) == {"reached": 20, "outside_segment": 7}


# --- never fewer than twenty ---------------------------------------------------------------------


def test_a_campaign_for_twenty_is_approved_and_for_nineteen_is_not():
    people = make_people(MIN_SEGMENT, chose=YES, country="NO")
    staff, campaign = make_staff(), make_campaign(segment=norway())
    opt_out(people[0], "newsletter")
    with pytest.raises(WrongState, match="fewer than 20 who asked for the topic"):
        services.approve(campaign, actor=staff, now=NOW)
    make_people(1, chose=YES, country="NO")
    services.approve(campaign, actor=staff, now=NOW)
    assert campaign.state == State.APPROVED


def test_whoever_presses_send_is_told_that_too_few_are_left():
    people = make_people(MIN_SEGMENT, chose=YES, country="NO")
    staff, campaign = make_staff(), make_campaign(segment=norway())
    services.approve(campaign, actor=staff, now=NOW)
    opt_out(people[0], "tailoring")
    with pytest.raises(WrongState, match="fewer than 20"):
        services.start(campaign, actor=staff, now=NOW)
    campaign.refresh_from_db()
    assert campaign.state == State.APPROVED


def test_one_that_starts_by_itself_for_too_few_pauses_itself_and_nothing_is_queued():
    people = make_people(MIN_SEGMENT, chose=YES, country="NO")
    staff, campaign = make_staff(), make_campaign(segment=norway(), send_at=NOW)
    services.approve(campaign, actor=staff, now=NOW)
    opt_out(people[0], "tailoring")
    services.run_mailings(now=NOW)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.stop_reason) == (State.PAUSED, "too_few")
    assert not Message.objects.of_mailing(campaign.pk).exists()
    told = Message.objects.get(purpose="mailing_stopped")
    assert told.person_id == staff.pk
    assert f"{MIN_SEGMENT}" in told.text
    assert "0 %" not in told.text

    services.resume(campaign, actor=staff, now=NOW)
    services.run_mailings(now=NOW)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.stop_reason) == (State.PAUSED, "too_few")

    make_people(1, chose=YES, country="NO")
    services.resume(campaign, actor=staff, now=NOW)
    services.run_mailings(now=NOW)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.stop_reason) == (State.SENDING, "")
    assert Message.objects.of_mailing(campaign.pk).count() == MIN_SEGMENT


def test_a_kill_in_the_middle_is_gone_on_with_even_if_some_left_since():
    people = make_people(MIN_SEGMENT, chose=YES, country="NO")
    campaign = make_campaign(segment=norway(), state=State.SENDING, resolved_at=NOW)
    with transaction.atomic():
        audience._resolve_chunk(campaign, now=NOW, chunk=15)
    for person in people[:5]:
        opt_out(person, "tailoring")
    assert audience.resolve(Campaign.objects.get(), now=NOW) == 5


def test_a_campaign_without_a_segment_may_be_for_one():
    make_people(1)
    campaign = make_campaign()
    services.approve(campaign, actor=make_staff(), now=NOW)
    assert campaign.state == State.APPROVED


def opt_out(person, slug):
    consent.record_opt_out(person.pk, [topic(slug).pk], source=Source.PREFERENCES, now=NOW)


def test_who_is_no_longer_tailored_for_is_withheld_at_the_hand_over(mailbox):
    people = make_people(MIN_SEGMENT, chose=YES, country="NO")
    campaign = make_campaign(segment=norway(), state=State.SENDING, resolved_at=NOW)
    audience.resolve(campaign, now=NOW)
    opt_out(people[0], "tailoring")
    services.deliver_pending(clock=lambda: NOW + timedelta(minutes=1))
    message = Message.objects.of_person(people[0].pk).get(mailing_id=campaign.pk)
    assert (message.state, message.reason) == ("withheld", "tailoring_off")
    assert not mailbox.to(people[0].email)
    assert mailbox.to(people[1].email)


# --- as long as it is in use ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "is_used"),
    [
        (State.DRAFT, False),
        (State.APPROVED, True),
        (State.SENDING, True),
        (State.PAUSED, True),
        (State.CANCELLED, False),
        (State.FINISHED, False),
    ],
)
def test_it_is_in_use_from_approval_until_the_campaign_is_over(state, is_used):
    segment = norway()
    campaign = make_campaign(segment=segment, state=state)
    assert segments.campaigns_using(segment) == ([campaign] if is_used else [])
