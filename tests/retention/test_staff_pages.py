"""Staff see requests, rules and runs, and change none of them."""

from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import escape

from accounts.models import LookUp
from foundation.roles import KEEPER, as_role
from retention import services
from retention.customers import find_customer
from retention.models import DeletionRequest, LegalHold, RetentionRun
from retention.models import Source as Way
from retention.policy import parse_legal_entities
from retention.schedule import ENTRIES, RULES, SCHEDULE
from retention.words import erasure_words, until_words
from tests.factories import NOW, make_customer, make_staff
from tests.retention.life import COUNTS, VALUES, make_full_customer
from tests.staff.sign_in import SECRET, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture
def staff() -> Client:
    boss = make_staff(language="en")
    TOTP.activate(boss, SECRET)
    return sign_in(boss, "password", "mfa")


@pytest.fixture
def done(staff: Client) -> DeletionRequest:
    person = make_full_customer()
    wish = services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.run_deletions(NOW)
    return wish


def test_a_request_shows_what_went_and_what_stays_and_no_name(
    staff: Client, done: DeletionRequest
) -> None:
    listed = staff.get(reverse("admin:retention_deletionrequest_changelist"))
    shown = staff.get(reverse("admin:retention_deletionrequest_change", args=[done.pk]))
    text = listed.content.decode() + shown.content.decode()
    assert str(done.reference) in text
    choices = COUNTS["consent.ConsentDetail"]
    assert f"When and how you made each choice: {choices}" in text
    assert "Invoices: 3 (2033-03-01)" in text
    for value in VALUES:
        assert value not in text


def test_deletions_under_way_stand_on_the_work_list(staff: Client) -> None:
    index = reverse("admin:index")
    assert "No deletion is under way." in staff.get(index).content.decode()
    person = make_customer()
    wish = services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    page = reverse("admin:retention_deletionrequest_change", args=[wish.pk])
    assert page in staff.get(index).content.decode()


def test_the_schedule_shows_every_rule_with_its_last_run(staff: Client) -> None:
    with as_role(KEEPER):
        services.enforce(NOW, "beat", only=["invoices"])
    page = staff.get(reverse("admin:retention_schedule")).content.decode()
    for name in RULES:
        assert f"<code>{name}</code>" in page
    for entry in SCHEDULE:
        assert f"<code>{entry.model}</code>" in page
    run = RetentionRun.objects.get()
    assert reverse("admin:retention_retentionrun_change", args=[run.pk]) in page
    assert page.count("not yet") == len(RULES) - 1


def test_the_schedule_says_of_each_table_what_the_public_page_says_and_what_each_field_is(
    staff: Client, settings: LazySettings
) -> None:
    settings.LEGAL_ENTITIES = parse_legal_entities("no=60+year-end")
    page = staff.get(
        reverse("admin:retention_schedule"), headers={"accept-language": "en"}
    ).content.decode()
    with translation.override("en"):
        for entry in SCHEDULE:
            row = page.split(f"<code>{entry.model}</code>")[1].split("</tr>")[0]
            for words in (
                entry.data_class.label,
                until_words(entry),
                erasure_words(entry),
                *(f"{name}" for name in entry.fields),
            ):
                assert escape(str(words)) in row
    rule = page.split("<code>invoices</code>")[1].split("</tr>")[0]
    assert "7 years after the invoice was settled. Company no: 5 years from the end of" in rule
    invoice = page.split("<code>accounts.Invoice</code>")[1].split("</tr>")[0]
    assert "Company no: 5 years from the end of the financial year." in invoice
    assert escape(str(ENTRIES["accounts.Invoice"].law)) in invoice
    assert "Billing: invoice_number, billed_to, amount" in invoice


def test_runs_are_listed_and_lead_to_the_schedule(staff: Client) -> None:
    with as_role(KEEPER):
        services.enforce(NOW, "beat", only=["invoices"])
    page = staff.get(reverse("admin:retention_retentionrun_changelist")).content.decode()
    assert "invoices" in page
    assert reverse("admin:retention_schedule") in page


def test_the_schedule_is_for_staff(client: Client) -> None:
    client.force_login(make_customer())
    assert client.get(reverse("admin:retention_schedule")).status_code in (302, 403)


@pytest.mark.parametrize("action", ["add", "change", "delete"])
def test_nothing_is_changed_or_deleted_by_hand(
    staff: Client, done: DeletionRequest, action: str
) -> None:
    with as_role(KEEPER):
        (run,) = services.enforce(NOW, "beat", only=["invoices"])
    for row in (done, run):
        name = f"admin:retention_{row._meta.model_name}_{action}"
        address = reverse(name, args=[] if action == "add" else [row.pk])
        assert staff.post(address, {"state": "requested", "post": "yes"}).status_code == 403
    assert DeletionRequest.objects.get().state == "finished"
    assert RetentionRun.objects.count() == 1


# --- holds ---------------------------------------------------------------------------------------


