"""When a message leaves: one moment for all, or the same hour where each customer is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.utils.translation import override

from messaging import audience, services
from messaging.models import Campaign, Mailing, Message
from messaging.refusals import WrongState
from messaging.timing import head_start, moment_in, moments
from tests.factories import NOW, make_campaign, make_staff
from tests.messaging.people import make_people

State = Mailing.State
OSLO = ZoneInfo("Europe/Oslo")


def in_english():
    return override("en")


def in_oslo(text):
    """As staff write it: the portal's time zone is theirs."""
    return datetime.fromisoformat(text).replace(tzinfo=OSLO)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "zone", "leaves"),
    [
        ("2026-11-24 09:00", "Europe/Oslo", "2026-11-24 08:00"),
        ("2026-11-24 09:00", "UTC", "2026-11-24 09:00"),
        # Half and quarter hours.
        ("2026-11-24 09:00", "Asia/Kolkata", "2026-11-24 03:30"),
        ("2026-11-24 09:00", "Asia/Kathmandu", "2026-11-24 03:15"),
        ("2026-11-24 09:00", "Australia/Lord_Howe", "2026-11-23 22:00"),
        # On either side of the date line the same hour is a day apart.
        ("2026-11-24 09:00", "Pacific/Kiritimati", "2026-11-23 19:00"),
        ("2026-11-24 09:00", "Pacific/Pago_Pago", "2026-11-24 20:00"),
        # Clocks change on other days there.
        ("2026-03-20 09:00", "America/New_York", "2026-03-20 13:00"),
        ("2026-04-20 09:00", "America/New_York", "2026-04-20 13:00"),
        # Skipped there: 02:30 is 03:30, by the offset before the change (RFC 5545, 3.3.5).
        ("2026-03-08 02:30", "America/New_York", "2026-03-08 07:30"),
        ("2026-03-29 02:30", "Europe/Paris", "2026-03-29 01:30"),
        # Twice there: the first one.
        ("2026-11-01 01:30", "America/New_York", "2026-11-01 05:30"),
        ("2026-10-25 02:30", "Europe/Paris", "2026-10-25 00:30"),
        # Skipped by half an hour.
        ("2026-10-04 02:15", "Australia/Lord_Howe", "2026-10-03 15:45"),
        # A day that never was there: its hour is the next day's.
        ("2011-12-30 09:00", "Pacific/Apia", "2011-12-30 19:00"),
    ],
)
def test_it_leaves_when_a_clock_there_shows_what_staff_wrote(written, zone, leaves):
    assert moment_in(ZoneInfo(zone), in_oslo(written)) == utc(leaves)


def test_an_hour_that_comes_twice_here_is_the_same_hour_elsewhere():
    """Whichever of the two staff meant, abroad it is half past two once."""
    first, second = (in_oslo("2026-10-25 02:30").replace(fold=fold) for fold in (0, 1))
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)
    for zone in ("UTC", "Asia/Kolkata", "Europe/Oslo"):
        assert moment_in(ZoneInfo(zone), first) == moment_in(ZoneInfo(zone), second)


def test_every_zone_shows_that_hour_unless_its_clocks_skip_it():
    send_at = in_oslo("2026-11-24 09:00")
    found = moments(send_at)
    assert set(found) == available_timezones()
    for name, moment in found.items():
        there = datetime.fromisoformat(moment).astimezone(ZoneInfo(name))
        assert there.replace(tzinfo=UTC) == utc("2026-11-24 09:00"), name


# --- the messages of a campaign ------------------------------------------------------------------


def not_before(person):
    return Message.objects.of_person(person.pk).get().not_before


def resolved(**fields):
    campaign = make_campaign(state=State.SENDING, resolved_at=NOW, **fields)
    audience.resolve(campaign, now=NOW)
    return campaign


@pytest.mark.django_db
def test_each_message_waits_for_the_hour_where_its_reader_is():
    zones = ["Europe/Oslo", "Asia/Kolkata", "Pacific/Kiritimati", "America/New_York"]
    people = {zone: make_people(1, timezone=zone)[0] for zone in zones}
    resolved(in_customers_zone=True, send_at=in_oslo("2026-11-24 09:00"))
    assert {zone: not_before(person) for zone, person in people.items()} == {
        "Europe/Oslo": utc("2026-11-24 08:00"),
        "Asia/Kolkata": utc("2026-11-24 03:30"),
        "Pacific/Kiritimati": utc("2026-11-23 19:00"),
        "America/New_York": utc("2026-11-24 14:00"),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "europe/oslo", "'; --", '"}'])
