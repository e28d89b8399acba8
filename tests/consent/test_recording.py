"""The one door in and out: what is stored, and what is never written twice."""

from datetime import timedelta

import pytest

from consent import services
from consent.models import ConsentDetail, Preference, Source, State
from foundation.calendar import months_later
from foundation.ids import uuid7_from
from tests.consent.ledger import assert_everything_adds_up
from tests.factories import NOW, make_customer, retire_topic, topic

pytestmark = pytest.mark.django_db


def standing(person, slug="newsletter"):
    return Preference.objects.get(person=person, topic=topic(slug))


def test_an_opt_out_of_a_yes_is_a_withdrawal_with_who_how_and_when():
    person = make_customer(yes=("newsletter",))
    later = NOW + timedelta(days=1)

    services.record_opt_out(
        person.pk,
        [topic().pk],
        source=Source.LINK,
        now=later,
        shown=services.Shown(language="nb", wording_version=1, mailing=7),
        received_at=later,
    )

    assert standing(person).state == State.WITHDRAWN
    assert standing(person).since == later
    detail = services.last_change(person.pk, topic().pk)
    assert (detail.state_before, detail.state, detail.version) == ("granted", "withdrawn", 2)
    assert (detail.source, detail.actor, detail.language) == ("link", "self", "nb")
    assert (detail.wording_version, detail.mailing, detail.at) == (1, 7, later)
    assert len(detail.salt) == 16


def test_an_opt_out_of_a_topic_never_asked_is_a_refusal():
    person = make_customer()
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    assert standing(person).state == State.REFUSED


def test_saying_no_twice_writes_once():
    person = make_customer(yes=("newsletter",))
    first = services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    second = services.record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)
    assert (len(first), second) == (1, [])
    assert ConsentDetail.objects.of(person.pk).count() == 2


MINUTE = timedelta(minutes=1)
FROM_MAIL = (Source.ONE_CLICK, Source.LINK, Source.MAIL_PREFERENCES)


def said_from_a_mail(way):
    """A yes, and a minute later its no from a mail."""
    person = make_customer(yes=("newsletter",))
    services.record_opt_out(person.pk, [topic().pk], source=way, now=NOW + MINUTE)
    return person


@pytest.mark.parametrize("no", [s for s in Source if s not in FROM_MAIL])
@pytest.mark.parametrize("way", FROM_MAIL)
def test_a_no_by_another_way_closes_the_undo_of_a_mail_for_good(way, no):
    """Whoever holds the forwarded mail cannot bring back a yes after its owner's later no."""
    person = said_from_a_mail(way)
    said = [
        services.record_opt_out(person.pk, [topic().pk], source=no, now=NOW + n * MINUTE)
        for n in (10, 12)
    ]
    assert said == [[topic().pk], []], "one event is enough"
    assert (standing(person).source, standing(person).since) == (no, NOW + 10 * MINUTE)
    for undo in (Source.LINK, Source.MAIL_PREFERENCES, Source.PREFERENCES):
        assert services.undo_latest(person.pk, source=undo, now=NOW + 20 * MINUTE) == []
    assert standing(person).state == State.WITHDRAWN
    assert_everything_adds_up()


def test_a_no_from_a_mail_said_twice_from_mails_can_be_taken_back():
    person = said_from_a_mail(Source.ONE_CLICK)
    for way in FROM_MAIL:
        assert not services.record_opt_out(
            person.pk, [topic().pk], source=way, now=NOW + 2 * MINUTE
        )
    assert services.undo_latest(person.pk, source=Source.LINK, now=NOW + 20 * MINUTE)
    assert standing(person).state == State.GRANTED


def test_a_no_once_more_is_written_while_the_mail_can_undo_and_no_longer():
    for minutes, written in ((60, True), (61, False)):
        person = said_from_a_mail(Source.LINK)
        again = services.record_opt_out(
            person.pk, [topic().pk], source=Source.STAFF, now=NOW + minutes * MINUTE
        )
        assert bool(again) is written


def test_a_yes_after_a_no_said_once_more_can_be_undone_to_that_no():
    person = said_from_a_mail(Source.LINK)
    staff = NOW + 10 * MINUTE
    services.record_opt_out(person.pk, [topic().pk], source=Source.STAFF, now=staff)
    services.record_choices(
        person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW + 12 * MINUTE
    )
    assert services.undo_latest(person.pk, source=Source.PREFERENCES, now=NOW + 13 * MINUTE)
    assert (standing(person).source, standing(person).since) == (Source.STAFF, staff)
    assert_everything_adds_up()


