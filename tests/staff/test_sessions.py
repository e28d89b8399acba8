"""A staff session ends when it is left alone, and after a working day in any case."""

from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Session, User
from accounts.policy import STAFF_IDLE, STAFF_SEEN_EVERY, STAFF_SESSION
from tests.factories import make_customer
from tests.staff.sign_in import PASSWORD, SECRET, sign_in

pytestmark = pytest.mark.django_db

INDEX = reverse("admin:index")
MOMENT = timedelta(seconds=30)


def age(**ages: timedelta) -> None:
    now = timezone.now()
    Session.objects.update(**{name: now - past for name, past in ages.items()})


@pytest.mark.parametrize(
    ("ages", "opens"),
    [
        ({"seen_at": STAFF_IDLE - MOMENT}, True),
        ({"seen_at": STAFF_IDLE}, False),
        ({"started_at": STAFF_SESSION - MOMENT, "seen_at": MOMENT}, True),
        ({"started_at": STAFF_SESSION, "seen_at": MOMENT}, False),
    ],
)
def test_a_staff_session_has_two_ends(
    staff: Client, boss: User, ages: dict[str, timedelta], opens: bool
) -> None:
    staff.get(INDEX)
    age(**ages)
    answer = staff.get(INDEX)
    assert (answer.status_code == 200) == opens
    assert Session.objects.filter(user=boss).exists() == opens
    if not opens:
        assert answer["Location"] == f"/admin/login/?next={INDEX}"


def test_what_is_sent_after_the_end_changes_nothing(staff: Client, boss: User) -> None:
    age(seen_at=STAFF_IDLE)
    form = {"email": "nina@portal.example", "roles": ["support"]}
    answer = staff.post(reverse("admin:accounts_staffinvitation_add"), form)
    assert answer.status_code == 302
    assert not boss.confirmations.exclude(confirmed_by=None).exists()


def test_a_page_keeps_the_session_awake_to_the_minute(staff: Client) -> None:
    staff.get(INDEX)
    age(seen_at=STAFF_SEEN_EVERY - timedelta(seconds=10))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        staff.get(INDEX)
    assert not [q for q in queries if q["sql"].startswith('UPDATE "accounts_session"')]
    age(seen_at=STAFF_IDLE - MOMENT)
    staff.get(INDEX)
    assert Session.objects.get().seen_at > timezone.now() - MOMENT


def test_using_it_does_not_prolong_the_day(staff: Client) -> None:
    staff.get(INDEX)
    began = timezone.now() - STAFF_SESSION + timedelta(minutes=5)
    Session.objects.update(started_at=began)
    session = staff.session
    session["anything"] = 1
    session.save()
    staff.get(INDEX)
    assert Session.objects.get().started_at == began


def test_a_new_password_begins_no_new_day_and_a_sign_in_does(staff: Client, boss: User) -> None:
    staff.get(INDEX)
    began = timezone.now() - STAFF_SESSION + timedelta(minutes=5)
    Session.objects.update(started_at=began)
    before = staff.session.session_key
    new = "et-nytt-og-langt-passord"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert staff.post(reverse("account_change_password"), form).status_code == 302
    assert staff.session.session_key != before
    assert Session.objects.get(user=boss).started_at == began
    staff.get(INDEX)
    assert Session.objects.get(user=boss).started_at == began
    Session.objects.all().delete()
    sign_in(boss, "password", "mfa")
    assert Session.objects.get(user=boss).started_at > timezone.now() - MOMENT


def test_a_customers_session_lasts(client: Client) -> None:
    client.force_login(make_customer())
    age(seen_at=timedelta(days=3), started_at=timedelta(days=10))
    assert client.get("/account/").status_code == 200


def test_a_session_of_somebody_else_opens_nothing(boss: User) -> None:
    """A colleague's session is theirs: the factor it gave counts for nobody who signs in on it."""
    other = make_customer()
    client = sign_in(boss, "password", "mfa")
    client.force_login(other)
    assert client.get(INDEX).status_code in (302, 403)
    TOTP.activate(other, SECRET)
    assert client.get(INDEX).status_code in (302, 403)
