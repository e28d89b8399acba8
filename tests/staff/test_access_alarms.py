"""Unusually many look-ups by one of the staff: an alarm that another looks into."""

import uuid
from datetime import datetime, timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.access.alarms import look_ups_since, watch_look_ups
from accounts.models import AccessAlarm, LookUp, User
from accounts.policy import LOOK_UPS_A_DAY, LOOK_UPS_AT_LEAST, is_unusual
from foundation.roles import KEEPER, as_role
from messaging.models import Message
from tests.factories import NOW, make_customer, make_staff
from tests.staff.door import let_in
from tests.staff.sign_in import SECRET, sign_in

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
# Noon, so that an hour more or less is the same day.
NOON = timezone.localtime(NOW).replace(hour=12, minute=0)


def look_up(staff: User, number: int, *, at: datetime = NOON) -> None:
    LookUp.objects.bulk_create(
        LookUp(staff=staff, by="email", found=False, at=at) for _each in range(number)
    )


@pytest.mark.parametrize(
    ("number", "usual", "days", "unusual"),
    [
        (LOOK_UPS_A_DAY, 0, 0, False),
        (LOOK_UPS_A_DAY + 1, 0, 0, True),
        (30, 10, 20, False),
        (31, 10, 20, True),
        (31, 10, 4, False),
        (LOOK_UPS_AT_LEAST, 1, 20, False),
        (LOOK_UPS_AT_LEAST + 1, 1, 20, True),
    ],
)
def test_what_is_unusual(number: int, usual: int, days: int, unusual: bool) -> None:
    assert is_unusual(number, usual=usual, days=days) is unusual


def test_too_many_in_a_day_raise_one_alarm_and_one_mail(boss: User) -> None:
    look_up(boss, LOOK_UPS_A_DAY)
    assert watch_look_ups(NOON) == 0
    let_in(boss, make_customer())  # an opened customer counts like a search
    LookUp.objects.create(staff=boss, by="key", found=False, at=NOON)
    with as_role(KEEPER):  # the worker that beat calls
        assert watch_look_ups(NOON + timedelta(hours=1)) == 1
    assert watch_look_ups(NOON + timedelta(hours=2)) == 0
    alarm = AccessAlarm.objects.get()
    assert alarm.staff == boss
    mail = Message.objects.get(purpose="look_up_alarm")
    assert mail.to_address == settings.PRIVACY_EMAIL
    assert "sjefen" not in mail.subject + mail.text + mail.html
    assert f"/accessalarm/{alarm.pk}/change/" in mail.text


def test_three_times_the_usual_raises_it_as_well(boss: User) -> None:
    for back in range(1, 7):
        look_up(boss, 6, at=NOON - back * DAY)
    look_up(boss, 19)
    assert watch_look_ups(NOON) == 1
    alarm = AccessAlarm.objects.get()
    assert (alarm.number, alarm.usual) == (19, 6)


def test_the_whole_first_day_is_counted_and_none_before_by_an_index(boss: User) -> None:
    first = timezone.localdate(NOON)
    begins = timezone.localtime(NOON).replace(hour=0, minute=0, second=0, microsecond=0)
    look_up(boss, 2, at=begins)
    look_up(boss, 3, at=begins - timedelta(microseconds=1))
    with CaptureQueriesContext(connection) as asked:
        assert look_ups_since(first) == {(boss.pk, first): 2}
    for query in asked.captured_queries:
        assert "::date >=" not in query["sql"]


def test_the_last_hour_of_a_day_is_counted_the_day_after(boss: User) -> None:
    look_up(boss, LOOK_UPS_A_DAY + 1, at=NOON)
    assert watch_look_ups(NOON + DAY) == 1
    assert AccessAlarm.objects.get().day == NOON.date()
    assert watch_look_ups(NOON + 3 * DAY) == 0


def test_a_colleague_s_look_ups_are_their_own(boss: User) -> None:
    second = make_staff()
    look_up(boss, 25)
    look_up(second, 25)
    assert watch_look_ups(NOON) == 0


@pytest.fixture
def alarm(db: None) -> AccessAlarm:
    about = make_staff(roles=("support", "privacy"), language="en")
    made: AccessAlarm = AccessAlarm.objects.create(
        staff=about, day=NOON.date(), number=77, usual=5, raised_at=NOON
    )
    return made


def close(client: Client, alarm: AccessAlarm, finding: str) -> str:
    address = reverse("admin:accounts_accessalarm_close", args=[alarm.pk])
    return client.post(address, {"finding": finding}, follow=True).content.decode()


def test_another_says_what_it_was(staff: Client, boss: User, alarm: AccessAlarm) -> None:
    assert "77 look-ups" in staff.get(reverse("admin:index")).content.decode()
    assert "Nothing was saved" in close(staff, alarm, " ")
    assert "the alarm is closed" in close(staff, alarm, "A campaign was answered by phone.")
    alarm.refresh_from_db()
    assert (alarm.closed_by, alarm.finding) == (boss, "A campaign was answered by phone.")
    assert "somebody has looked into it already" in close(staff, alarm, "again")
    assert "77 look-ups" not in staff.get(reverse("admin:index")).content.decode()


def test_a_finding_that_grows_when_addresses_are_taken_out_is_cut(
    staff: Client, alarm: AccessAlarm
) -> None:
    page = reverse("admin:accounts_accessalarm_close", args=[alarm.pk])
    assert staff.post(page, {"finding": "a@b " * 75}).status_code == 302
    alarm.refresh_from_db()
    assert len(alarm.finding) == 300


def test_nobody_closes_an_alarm_about_themselves(alarm: AccessAlarm) -> None:
    TOTP.activate(alarm.staff, SECRET)
    client = sign_in(alarm.staff, "password", "mfa")
    page = client.get(reverse("admin:accounts_accessalarm_change", args=[alarm.pk]))
    assert "This is about your own look-ups." in page.content.decode()
    assert "Somebody else must" in close(client, alarm, "It was fine.")
    alarm.refresh_from_db()
    assert alarm.closed_at is None
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessAlarm.objects.filter(pk=alarm.pk).update(
            closed_by=alarm.staff, closed_at=NOON, finding="x"
        )


def test_an_auditor_reads_alarms_and_closes_none(alarm: AccessAlarm) -> None:
    auditor = make_staff(roles=("auditor",), language="en")
    TOTP.activate(auditor, SECRET)
    client = sign_in(auditor, "password", "mfa")
    assert client.get(reverse("admin:accounts_accessalarm_changelist")).status_code == 200
    address = reverse("admin:accounts_accessalarm_close", args=[alarm.pk])
    assert client.post(address, {"finding": "x"}).status_code == 403


def test_the_list_of_looks_names_staff_and_role_and_no_customer(staff: Client, boss: User) -> None:
    person = make_customer(first_name="Kari", last_name="Nordmann")
    let_in(boss, person)
    staff.get(reverse("admin:accounts_user_change", args=[person.pk]))
    page = staff.get(reverse("admin:accounts_accessevent_changelist")).content.decode()
    assert "sjefen" in page
    assert "your contact details" in page
    assert "call of Monday" in page
    assert str(person.pk) not in page
    assert str(uuid.UUID(int=0)) not in page
