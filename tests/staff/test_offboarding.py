"""The end of a staff account: everything at once, for the very next request."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.access.services import current_grant
from accounts.access_tokens import make_token, use_token
from accounts.models import (
    AccessGrant,
    PersonalToken,
    Session,
    StaffInvitation,
    SupportQuestion,
    User,
)
from accounts.services import request_password_reset
from accounts.staff.inviting import accept, invite, make_link_token
from accounts.staff.leaving import end_account
from accounts.staff.refusals import StaffRefusedError
from messaging.models import Message
from retention.desk import open_request
from retention.models import PrivacyRequest
from tests.factories import NOW, make_customer, make_staff
from tests.references import published, say_no, takedown_of
from tests.staff.sign_in import PASSWORD, SECRET, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def leaver() -> User:
    person = make_staff(username="leaver", email="leaver@portal.example", password=PASSWORD)
    TOTP.activate(person, SECRET)
    return person


def end(staff: Client, person: User) -> None:
    page = reverse("admin:accounts_staffaccount_end", args=[person.pk])
    assert staff.post(page).status_code == 302


def test_the_open_page_of_whoever_left_is_shut_with_the_next_request(
    staff: Client, leaver: User
) -> None:
    theirs = sign_in(leaver, "password", "mfa")
    assert theirs.get(reverse("admin:index")).status_code == 200
    end(staff, leaver)
    answer = theirs.get(reverse("admin:index"))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/") or "/admin/login/" in answer["Location"]
    assert theirs.get("/account/").status_code == 302


def test_every_key_is_gone(staff: Client, leaver: User) -> None:
    now = timezone.now()
    _token, secret = make_token(leaver, name="app", scopes=["preferences:read"], days=30, now=now)
    EmailAddress.objects.create(user=leaver, email="elsewhere@example.test")
    sign_in(leaver, "password", "mfa")
    end(staff, leaver)
    assert use_token(secret, now=now) is None
    for rows in (Session, PersonalToken, Authenticator, EmailAddress):
        assert not rows.objects.filter(user=leaver).exists()
    left = User.objects.get(pk=leaver.pk)
    assert (left.is_staff, left.is_active, left.has_usable_password()) == (False, False, False)
    assert not left.groups.exists()
    assert not left.get_all_permissions()
    # And no way to a new one.
    Message.objects.all().delete()
    request_password_reset(leaver.email, language="en")
    assert [mail.purpose for mail in Message.objects.all()] == ["no_account"]
    sign = {"login": "leaver", "password": PASSWORD}
    assert Client().post("/login/", sign).status_code == 200


def test_open_access_to_customers_ends(staff: Client, leaver: User) -> None:
    now, customer = timezone.now(), make_customer()
    AccessGrant.objects.create(
        staff=leaver,
        person=customer,
        basis="reason",
        reference="7",
        reason="a call",
        opened_at=now - timedelta(minutes=5),
        until=now + timedelta(minutes=25),
    )
    assert current_grant(leaver, customer.pk, now=now) is not None
    end(staff, leaver)
    assert current_grant(leaver, customer.pk, now=now) is None


def test_their_work_waits_for_everybody_again_and_their_invitations_are_void(
    staff: Client, leaver: User
) -> None:
    question = SupportQuestion.objects.create(
        customer=make_customer(),
        topic="other",
        channel="email",
        assigned_to=leaver,
        asked_at=NOW,
        moved_at=NOW,
    )
    invitation = invite(
        email="nina@portal.example",
        roles=["support"],
        actor=leaver,
        now=timezone.now(),
        language="en",
    )
    request = open_request(
        kind="access", person=make_customer(), text="?", source="page", actor="self", now=NOW
    )
    PrivacyRequest.objects.filter(pk=request.pk).update(assigned_to=leaver)
    person = make_customer(yes=("reference_quote",))
    use = published(person, responsible=leaver)
    say_no(person, "reference_quote")
    takedown = takedown_of(use)
    assert takedown.owner_id == leaver.pk
    end(staff, leaver)
    for each in (question, request, takedown):
        each.refresh_from_db()
    assert not any((question.assigned_to, request.assigned_to, takedown.owner))
    assert StaffInvitation.objects.get().withdrawn_at is not None
    values = {"username": "nina", "password": PASSWORD, "language": "en"}
    assert accept(make_link_token(invitation), **values, now=timezone.now()) is None


def test_twice_is_once_and_the_list_still_tells_of_it(staff: Client, leaver: User) -> None:
    assert end_account(leaver, actor=None, now=NOW) is True
    assert end_account(leaver, actor=None, now=NOW) is False
    assert "leaver" in staff.get(reverse("admin:accounts_staffaccount_changelist")).text
    page = staff.get(reverse("admin:accounts_staffaccount_change", args=[leaver.pk])).text
    assert "This account has ended." in page
    # What does not end with it is said, with the way there.
    for address in ("admin:consent_servicekey_changelist", "admin:consent_webhook_changelist"):
        assert f'<a href="{reverse(address)}">' in page.partition("portal-panel")[2]
    assert "Confirm for a year" not in page


def test_the_last_administrator_is_ended_from_the_command_line(leaver: User) -> None:
    call_command("end_staff", leaver.email)
    assert User.objects.get(pk=leaver.pk).is_active is False


def test_ending_an_account_asks_again_who_it_is(boss: User, leaver: User) -> None:
    client = sign_in(boss, "password", "mfa", again=False)
    answer = client.post(reverse("admin:accounts_staffaccount_end", args=[leaver.pk]))
    assert "reauthenticate" in answer["Location"]
    assert User.objects.get(pk=leaver.pk).is_active is True


def test_who_may_only_look_ends_nobody(leaver: User) -> None:
    auditor = make_staff(roles=["auditor"])
    TOTP.activate(auditor, SECRET)
    client = sign_in(auditor, "password", "mfa")
    shown = client.get(reverse("admin:accounts_staffaccount_change", args=[leaver.pk])).text
    assert "End this account" not in shown
    page = reverse("admin:accounts_staffaccount_end", args=[leaver.pk])
    assert client.post(page).status_code == 403


def test_of_two_who_end_each_other_one_stays(boss: User) -> None:
    """The second asked before they were ended themselves: their own row is read again."""
    second = make_staff(roles=["administrator"])
    end_account(second, actor=boss, now=timezone.now())
    assert second.is_staff is True
    with pytest.raises(StaffRefusedError):
        end_account(boss, actor=second, now=timezone.now())
    assert User.objects.get(pk=boss.pk).is_staff is True


def test_the_rows_of_both_are_locked_in_one_order(boss: User, leaver: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        end_account(leaver, actor=boss, now=timezone.now())
    first = next(query["sql"] for query in queries if query["sql"].startswith("SELECT"))
    assert all(str(person.pk) in first or person.pk.hex in first for person in (boss, leaver))
    assert 'ORDER BY "accounts_user"."id"' in first
    assert first.endswith("FOR NO KEY UPDATE")


def test_who_is_no_administrator_ends_nobody(leaver: User) -> None:
    with pytest.raises(StaffRefusedError):
        end_account(leaver, actor=make_staff(roles=["privacy"]), now=timezone.now())
