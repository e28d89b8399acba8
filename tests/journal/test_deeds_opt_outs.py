"""Who said no to a customer stays out after a restore, also where only their hash is known."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from foundation.tenants import as_tenant
from messaging.content import services
from messaging.content.services import Refused
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    OwnDeed,
)
from tests.api.feeding import CUSTOMER, feed, wrong
from tests.journal.deeds import LATER, mine, opt_in, opt_out, other, rounds, run, upload
from tests.journal.life import forgotten
from tests.messaging.test_tombstones import (
    OTHER,
    a_contact,
    count,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture
def unknown(kari: User) -> User:
    """The one who said no came after the backup: no row here tells who it was."""
    with forgotten():
        feed("contacts", a_contact(9, email="Nei@canary.test"))
        opt_out(kari, "nei@canary.test")
        opt_out(kari, "+4798765439")
        rounds()
    assert "2  opt-outs of contacts, known by their hash alone" in run()
    assert count(kari, ContactOptOut) == 0
    return kari


def test_a_contact_who_said_no_does_not_come_back_by_upload(unknown: User) -> None:
    made = upload(unknown, ["98765439", ""], ["", "NEI@canary.test"], ["", "ja@canary.test"])
    assert (made.opted_out, made.added) == (2, 1)
    with as_tenant(unknown.pk):
        found = set(ContactOptOut.objects.values_list("contact", "since"))
        deeds = list(OwnDeed.objects.values_list("waits", "done_at"))
    assert {contact for contact, _since in found} == {"+4798765439", "nei@canary.test"}
    assert {(False, since) for _contact, since in found} == set(deeds)
    assert upload(other(), ["98765439", ""]).added == 1


def test_nor_by_the_platform(unknown: User) -> None:
    lines = [
        a_contact(9, email="Nei@canary.test"),
        a_contact(9, contact_id=10, phone_number="", email="Nei@canary.test"),
        a_contact(8),
    ]
    others = [{**line, "user_id": OTHER} for line in lines]
    taken = feed("contacts", *lines, others[0])
    assert wrong(taken) == [(1, "phone_number", "opted_out"), (2, "email", "opted_out")]
    assert count(unknown, ContactOptOut) == 2


def test_nor_by_hand_and_the_page_says_that_there_are_some(unknown: User) -> None:
    client = Client()
    client.force_login(unknown)
    page = client.get(reverse("list_opt_outs"), headers={"Accept-Language": "en"})
    assert page.context["unnamed"] == 2
    with as_tenant(unknown.pk):
        own = ContactList.objects.get(list_id=62)
        for values in ({"email": "nei@canary.test"}, {"phone_number": "+4798765439"}):
            with pytest.raises(Refused, match="opted_out"):
                services.add_contact(own, values, now=LATER)
    assert count(unknown, ContactOptOut) == 2
    assert client.get(reverse("list_opt_outs")).context["unnamed"] == 0


def test_the_platform_says_it_again_and_it_is_one_opt_out_which_may_be_taken_back(
    unknown: User,
) -> None:
    feed("opt-outs", {"user_id": CUSTOMER, "phone_number": "+4798765439"})
    assert count(unknown, ContactOptOut) == 1
    opt_in(unknown)
    with as_tenant(unknown.pk):
        own = ContactList.objects.get(list_id=62)
        services.add_contact(own, {"phone_number": "+4798765439"}, now=LATER)


def test_one_who_is_said_again_on_the_page_is_known_by_name_and_stays_out_once(
    unknown: User,
) -> None:
    opt_out(unknown, "+4798765439")
    assert count(unknown, ContactOptOut) == 1
    opt_in(unknown)
    assert upload(unknown, ["98765439", ""]).added == 1


def test_who_wrote_or_was_written_to_is_known_by_the_messages(kari: User) -> None:
    with forgotten():
        opt_out(kari, "+4798765432")
        with as_tenant(kari.pk):
            Contact.objects.filter(phone_number="+4798765432").delete()
        rounds()
    with as_tenant(kari.pk):
        Contact.objects.filter(phone_number="+4798765432").delete()
    run()
    assert mine(kari, ContactOptOut).contact == "+4798765432"
    assert mine(kari, ContactOptOut).since == mine(kari, OwnDeed).done_at


@pytest.mark.parametrize("contact", ["+4798765431", "+4798765439"])
def test_a_no_that_was_taken_back_is_none_and_one_said_again_is_one(
    kari: User, contact: str
) -> None:
    with forgotten():
        opt_out(kari, contact)
        opt_in(kari)
        rounds()
    with forgotten():
        run()
        assert count(kari, ContactOptOut) == 0
        assert upload(kari, [contact, "x@canary.test"]).opted_out == 0
    with forgotten():
        run()
        rounds()
        opt_out(kari, contact)
        rounds()
    run()
    assert upload(kari, [contact, ""]).opted_out == 1


def test_a_no_of_before_the_backup_that_was_taken_back_after_it(kari: User) -> None:
    opt_out(kari)
    rounds()
    with forgotten():
        opt_in(kari)
        rounds()
    said = run()
    assert "1  opt-outs of contacts taken back" in said
    assert count(kari, ContactOptOut) == 0