def other_staff() -> Client:
    second = make_staff(language="en")
    TOTP.activate(second, SECRET)
    return sign_in(second, "password", "mfa")


def place(client: Client, **fields: str) -> LegalHold:
    values = {
        "data_class": "",
        "reason": "Case before the court",
        "reference": "24-118",
        "review_on": (timezone.now() + timedelta(days=60)).date().isoformat(),
    }
    answer = client.post(reverse("admin:retention_legalhold_add"), values | fields)
    assert answer.status_code == 302, answer.content.decode()
    found: LegalHold = LegalHold.objects.get()
    return found


def step(client: Client, hold: LegalHold, name: str, **fields: str) -> str:
    address = reverse("admin:retention_legalhold_step", args=[hold.pk, name])
    assert client.get(address).status_code == 405
    return client.post(address, fields, follow=True).content.decode()


def test_a_hold_is_placed_approved_by_another_looked_at_and_released(staff: Client) -> None:
    person = make_customer()
    hold = place(staff, customer=person.email, since="2020-01-01")
    assert (hold.customer_id, hold.approved_at) == (person.pk, None)
    second, index = other_staff(), reverse("admin:index")
    assert "to be approved by somebody else" in staff.get(index).content.decode()
    assert "Somebody else must approve" in step(staff, hold, "approve")
    assert "Approved: it is in force" in step(second, hold, "approve")
    assert "No legal hold waits for anybody." in staff.get(index).content.decode()
    day = (timezone.now() + timedelta(days=100)).date()
    assert "Still needed" in step(second, hold, "review", review_on=day.isoformat())
    assert "Enter a valid date" in step(second, hold, "review", review_on="soon")
    assert "Say why it is released." in step(second, hold, "release", reason=" ")
    assert "Released" in step(second, hold, "release", reason="settled")
    hold.refresh_from_db()
    assert (hold.review_on, hold.release_reason) == (day, "settled")
    said = LogEntry.objects.filter(object_id=str(hold.pk)).count()
    assert said == 4


def test_a_hold_that_cannot_be_placed_says_why_and_loses_nothing_typed(staff: Client) -> None:
    values = {
        "customer": "nobody-here",
        "since": "2020-02-01",
        "until": "2020-01-01",
        "reason": "The court asked",
        "reference": "24-118",
        "review_on": "2020-01-01",
    }
    answer = staff.post(reverse("admin:retention_legalhold_add"), values)
    page = answer.content.decode()
    for words in ("There is no such customer.", "ends before it begins", "from tomorrow until"):
        assert words in page
    assert "The court asked" in page
    nothing = {"reason": "x", "reference": "x", "review_on": "2099-01-01"}
    page = staff.post(reverse("admin:retention_legalhold_add"), nothing).content.decode()
    assert "Say what to hold" in page
    assert not LegalHold.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("until", "9999-12-31", "Choose a day from 1970 to 2100."),
        ("since", "1900-01-01", "Choose a day from 1970 to 2100."),
        ("customer", "²", "There is no such customer."),
        ("customer", "9" * 200, "There is no such customer."),
        ("customer", "9" * 5000, "at most 320 characters"),
    ],
)
def test_a_hold_with_odd_text_or_an_odd_day_is_told_so(
    staff: Client, field: str, value: str, said: str
) -> None:
    usual = {"reason": "x", "reference": "x", "review_on": "2026-12-24"}
    answer = staff.post(reverse("admin:retention_legalhold_add"), usual | {field: value})
    page = answer.content.decode()
    assert said in page
    assert "Say what to hold" not in page
    assert not LegalHold.objects.exists()


def test_a_customer_is_found_by_all_that_staff_may_search_by() -> None:
    person = make_customer(username="kunden", platform_id=4711, phone="+4798765678")
    make_customer(username="4711", platform_id=4712)
    staff = make_staff()
    for named in (str(person.pk), " 4711 ", "987 65 678", person.email.upper()):
        assert find_customer(named, staff=staff) == person
    for odd in ("²", "9" * 19, "9" * 5000, "٤٧", "@", "a@", "", "nobody", "kunden", staff.email):
        assert find_customer(odd, staff=staff) is None
    assert LookUp.objects.filter(staff=staff, found=True).count() == 4
    make_customer(phone="+4798765678")
    assert find_customer("987 65 678", staff=staff) is None, "two have this number"


def test_holds_are_listed_and_nobody_changes_or_deletes_them_by_hand(staff: Client) -> None:
    hold = place(staff, data_class="content")
    listed = staff.get(reverse("admin:retention_legalhold_changelist")).content.decode()
    assert "24-118" in listed
    assert "Your lists, messages and reports, of everybody" in listed
    for action in ("change", "delete"):
        address = reverse(f"admin:retention_legalhold_{action}", args=[hold.pk])
        assert staff.post(address, {"reason": "x", "post": "yes"}).status_code == 403
    hold.refresh_from_db()
    assert hold.reason == "Case before the court"