def test_who_has_no_zone_or_one_nobody_knows_gets_it_at_our_hour(zone):
    (person,) = make_people(1, timezone=zone)
    resolved(in_customers_zone=True, send_at=in_oslo("2026-11-24 09:00"))
    assert not_before(person) == utc("2026-11-24 08:00")


@pytest.mark.django_db
def test_one_moment_for_all_is_now_whatever_the_zone():
    people = [make_people(1, timezone=zone)[0] for zone in ("Europe/Oslo", "Asia/Kolkata")]
    resolved(send_at=NOW - timedelta(minutes=1))
    assert {not_before(person) for person in people} == {NOW}


@pytest.mark.django_db
def test_the_months_of_the_keys_follow_the_start_not_the_hour_of_the_reader():
    make_people(2, timezone="America/New_York")
    campaign = resolved(in_customers_zone=True, send_at=NOW + timedelta(days=60))
    moments_of = {key.int >> 80 for key in Message.objects.values_list("pk", flat=True)}
    assert moments_of == {int(campaign.resolved_at.timestamp() * 1000)}


# --- starting early enough -----------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["2026-01-15 12:00", "2026-07-15 12:00", "2026-10-24 20:00"])
def test_the_head_start_reaches_the_first_zone_of_all_and_no_hour_too_much(moment):
    now = in_oslo(moment)
    first = min(moments(now + head_start(now)).values())
    late = datetime.fromisoformat(first) - now
    assert timedelta(0) <= late <= timedelta(hours=2)


@pytest.mark.django_db
def test_it_starts_by_itself_before_the_first_customers_hour_and_one_for_all_does_not():
    send_at = in_oslo("2026-11-24 09:00")
    zoned = make_campaign(state=State.APPROVED, send_at=send_at, in_customers_zone=True)
    for_all = make_campaign(state=State.APPROVED, send_at=send_at)
    first_hour = utc("2026-11-23 19:00")
    due = Campaign.objects.due
    assert zoned in due(first_hour)
    assert zoned not in due(first_hour - timedelta(hours=1, seconds=1))
    assert for_all not in due(send_at - timedelta(seconds=1))
    assert for_all in due(send_at)


@pytest.mark.django_db
def test_it_is_not_finished_while_somebody_still_waits_for_their_hour(mailbox):
    people = [make_people(1, timezone=zone)[0] for zone in ("Europe/Oslo", "America/New_York")]
    send_at = NOW.astimezone(OSLO)
    campaign = make_campaign(state=State.APPROVED, send_at=send_at, in_customers_zone=True)
    services.run_mailings(now=NOW)
    services.deliver_pending(clock=lambda: NOW)
    services.run_mailings(now=NOW)
    campaign.refresh_from_db()
    assert campaign.state == State.SENDING
    assert [bool(mailbox.to(person.email)) for person in people] == [True, False]
    later = NOW + timedelta(hours=6)
    services.deliver_pending(clock=lambda: later)
    services.run_mailings(now=later)
    campaign.refresh_from_db()
    assert campaign.state == State.FINISHED
    assert [len(mailbox.to(person.email)) for person in people] == [1, 1]


@pytest.mark.django_db
def test_an_hour_in_each_zone_cannot_be_sent_now_nor_approved_without_the_hour():
    staff = make_staff()
    campaign = make_campaign(in_customers_zone=True)
    with in_english(), pytest.raises(WrongState, match="at which hour"):
        services.approve(campaign, actor=staff, now=NOW)
    Campaign.objects.update(send_at=NOW + timedelta(days=2))
    services.approve(campaign, actor=staff, now=NOW)
    with in_english(), pytest.raises(WrongState, match="by itself at its hour"):
        services.start(campaign, actor=staff, now=NOW)
    campaign.refresh_from_db()
    assert campaign.state == State.APPROVED
    services.start(campaign, actor=None, now=NOW)
    assert campaign.state == State.SENDING


@pytest.mark.django_db
def test_in_each_zone_it_is_approved_only_before_the_first_of_them_has_its_hour():
    send_at, staff = in_oslo("2026-11-24 09:00"), make_staff()
    first = utc("2026-11-23 19:00")
    late = make_campaign(send_at=send_at, in_customers_zone=True)
    with pytest.raises(WrongState), in_english():
        services.approve(late, actor=staff, now=first + timedelta(seconds=1))
    services.approve(late, actor=staff, now=first)
