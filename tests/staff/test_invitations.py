"""How a staff account begins: by mail, once, from an administrator, never by one factor."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import StaffCap, StaffConfirmation, StaffInvitation, User
from accounts.policy import CONFIRM_WARNING, CONFIRMED_FOR, INVITED_FOR
from accounts.staff.confirming import confirm, warn
from accounts.staff.inviting import accept, find_open, invite, make_link_token, withdraw
from accounts.staff.leaving import end_account
from accounts.staff.refusals import StaffRefusedError
from accounts.staff.standing import confirmed_since, roles_of
from foundation.roles import OWNER, as_role
from messaging.models import Message
from tests.factories import make_customer, make_staff
from tests.staff.sign_in import PASSWORD, SECRET, sign_in

pytestmark = pytest.mark.django_db

ADD = reverse("admin:accounts_staffinvitation_add")
FORM = {
    "username": "ny.kollega",
    "first_name": "Nina",
    "last_name": "Berg",
    "password1": "et-langt-og-godt-passord",
    "password2": "et-langt-og-godt-passord",
}


def asked(actor: User | None = None, **fields: Any) -> StaffInvitation:
    values: dict[str, Any] = {
        "email": "nina@portal.example",
        "roles": ["support", "billing"],
        "now": timezone.now(),
        "language": "en",
    }
    return invite(**(values | fields), actor=actor or make_staff(roles=["administrator"]))


def link_of(invitation: StaffInvitation) -> str:
    return reverse("staff_invitation", args=[make_link_token(invitation)])


def accepted(invitation: StaffInvitation, **fields: Any) -> User | None:
    values: dict[str, Any] = {
        "username": "ny.kollega",
        "first_name": "Nina",
        "last_name": "Berg",
        "password": FORM["password1"],
        "language": "nb",
        "now": timezone.now(),
    }
    return accept(make_link_token(invitation), **(values | fields))


# --- by the pages --------------------------------------------------------------------------------


def test_a_colleague_is_invited_makes_the_account_and_still_needs_a_second_factor(
    staff: Client, boss: User
) -> None:
    form = {"email": "nina@portal.example", "roles": ["support", "billing"]}
    assert staff.post(ADD, form).status_code == 302
    mail = Message.objects.get(to_address="nina@portal.example")
    link = re.search(r"http://localhost:8000(/staff/invitation/\S+)", mail.text)
    assert link is not None
    assert "Customer support, Billing" in mail.text
    client = Client()
    page = client.get(link[1], headers={"accept-language": "en"})
    assert "Customer support, Billing" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    answer = client.post(link[1], FORM)
    assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_index"))
    nina = User.objects.get(email="nina@portal.example")
    assert (nina.is_staff, nina.is_confirmed, roles_of(nina)) == (
        True,
        True,
        ["support", "billing"],
    )
    assert nina.confirmations.get().confirmed_by == boss
    # Signed in, and no staff page opens.
    index = client.get(reverse("admin:index"), follow=True)
    assert index.redirect_chain[-1][0] == reverse("mfa_index")
    TOTP.activate(nina, SECRET)
    assert sign_in(nina, "password", "mfa").get(reverse("admin:index")).status_code == 200
    # The link is used up.
    assert "no longer open" in Client().get(link[1], headers={"accept-language": "en"}).text
    assert Client().post(link[1], FORM | {"username": "another"}).status_code == 200
    assert not User.objects.filter(username="another").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password2": "noe annet enn det"}, "The two passwords differ"),
        ({"password1": "kort", "password2": "kort"}, "too short"),
        ({"username": "sjefen"}, "taken"),
        ({"username": "a b"}, "3 to 60"),
        ({"first_name": ""}, "required"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    boss: User, change: dict[str, str], said: str
) -> None:
    invitation = asked(boss)
    page = Client().post(link_of(invitation), FORM | change, headers={"accept-language": "en"})
    assert said in page.text
    assert 'value="Berg"' in page.text
    assert not User.objects.filter(email=invitation.email).exists()
    assert find_open(make_link_token(invitation), now=timezone.now()) == invitation


def test_who_may_only_look_invites_nobody(boss: User) -> None:
    auditor = make_staff(roles=["auditor"])
    TOTP.activate(auditor, SECRET)
    client = sign_in(auditor, "password", "mfa")
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, {"email": "x@y.no", "roles": ["support"]}).status_code == 403
    assert not StaffInvitation.objects.exists()
    page = reverse("admin:accounts_staffinvitation_withdraw", args=[asked(boss).pk])
    assert client.post(page).status_code == 403


def test_an_open_invitation_is_withdrawn_by_its_button(staff: Client, boss: User) -> None:
    invitation = asked(boss)
    page = reverse("admin:accounts_staffinvitation_change", args=[invitation.pk])
    assert "Withdraw the invitation" in staff.get(page).text
    assert staff.post(page.replace("change", "withdraw")).status_code == 302
    assert "Withdraw the invitation" not in staff.get(page).text
    assert accepted(invitation) is None


def test_inviting_asks_again_who_it_is_and_then_goes_on(boss: User) -> None:
    client = sign_in(boss, "password", "mfa", again=False)
    answer = client.post(ADD, {"email": "nina@portal.example", "roles": ["support"]})
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert not StaffInvitation.objects.exists()
    again = client.post(answer["Location"], {"password": PASSWORD})
    assert (again.status_code, again["Location"]) == (
        302,
        reverse(f"{'admin:accounts_staffinvitation'}_changelist"),
    )
    assert StaffInvitation.objects.get().email == "nina@portal.example"


# --- by the services -----------------------------------------------------------------------------


def test_an_invitation_runs_out_and_makes_room_for_another() -> None:
    boss, now = make_staff(), timezone.now()
    first = asked(boss, now=now - INVITED_FOR + timedelta(minutes=1))
    with pytest.raises(StaffRefusedError, match="open invitation already"):
        asked(boss)
    assert accepted(first, now=first.expires_at) is None
    late = asked(boss, now=first.expires_at)
    assert late.pk != first.pk
    assert accepted(late) is not None


def test_an_address_that_has_an_account_is_not_invited() -> None:
    make_customer(email="nina@portal.example")
    with pytest.raises(StaffRefusedError, match="one of their own"):
        asked(email="NINA@portal.example")


def test_the_form_says_that_the_cap_is_reached(staff: Client) -> None:
    with as_role(OWNER):
        StaffCap.objects.update(most=1)
    page = staff.post(ADD, {"email": "nina@portal.example", "roles": ["support"]})
    assert "as many staff accounts as may be" in page.text
    assert not StaffInvitation.objects.exists()


def test_the_cap_counts_again_when_the_account_is_made() -> None:
    invitation = asked()
    with as_role(OWNER):
        StaffCap.objects.update(most=1)
    with pytest.raises(StaffRefusedError, match="as many"):
        accepted(invitation)
    assert find_open(make_link_token(invitation), now=timezone.now())


def test_an_invitation_is_void_once_its_author_may_not_invite() -> None:
    author, boss = make_staff(), make_staff()
    invitation = asked(author)
    confirm(author, roles=["support"], actor=boss, now=timezone.now())
    with pytest.raises(StaffRefusedError, match="administrator"):
        accepted(invitation)


def test_a_link_of_others_making_is_none() -> None:
    invitation = asked()
    for token in (
        invitation.pk.hex,
        f"{invitation.pk.hex}.abc",
        "x",
        make_link_token(invitation)[:-1],
    ):
        assert find_open(token, now=timezone.now()) is None


def test_withdrawing_what_was_accepted_changes_nothing() -> None:
    invitation = asked()
    assert accepted(invitation) is not None
    assert withdraw(invitation, now=timezone.now()) is False


def test_the_database_knows_who_invites_and_that_a_link_works_once() -> None:
    support = make_staff(roles=["support"])
    values = {"email": "x@y.no", "roles": ["administrator"], "expires_at": timezone.now()}
    for by in (support, None):
        with pytest.raises(IntegrityError, match="administrator"), transaction.atomic():
            StaffInvitation.objects.create(**values, invited_by=by)
    invitation = asked()
    rows = StaffInvitation.objects.filter(pk=invitation.pk)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        rows.update(roles=["administrator"])
    accepted(invitation)
    with pytest.raises(IntegrityError, match="works once"), transaction.atomic():
        rows.update(accepted_by=support)


# --- the first one -------------------------------------------------------------------------------


def test_the_command_line_invites_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("invite_staff", "nina@portal.example", "--role", "administrator")
    invitation = StaffInvitation.objects.get()
    assert link_of(invitation) in capsys.readouterr().out
    nina = accepted(invitation)
    assert nina is not None
    assert roles_of(nina) == ["administrator"]
    assert confirmed_since(nina, now=timezone.now())
    # It confirms this account once, and nobody else's.
    for person in (nina, make_staff(roles=[])):
        with pytest.raises(IntegrityError), transaction.atomic():
            person.confirmations.create(roles=["billing"], confirmed_at=timezone.now())


def test_the_command_line_says_what_is_wrong() -> None:
    with pytest.raises(CommandError, match="valid"):
        call_command("invite_staff", "nobody", "--role", "administrator")
    make_customer(email="nina@portal.example")
    with pytest.raises(CommandError):
        call_command("invite_staff", "nina@portal.example", "--role", "administrator")
    with pytest.raises(CommandError, match="No staff account"):
        call_command("end_staff", "nina@portal.example")


# --- each year -----------------------------------------------------------------------------------


def test_a_colleague_confirms_for_a_year_and_changes_roles_by_it(staff: Client, boss: User) -> None:
    person = make_staff(roles=["support"], email="ola@portal.example", language="en")
    page = reverse("admin:accounts_staffaccount_confirm", args=[person.pk])
    staff.post(page, {"roles": ["support"]})
    assert not Message.objects.filter(to_address="ola@portal.example").exists()
    staff.post(page, {"roles": ["privacy", "billing"]})
    assert roles_of(User.objects.get(pk=person.pk)) == ["privacy", "billing"]
    assert "Privacy officer, Billing" in Message.objects.get(to_address="ola@portal.example").text
    newest = person.confirmations.order_by("-confirmed_at")[0]
    assert (newest.confirmed_by, newest.roles) == (boss, ["privacy", "billing"])
    shown = staff.get(page.replace("confirm", "change")).text
    assert "Privacy officer, Billing" in shown
    # Nothing ticked is no way to end an account.
    assert "end the account" in staff.post(page, {}, follow=True).text
    assert roles_of(User.objects.get(pk=person.pk)) == ["privacy", "billing"]


def test_nobody_confirms_or_ends_themselves(staff: Client, boss: User) -> None:
    page = reverse("admin:accounts_staffaccount_confirm", args=[boss.pk])
    assert "Somebody else" in staff.post(page, {"roles": ["billing"]}, follow=True).text
    end = page.replace("confirm", "end")
    assert "Somebody else" in staff.post(end, follow=True).text
    assert User.objects.get(pk=boss.pk).groups.count() == 8
    assert "your own account" in staff.get(page.replace("confirm", "change")).text


def test_both_are_told_once_a_month_before(boss: User) -> None:
    now = timezone.now()
    person = make_staff(roles=["support"], email="ola@portal.example")
    edge = now - CONFIRMED_FOR + CONFIRM_WARNING
    with as_role(OWNER):
        StaffConfirmation.objects.filter(person=person).update(
            confirmed_at=edge + timedelta(seconds=1)
        )
    assert warn(now=now) == 0
    assert warn(now=now + timedelta(seconds=1)) == 1
    assert warn(now=now + timedelta(days=1)) == 0
    told = {mail.to_address: mail.purpose for mail in Message.objects.all()}
    assert told == {
        "ola@portal.example": "staff_confirmation_due",
        boss.email: "staff_to_confirm",
    }
    confirm(person, roles=["support"], actor=boss, now=now)
    assert warn(now=now + timedelta(days=300)) == 0


def test_who_is_due_waits_on_the_first_page(staff: Client) -> None:
    person = make_staff(roles=["support"], first_name="Due", last_name="Soon")
    assert "Due Soon" not in staff.get(reverse("admin:index")).text
    with as_role(OWNER):
        StaffConfirmation.objects.filter(person=person).update(
            confirmed_at=timezone.now() - CONFIRMED_FOR + timedelta(days=3)
        )
    assert "Due Soon" in staff.get(reverse("admin:index")).text


@pytest.mark.parametrize("key", ["abc", "%00", "_5F"])
def test_an_invitation_that_is_none_is_told_so(staff: Client, key: str) -> None:
    answer = staff.get(f"/admin/accounts/staffinvitation/{key}/change/")
    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:index"))


# --- anew ----------------------------------------------------------------------------------------


def test_an_account_that_has_ended_begins_anew_with_an_invitation(boss: User) -> None:
    former = make_staff(roles=["privacy"], email="nina@portal.example", username="ny.kollega")
    end_account(former, actor=boss, now=timezone.now())
    link = link_of(asked(boss, email="NINA@portal.example"))
    assert Client().post(link, FORM).status_code == 302
    nina = User.objects.get(email="nina@portal.example")
    assert (nina.pk, nina.first_name, nina.username) == (former.pk, "Nina", "ny.kollega")
    assert (nina.is_staff, nina.is_active, nina.deactivated_at) == (True, True, None)
    assert roles_of(nina) == ["support", "billing"]
    assert nina.check_password(FORM["password1"])
    assert confirmed_since(nina, now=timezone.now())
    with pytest.raises(StaffRefusedError):
        asked(boss)


def test_a_deactivated_customer_is_no_former_colleague() -> None:
    make_customer(email="nina@portal.example", is_active=False, deactivated_at=timezone.now())
    with pytest.raises(StaffRefusedError):
        asked()
