"""From sign-up to deletion, through pages, outbox and SMTP, once in each language."""

import re
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.core.cache import caches
from django.utils import timezone

from accounts.models import Invoice, User
from messaging.models import Campaign, Message
from retention.schedule import model_of
from tests.journeys.mail_program import address_of, unsubscribe
from tests.journeys.office import Office, deliver, erase, resolve
from tests.journeys.visitor import Visitor
from tests.mailbox import Delivery, Mailbox
from tests.retention.traces import tables_with

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

ADDRESS = "zebulon.quist@example.test"
USERNAME = "zquist77"
PASSWORD = "en-lang-setning-med-blåbær"
ABOUT = {"first_name": "Zebulon", "last_name": "Quistgaard", "phone": "+4798765432"}
DAY = 24 * 3600
TRACES = (ADDRESS, USERNAME, *ABOUT.values())
WORDS = {
    "nb": {"welcome": "brukernavnet ditt er", "deleted": "slettet", "way out": "meld meg av"},
    "en": {"welcome": "your user name is", "deleted": "deleted", "way out": "unsubscribe"},
}


@dataclass
class Customer:
    """The person at their browser, and what lies in their mailbox."""

    language: str
    browser: Visitor
    mailbox: Mailbox

    def new_mail(self) -> list[Delivery]:
        """What the workers bring now, and nothing older."""
        self.mailbox.clear()
        deliver()
        return self.mailbox.to(ADDRESS)

    def one_mail(self) -> Delivery:
        (mail,) = self.new_mail()
        assert mail.recipients == (ADDRESS,)
        assert f'lang="{self.language}"' in mail.text("html")
        return mail

    def sign_up(self) -> None:
        self.browser.open("/signup/")
        self.browser.send(
            **ABOUT,
            username=USERNAME,
            email=ADDRESS,
            language=self.language,
            topic_newsletter="yes",
            topic_product_news="no",
            topic_special_offers="no",
        )
        assert self.browser.path == "/signup/check-your-mail/"

    def open_account(self, welcome: Delivery) -> None:
        self.browser.open(link_to("welcome", welcome))
        self.browser.send(password1=PASSWORD, password2=PASSWORD)
        assert self.browser.path == "/preferences/"

    def stay_signed_in_for_an_hour(self) -> None:
        """So long that what matters asks for the password once more."""
        session = self.browser.client.session
        for method in session[AUTHENTICATION_METHODS_SESSION_KEY]:
            method["at"] = time.time() - 3600
        session.save()


@pytest.fixture(params=["nb", "en"])
def customer(request: pytest.FixtureRequest, mailbox: Mailbox) -> Customer:
    return Customer(request.param, Visitor(request.param), mailbox)


def test_the_whole_life_of_a_customer(customer: Customer, office: Office) -> None:
    welcome = sign_up_and_wait(customer, office)
    customer.open_account(welcome)
    assert "password1" not in Visitor(customer.language).open(link_to("welcome", welcome))
    newsletter = read_a_newsletter(customer, office)
    stop_it_from_the_mail_program(customer, office, newsletter)
    hear_about_the_service(customer, office)
    rest_the_account(customer, office)
    leave_for_good(customer)
    hear_nothing_any_more(customer, office, newsletter)
    come_back(customer, office)


def sign_up_and_wait(customer: Customer, office: Office) -> Delivery:
    """One mail that confirms and asks; nothing optional before its link is used."""
    customer.sign_up()
    welcome = customer.one_mail()
    assert welcome.message["From"] == "ClickSend <account@portal.example>"
    assert welcome.message["List-Unsubscribe"] is None
    assert WORDS[customer.language]["welcome"] in welcome.text().lower()
    for kind in ("plain", "html"):
        assert USERNAME in welcome.text(kind)
        assert link_to("welcome", welcome) in welcome.text(kind)
    # There is no password yet, so the mail cannot hold one.
    assert not User.objects.get(username=USERNAME).has_usable_password()

    office.write_newsletter("Too early")
    assert customer.new_mail() == []
    return welcome


def read_a_newsletter(customer: Customer, office: Office) -> Delivery:
    """It comes in the customer's language, with every way out."""
    office.write_newsletter("First")
    mail = customer.one_mail()
    headers = mail.message
    assert headers["Subject"] == f"First {customer.language}"
    assert headers["From"] == "ClickSend <news@portal.example>"
    assert headers["To"] == ADDRESS
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"] == "<newsletter.portal.example>"
    assert len(headers.get_all("List-Unsubscribe", [])) == 1
    for kind in ("plain", "html"):
        assert address_of(mail) in mail.text(kind)
        assert address_of(mail).replace("/u/", "/p/") in mail.text(kind)
        assert WORDS[customer.language]["way out"] in mail.text(kind).lower()
    return mail


def stop_it_from_the_mail_program(customer: Customer, office: Office, newsletter: Delivery) -> None:
    """Said while the next one waits: neither that one comes nor any later."""
    office.write_newsletter("Waiting")
    resolve()
    assert fate_of("Waiting") == [("queued", "")]
    assert unsubscribe(newsletter).status_code == 200
    assert customer.new_mail() == []
    assert fate_of("Waiting") == [("withheld", "withdrawn")]
    office.write_newsletter("After the no")
    assert customer.new_mail() == []
    assert fate_of("After the no") == []


