"""The demo company: believable, the same every time, made once, and never in production."""

import io
import json
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Invoice, User
from clicksend_portal.demo import content
from clicksend_portal.demo.company import make_company
from clicksend_portal.demo.sign_ins import CUSTOMER_ADDRESS, ensure_admin
from consent.models import ConsentDetail, Preference, Source, Takedown
from consent.reference.publishing import public_references
from foundation.tenants import as_tenant
from messaging.content import feed
from messaging.content.feed import Taken
from messaging.models import (
    Campaign,
    Contact,
    ContactList,
    ContactOptOut,
    Message,
    MessageContent,
    MessageRecord,
    Report,
    ServiceAnnouncement,
)
from retention.desk import declared
from retention.models import PrivacyRequest
from tests.factories import NOW, make_customer

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
MODELS: tuple[type[Model], ...] = (
    User, Preference, ConsentDetail, Invoice, Campaign, ServiceAnnouncement, Message,
)  # fmt: skip


def seed(*options: str) -> str:
    said = io.StringIO()
    call_command("seed_demo", *options, stdout=said)
    return said.getvalue()


def rows() -> dict[str, list[Any]]:
    return {
        model.__name__: sorted(model._default_manager.values_list(), key=str) for model in MODELS
    }


def test_an_empty_portal_gets_a_small_company_with_a_history() -> None:
    seed()
    customers = User.objects.customers()
    assert 30 <= customers.count() <= 60
    assert {"NO", "DK", "SE", "GB"} <= set(customers.values_list("country", flat=True))
    assert customers.filter(email_confirmed_at__isnull=True).exists()
    assert customers.filter(deactivated_at__isnull=False).exists()
    sources = set(ConsentDetail.objects.values_list("source", flat=True))
    assert {Source.SIGNUP, Source.IMPORT, Source.STAFF, Source.ONE_CLICK} <= sources
    assert Preference.objects.filter(paused_until__gt=timezone.now()).exists()
    assert Invoice.objects.values("date__year").distinct().count() >= 4
    assert Campaign.objects.filter(state="draft").count() == 2
    assert ServiceAnnouncement.objects.filter(state="draft").count() == 1
    assert not Message.objects.exists(), "nobody gets mail because of a demo"


def test_every_address_is_one_that_can_never_exist() -> None:
    seed()
    for address in User.objects.values_list("email", flat=True):
        assert address.endswith((".example", ".test")), address
        assert address.isascii()


def test_no_event_lies_in_the_future_or_before_the_customer_came() -> None:
    seed()
    since = dict(User.objects.values_list("pk", "signed_up_at"))
    for detail in ConsentDetail.objects.all():
        assert since[detail.person_id] <= detail.at <= timezone.now()


def test_seeding_twice_changes_nothing() -> None:
    seed()
    before = rows()
    assert "nothing to do" in seed()
    seed("--sign-ins")
    assert rows() == before


def test_the_demo_customer_has_lists_messages_reports_and_bills(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused: list[Any] = []

    def watched(*args: Any, **named: Any) -> Taken:
        taken = feed.take_in(*args, **named)
        refused.extend(taken.bad)
        return taken

    monkeypatch.setattr(content, "take_in", watched)
    seed()
    assert not refused
    kari = User.objects.with_address(CUSTOMER_ADDRESS).get()
    with as_tenant(kari.pk):
        assert ContactList.objects.count() == 2
        assert Contact.objects.count() == 330
        assert ContactOptOut.objects.count() == 5
        assert Report.objects.count() == 12
        messages = MessageRecord.objects.count()
        assert messages == content.MONTHS * content.MESSAGES_A_MONTH
        assert 0 < MessageContent.objects.count() < messages
    assert kari.invoices.filter(settled_on=None).exists()
    assert kari.transactions.count() == kari.invoices.count() == content.MONTHS - 1


def test_the_company_is_the_same_on_every_machine() -> None:
    def made() -> list[tuple[Any, ...]]:
        with transaction.atomic():
            make_company(staff, now=NOW)
            found = [
                *User.objects.customers().order_by("pk").values_list("pk", "username", "email"),
                *Invoice.objects.order_by("pk").values_list("pk", "invoice_number", "amount"),
                *ConsentDetail.objects.order_by("person_id", "topic_id", "version").values_list(
                    "person_id", "topic_id", "version", "state", "source", "at"
                ),
            ]
            transaction.set_rollback(True)
        return found

    staff = ensure_admin(now=NOW)
    first = made()
    assert made() == first


def test_a_portal_with_customers_gets_the_sign_ins_only() -> None:
    make_customer()
    seed()
    assert User.objects.customers().count() == 2


def test_sign_ins_are_one_line_of_json_and_nothing_else() -> None:
    said = seed("--sign-ins")
    assert said.count("\n") == 1
    found = json.loads(said)
    assert found["customer"]["username"] == "kari"
    assert len(found["customer"]["password"]) >= 16
    assert len(found["staff"]["password"]) >= 16
    assert User.objects.count() == 2
    assert json.loads(seed("--sign-ins")) == found


def test_what_is_printed_opens_the_account_page_and_the_staff_site() -> None:
    found = json.loads(seed("--sign-ins"))
    client = Client()
    customer = found["customer"]
    client.post("/login/", {"login": customer["username"], "password": customer["password"]})
    assert client.get("/preferences/").status_code == 200

    client, staff = Client(), found["staff"]
    client.post("/login/", {"login": staff["username"], "password": staff["password"]})
    counter = next(iter(yield_hotp_counters_from_time()))
    code = format_hotp_value(hotp_value(staff["totp_secret"], counter))
    client.post("/account/security/authenticate/", {"code": code})
    assert client.get("/admin/").status_code == 200


def test_passwords_differ_between_installations(settings: Settings) -> None:
    here = json.loads(seed("--sign-ins"))
    settings.SECRET_KEY = "another-installation-has-another-key-0123456789"
    there = json.loads(seed("--sign-ins"))
    assert here["customer"]["password"] != there["customer"]["password"]
    kari = User.objects.with_address(CUSTOMER_ADDRESS).get()
    assert kari.check_password(there["customer"]["password"]), "what is printed is valid"


def test_a_user_name_of_somebody_else_is_left_alone() -> None:
    make_customer(username="kari")
    with pytest.raises(CommandError, match="the user name kari belongs to somebody else"):
        seed("--sign-ins")
    assert User.objects.count() == 1


def test_production_is_refused(settings: Settings) -> None:
    settings.PORTAL_URL = "https://konto.portal.example"
    with pytest.raises(CommandError, match="demo accounts do not belong in production"):
        seed("--sign-ins")
    assert not User.objects.exists()
    seed("--sign-ins", "--force")
    assert User.objects.exists()


def test_two_customers_are_shown_and_one_has_to_be_taken_down() -> None:
    call_command("seed_demo", verbosity=0)
    shown = public_references(now=timezone.now(), language="en")
    assert [each.activity for each in shown].count("quote") == 2
    assert all(each.text for each in shown if each.activity == "quote")
    takedown = Takedown.objects.get()
    assert (takedown.closed_at, takedown.use.place) == (None, "print")
    assert takedown.owner is not None


def test_the_desk_of_the_company_has_something_on_it() -> None:
    seed()
    assert PrivacyRequest.objects.filter(state="open").count() == 2
    assert declared.processors_who_read(timezone.now()) == 0
