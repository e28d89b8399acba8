"""What a person sees of their data, takes along, and does about it."""

import json
import time
from datetime import UTC, date, datetime
from html import unescape

import pytest
import time_machine
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import Invoice, Session, User
from consent.history import human_date
from consent.models import Suppression
from consent.suppression import suppress
from foundation.calendar import months_later
from foundation.roles import KEEPER, as_role
from retention import services
from retention.entries import DataClass, Entry
from retention.exporting import overview as looking
from retention.holdings import PIECES
from retention.models import DeletionRequest
from retention.models import Source as Way
from retention.policy import parse_legal_entities
from retention.schedule import ENTRIES, READ_BESIDE, personal_entries
from retention.views import data as views
from retention.words import human_day
from tests.factories import NOW, make_customer, make_staff
from tests.retention.life import VALUES, make_full_customer
from tests.staff.sign_in import METHODS_OF

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
PASSWORD = "et langt nok passord"


@pytest.fixture
def person() -> User:
    return make_full_customer(password=PASSWORD, platform_id=4711, language="en")


@pytest.fixture
def visitor(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


# Rights are for staff, and hardly anybody is named by a hold.
RARE = {"accounts.User_user_permissions", "retention.LegalHold"}


def shown() -> list[Entry]:
    """What our customer has something of."""
    return [entry for entry in personal_entries() if entry.model not in RARE]


def proven(client: Client) -> Client:
    """A session whose owner has just proved to be the owner."""
    session = client.session
    session[METHODS_OF] = session["_auth_user_id"]
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session.save()
    return client


@pytest.mark.parametrize("address", ["/data/", "/data/export/", "/data/delete/"])
def test_a_stranger_is_asked_to_sign_in(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login/")


def test_the_overview_shows_every_class_that_holds_something(visitor: Client) -> None:
    page = unescape(visitor.get("/data/").content.decode())
    for entry in shown():
        if entry.model in PIECES:
            assert str(entry.title) not in page
        else:
            assert str(entry.title) in page, entry.model
            assert entry.until in page, entry.model
    chapters = ("Your account", "Signing in", "Emails to you", "Billing")
    for chapter in (*chapters, "Your lists, messages and reports"):
        assert f"<h2>{chapter}</h2>" in page
    assert "since" in page.lower()
    assert "you stopped “Newsletter”" in page
    with translation.override("en"):
        assert human_date(NOW) in page


def test_the_overview_leads_to_everything_one_can_do(visitor: Client) -> None:
    page = visitor.get("/data/").content.decode()
    ways = ("data_export", "deletion_start", "deidentify_start", "list_deletion")
    places = ("account_profile", "preferences", "lists", "messages", "reports", "list_opt_outs")
    for name in (*ways, *places):
        assert f'href="{reverse(name)}"' in page, name


@pytest.mark.parametrize(("limit", "said"), [(3, ">3</td>"), (2, ">over 2</td>")])
def test_the_overview_counts_no_further_than_a_page_needs(
    visitor: Client, monkeypatch: pytest.MonkeyPatch, limit: int, said: str
) -> None:
    for module in (looking, views):
        monkeypatch.setattr(module, "COUNTED_ON_PAGES", limit)
    page = visitor.get("/data/").content.decode()
    row = page.partition("That your messages were sent, and what they cost")[2].partition("</tr>")
    assert said in row[0]


def test_the_overview_says_by_which_day_the_oldest_goes(visitor: Client, person: User) -> None:
    """By the first day of the month for what goes by months, else to the day."""
    held = {each.entry.model: each for _, rows in looking.overview(person.pk) for each in rows}
    month = NOW.date().replace(day=1)
    assert held["messaging.MessageContent"].goes_by == months_later(month, 4)
    assert held["messaging.MessageRecord"].goes_by == months_later(month, 84)
    assert held["messaging.Report"].goes_by == months_later(NOW.date(), 24)
    assert held["messaging.Contact"].goes_by is None
    page = visitor.get("/data/").content.decode()
    with translation.override("en"):
        assert f"The oldest goes by {human_day(months_later(month, 4))}." in page


def test_the_overview_asks_once_of_what_there_is_nothing_of(client: Client) -> None:
    client.force_login(make_customer())
    with CaptureQueriesContext(connection) as asked:
        client.get("/data/")
    assert len(asked) < len(personal_entries())


def test_the_overview_shows_nothing_of_another_customer(client: Client) -> None:
    make_full_customer(first_name="Annen")
    client.force_login(make_customer(language="en"))
    page = client.get("/data/").content.decode()
    for model in ("messaging.Contact", "messaging.MessageRecord", "messaging.Report"):
        assert str(ENTRIES[model].title) not in page


def test_the_overview_shows_what_a_deletion_would_leave_to_whom_it_is_about(
    client: Client,
) -> None:
    person, other = make_customer(language="en"), make_customer(language="en")
    suppress(person.email.upper(), reason=Suppression.Reason.COMPLAINT, now=NOW)
    services.request_for_customer(person.pk, actor=make_staff(), now=NOW)
    with translation.override("en"):
        titles = [str(ENTRIES[name].heading) for name in READ_BESIDE]
    client.force_login(person)
    page = client.get("/data/").content.decode()
    assert all(title in page for title in titles)
    held = {
        each.entry.model: each.count for _, rows in looking.overview(person.pk) for each in rows
    }
    # As many of the one as there are keys.
    assert [held[name] for name in READ_BESIDE] == [2, 1]
    client.force_login(other)
    page = client.get("/data/").content.decode()
    assert not any(title in page for title in titles)


def test_the_overview_of_a_new_customer_shows_only_what_is_there(client: Client) -> None:
    client.force_login(make_customer(language="en"))
    page = client.get("/data/").content.decode()
    assert str(ENTRIES["accounts.User"].title) in page
    assert str(ENTRIES["accounts.Invoice"].title) not in page
    assert "No choice yet" in page


def test_seeing_changes_nothing(visitor: Client, person: User) -> None:
    for address in ("/data/", "/data/export/", "/data/delete/"):
        visitor.get(address)
        visitor.head(address)
    assert not DeletionRequest.objects.exists()
    assert User.objects.get(pk=person.pk).is_active


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_preview_says_what_goes_what_is_blanked_and_what_stays(
    visitor: Client, person: User, language: str
) -> None:
    User.objects.filter(pk=person.pk).update(language=language)
    page = unescape(visitor.get("/data/delete/").content.decode())
    if language == "en":
        for entry in shown():
            assert (str(entry.title) in page) == (entry.model not in PIECES)
    words = {
        "en": ["Until 1 March 2033", "1 is not settled yet", "Reviewed on", "Blanked"],
        "nb": ["Til 1. mars 2033", "1 er ikke gjort opp ennå", "Vurderes på nytt", "Tømmes"],
    }
    for word in words[language]:
        assert word in page


# --- asking for it -------------------------------------------------------------------------------


def test_deleting_asks_who_it_is_and_goes_on_after_the_password(visitor: Client) -> None:
    answer = visitor.post("/data/delete/")
    assert answer.status_code == 302
    assert not DeletionRequest.objects.exists()
    asked = answer.headers["Location"]
    assert "reauthenticate" in asked

    answer = visitor.post(asked, {"password": "not it"})
    assert not DeletionRequest.objects.exists()
    answer = visitor.post(asked, {"password": PASSWORD})
    wish = DeletionRequest.objects.get()
    assert answer.headers["Location"] == f"/data/delete/{wish.reference}/"
    assert visitor.get(answer.headers["Location"]).status_code == 200


def test_whoever_has_only_a_passkey_is_asked_for_it() -> None:
    passkey_only = make_customer()
    Authenticator.objects.create(
        user=passkey_only,
        type=Authenticator.Type.WEBAUTHN,
        data={"name": "x", "passwordless": True},
    )
    client = Client()
    client.force_login(passkey_only)
    answer = client.post("/data/delete/")
    assert "webauthn" in answer.headers["Location"]
    assert not DeletionRequest.objects.exists()


def test_no_address_of_the_browser_is_kept_while_the_password_is_asked_for(
    visitor: Client,
) -> None:
    proxies = ("X-Forwarded-For", "CF-Connecting-IP", "True-Client-IP", "X-Cluster-Client-IP")
    told = dict.fromkeys(proxies, "203.0.113.78")
    visitor.post("/data/delete/", headers=told, REMOTE_ADDR="203.0.113.77")
    kept = json.dumps(dict(visitor.session.items()))
    assert "reauthentication" in kept
    assert "203.0.113" not in kept


def test_deleting_signs_out_and_shows_progress_to_nobody_else(
    visitor: Client, person: User
) -> None:
    answer = proven(visitor).post("/data/delete/", follow=True)
    assert answer.status_code == 200
    wish = DeletionRequest.objects.get()
    assert (wish.person_id, wish.source, wish.actor) == (person.pk, "customer", "self")
    assert not Session.objects.filter(user=person).exists()
    assert visitor.get("/data/").status_code == 302
    page = Client().get(f"/data/delete/{wish.reference}/").content.decode()
    for value in (*VALUES, str(person.pk)):
        assert value not in page
    assert f"0 of {wish.steps.count()}" in page or f"0 av {wish.steps.count()}" in page


def test_the_page_says_when_it_is_done(visitor: Client) -> None:
    proven(visitor).post("/data/delete/")
    wish = DeletionRequest.objects.get()
    with as_role(KEEPER):
        services.run_deletions(NOW)
    page = (
        Client()
        .get(f"/data/delete/{wish.reference}/", headers={"accept-language": "en"})
        .content.decode()
    )
    assert "The deletion is done" in page
    assert "hx-trigger" not in page


def test_an_unknown_deletion_is_not_found(client: Client) -> None:
    address = "/data/delete/6f1c1f3e-0c80-4d43-8b6c-6a54e9c7a111/"
    assert client.get(address).status_code == 404


def test_staff_are_told_that_they_cannot_be_deleted_here(client: Client) -> None:
    boss = make_staff(language="en")
    client.force_login(boss)
    for answer in (client.get("/data/delete/"), proven(client).post("/data/delete/")):
        assert "This is a staff account" in answer.content.decode()
    assert not DeletionRequest.objects.exists()


# --- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize("named_by", ["key", "number"])
def test_the_command_does_the_same(
    person: User, named_by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with translation.override("en"):
        call_command("erase_customer", str(person.pk) if named_by == "key" else "4711")
    assert not User.objects.filter(pk=person.pk).exists()
    wish = DeletionRequest.objects.get()
    assert (wish.source, wish.state) == (Way.COMMAND, "finished")
    said = capsys.readouterr().out
    assert "kept (2033-03-01): Invoices" in said
    assert str(wish.reference) in said


@pytest.mark.parametrize("who", ["customer", "staff", "staff, with 14 days"])
def test_the_command_begins_nothing_that_waits_for_its_day_or_for_a_word(
    person: User, who: str
) -> None:
    now = timezone.now()
    if who == "customer":
        wish = services.request_deletion(
            person.pk, source=Way.CUSTOMER, actor="self", now=now, wait=True
        )
        lacking = f"begins at {wish.begins_at:%Y-%m-%d %H:%M} UTC"
    else:
        wish = services.request_for_customer(
            person.pk, actor=make_staff(), now=now, wait="14" in who
        )
        lacking = "waits for the customer's word"
    before = DeletionRequest.objects.filter(pk=wish.pk).values().get()
    with pytest.raises(CommandError, match=lacking):
        call_command("erase_customer", str(person.pk))
    assert DeletionRequest.objects.filter(pk=wish.pk).values().get() == before
    assert User.objects.get(pk=person.pk).is_active


def test_the_command_takes_up_what_has_begun(person: User) -> None:
    wish = services.request_deletion(
        person.pk, source=Way.CUSTOMER, actor="self", now=timezone.now()
    )
    call_command("erase_customer", str(person.pk))
    wish.refresh_from_db()
    assert (wish.source, wish.state) == (Way.CUSTOMER, "finished")
    assert not User.objects.filter(pk=person.pk).exists()


def test_the_command_names_what_it_cannot_do() -> None:
    for unknown in ("99", "not-a-key", "6f1c1f3e-0c80-4d43-8b6c-6a54e9c7a111"):
        with pytest.raises(CommandError, match="There is no customer"):
            call_command("erase_customer", unknown)
    with pytest.raises(CommandError, match="member of staff"):
        call_command("erase_customer", str(make_staff().pk))


def test_status_tells_the_limit_of_each_company_that_has_its_own(
    capsys: pytest.CaptureFixture[str], settings: LazySettings
) -> None:
    settings.LEGAL_ENTITIES = parse_legal_entities("no=60+year-end,au=36")
    with time_machine.travel(datetime(2026, 11, 23, tzinfo=UTC), tick=False):
        call_command("retention", "status", "--rule", "invoices")
        call_command("retention", "status", "--rule", "sessions")
    invoices, sessions = capsys.readouterr().out.splitlines()
    assert "settled. Company au: 3 years. Company no: 5 years from the end of the" in invoices
    assert "limit 2019-11-23, au 2023-11-23, no 2020-12-31; never ran" in invoices
    assert "Company" not in sessions


@pytest.mark.parametrize(("company", "day"), [("no", "1 January 2032"), ("us", "2 May 2033")])
def test_the_owner_reads_until_when_by_the_company_that_billed_them(
    company: str, day: str, settings: LazySettings
) -> None:
    settings.LEGAL_ENTITIES = parse_legal_entities("no=60+year-end")
    person = make_customer(language="en")
    with as_role(KEEPER):
        Invoice.objects.create(
            customer=person, invoice_number="1", billed_to="Ola", amount=1, currency="NOK",
            date=date(2026, 5, 2), settled_on=date(2026, 5, 2), legal_entity=company,
        )  # fmt: skip
    client = Client()
    client.force_login(person)
    page = client.get(reverse("data_overview")).content.decode()
    assert "Company no: 5 years from the end of the financial year." in page
    assert f"The oldest goes by {day}." in page


@pytest.mark.parametrize(
    ("company", "words"),
    [
        ("no", "1 is not settled yet and stays for 5 years from the end of the financial year"),
        ("us", "1 is not settled yet and stays for 7 years once it is"),
    ],
)
def test_the_preview_says_how_long_a_bill_stays_that_is_settled_later(
    company: str, words: str, settings: LazySettings
) -> None:
    settings.LEGAL_ENTITIES = parse_legal_entities("no=60+year-end")
    person = make_customer(language="en", legal_entity=company)
    with as_role(KEEPER):
        Invoice.objects.create(
            customer=person, invoice_number="1", billed_to="Ola", amount=1, currency="NOK",
            date=date(2026, 5, 2), legal_entity=company,
        )  # fmt: skip
    client = Client()
    client.force_login(person)
    assert words in client.get(reverse("deletion_start"), {"scope": "everything"}).text


def test_plan_changes_nothing_and_enforce_does_it(capsys: pytest.CaptureFixture[str]) -> None:
    old = make_customer(email_confirmed_at=None, signed_up_at=NOW.replace(year=2020))
    rule = ("--rule", "unconfirmed_accounts")
    call_command("retention", "plan", *rule)
    assert "1 rows up to" in capsys.readouterr().out
    assert User.objects.filter(pk=old.pk).exists()
    call_command("retention", "status", *rule)
    assert "never ran; LATE: 1 rows" in capsys.readouterr().out
    call_command("retention", "enforce", *rule)
    assert "1 rows removed" in capsys.readouterr().out
    assert not User.objects.filter(pk=old.pk).exists()
    call_command("retention", "status", *rule)
    said = capsys.readouterr().out
    assert "7 days after sign-up" in said
    assert "LATE" not in said


def test_every_chapter_has_a_class() -> None:
    assert {entry.data_class for entry in ENTRIES.values()} == set(DataClass)