@pytest.mark.parametrize(
    ("source", "months", "closes"),
    [(Source.APP, 1, True), (Source.REPLAY, 3, True), (Source.LINK, 1, False)],
)
def test_a_pause_by_another_way_outlives_the_undo_of_a_mails_pause(source, months, closes):
    person = make_customer(yes=("newsletter",))
    services.record_pause(
        person.pk, [topic().pk], months=3, source=Source.LINK, now=NOW + 10 * MINUTE
    )
    until = standing(person).paused_until
    changed = services.record_pause(
        person.pk, [topic().pk], months=months, source=source, now=NOW + 10 * MINUTE
    )
    assert bool(changed) is closes
    assert standing(person).paused_until == until, "by another way it never gets shorter"
    assert not services.record_pause(
        person.pk, [topic().pk], months=months, source=source, now=NOW + 10 * MINUTE
    )
    assert bool(services.undo_latest(person.pk, source=Source.LINK, now=NOW + 20 * MINUTE)) is (
        not closes
    )
    assert_everything_adds_up()


def test_the_same_pause_signed_in_outlives_the_undo_of_a_mails_pause():
    person = make_customer(yes=("newsletter",))
    for source in (Source.LINK, Source.PREFERENCES):
        assert services.record_pause(person.pk, [topic().pk], months=1, source=source, now=NOW)
    assert not services.undo_latest(person.pk, source=Source.LINK, now=NOW + MINUTE)
    assert standing(person).paused_until is not None
    assert_everything_adds_up()


@pytest.mark.parametrize("source", Source)
def test_a_wording_is_recorded_where_it_is_known(source):
    person = make_customer(yes=("newsletter",))
    unknown = source in (Source.IMPORT, Source.REPLAY, Source.APP)
    services.record_pause(person.pk, [topic().pk], months=6, source=source, now=NOW)
    paused = services.last_change(person.pk, topic().pk)
    services.record_opt_out(person.pk, [topic().pk], source=source, now=NOW)
    stopped = services.last_change(person.pk, topic().pk)
    assert [paused.version, stopped.version] == [2, 3]
    assert {paused.wording_version, stopped.wording_version} == {None if unknown else 1}


def test_a_refusal_stays_a_refusal_and_does_not_become_a_withdrawal():
    person = make_customer(no=("newsletter",))
    services.record_opt_out(person.pk, services.optional_topics(), source=Source.LINK, now=NOW)
    assert standing(person).state == State.REFUSED


def test_no_to_everything_stops_every_mail_topic_and_touches_no_reference_activity():
    person = make_customer(yes=("newsletter", "special_offers"))
    services.record_opt_out(person.pk, services.optional_topics(), source=Source.LINK, now=NOW)
    states = dict(Preference.objects.of(person.pk).values_list("topic__slug", "state"))
    assert states == {
        "newsletter": "withdrawn",
        "special_offers": "withdrawn",
        "product_news": "refused",
    }


def test_a_person_who_does_not_exist_leaves_no_row():
    nobody = uuid7_from(NOW, "nobody")
    assert services.record_opt_out(nobody, [topic().pk], source=Source.LINK, now=NOW) == []
    assert not ConsentDetail.objects.of(nobody).exists()


def test_a_pause_rests_every_yes_until_its_day_and_no_no_becomes_a_yes():
    person = make_customer(yes=("newsletter",), no=("special_offers",))
    services.record_pause(
        person.pk, services.optional_topics(), months=3, source=Source.PREFERENCES, now=NOW
    )
    assert standing(person).paused_until == months_later(NOW, 3)
    assert standing(person, "special_offers").state == State.REFUSED
    assert not Preference.objects.filter(person=person, topic=topic("product_news")).exists()


def test_ending_a_pause_keeps_the_yes():
    person = make_customer(yes=("newsletter",))
    for months in (1, None):
        services.record_pause(
            person.pk, [topic().pk], months=months, source=Source.PREFERENCES, now=NOW
        )
    assert (standing(person).state, standing(person).paused_until) == ("granted", None)
    assert ConsentDetail.objects.of(person.pk).count() == 3


def test_a_pause_of_another_length_is_refused():
    with pytest.raises(ValueError, match="pause"):
        services.record_pause(make_customer().pk, [], months=2, source=Source.PREFERENCES, now=NOW)


def test_saying_no_ends_a_pause():
    person = make_customer(yes=("newsletter",))
    services.record_pause(person.pk, [topic().pk], months=1, source=Source.PREFERENCES, now=NOW)
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    assert (standing(person).state, standing(person).paused_until) == ("withdrawn", None)


def test_undo_takes_the_latest_change_back_once():
    person = make_customer(yes=("newsletter",))
    services.record_opt_out(person.pk, [topic().pk], source=Source.PREFERENCES, now=NOW)

    def undo():
        return services.undo_last(person.pk, topic().pk, source=Source.PREFERENCES, now=NOW)

    assert undo()
    assert standing(person).state == State.GRANTED
    assert not undo()
    assert standing(person).state == State.GRANTED


