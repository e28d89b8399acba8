"""Nobody sees a staff page without two factors: `few-see`."""

import uuid

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client

from accounts.models import User
from tests.factories import make_customer
from tests.staff.sign_in import PASSWORD, SECRET, sign_in

pytestmark = pytest.mark.django_db


def code() -> str:
    return str(format_hotp_value(hotp_value(SECRET, next(iter(yield_hotp_counters_from_time())))))


def test_a_stranger_is_sent_to_the_common_sign_in() -> None:
    response = Client().get("/admin/", follow=True)
    address, status = response.redirect_chain[-1]
    assert (address.partition("?")[0], status) == ("/login/", 302)
    assert "next=/admin/" in address.replace("%2F", "/")


def test_admin_has_no_sign_in_form_that_asks_for_a_password_only(boss: User) -> None:
    response = Client().post("/admin/login/", {"username": boss.username, "password": PASSWORD})
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


def test_a_session_without_its_second_factor_is_asked_for_it(boss: User) -> None:
    client = sign_in(boss, "password")
    response = client.get("/admin/accounts/user/", follow=True)
    assert [step.partition("?")[0] for step, _status in response.redirect_chain] == [
        "/admin/login/",
        "/account/security/reauthenticate/",
    ]


def test_the_code_opens_the_page_one_was_going_to(boss: User) -> None:
    client = sign_in(boss, "password")
    asked = client.get("/admin/accounts/user/", follow=True)
    response = client.post(asked.redirect_chain[-1][0], {"code": code()}, follow=True)
    assert response.request["PATH_INFO"] == "/admin/accounts/user/"
    assert response.status_code == 200


def test_staff_without_an_authenticator_are_sent_to_set_one_up(boss: User) -> None:
    Authenticator.objects.all().delete()
    client = sign_in(boss, "password", "mfa")
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0] == "/account/security/"
    assert "two-step sign-in" in response.content.decode()


def test_recovery_codes_alone_are_no_authenticator(boss: User) -> None:
    Authenticator.objects.update(type=Authenticator.Type.RECOVERY_CODES)
    assert sign_in(boss, "password", "mfa").get("/admin/").status_code == 302


def test_both_factors_open_the_first_page(staff: Client) -> None:
    assert staff.get("/admin/").status_code == 200


def test_the_proof_of_another_person_in_the_session_does_not_count(boss: User) -> None:
    client = sign_in(boss, "password", "mfa")
    session = client.session
    session["account_authentication_methods_user"] = str(make_customer().pk)
    session.save()
    assert client.get("/admin/").status_code == 302


def test_a_customer_is_refused_whatever_they_proved() -> None:
    client = sign_in(make_customer(), "password", "mfa")
    assert client.get("/admin/", follow=True).status_code == 403


def test_the_way_back_leads_to_our_own_pages_only(staff: Client) -> None:
    response = staff.get("/admin/login/?next=https://evil.example/")
    assert response["Location"] == "/admin/"


def test_signing_in_at_the_common_page_with_both_factors_opens_the_staff_site(boss: User) -> None:
    client = Client()
    client.post("/login/?next=/admin/", {"login": boss.username, "password": PASSWORD})
    assert client.get("/admin/").status_code == 302, "the password alone must not be enough"
    response = client.post("/account/security/authenticate/", {"code": code()}, follow=True)
    assert client.get("/admin/").status_code == 200, response.redirect_chain


@pytest.mark.parametrize(
    ("page", "again"),
    [
        ("messaging/campaign/{key}/step/approve/", True),
        ("messaging/campaign/{key}/step/start/", True),
        ("messaging/campaign/{key}/step/resume/", True),
        ("messaging/campaign/{key}/step/pause/", False),
        ("messaging/campaign/{key}/step/cancel/", False),
        ("messaging/serviceannouncement/{key}/step/approve/", True),
        ("messaging/serviceannouncement/{key}/step/cancel/", False),
        ("messaging/serviceannouncement/{key}/review/", True),
        ("messaging/serviceannouncement/{key}/send-standing/", True),
        ("consent/webhook/{key}/step/rotate/", True),
        ("consent/webhook/{key}/step/pause/", False),
        ("retention/breach/{key}/close/", True),
        ("django_celery_beat/periodictask/add/", True),
        ("django_celery_beat/periodictask/1/change/", True),
        ("django_celery_beat/periodictask/", True),
    ],
)
def test_who_sends_opens_or_switches_is_asked_again_and_who_stops_is_not(
    boss: User, page: str, again: bool
) -> None:
    client = sign_in(boss, "password", "mfa", again=False)
    answer = client.post(f"/admin/{page.format(key=uuid.uuid4())}")
    assert ("reauthenticate" in answer.get("Location", "")) is again
