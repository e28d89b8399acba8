"""What staff began and nobody confirmed: it ends with the law's month, and not in silence."""

import uuid
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from foundation.roles import KEEPER, as_role
from messaging.models import Message
from retention import services, watching
from retention.models import DeletionRequest, RetentionRun, Scope, Source
from retention.policy import WARN_AFTER, WARN_BEFORE, WAY_BACK
from retention.tokens import Purpose, make_token
from tests.factories import NOW, make_customer, make_staff
from tests.staff.sign_in import SECRET, sign_in

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def begin(person: User, **more: Any) -> DeletionRequest:
    return services.request_for_customer(person.pk, actor=make_staff(), now=NOW, **more)


def watch(now: datetime) -> int:
    with as_role(KEEPER):
        return services.watch_deletions(now)


def day_after_due(wish: DeletionRequest) -> datetime:
    """Noon in UTC of the day after: over for everybody but the last of the Pacific."""
    assert wish.due_on is not None
    return datetime.combine(wish.due_on + DAY, datetime.min.time(), UTC) + timedelta(hours=12)


def mails(purpose: str) -> list[Message]:
    return list(Message.objects.filter(purpose=purpose))


def english(client: Client, address: str) -> str:
    return unescape(client.get(address, headers={"accept-language": "en"}).content.decode())


# --- who asked -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "view"),
    [(Scope.EVERYTHING, "deletion_start"), (Scope.PROFILE, "data_overview")],
)
def test_the_customer_is_told_once_that_nothing_was_done_why_and_where_to_complain(
    scope: Scope, view: str
) -> None:
    person = make_customer(language="en", legal_entity="se")
    wish = begin(person, scope=scope)
    watch(day_after_due(wish))
    watch(day_after_due(wish) + DAY)
    (mail,) = mails("deletion_lapsed")
    assert (mail.to_address, mail.person_id) == (person.email, person.pk)
    assert mail.subject == "The deletion was not confirmed in time"
    for body in (mail.text, unescape(mail.html)):
        assert "we deleted nothing" in body
        assert settings.PORTAL_URL + reverse(view) in body
        assert settings.PRIVACY_EMAIL in body
        assert "Integritetsskyddsmyndigheten" in body
        assert "go to court" in body


def test_nobody_writes_to_an_address_that_was_never_confirmed() -> None:
    person = make_customer()
    User.objects.filter(pk=person.pk).update(email_confirmed_at=None)
    wish = begin(person)
    watch(day_after_due(wish))
    wish.refresh_from_db()
    assert wish.lapsed
    assert not Message.objects.exists()


def test_its_page_says_that_nobody_confirmed_it_and_how_to_ask_again() -> None:
    wish = begin(make_customer())
    address = reverse("deletion_status", args=[wish.reference])
    assert "waits to be confirmed" in english(Client(), address)
    watch(day_after_due(wish))
    page = english(Client(), address)
    assert "The deletion was not confirmed in time" in page
    assert "taken back" not in page
    assert reverse("deletion_start") in page
    assert reverse("privacy_request") in page


def test_one_that_was_taken_back_did_not_lapse() -> None:
    wish = begin(make_customer())
    services.withdraw_deletion(wish.reference, actor="self", now=NOW)
    watch(day_after_due(wish))
    wish.refresh_from_db()
    assert (wish.state, wish.lapsed) == ("withdrawn", False)
    assert "The deletion was taken back" in english(
        Client(), reverse("deletion_status", args=[wish.reference])
    )
    assert not mails("deletion_lapsed")


def test_who_is_gone_meanwhile_is_not_written_to() -> None:
    """Erased by the very page on which they could have confirmed it."""
    person = make_customer()
    wish = begin(person, scope=Scope.PROFILE)
    services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.run_deletions(NOW)
    watch(day_after_due(wish))
    assert not mails("deletion_lapsed")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Oslo", "Pacific/Pago_Pago"])