def hear_about_the_service(customer: Customer, office: Office) -> None:
    """An announcement is no advertising: it reaches every active customer."""
    office.write_announcement("Maintenance")
    announcement = customer.one_mail()
    assert announcement.message["Subject"] == f"Maintenance {customer.language}"
    assert announcement.message["From"] == "ClickSend <service@portal.example>"
    assert announcement.message["List-Unsubscribe"] is None


def rest_the_account(customer: Customer, office: Office) -> None:
    """Deactivated, only account mail comes; back again, announcements do."""
    customer.browser.open("/account/deactivate/")
    press_the_only_button(customer.browser)
    assert "account@" in customer.one_mail().message["From"]
    office.write_announcement("While away")
    assert customer.new_mail() == []
    somebody = Visitor(customer.language)
    somebody.open("/password/reset/")
    somebody.send(email=ADDRESS)
    assert "/password/reset/key/" in customer.one_mail().text()

    customer.browser.open("/account/reactivate/")
    press_the_only_button(customer.browser)
    assert "account@" in customer.one_mail().message["From"]
    office.write_announcement("Back again")
    assert customer.one_mail().message["Subject"] == f"Back again {customer.language}"


def leave_for_good(customer: Customer) -> None:
    """Preview, proof of identity, deletion, one last mail; what stays was named before."""
    person = User.objects.get(username=USERNAME)
    send_an_invoice(person)
    customer.stay_signed_in_for_an_hour()
    customer.browser.open("/data/")
    customer.browser.open("/data/delete/")
    kept = {
        model_of(each.entry)._meta.db_table for each in customer.browser.context["preview"].kept
    }
    assert kept == {"accounts_invoice", "consent_suppression", "retention_deletionrequest"}
    press_the_only_button(customer.browser)
    assert customer.browser.path == "/reauthenticate/"
    assert User.objects.filter(pk=person.pk, is_active=True).exists()
    customer.browser.send(password=PASSWORD)
    if customer.browser.path == "/data/delete/":
        press_the_only_button(customer.browser)
    assert re.fullmatch(r"/data/delete/[\w-]{36}/", customer.browser.path)
    erase()

    goodbye = customer.one_mail()
    assert goodbye.message["From"] == "ClickSend <account@portal.example>"
    assert WORDS[customer.language]["deleted"] in goodbye.text().lower()
    for trace in (*TRACES, str(person.pk)):
        assert set(tables_with(trace)) <= kept, trace
    assert tables_with(ABOUT["last_name"]) == {"accounts_invoice": 1}
    assert not kept_in_cache(ADDRESS, USERNAME, str(person.pk))


def hear_nothing_any_more(customer: Customer, office: Office, newsletter: Delivery) -> None:
    """Not by any mailing, and the links of old mails still answer in a friendly way."""
    office.write_newsletter("To nobody")
    office.write_announcement("To nobody either")
    assert customer.new_mail() == []
    assert unsubscribe(newsletter).status_code == 200
    customer.browser.open(link_to("u", newsletter))
    assert tables_with(ADDRESS) == {}


def come_back(customer: Customer, office: Office) -> None:
    """The fingerprint bars the address until its owner confirms it and says yes."""
    customer.sign_up()
    welcome = customer.one_mail()
    office.write_newsletter("Not yet")
    assert customer.new_mail() == []
    customer.open_account(welcome)
    office.write_newsletter("Again")
    assert customer.one_mail().message["Subject"] == f"Again {customer.language}"


def link_to(place: str, mail: Delivery) -> str:
    """The address in the text part that leads to this page."""
    found = re.search(rf"https?://\S+?/{place}/[^\s/]+/", mail.text())
    assert found, mail.text()
    return found[0]


def press_the_only_button(browser: Visitor) -> None:
    """Of the form in the middle of the page: those around it lead elsewhere."""
    browser.send_to(browser.path)


def fate_of(subject: str) -> list[tuple[str, str]]:
    """What became of the customer's message of a campaign; nothing when it was never written."""
    person = User.objects.get(username=USERNAME)
    campaign = Campaign.objects.get(subject_en=f"{subject} en")
    rows = Message.objects.of_mailing(campaign.pk).of_person(person.pk)
    return list(rows.values_list("state", "reason"))


def send_an_invoice(person: User) -> None:
    """A record that book-keeping law keeps: it names whom was billed."""
    today = timezone.now().date()
    Invoice.objects.create(
        customer=person,
        invoice_number="2026-4711",
        billed_to=person.get_full_name(),
        amount="120.50",
        currency="NOK",
        date=today - timedelta(days=60),
        settled_on=today - timedelta(days=30),
    )


def kept_in_cache(*values: str) -> list[bytes]:
    """Keys of Valkey that hold a value and outlive the day; the counters of rate limits do not."""
    client: Any = caches["default"]._cache.get_client()  # type: ignore[attr-defined]
    found = []
    for key in client.scan_iter():
        held = key + client.get(key) if client.type(key) == b"string" else key
        if any(value.encode() in held for value in values) and not 0 < client.ttl(key) <= DAY:
            found.append(key)
    return found
