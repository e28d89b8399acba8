"""A hold on a customer keeps what is theirs by an address alone, as it would go with them."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client

from accounts.models import SupportEntry, SupportQuestion, User
from foundation.roles import APP, KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.models import Message
from messaging.outbox import put_account_mail
from retention import holding, months, services
from retention.holdings import holdings, preview_erasure
from retention.models import DeletionRequest, HeldRow, LegalHold, PrivacyRequest
from retention.schedule import ENTRIES
from tests.factories import NOW, make_customer, make_staff
from tests.retention.boundaries import make_question
from tests.retention.test_by_address import (
    ADDRESS,
    CLASSES,
    erase,
    question,
    unconfirmed,
    wish,
    with_another,
    write_without_signing_in,
)
from tests.retention.test_deletion_holds import hold, release, shown
from tests.retention.test_deletion_requests import english

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

A_DAY = timedelta(days=1)
TODAY = {"since": NOW.date(), "until": NOW.date()}
EARLIER = {"until": (NOW - A_DAY).date()}
QUESTIONS = {"accounts.SupportQuestion": 1, "accounts.SupportEntry": 1}
REQUESTS = {"retention.PrivacyRequest": 3}


def the_owner() -> User:
    return make_customer(email=ADDRESS.lower(), signed_up_at=NOW - timedelta(days=9))


def left_to_nobody() -> dict[str, int]:
    """Rows that name no customer; of requests those that still say something."""
    found = {
        "accounts.SupportQuestion": SupportQuestion.objects.filter(customer=None).count(),
        "accounts.SupportEntry": SupportEntry.objects.filter(question__customer=None).count(),
        "messaging.Message": Message.objects.filter(
            person_id=None, to_address__iexact=ADDRESS
        ).count(),
        "retention.PrivacyRequest": PrivacyRequest.objects.exclude(text="").count(),
    }
    return {name: number for name, number in found.items() if number}


@pytest.mark.parametrize(
    ("what", "kept"),
    [
        ({}, CLASSES),
        (TODAY, CLASSES),
        ({"data_class": "account"}, QUESTIONS),
        ({"data_class": "account", **TODAY}, QUESTIONS),
        ({"data_class": "proof"}, REQUESTS),
        ({"data_class": "mail"}, {"messaging.Message": 1}),
    ],
)
def test_it_is_foreseen_as_held_kept_and_goes_after_release(
    what: dict[str, Any], kept: dict[str, int]
) -> None:
    person = the_owner()
    write_without_signing_in()
    placed = hold(customer_id=person.pk, **what)
    with as_role(APP):
        preview = preview_erasure(person.pk, now=NOW)
    foreseen = shown(preview.held)
    assert {name: foreseen.get(name, 0) for name in CLASSES} == dict.fromkeys(CLASSES, 0) | kept
    going = shown([*preview.deleted, *preview.blanked])
    assert not going.keys() & kept.keys()
    done = erase(person)
    assert (done.is_finished, done.held_at) == (False, NOW)
    # That the deletion has begun is a mail that names them.
    assert left_to_nobody() == kept
    assert User.objects.filter(pk=person.pk).exists()
    assert_said(done, kept)
    release(placed)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 1
    assert left_to_nobody() in ({}, {"messaging.Message": 1})  # that it is done
    assert not User.objects.filter(pk=person.pk).exists()


@pytest.mark.parametrize("whose", ["theirs", "all"])
@pytest.mark.parametrize(
    ("data_class", "kept"), [("proof", REQUESTS), ("mail", {"messaging.Message": 1})]
)
def test_another_address_of_theirs_stays_with_what_only_it_makes_theirs(
    whose: str, data_class: str, kept: dict[str, int]
) -> None:
    """Else nobody could tell after the release whose it was, and it would stay for good."""
    person = with_another(verified=True)
    write_without_signing_in()
    names = {"customer_id": person.pk} if whose == "theirs" else {}
    placed = hold(**names, data_class=data_class)
    assert shown(preview_erasure(person.pk, now=NOW).held)["account.EmailAddress"] == 1
    done = erase(person)
    assert (done.is_finished, left_to_nobody()) == (False, kept)
    assert EmailAddress.objects.get().email == ADDRESS.lower()
    release(placed)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 1
    assert not left_to_nobody()
    assert not EmailAddress.objects.exists()


def assert_said(done: DeletionRequest, kept: dict[str, int]) -> None:
    with as_role(APP):
        page = english(Client(), f"/data/delete/{done.reference}/")
    assert "held back for now" in page
    for name in kept:
        assert str(ENTRIES[name].title) in page


@pytest.mark.parametrize("what", [{}, {"data_class": "account"}, {"data_class": "proof"}])
def test_a_hold_on_somebody_else_keeps_nothing_of_it(what: dict[str, Any]) -> None:
    person, other = the_owner(), make_customer()
    write_without_signing_in()
    hold(customer_id=other.pk, **what)
    assert not preview_erasure(person.pk, now=NOW).held
    assert erase(person).is_finished
    assert left_to_nobody().keys() <= {"messaging.Message"}


def test_a_hold_over_another_span_keeps_nothing_of_it() -> None:
    person = the_owner()
    write_without_signing_in()
    hold(customer_id=person.pk, data_class="proof", **EARLIER)
    assert "retention.PrivacyRequest" not in shown(preview_erasure(person.pk, now=NOW).held)
    erase(person)
    assert left_to_nobody().keys() <= {"messaging.Message"}


@pytest.mark.parametrize("verified", [True, False])
def test_an_address_that_was_only_typed_puts_nothing_of_its_real_owner_under_their_hold(
    verified: bool,
) -> None:
    person = make_customer()
    EmailAddress.objects.create(user=person, email=ADDRESS.lower(), verified=verified)
    asked = question()
    hold(customer_id=person.pk)
    entry = ENTRIES["accounts.SupportQuestion"]
    with as_role(KEEPER):
        held = holding.only_held(entry, SupportQuestion.objects.all(), now=NOW)
        assert list(held) == ([asked] if verified else [])


def test_a_night_leaves_what_was_asked_from_an_address_of_theirs() -> None:
    person = the_owner()
    long_ago = NOW - timedelta(days=3000)
    theirs, other = make_question(long_ago), make_question(long_ago)
    SupportQuestion.objects.filter(pk=theirs.pk).update(customer=None, email=ADDRESS)
    SupportQuestion.objects.filter(pk=other.pk).update(customer=None, email="o@example.test")
    placed = hold(customer_id=person.pk)
    assert night("support_questions") == 1
    assert SupportQuestion.objects.get() == theirs
    release(placed)
    assert night("support_questions") == 1


def set_aside() -> int:
    """As the night does on which the month of these mails drops."""
    entry = ENTRIES["messaging.Message"]
    with as_role(KEEPER):
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM messaging_message")
            ((month,),) = cursor.fetchall()
        aside = months.set_aside(entry, month, NOW, now=NOW)
        Message.objects.all().delete()
    return aside


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("what", [{}, {"data_class": "mail"}])
def test_a_mail_to_their_address_stays_when_its_month_drops_and_until_the_release(
    what: dict[str, Any], named: bool
) -> None:
    person = the_owner()
    for to in (ADDRESS, "somebody.else@example.test"):
        put_account_mail(
            to=to, person_id=person.pk if named else None, purpose="x", language="en",
            subject="x", text="", html="", now=NOW,
        )  # fmt: skip
    placed = hold(customer_id=person.pk, **what)
    number = 1 + named
    assert set_aside() == number
    assert night("held_rows") == 0
    with as_role(APP):
        assert shown(preview_erasure(person.pk, now=NOW).held)["retention.HeldRow"] == number
    assert not erase(person).is_finished
    with as_role(KEEPER):
        assert HeldRow.objects.count() == number
    release(placed)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 1
        assert not HeldRow.objects.exists()


def test_a_copy_to_their_address_goes_at_night_once_nobody_holds_it() -> None:
    person = the_owner()
    write_without_signing_in()
    placed = hold(customer_id=person.pk)
    assert set_aside() == 1
    release(placed)
    assert night("held_rows") == 1


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_copy_is_shown_to_whoever_confirmed_the_address_and_to_nobody_else(
    confirmed: bool,
) -> None:
    person, other = the_owner() if confirmed else unconfirmed(), make_customer()
    write_without_signing_in()
    hold(customer_id=person.pk)
    assert set_aside() == 1
    with as_role(APP):
        seen = {each.entry.model: each.count for each in holdings(person.pk)}
        others = {each.entry.model for each in holdings(other.pk)}
        for each, number in ((person, int(confirmed)), (other, 0)):
            with as_tenant(each.pk):
                assert HeldRow.objects.count() == number
    assert seen.get("retention.HeldRow", 0) == int(confirmed)
    assert "retention.HeldRow" not in others


def night(rule: str) -> int:
    with as_role(KEEPER):
        (run,) = services.enforce(NOW, "x", only=[rule])
    return run.removed


@pytest.mark.parametrize("whose", ["theirs", "all"])
def test_an_account_that_nobody_confirmed_stays_with_a_held_mail_to_its_address(whose: str) -> None:
    """And the night comes to an end: it would take the account up again and again."""
    person = unconfirmed()
    User.objects.filter(pk=person.pk).update(signed_up_at=NOW - timedelta(days=400))
    put_account_mail(
        to=ADDRESS, person_id=None, purpose="no_account", language="en", subject="x", text="",
        html="", now=NOW,
    )  # fmt: skip
    placed = hold(**({"customer_id": person.pk} if whose == "theirs" else {}), data_class="mail")
    if whose == "theirs":
        with as_role(KEEPER):
            held = holding.only_held(ENTRIES["accounts.User"], User.objects.all(), now=NOW)
            assert list(held) == [person]
    assert night("unconfirmed_accounts") == 0
    assert Message.objects.count() == User.objects.filter(pk=person.pk).count() == 1
    release(placed)
    assert night("unconfirmed_accounts") == 1
    assert not Message.objects.exists()


def test_the_staff_log_stays_where_it_names_them_by_their_address() -> None:
    person = the_owner()
    LogEntry.objects.create(
        user=make_staff(),
        content_type=ContentType.objects.get_for_model(EmailAddress),
        object_id="1",
        object_repr=ADDRESS.lower(),
        action_flag=CHANGE,
        change_message="",
    )
    placed: LegalHold = hold(customer_id=person.pk, data_class="staff_log")
    assert not erase(person).is_finished
    assert LogEntry.objects.get().object_repr == ADDRESS.lower()
    release(placed)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 1
    assert LogEntry.objects.get().object_repr == ""


def test_a_request_of_somebody_else_is_none_of_it() -> None:
    person = the_owner()
    other = wish("somebody.else@example.test")
    hold(customer_id=person.pk)
    entry = ENTRIES["retention.PrivacyRequest"]
    with as_role(KEEPER):
        free = holding.exclude_held(entry, PrivacyRequest.objects.all(), now=NOW)
        assert list(free) == [other]
