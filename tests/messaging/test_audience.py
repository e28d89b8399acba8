"""Who gets a campaign: the preview says it beforehand, and resolving does just that, once."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from consent import suppression
from consent.models import Preference, Suppression, Topic
from foundation.roles import SENDER, as_role
from messaging import audience, services
from messaging.models import Campaign, Mailing, Message, Segment
from tests.factories import (
    NOW,
    make_announcement,
    make_campaign,
    make_customer,
    make_staff,
    retire_topic,
    topic,
)
from tests.messaging.people import YES, make_people
from tests.messaging.test_hand_over import outcome, send, withdraw
from tests.messaging.test_races import Beside

pytestmark = pytest.mark.django_db
State = Mailing.State


def sending(**fields):
    return make_campaign(state=State.SENDING, resolved_at=NOW, **fields)


def readers(campaign):
    """The person of each message, twice if there were two."""
    return sorted(Message.objects.of_mailing(campaign.pk).values_list("person_id", flat=True))


def keys(people):
    return sorted(person.pk for person in people)


# --- the preview ---------------------------------------------------------------------------------


def suppressed(reason):
    def suppress():
        (person,) = make_people(1)
        suppression.suppress(person.email, reason=reason, now=NOW)
        return person

    return suppress


def one(**values):
    return lambda: make_people(1, **values)[0]


REASONS = {
    "not_asked": one(chose={"tailoring": "granted"}),
    "refused": one(chose={"newsletter": "refused"}),
    "withdrawn": one(chose={"newsletter": "withdrawn"}),
    "paused": one(paused_until=NOW + timedelta(days=1)),
    "not_confirmed": one(email_confirmed_at=None),
    "deactivated": one(deactivated_at=NOW),
    "bounced": suppressed(Suppression.Reason.HARD_BOUNCE),
    "suppressed": suppressed(Suppression.Reason.COMPLAINT),
}


@pytest.mark.parametrize("reason", REASONS)
def test_whoever_is_not_reached_is_counted_under_the_reason_and_gets_no_message(reason):
    (reached,) = make_people(1)
    REASONS[reason]()
    campaign = sending()
    assert audience.preview_campaign(topic().pk, now=NOW) == {"reached": 1, reason: 1}
    assert audience.resolve(campaign, now=NOW) == 1
    assert readers(campaign) == [reached.pk]


def test_a_pause_that_ends_this_very_moment_is_over():
    make_people(1, paused_until=NOW)
    assert audience.preview_campaign(topic().pk, now=NOW) == {"reached": 1}


def test_who_may_not_sign_in_is_counted_as_deactivated():
    make_people(1, is_active=False)
    assert audience.preview_campaign(topic().pk, now=NOW) == {"deactivated": 1}


def test_of_a_retired_topic_nobody_is_reached():
    make_people(2)
    retire_topic(topic(), now=NOW)
    campaign = sending()
    assert audience.preview_campaign(topic().pk, now=NOW) == {"topic_retired": 2}
    assert audience.resolve(campaign, now=NOW) == 0
    assert readers(campaign) == []


def test_a_dead_address_that_also_complained_is_counted_once_and_as_dead():
    (person,) = make_people(1)
    for reason in (Suppression.Reason.COMPLAINT, Suppression.Reason.HARD_BOUNCE):
        suppression.suppress(person.email, reason=reason, now=NOW)
    assert audience.preview_campaign(topic().pk, now=NOW) == {"bounced": 1}


def test_a_segment_leaves_out_who_did_not_choose_tailoring_and_who_is_outside():
    make_people(20, chose=YES, country="NO")
    make_people(3, chose=YES, country="SE")
    make_people(2, chose={"newsletter": "granted", "tailoring": "withdrawn"}, country="NO")
    make_people(1, country="NO")
    segment = Segment.objects.create(name="Norway", countries=["NO"])
    campaign = sending(segment=segment)
    counted = audience.preview_campaign(topic().pk, now=NOW, segment=segment)
    assert counted == {"reached": 20, "tailoring_off": 3, "outside_segment": 3}
    assert audience.resolve(campaign, now=NOW) == 20


def test_staff_are_no_customers_unless_they_asked_for_it():
    make_staff()
    reader = make_staff(yes=("newsletter",))
    campaign = sending()
    assert audience.preview_campaign(topic().pk, now=NOW) == {"reached": 1}
    audience.resolve(campaign, now=NOW)
    assert readers(campaign) == [reader.pk]


def test_an_announcement_counts_every_customer_and_reaches_the_active_ones():
    active = make_people(2, chose={"newsletter": "refused"})
    make_people(1, email_confirmed_at=None)
    make_people(1, deactivated_at=NOW)
    make_staff()
    announcement = make_announcement(state=State.SENDING, resolved_at=NOW)
    counted = audience.preview_announcement()
    assert counted == {"reached": 2, "not_confirmed": 1, "deactivated": 1}
    audience.resolve(announcement, now=NOW, chunk=1)
    assert readers(announcement) == keys(active)


class Lives:
    """What may be true of a person, and what it makes of them, told apart from the SQL."""

    people = st.fixed_dictionaries(
        {
            "confirmed": st.booleans(),
            "deactivated": st.booleans(),
            "may_sign_in": st.booleans(),
            "state": st.sampled_from([None, "granted", "granted", "granted", "refused"]),
            "paused": st.sampled_from([None, None, -1, 0, 1]),
            "barred": st.sampled_from([None, None, "hard_bounce", "complaint", "erased"]),
            "tailoring": st.sampled_from([None, "granted", "granted", "refused"]),
            "country": st.sampled_from(["", "NO", "SE"]),
            "language": st.sampled_from(["", "nb", "en"]),
        }
    )

    @staticmethod
    def expected(life):
        who = SimpleNamespace(**life)
        if not who.confirmed:
            return "not_confirmed"
        if who.deactivated or not who.may_sign_in:
            return "deactivated"
        if who.state != "granted":
            return who.state or "not_asked"
        if who.paused == 1:
            return "paused"
        if who.barred:
            return "bounced" if who.barred == "hard_bounce" else "suppressed"
        if who.tailoring != "granted":
            return "tailoring_off"
        in_segment = who.country == "NO" and who.language in ("", "nb")
        return "reached" if in_segment else "outside_segment"

    @staticmethod
    def make(life):
        chose = {"newsletter": life["state"], "tailoring": life["tailoring"]}
        pause = life["paused"] if life["state"] == "granted" else None
        (person,) = make_people(
            1,
            chose={slug: state for slug, state in chose.items() if state}
            or {"special_offers": "refused"},
            paused_until=None if pause is None else NOW + timedelta(hours=pause),
            email_confirmed_at=NOW if life["confirmed"] else None,
            deactivated_at=NOW if life["deactivated"] else None,
            is_active=life["may_sign_in"],
            country=life["country"],
            language=life["language"],
        )
        if life["barred"]:
            suppression.suppress(person.email, reason=life["barred"], now=NOW)
        return person


@pytest.fixture
def norway():
    """With so many in it that no segment is too small."""
    make_people(20, chose=YES, country="NO")
    return Segment.objects.create(name="Norway", countries=["NO"], languages=["nb"])


@pytest.mark.slow
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lives=st.lists(Lives.people, min_size=1, max_size=12), chunk=st.integers(1, 4))
def test_preview_and_resolving_agree_about_whoever_there_may_be(norway, lives, chunk):
    with transaction.atomic():
        people = [Lives.make(life) for life in lives]
        expected = Counter(Lives.expected(life) for life in lives) + Counter(reached=20)
        counted = audience.preview_campaign(topic().pk, now=NOW, segment=norway)
        assert counted == expected
        assert sum(counted.values()) == User.objects.filter(is_staff=False).count()

        campaign = sending(segment=norway)
        assert audience.resolve(campaign, now=NOW, chunk=chunk) == expected["reached"]
        reached = {
            person.pk
            for person, life in zip(people, lives, strict=True)
            if Lives.expected(life) == "reached"
        }
        assert reached == set(readers(campaign)) & set(keys(people))
        assert len(readers(campaign)) == expected["reached"]
        transaction.set_rollback(True)


# --- in chunks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 5, 6, 7])
def test_chunks_meet_at_every_border(number):
    people = make_people(number)
    campaign = sending()
    assert audience.resolve(campaign, now=NOW, chunk=3) == number
    assert readers(campaign) == keys(people)
    assert (campaign.resolved, campaign.resolved_through) == (True, None)


class KilledError(Exception):
    """As the process ends in the middle of a transaction."""


@pytest.mark.parametrize("chunks", [0, 1, 2, 3])
def test_killed_in_any_chunk_it_goes_on_and_nobody_is_missed_or_written_twice(chunks, monkeypatch):
    people = make_people(10)
    campaign = sending()
    done: list[int] = []
    whole = audience._resolve_chunk

    def killed_before_the_commit(*args, **options):
        written = whole(*args, **options)
        if len(done) == chunks:
            raise KilledError
        done.append(written)
        return written

    with monkeypatch.context() as patch:
        patch.setattr(audience, "_resolve_chunk", killed_before_the_commit)
        with pytest.raises(KilledError):
            audience.resolve(campaign, now=NOW, chunk=3)
    assert len(readers(campaign)) == 3 * chunks
    assert audience.resolve(Campaign.objects.get(), now=NOW, chunk=3) == 10 - 3 * chunks
    assert readers(campaign) == keys(people)


def test_resolved_anew_from_the_beginning_nobody_is_written_twice():
    people = make_people(5)
    campaign = sending()
    audience.resolve(campaign, now=NOW, chunk=2)
    Campaign.objects.update(resolved=False, resolved_through=None)
    assert audience.resolve(Campaign.objects.get(), now=NOW, chunk=4) == 0
    assert readers(campaign) == keys(people)


def test_a_pause_between_two_chunks_stops_it_and_going_on_completes_it(monkeypatch):
    people = make_people(5)
    campaign = sending()
    whole = audience._resolve_chunk

    def paused_after_it(*args, **options):
        written = whole(*args, **options)
        Campaign.objects.update(state=State.PAUSED)
        return written

    with monkeypatch.context() as patch:
        patch.setattr(audience, "_resolve_chunk", paused_after_it)
        assert audience.resolve(campaign, now=NOW, chunk=2) == 2
    assert (campaign.state, campaign.resolved) == (State.PAUSED, False)
    assert audience.resolve(campaign, now=NOW, chunk=2) == 0
    Campaign.objects.update(state=State.SENDING)
    assert audience.resolve(campaign, now=NOW, chunk=2) == 3
    assert readers(campaign) == keys(people)


def test_a_no_between_two_chunks_is_obeyed_in_the_one_and_in_the_other(monkeypatch, mailbox):
    written, waiting, third = (make_customer(yes=("newsletter",)) for _ in range(3))
    campaign = sending()
    done: list[int] = []
    whole = audience._resolve_chunk

    def nos_after_the_first(*args, **options):
        number = whole(*args, **options)
        if not done:
            withdraw(written)
            withdraw(waiting)
        done.append(number)
        return number

    monkeypatch.setattr(audience, "_resolve_chunk", nos_after_the_first)
    audience.resolve(campaign, now=NOW, chunk=1)
    assert readers(campaign) == keys([written, third])
    send()
    assert outcome(written) == ("withheld", "withdrawn")
    assert not mailbox.to(written.email)
    assert len(mailbox.to(third.email)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_write_everybody_once():
    people = make_people(30)
    campaign = sending()
    both = [
        Beside(lambda: audience.resolve(Campaign.objects.get(), now=NOW, chunk=2)) for _ in range(2)
    ]
    for worker in both:
        worker.start()
    for worker in both:
        worker.join()
    assert sum(worker.answer for worker in both) == 30
    assert readers(campaign) == keys(people)


def test_two_campaigns_of_the_same_moment_have_messages_of_their_own():
    people = make_people(2)
    for campaign in (sending(), sending()):
        audience.resolve(campaign, now=NOW)
        assert readers(campaign) == keys(people)


def test_the_sender_resolves_a_segment_under_its_own_role():
    make_people(20, chose=YES, country="NO", timezone="Asia/Kolkata")
    segment = Segment.objects.create(
        name="Norway", countries=["NO"], since_from=NOW.date() - timedelta(days=1)
    )
    campaign = sending(segment=segment, in_customers_zone=True, send_at=NOW)
    with as_role(SENDER):
        assert audience.resolve(campaign, now=NOW) == 20


def test_what_the_page_shows_is_what_was_counted():
    make_people(3)
    make_people(2, chose={"newsletter": "refused"})
    assert services.audience_preview(make_campaign(), now=NOW) == {"reached": 3, "refused": 2}


def test_a_choice_of_another_topic_is_no_choice_of_this_one():
    make_people(1, chose={"product_news": "granted"})
    assert Preference.objects.count() == 1
    assert Topic.objects.filter(slug="product_news").exists()
    assert audience.preview_campaign(topic().pk, now=NOW) == {"not_asked": 1}