def test_it_lapses_when_the_last_day_is_over_where_the_customer_is(zone: str) -> None:
    wish = begin(make_customer(timezone=zone))
    assert wish.due_on is not None
    over = datetime.combine(wish.due_on + DAY, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    watch(over - timedelta(seconds=1))
    wish.refresh_from_db()
    assert wish.state == "unconfirmed"
    watch(over)
    wish.refresh_from_db()
    assert wish.lapsed


def test_only_what_is_over_can_have_lapsed() -> None:
    wish = begin(make_customer())
    with as_role(KEEPER), pytest.raises(IntegrityError), transaction.atomic():
        DeletionRequest.objects.filter(pk=wish.pk).update(lapsed=True)


# --- who answers for it --------------------------------------------------------------------------


def test_after_twenty_days_the_privacy_address_is_told_of_one_that_nobody_confirmed() -> None:
    wish = begin(make_customer())
    assert watch(NOW + WARN_AFTER) == 1
    (mail,) = mails("deletions_due")
    assert mail.to_address == settings.PRIVACY_EMAIL
    for body in (mail.text, mail.html):
        assert str(wish.reference) in body
        assert "lapses unless it is confirmed" in body or "bortfaller" in body


@pytest.fixture
def boss() -> User:
    boss = make_staff(language="en")
    TOTP.activate(boss, SECRET)
    return boss


@pytest.mark.parametrize("confirmed", [True, False])
def test_it_stands_on_the_work_list_of_whoever_began_it_with_what_becomes_of_it(
    boss: User, confirmed: bool
) -> None:
    person = make_customer()
    if not confirmed:
        User.objects.filter(pk=person.pk).update(email_confirmed_at=None)
    wish = services.request_for_customer(person.pk, actor=boss, now=NOW)
    services.request_deletion(make_customer().pk, source=Source.CUSTOMER, actor="self", now=NOW)
    page = english(sign_in(boss, "password", "mfa"), reverse("admin:index"))
    address = reverse("admin:retention_deletionrequest_change", args=[wish.pk])
    item = page.split(address)[1].split("</li>")[0]
    assert "mine" in item
    assert "lapses after its day" in item
    assert ("no email went out" in item) != confirmed
    assert page.count("lapses after its day") == 1


def test_the_list_is_narrowed_to_what_is_late_due_soon_under_way_and_lapsed(boss: User) -> None:
    """By links: each can be reached and followed with the keyboard alone."""
    today = timezone.localdate()
    days = {
        "late": [today - DAY],
        "soon": [today, today + WARN_BEFORE],
        "open": [today - DAY, today, today + WARN_BEFORE, today + WARN_BEFORE + DAY],
    }
    by_day: dict[Any, DeletionRequest] = {}
    for day in days["open"]:
        by_day[day] = services.request_deletion(
            make_customer().pk, source=Source.CUSTOMER, actor="self", now=NOW
        )
        with as_role(KEEPER):
            DeletionRequest.objects.filter(pk=by_day[day].pk).update(due_on=day)
    lapsed = begin(make_customer())
    with as_role(KEEPER):
        DeletionRequest.objects.filter(pk=lapsed.pk).update(due_on=today - 3 * DAY)
    watch(timezone.now())
    expected = {name: [by_day[day] for day in those] for name, those in days.items()}
    expected["lapsed"] = [lapsed]
    client = sign_in(boss, "password", "mfa")
    address = reverse("admin:retention_deletionrequest_changelist")
    everything = english(client, address)
    for name, wishes in expected.items():
        assert f'<a href="?due={name}"' in everything
        page = english(client, f"{address}?due={name}")
        places = [page.find(str(wish.reference)) for wish in wishes]
        assert -1 not in places
        assert places == sorted(places)
        others = {*by_day.values(), lapsed} - set(wishes)
        assert not any(str(wish.reference) in page for wish in others)
    assert "lapsed: nobody confirmed it in time" in english(client, f"{address}?due=lapsed")


# --- confirmed late -------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [13, 20])
def test_who_confirms_late_keeps_the_days_to_think_and_is_told_that_they_pass_the_laws_month(
    days: int,
) -> None:
    person = make_customer(language="en")
    wish = begin(person, wait=True)
    confirmed_at = NOW + timedelta(days=days)
    link = reverse(
        "deletion_confirm", args=[make_token(Purpose.CONFIRM, wish.reference, person.address)]
    )
    assert wish.due_on is not None
    late = (confirmed_at + WAY_BACK).date() > wish.due_on
    assert late == (days == 20)
    # The page is opened today: the law's month is made to have run as far.
    with as_role(KEEPER):
        DeletionRequest.objects.filter(pk=wish.pk).update(due_on=wish.due_on - (confirmed_at - NOW))
    assert ("This one would begin later" in english(Client(), link)) == late
    with as_role(KEEPER):
        DeletionRequest.objects.filter(pk=wish.pk).update(due_on=wish.due_on)
    wish = services.confirm_deletion(wish.reference, now=confirmed_at)
    assert (wish.state, wish.begins_at) == ("scheduled", confirmed_at + WAY_BACK)
    page = english(Client(), reverse("deletion_status", args=[wish.reference]))
    (mail,) = mails("deletion_scheduled")
    for said in (page, mail.text, unescape(mail.html)):
        assert ("your 14 days count from when it was confirmed" in said) == late


def test_none_lapses_under_a_clock_that_may_have_jumped() -> None:
    """The night before was weeks ago: a wrong clock, or a portal that stood still."""
    wish = begin(make_customer())
    late = day_after_due(wish) + DAY
    with as_role(KEEPER):
        RetentionRun.objects.create(
            rule="x", actor="beat", cutoff=NOW, started_at=NOW, duration=timedelta(seconds=1)
        )
    watch(late)
    wish.refresh_from_db()
    assert wish.state == "unconfirmed"
    assert not mails("deletion_lapsed")


def test_one_that_cannot_be_ended_stops_none_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = begin(make_customer()), begin(make_customer())
    late = day_after_due(first) + DAY
    lapse = watching.lapse

    def fail_at_first(key: uuid.UUID, *, now: datetime) -> bool:
        if key == first.pk:
            raise IntegrityError
        return lapse(key, now=now)

    monkeypatch.setattr(watching, "lapse", fail_at_first)
    watch(late)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.lapsed, second.lapsed) == (False, True)
