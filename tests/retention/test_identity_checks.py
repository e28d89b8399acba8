"""A deletion that staff begin runs once the customer confirms it, or two checked who asks."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.models import ContactList, Message
from retention import services
from retention.models import DeletionRequest, Scope, Source
from retention.policy import WAY_BACK
from retention.tokens import Purpose, make_token
from retention.words import human_day
from tests.factories import NOW, make_customer, make_staff, set_rights, topic
from tests.retention.test_deletion import withheld
from tests.staff.door import let_in
from tests.staff.sign_in import SECRET, sign_in

pytestmark = pytest.mark.django_db
NOTE = "Called back at the number of the account"


@pytest.fixture
def person() -> User:
    return make_customer(yes=("newsletter",), language="en")


def begin(person: User, boss: User, **more: Any) -> DeletionRequest:
    return services.request_for_customer(person.pk, actor=boss, now=NOW, **more)


def check(wish: DeletionRequest, boss: User, now: Any = NOW) -> DeletionRequest:
    return services.record_identity_check(wish, actor=boss, note=NOTE, now=now)


def work(now: Any = NOW) -> int:
    with as_role(KEEPER):
        return services.run_deletions(now)


def confirm_address(wish: DeletionRequest, person: User) -> str:
    return f"/data/delete/confirm/{make_token(Purpose.CONFIRM, wish.reference, person.address)}/"


def test_beginning_it_changes_nothing_but_asks_the_customer(person: User) -> None:
    wish = begin(person, make_staff())
    assert wish.state == "unconfirmed"
    assert withheld(person, topic().pk) == ""
    assert work() == 0
    mail = Message.objects.get(purpose="deletion_to_confirm")
    assert mail.to_address == person.email
    assert confirm_address(wish, person) in mail.text


def test_the_link_shows_on_get_and_lets_it_run_on_post(person: User) -> None:
    wish = begin(person, make_staff())
    address, client = confirm_address(wish, person), Client()
    page = client.get(address, headers={"accept-language": "en"}).content.decode()
    assert "Is this to be deleted?" in page
    assert person.username not in page
    client.head(address)
    wish.refresh_from_db()
    assert wish.state == "unconfirmed"
    answer = client.post(address)
    assert answer.headers["Location"] == f"/data/delete/{wish.reference}/"
    assert withheld(person, topic().pk) == "deactivated"
    assert client.get(address).status_code == 302
    assert work() == 1
    assert not User.objects.filter(pk=person.pk).exists()


def test_the_link_to_a_former_address_is_worth_nothing(person: User) -> None:
    wish = begin(person, make_staff())
    address = confirm_address(wish, person)
    person.set_address("new@example.test")
    person.save()
    Client().post(address)
    wish.refresh_from_db()
    assert wish.state == "unconfirmed"


@pytest.mark.parametrize("days", [3, 16])
def test_who_asked_to_wait_has_the_whole_time_from_the_confirmation(
    person: User, days: int
) -> None:
    wish = begin(person, make_staff(), wait=True)
    later = NOW + timedelta(days=days)
    services.confirm_deletion(wish.reference, now=later)
    wish.refresh_from_db()
    assert (wish.state, wish.begins_at) == ("scheduled", later + WAY_BACK)
    assert withheld(person, topic().pk) == "deactivated"


def test_with_the_second_check_the_whole_time_begins(person: User) -> None:
    wish = begin(person, make_staff(), wait=True)
    later = NOW + WAY_BACK + timedelta(days=2)
    check(wish, make_staff(), later)
    assert check(wish, make_staff(), later).begins_at == later + WAY_BACK


def test_the_page_of_the_link_says_when_it_would_begin(person: User) -> None:
    long_ago = NOW - WAY_BACK - timedelta(days=2)
    wish = services.request_for_customer(person.pk, actor=make_staff(), now=long_ago, wait=True)
    page = Client().get(confirm_address(wish, person), headers={"accept-language": "en"})
    assert "it begins on " in page.content.decode()
    assert human_day(timezone.now() + WAY_BACK) in page.content.decode()


def test_one_check_is_not_enough_and_two_are(person: User) -> None:
    wish = begin(person, make_staff())
    assert check(wish, make_staff()).state == "unconfirmed"
    assert work() == 0
    assert check(wish, make_staff()).state == "requested"
    assert work() == 1


def test_nobody_checks_twice(person: User) -> None:
    boss = make_staff()
    wish = begin(person, boss)
    check(wish, boss)
    with pytest.raises(services.SamePersonError):
        check(wish, boss)
    wish.refresh_from_db()
    assert (wish.state, wish.checked_by, wish.checked_again_by) == (
        "unconfirmed",
        f"staff:{boss.pk}",
        "",
    )


def test_the_database_itself_knows_that_two_are_two(person: User) -> None:
    wish = begin(person, make_staff())
    with (
        as_role(KEEPER),
        pytest.raises(DatabaseError, match="checked_by_two"),
        transaction.atomic(),
    ):
        DeletionRequest.objects.filter(pk=wish.pk).update(
            checked_by="staff:1", checked_again_by="staff:1"
        )


def test_a_check_says_how(person: User) -> None:
    wish = begin(person, make_staff())
    with pytest.raises(DatabaseError, match="who and how"), transaction.atomic():
        services.record_identity_check(wish, actor=make_staff(), note="", now=NOW)


def test_checks_of_what_runs_already_come_too_late(person: User) -> None:
    wish = begin(person, make_staff())
    services.confirm_deletion(wish.reference, now=NOW)
    with pytest.raises(services.TooLateError):
        check(wish, make_staff())


def test_the_customer_who_asks_meanwhile_confirms_it(person: User) -> None:
    wish = begin(person, make_staff())
    same = services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    assert same == wish
    assert same.state == "requested"


def test_the_web_process_cannot_write_a_check(person: User) -> None:
    begin(person, make_staff())
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE retention_deletionrequest SET checked_by = 'staff:1'")


def test_what_was_noted_goes_with_the_end_and_former_staff_are_not_named(person: User) -> None:
    first, second = make_staff(), make_staff()
    wish = begin(person, first)
    check(wish, first)
    check(wish, second)
    work()
    wish.refresh_from_db()
    assert (wish.check_note, wish.person_id) == ("", None)
    for boss in (first, second):
        User.objects.filter(pk=boss.pk).update(is_staff=False)
        services.request_deletion(boss.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    assert work() == 2
    wish.refresh_from_db()
    assert (wish.actor, wish.checked_by, wish.checked_again_by) == ("staff", "staff", "other staff")


def test_staff_accounts_are_refused(person: User) -> None:
    with pytest.raises(services.StaffStaysError):
        begin(make_staff(), make_staff())
    wish = begin(person, make_staff())
    User.objects.filter(pk=person.pk).update(is_staff=True)
    with pytest.raises(services.StaffStaysError):
        services.confirm_deletion(wish.reference, now=NOW)


# --- the staff site -------------------------------------------------------------------------------

START = "/admin/retention/deletionrequest/start/"


@pytest.fixture
def boss() -> User:
    return make_boss()


def make_boss() -> User:
    boss = make_staff(language="en")
    Authenticator.objects.create(user=boss, type=Authenticator.Type.TOTP, data={"secret": SECRET})
    return boss


def site(boss: User) -> Client:
    return sign_in(boss, "password", "mfa")


def test_staff_begin_it_on_their_site_and_record_their_checks(person: User, boss: User) -> None:
    client = site(boss)
    assert "Customer" in client.get(START).content.decode()
    answer = client.post(START, {"customer": person.email, "scope": "everything"})
    wish = DeletionRequest.objects.get()
    assert answer.headers["Location"] == f"/admin/retention/deletionrequest/{wish.pk}/change/"
    assert wish.actor == f"staff:{boss.pk}"
    page = client.get(answer.headers["Location"]).content.decode()
    assert "Who is asking?" in page
    check_address = f"/admin/retention/deletionrequest/{wish.pk}/check/"
    client.get(check_address)
    client.post(check_address, {"note": NOTE})
    client.post(check_address, {"note": NOTE})
    wish.refresh_from_db()
    assert wish.state == "unconfirmed"
    second = make_boss()
    let_in(second, person)
    site(second).post(check_address, {"note": NOTE})
    wish.refresh_from_db()
    assert wish.state == "requested"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"customer": "nobody@example.test"}, "There is no such customer."),
        ({"customer": "²"}, "There is no such customer."),
        ({"scope": Scope.CONTENT, "until": "9999-12-31"}, "Choose a day from 1970 to 2100."),
        ({"scope": Scope.LIST}, "Say which list."),
        ({"scope": Scope.LIST, "contact_list": str(uuid.uuid4())}, "has no such list."),
        ({"scope": Scope.PROFILE, "wait": "on"}, "Only everything waits."),
        ({"scope": Scope.PROFILE, "since": "2026-01-01"}, "Only for messages."),
        ({"scope": Scope.MESSAGES, "since": "2026-02-01", "until": "2026-01-01"}, "before the"),
    ],
    ids=["who", "odd", "day", "list", "no such list", "wait", "days", "order"],
)
def test_a_form_that_is_not_right_begins_nothing(
    person: User, boss: User, given: dict[str, str], said: str
) -> None:
    usual = {"customer": person.email, "scope": "everything"}
    page = site(boss).post(START, usual | given).content.decode()
    assert said in page
    assert not DeletionRequest.objects.exists()


def test_a_list_of_the_customer_is_named_by_its_key_and_that_of_another_is_not(
    person: User, boss: User
) -> None:
    own = give_list(person)
    client = site(boss)
    for customer, known in ((make_customer(), False), (person, True)):
        given = {"customer": str(customer.pk), "scope": "list", "contact_list": str(own.pk)}
        page = client.post(START, given)
        assert ("has no such list." in page.content.decode()) != known
        assert DeletionRequest.objects.exists() == known
    assert DeletionRequest.objects.get().contact_list_id == own.pk


def give_list(person: User) -> ContactList:
    with as_tenant(person.pk):
        return ContactList.objects.create(customer=person, list_name="Customers")


def test_staff_are_told_whether_an_email_went(person: User, boss: User) -> None:
    client = site(boss)
    given = {"customer": person.email, "scope": "everything"}
    assert "we wrote to the confirmed address" in said_after(client, given)
    nobody = make_customer()
    User.objects.filter(pk=nobody.pk).update(email_confirmed_at=None)
    said = said_after(client, given | {"customer": str(nobody.pk)})
    assert "No email went out" in said
    assert "we wrote" not in said
    assert Message.objects.filter(purpose="deletion_to_confirm").count() == 1


def test_staff_are_told_that_a_deletion_under_way_stays_as_it_was(person: User, boss: User) -> None:
    services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    said = said_after(site(boss), {"customer": person.email, "scope": "profile"})
    assert "covers this already" in said
    assert "we wrote" not in said
    assert DeletionRequest.objects.count() == 1


def said_after(client: Client, given: dict[str, str]) -> str:
    """The messages on the page that follows."""
    page = client.post(START, given, follow=True).content.decode()
    return page.split('class="messagelist"')[1].split("</ul>")[0]


def test_a_note_that_is_too_long_is_kept_for_whoever_wrote_it(person: User, boss: User) -> None:
    wish = begin(person, boss)
    long = "Called back and compared the last invoices. " * 5
    address = f"/admin/retention/deletionrequest/{wish.pk}/check/"
    page = site(boss).post(address, {"note": long})
    assert page.status_code == 200
    assert long.strip() in page.content.decode()
    assert "errorlist" in page.content.decode()
    wish.refresh_from_db()
    assert wish.checked_by == ""


def test_a_member_of_staff_without_the_right_begins_nothing(person: User) -> None:
    boss = make_boss()
    set_rights(boss)
    client = site(User.objects.get(pk=boss.pk))
    assert client.post(START, {"customer": person.email, "scope": "everything"}).status_code == 403
