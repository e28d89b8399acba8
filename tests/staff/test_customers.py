"""Finding a customer, reading their choices, and a no on the phone."""

from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.urls import reverse

from accounts.models import AccessEvent, Invoice, Seen, User
from consent.models import ConsentDetail, Preference, Source, State
from consent.services import record_opt_out, record_pause, undo_last
from tests.factories import NOW, make_customer, make_staff, set_rights, set_roles, topic
from tests.staff.door import let_in
from tests.staff.sign_in import SECRET, sign_in

pytestmark = pytest.mark.django_db
LIST = "admin:accounts_user_changelist"


def found(staff: Client, **query: str) -> set[str]:
    response = staff.get(reverse(LIST), query)
    return {user.username for user in response.context["cl"].result_list}


@pytest.fixture
def people() -> None:
    make_customer(username="brukar-ein", first_name="Åse", last_name="Lien", platform_id=100200)
    make_customer(username="bruker-to", first_name="Ola", last_name="Lien", email="ola@fjell.test")
    make_customer(username="cecilie", phone="+4798765678")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("OLA@fjell.test", {"bruker-to"}),
        ("100200", {"brukar-ein"}),
        ("+4798765678", {"cecilie"}),
        ("987 65 678", {"cecilie"}),
        ("0047 98765678", {"cecilie"}),
        ("10020", set()),
        ("ola@fjell", set()),
        ("@fjell.test", set()),
        ("brukar-ein", set()),
        ("Lien", set()),
        ("9876567", set()),
        ("²", set()),
    ],
)
def test_search_takes_a_whole_address_phone_or_customer_number_and_nothing_else(
    staff: Client, people: None, query: str, expected: set[str]
) -> None:
    assert found(staff, q=query) == expected


def test_search_takes_the_key_of_a_customer(staff: Client, people: None) -> None:
    person = User.objects.get(username="cecilie")
    assert found(staff, q=str(person.pk)) == {"cecilie"}


def test_staff_are_not_among_the_customers(staff: Client, boss: User, people: None) -> None:
    assert boss.username not in found(staff)
    address = reverse("admin:accounts_user_change", args=[boss.pk])
    assert staff.get(address).status_code == 302


def test_lists_are_filtered_by_the_state_of_the_account(staff: Client) -> None:
    make_customer(username="usual")
    make_customer(username="unconfirmed", email_confirmed_at=None)
    make_customer(username="away", deactivated_at=NOW)
    assert found(staff, confirmed="no") == {"unconfirmed"}
    assert found(staff, deactivated="yes") == {"away"}


def page(staff: Client, person: User) -> str:
    let_in(User.objects.get(username="sjefen"), person)
    return staff.get(reverse("admin:accounts_user_change", args=[person.pk])).content.decode()


def test_the_history_reads_as_sentences(staff: Client, boss: User) -> None:
    person = make_customer(yes=("newsletter",), no=("special_offers",))
    day = timedelta(days=1)
    record_pause(person.pk, [topic().pk], months=3, source=Source.PREFERENCES, now=NOW + day)
    undo_last(person.pk, topic().pk, source=Source.PREFERENCES, now=NOW + 2 * day)
    record_opt_out(
        person.pk,
        [topic().pk],
        source=Source.STAFF,
        actor=f"staff:{boss.pk}",
        now=NOW + 3 * day,
        reason="called on Monday",
    )
    html = page(staff, person)
    assert "Yes to “Newsletter”, at sign-up. By the customer; wording 1." in html
    assert "No to “Special offers”, at sign-up." in html
    assert "Paused “Newsletter” until" in html
    assert "Undid the last change of “Newsletter”" in html
    assert "Stopped “Newsletter”, by our staff, at your request. By sjefen on our staff" in html
    assert "reason: called on Monday" in html


def test_only_billing_sees_money_and_the_customer_reads_of_it(boss: User) -> None:
    person = make_customer()
    Invoice.objects.create(
        customer=person,
        invoice_number="F-1001",
        billed_to="Nordmann",
        amount="1234.50",
        currency="NOK",
        date=NOW.date(),
    )
    set_roles(boss, ["support", "privacy", "auditor"])
    html = page(sign_in(boss, "password", "mfa"), person)
    assert "F-1001" not in html
    assert "1234" not in html
    assert "127.0.0.1" not in html
    assert not AccessEvent.objects.filter(what=Seen.BILLING).exists()
    biller = make_staff(roles=["billing"], language="en")
    TOTP.activate(biller, SECRET)
    let_in(biller, person)
    address = reverse("admin:accounts_user_change", args=[person.pk])
    html = sign_in(biller, "password", "mfa").get(address).content.decode()
    assert "F-1001" in html
    assert "History of the choices" not in html
    assert AccessEvent.objects.get(what=Seen.BILLING).role == "billing"


def opt_out(person: User) -> str:
    let_in(User.objects.get(username="sjefen"), person)
    return reverse("admin:accounts_user_opt_out", args=[person.pk])


def test_a_no_on_the_phone_is_recorded_with_who_and_why(staff: Client, boss: User) -> None:
    person = make_customer(yes=("newsletter", "product_news"))
    assert staff.get(opt_out(person)).status_code == 200
    assert Preference.objects.filter(state=State.WITHDRAWN).count() == 0, "GET changes nothing"

    answer = staff.post(opt_out(person), {"topics": [topic().pk], "reason": "rang 22. november"})

    assert answer.status_code == 302
    assert Preference.objects.get(person=person, topic=topic()).state == State.WITHDRAWN
    assert Preference.objects.get(person=person, topic=topic("product_news")).state == State.GRANTED
    detail = ConsentDetail.objects.get(person_id=person.pk, state=State.WITHDRAWN)
    assert (detail.source, detail.actor) == (Source.STAFF, f"staff:{boss.pk}")
    assert detail.reason == "rang 22. november"


def test_a_no_on_the_phone_needs_a_reason_and_a_topic(staff: Client) -> None:
    person = make_customer(yes=("newsletter",))
    assert staff.post(opt_out(person), {"topics": [topic().pk]}).status_code == 200
    assert staff.post(opt_out(person), {"reason": "rang"}).status_code == 200
    assert Preference.objects.get(person=person).state == State.GRANTED


def test_staff_have_no_way_to_say_yes_for_anybody(staff: Client) -> None:
    person = make_customer(no=("newsletter",))
    staff.post(opt_out(person), {"topics": [topic().pk], "reason": "x", "state": "granted"})
    assert Preference.objects.get(person=person).state == State.REFUSED
    assert 'name="state"' not in staff.get(opt_out(person)).content.decode()


def test_recording_an_opt_out_needs_its_own_right(boss: User) -> None:
    person = make_customer(yes=("newsletter",))
    set_rights(boss, "view_user")
    client = sign_in(User.objects.get(pk=boss.pk), "password", "mfa")
    html = page(client, person)
    assert "History of the choices" not in html
    answer = client.post(opt_out(person), {"topics": [topic().pk], "reason": "x"})
    assert answer.status_code == 403
    assert Preference.objects.get(person=person).state == State.GRANTED