@pytest.mark.parametrize(
    ("after", "possible"),
    [(timedelta(minutes=59, seconds=59), True), (timedelta(hours=1), False)],
)
def test_a_mail_may_undo_its_own_no_within_the_hour_only(after, possible):
    person = make_customer(yes=("newsletter",))
    services.record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)
    undone = services.undo_latest(person.pk, source=Source.LINK, now=NOW + after)
    assert bool(undone) is possible
    assert (standing(person).state == State.GRANTED) is possible


def test_a_mail_cannot_undo_what_was_chosen_signed_in():
    person = make_customer(yes=("newsletter",))
    services.record_opt_out(person.pk, [topic().pk], source=Source.PREFERENCES, now=NOW)
    assert services.undo_latest(person.pk, source=Source.LINK, now=NOW) == []
    assert standing(person).state == State.WITHDRAWN


def test_undo_from_a_mail_takes_back_all_that_the_latest_act_stopped():
    person = make_customer(yes=("newsletter", "special_offers"))
    services.record_opt_out(person.pk, services.optional_topics(), source=Source.LINK, now=NOW)
    services.undo_latest(person.pk, source=Source.LINK, now=NOW + timedelta(minutes=5))
    assert standing(person).state == standing(person, "special_offers").state == State.GRANTED


def test_the_first_no_to_a_topic_cannot_be_undone_into_a_yes():
    person = make_customer()
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    assert not services.undo_latest(person.pk, source=Source.LINK, now=NOW)
    assert standing(person).state == State.REFUSED


def test_the_version_of_a_preference_is_that_of_its_newest_event():
    person = make_customer(yes=("newsletter",))
    for choice in (False, True, False):
        services.record_choices(person.pk, {topic().pk: choice}, source=Source.PREFERENCES, now=NOW)
    assert standing(person).version == 4
    assert services.last_change(person.pk, topic().pk).version == 4
    versions = ConsentDetail.objects.of(person.pk).values_list("version", flat=True)
    assert sorted(versions) == [1, 2, 3, 4]


def test_a_pause_and_its_end_keep_the_day_and_the_way_of_the_yes():
    person = make_customer(yes=("newsletter",))
    for months in (1, None):
        services.record_pause(
            person.pk,
            [topic().pk],
            months=months,
            source=Source.PREFERENCES,
            now=NOW + timedelta(days=1),
        )
    assert (standing(person).since, standing(person).source) == (NOW, Source.SIGNUP)


def test_an_undone_no_leaves_the_yes_with_its_own_day_and_way():
    person = make_customer(yes=("newsletter",))
    later = NOW + timedelta(days=1)
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=later)
    assert services.undo_latest(person.pk, source=Source.LINK, now=later) == [topic().pk]
    assert (standing(person).since, standing(person).source) == (NOW, Source.SIGNUP)
    assert services.last_change(person.pk, topic().pk).at == later


def test_an_undone_yes_leaves_the_no_that_ended_a_pause_with_its_own_day_and_way():
    person = make_customer(yes=("newsletter",))
    day = timedelta(days=1)
    services.record_pause(person.pk, [topic().pk], months=1, source=Source.LINK, now=NOW)
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW + day)
    services.record_choices(
        person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW + 2 * day
    )
    assert services.undo_latest(person.pk, source=Source.PREFERENCES, now=NOW + 3 * day)
    assert (standing(person).state, standing(person).source) == ("withdrawn", "link")
    assert standing(person).since == NOW + day
    assert_everything_adds_up()


def test_a_yes_in_a_pause_ends_the_pause_and_stays_the_yes_it_was():
    person = make_customer(yes=("newsletter",))
    services.record_pause(person.pk, [topic().pk], months=1, source=Source.LINK, now=NOW)
    services.record_choices(
        person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW + timedelta(days=1)
    )
    assert (standing(person).paused_until, standing(person).since) == (None, NOW)
    assert_everything_adds_up()


@pytest.mark.parametrize("source", [Source.LINK, Source.MAIL_PREFERENCES, Source.STAFF])
def test_a_mail_lengthens_a_pause_and_never_shortens_one(source):
    person = make_customer(yes=("newsletter",))

    def pause(months):
        return services.record_pause(person.pk, [topic().pk], months=months, source=source, now=NOW)

    assert (pause(3), pause(1), pause(None)) == ([topic().pk], [], [])
    assert pause(6)
    assert standing(person).paused_until == months_later(NOW, 6)


def test_a_yes_to_a_retired_topic_is_none():
    person = make_customer(no=("newsletter",))
    retire_topic(topic(), now=NOW)
    answers = {topic().pk: True, topic("special_offers").pk: True}
    changed = services.record_choices(person.pk, answers, source=Source.PREFERENCES, now=NOW)
    assert changed == [topic("special_offers").pk]
    assert standing(person).state == State.REFUSED


def test_a_retired_topic_is_still_refused():
    person = make_customer(yes=("newsletter",))
    retire_topic(topic(), now=NOW)
    services.record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)
    assert standing(person).state == State.WITHDRAWN
