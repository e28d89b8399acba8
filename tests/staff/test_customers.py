"""Finding a customer, reading their choices, and a no on the phone."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invoice, User
from consent.models import ConsentDetail, Preference, Source, State
from consent.services import record_opt_out, record_pause, undo_last
from tests.factories import NOW, make_customer, topic
from tests.staff.sign_in import sign_in

pytestmark = pytest.mark.django_db
LIST = "admin:accounts_user_changelist"


def found(staff: Client, **query: str) -> set[str]:
    response = staff.get(reverse(LIST), query)
    return {user.username for user in response.context["cl"].result_list}


@pytest.fixture
def people() -> None:
    make_customer(username="brukar-ein", first_name="Åse", last_name="Lien", platform_id=100200)
    make_customer(username="bruker-to", first_name="Ola", last_name="Lien", email="ola@fjell.test")
    make_customer(username="cecilie", first_name="Cecilie", last_name="Aas")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("bruk", {"brukar-ein", "bruker-to"}),
        ("BRUKAR-EIN", {"brukar-ein"}),
        ("ola@fjell.test", {"bruker-to"}),
        ("åse lien", {"brukar-ein"}),
        ("lien", {"brukar-ein", "bruker-to"}),
        ("100200", {"brukar-ein"}),
        ("10020", set()),
        ("ein", set()),
    ],
)
def test_search_takes_beginnings_of_names_and_addresses_and_whole_customer_numbers(
    staff: Client, people: None, query: str, expected: set[str]
) -> None:
    assert found(staff, q=query) == expected


def test_staff_are_not_among_the_customers(staff: Client, boss: User, people: None) -> None:
    assert boss.username not in found(staff)
    address = reverse("admin:accounts_user_change", args=[boss.pk])
    assert staff.get(address).status_code == 302


def test_lists_are_filtered_by_account_and_by_choice(staff: Client) -> None:
    make_customer(username="yes", yes=("newsletter",), country="NO", language="nb")
    make_customer(username="no", no=("newsletter",), country="DK", language="en")
    make_customer(username="unasked", email_confirmed_at=None)
    paused = make_customer(username="paused", yes=("newsletter",), deactivated_at=NOW)
    record_pause(paused.pk, [topic().pk], months=1, source=Source.PREFERENCES, now=timezone.now())
    assert found(staff, choice_newsletter="yes") == {"yes"}
    assert found(staff, choice_newsletter="no") == {"no"}
    assert found(staff, choice_newsletter="paused") == {"paused"}
    assert found(staff, choice_newsletter="not_asked") == {"unasked"}
    assert found(staff, confirmed="no") == {"unasked"}
    assert found(staff, deactivated="yes") == {"paused"}
    assert found(staff, country="DK") == {"no"}
    assert found(staff, language="en") == {"no"}


def page(staff: Client, person: User) -> str:
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


def test_a_customer_page_shows_no_money_and_no_network_address(staff: Client) -> None:
    person = make_customer()
    Invoice.objects.create(
        customer=person,
        invoice_number="F-1001",
        billed_to="Nordmann",
        amount="1234.50",
        currency="NOK",
        date=NOW.date(),
    )
    html = page(staff, person)
    assert "F-1001" not in html
    assert "1234" not in html
    assert "127.0.0.1" not in html


def opt_out(person: User) -> str:
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
    from django.contrib.auth.models import Permission

    person = make_customer(yes=("newsletter",))
    User.objects.filter(pk=boss.pk).update(is_superuser=False)
    boss.user_permissions.set(Permission.objects.filter(codename="view_user"))
    client = sign_in(User.objects.get(pk=boss.pk), "password", "mfa")
    assert client.get(reverse("admin:accounts_user_change", args=[person.pk])).status_code == 200
    answer = client.post(opt_out(person), {"topics": [topic().pk], "reason": "x"})
    assert answer.status_code == 403
    assert Preference.objects.get(person=person).state == State.GRANTED
