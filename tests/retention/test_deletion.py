"""A customer who asks to be deleted is gone from every table, and nobody else is touched."""

import time as clock
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import translation
from pytest_django.fixtures import Settings as SettingsWrapper

from accounts import signals
from accounts.models import (
    Invoice,
    Session,
    StaffInvitation,
    SupportEntry,
    SupportQuestion,
    User,
)
from accounts.support import ask as ask_us
from consent import services as consent
from consent.counts import name_of_count
from consent.history import human_date
from consent.models import ConsentDetail, Preference, Source, Suppression
from consent.suppression import is_suppressed
from foundation.calendar import months_later, years_later
from foundation.roles import APP, KEEPER, OWNER, SENDER, as_role
from messaging import services as mailings
from messaging.models import Kind, Message
from messaging.sender import deliver_pending
from retention import desk, erasure, services
from retention.holdings import preview_erasure
from retention.models import DeletionRequest, PrivacyRequest, RetentionRun
from retention.models import Source as Way
from retention.schedule import ENTRIES
from tests.accounts import walk
from tests.factories import NOW, make_announcement, make_customer, make_staff, topic
from tests.mailbox import Mailbox
from tests.retention.life import COUNTS, VALUES, fill, make_full_customer
from tests.retention.places import hashed, show_cache_keys, valkey_entries
from tests.retention.traces import tables_with

pytestmark = pytest.mark.django_db


def ask(person: User) -> DeletionRequest:
    return services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)


def erase(person: User, *, batch: int = 1000) -> DeletionRequest:
    """Asked for by the web process, done by the keeper."""
    wish = ask(person)
    with as_role(KEEPER):
        services.run_deletions(NOW, batch=batch)
    wish.refresh_from_db()
    return wish


def confirmation() -> Message:
    return Message.objects.get(purpose="deletion_confirmed")


def everything_of(person: User) -> dict[str, Any]:
    return {
        "user": User.objects.filter(pk=person.pk).values().get(),
        "sessions": list(Session.objects.filter(user=person).values()),
        "preferences": list(Preference.objects.of(person.pk).order_by("id").values()),
        "history": list(ConsentDetail.objects.of(person.pk).values()),
        "mails": list(Message.objects.of_person(person.pk).order_by("id").values()),
        "invoices": list(Invoice.objects.filter(customer=person).order_by("id").values()),
    }


@pytest.mark.parametrize("batch", [2, 1000])
def test_nothing_of_the_person_is_found_anywhere_but_on_invoices(batch: int) -> None:
    person = make_full_customer()
    traced = [*VALUES, str(person.pk), person.pk.hex]
    assert all(tables_with(value) for value in (*VALUES, str(person.pk)))

    wish = erase(person, batch=batch)

    assert wish.is_finished
    mail = confirmation()
    assert mail.to_address == VALUES[0]
    assert mail.person_id is None
    Message.objects.filter(pk=mail.pk).delete()  # sent and blanked by the outbox
    for value in traced:
        assert set(tables_with(value)) <= {"accounts_invoice"}
    assert Invoice.objects.filter(billed_to__contains="Zebulon", customer=None).count() == 3


def test_nobody_else_is_touched() -> None:
    """Not even someone whose address ends like theirs."""
    other = make_customer(yes=("newsletter",), email=f"x{VALUES[0]}", username="x" + VALUES[1])
    fill(other)
    before = everything_of(other)
    erase(make_full_customer(), batch=2)
    assert everything_of(other) == before
    assert tables_with(other.email)["django_admin_log"] == 2


def test_a_writers_key_goes_from_announcements_and_those_of_others_stay() -> None:
    """Somebody who once was staff: of those who wrote between the first and the last, too."""
    person, others = make_customer(), [make_staff(), make_staff()]
    announcement = make_announcement(author=others[0])
    for writer in (person, others[1]):
        mailings.edited(announcement, actor=writer, now=NOW)
    erase(person)
    announcement.refresh_from_db()
    assert announcement.writers == [other.pk for other in others]
    assert "messaging_serviceannouncement" not in tables_with(str(person.pk))


def test_what_goes_is_counted_per_class_and_the_request_names_nobody() -> None:
    person = make_full_customer()
    wish = erase(person, batch=2)
    assert wish.person_id is None
    assert wish.removed == COUNTS
    assert wish.kept == kept_of_a_full_customer(person)
    assert wish.steps.filter(finished_at__isnull=True).count() == 0


def kept_of_a_full_customer(person: User) -> list[dict[str, Any]]:
    """All that outlives them, in the order of the schedule: bills, proof, what is not down yet."""

    def kept(model: str, until: date | None, *, count: int = 1, **more: Any) -> dict[str, Any]:
        row = {"model": model, "count": count, "open": 0}
        return row | {"until": until and until.isoformat()} | more

    today = NOW.date()
    years = months_later(today, 36)
    return [
        kept("consent.ReferenceUse", today + timedelta(days=14)),
        kept("consent.ReferenceUse", None, count=2, open=2, blanked=True),
        kept("consent.Suppression", years),
        # By the clock of the log itself.
        kept("admin.LogEntry", months_later(datetime.now(UTC).date(), 13), count=2, blanked=True),
        kept("accounts.Invoice", date(2033, 3, 1), count=3, open=1),
        kept("accounts.Transaction", date(2031, 2, 28), count=2, open=1),
        kept("retention.PrivacyRequest", years, blanked=True),
        kept("retention.PhysicalItem", today + timedelta(days=30)),
        kept("retention.DeletionRequest", years),
    ]


def test_the_mail_counts_the_same_sign_ins_as_the_preview() -> None:
    person = make_customer(language="en")
    for key in ("phone", "laptop"):
        Session.objects.create(session_key=key, session_data="", expire_date=NOW, user=person)
    with translation.override("en"):
        title = str(ENTRIES["accounts.Session"].title)
    shown = preview_erasure(person.pk, now=NOW).deleted
    assert [held.count for held in shown if held.entry.model == "accounts.Session"] == [2]
    erase(person)
    assert f"{title}: 2" in confirmation().text


def test_asking_stops_mail_and_sign_ins_at_once() -> None:
    person = make_customer(yes=("newsletter",))
    Session.objects.create(session_key="k", session_data="", expire_date=NOW, user=person)
    news = topic().pk
    assert withheld(person, news) == ""
    ask(person)
    assert withheld(person, news) == "deactivated"
    assert not Session.objects.filter(user=person).exists()
    assert not User.objects.get(pk=person.pk).is_active


def withheld(person: User, news: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT consent_withheld_reason(%s, %s, %s, %s)", [person.pk, news, person.email, NOW]
        )
        return str(cursor.fetchone()[0])


def test_queued_mail_to_the_person_is_dropped() -> None:
    person = make_customer(yes=("newsletter",))
    Message.objects.create(
        kind=Kind.OPTIONAL,
        priority=5,
        purpose="campaign",
        person_id=person.pk,
        topic_id=topic().pk,
        to_address=person.email,
        language="nb",
        not_before=NOW,
        queued_at=NOW,
    )
    erase(person)
    assert [message.purpose for message in Message.objects.all()] == ["deletion_confirmed"]


def test_asking_twice_is_one_request() -> None:
    person = make_customer()
    assert ask(person) == ask(person)
    assert DeletionRequest.objects.count() == 1
    with as_role(KEEPER), pytest.raises(IntegrityError), transaction.atomic():
        DeletionRequest.objects.create(
            person_id=person.pk, source="customer", actor="self", requested_at=NOW
        )


def test_staff_are_not_erased() -> None:
    with pytest.raises(services.StaffStaysError):
        ask(make_staff())
    assert not DeletionRequest.objects.exists()


def test_what_they_asked_without_signing_in_goes_and_what_others_asked_stays() -> None:
    person = make_customer()
    for email in (person.email.upper(), "somebody.else@example.test"):
        question = ask_us(
            customer=None,
            email=email,
            topic="other",
            channel="email",
            text="Where is my invoice?",
            language="en",
            form=uuid.uuid4(),
            now=NOW,
        )
    erase(person)
    assert list(SupportQuestion.objects.all()) == [question]
    assert SupportEntry.objects.get().question == question
    assert DeletionRequest.objects.get().removed["accounts.SupportEntry"] == 1


def make_invitation(email: str, **fields: Any) -> StaffInvitation:
    with as_role(OWNER):
        invitation: StaffInvitation = StaffInvitation.objects.create(
            email=email, roles=["support"], expires_at=NOW, **fields
        )
    return invitation


def test_an_invitation_to_the_staff_that_was_never_accepted_goes_with_its_address() -> None:
    person, colleague = make_customer(), make_staff()
    make_invitation(person.email.upper())
    make_invitation(person.email, withdrawn_at=NOW)
    others = {
        make_invitation("somebody.else@example.test"),
        # Whose account it became is who it is about, whatever address it once went to.
        make_invitation(person.email, accepted_by=colleague, accepted_at=NOW),
    }
    wish = erase(person)
    assert set(StaffInvitation.objects.all()) == others
    assert wish.removed["accounts.StaffInvitation"] == 2


def test_an_invitation_to_an_address_that_was_only_typed_stays() -> None:
    person = make_customer(email_confirmed_at=None)
    invitation = make_invitation(person.email)
    erase(person)
    assert StaffInvitation.objects.get() == invitation


def test_what_somebody_called_the_owner_of_a_list_goes_with_the_owner() -> None:
    person, other = make_customer(), make_customer()
    for owner in (person, other):
        request = desk.open_request(
            kind="erasure",
            email="ola@example.test",
            text="Take me off.",
            source="letter",
            actor="x",
            now=NOW,
            list_owner=f"{owner.username} AS",
        )
        desk.pass_on(request, owner=owner, text="They answer.", actor=make_staff(), now=NOW)
    erase(person)
    kept = PrivacyRequest.objects.order_by("pk").values_list("state", "passed_to", "list_owner")
    assert list(kept) == [
        ("passed_on", None, ""),
        ("passed_on", other.pk, f"{other.username} AS"),
    ]


def test_the_fingerprint_keeps_the_address_from_optional_mail() -> None:
    person = make_customer(yes=("newsletter",))
    erase(person)
    assert is_suppressed(person.email.upper())
    review = years_later(NOW, 3).date()
    assert {(each.reason, each.review_on) for each in Suppression.objects.all()} == {
        ("erased", review)
    }
    back = make_customer(yes=("newsletter",), email=person.email, username=person.username)
    assert withheld(back, topic().pk) == "suppressed"


def test_signing_up_again_works_and_confirming_lifts_the_fingerprint() -> None:
    person = make_customer(yes=("newsletter",))
    erase(person)
    back = make_customer(yes=("newsletter",), email=person.email, username=person.username)
    signals.address_confirmed.send(sender=User, user=back, now=NOW)
    assert not is_suppressed(person.email)
    assert withheld(back, topic().pk) == ""


def test_a_person_erased_twice_leaves_two_proofs() -> None:
    for _round in range(2):
        erase(make_full_customer())
        Message.objects.all().delete()
    assert DeletionRequest.objects.filter(state="finished").count() == 2
    assert Suppression.objects.count() == len(settings.SUPPRESSION_KEYS)


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("en", "Your data has been deleted", ["until 1 March 2033", "reviewed on {review}"]),
        ("nb", "Dataene dine er slettet", ["til 1. mars 2033", "{review}"]),
    ],
)
def test_the_last_mail_says_what_went_and_what_stays(
    language: str, subject: str, words: list[str]
) -> None:
    erase(make_full_customer(language=language))
    mail = confirmation()
    assert (mail.kind, mail.language, mail.subject) == ("account", language, subject)
    with translation.override(language):
        # A day of the calendar, as it is stored: no zone moves it.
        review = human_date(datetime.combine(years_later(NOW, 3).date(), time(12), UTC))
    for word in words:
        assert word.format(review=review) in mail.text
        assert word.format(review=review) in mail.html
    assert str(DeletionRequest.objects.get().reference) in mail.text
    assert VALUES[1] not in mail.text + mail.html


def test_what_slips_in_between_two_steps_goes_too() -> None:
    person = make_full_customer()
    wish = ask(person)
    news = topic("product_news").pk
    with as_role(KEEPER):
        for step in wish.steps.exclude(name=erasure.ACCOUNT):
            services.run_batch(wish, step.pk, now=NOW, batch=1000)
    with as_role(APP):
        consent.record_opt_out(person.pk, [news], source=Source.LINK, now=NOW)
    assert ConsentDetail.objects.of(person.pk).count() == 1
    with as_role(KEEPER):
        services.run_deletions(NOW)
    assert not ConsentDetail.objects.of(person.pk).exists()
    assert not Preference.objects.of(person.pk).exists()
    wish.refresh_from_db()
    assert wish.removed["consent.ConsentDetail"] == COUNTS["consent.ConsentDetail"] + 1


def test_an_account_that_is_gone_already_ends_its_request() -> None:
    person = make_customer()
    wish = ask(person)
    with as_role(KEEPER):
        erasure.sweep(erasure.lock_person(person.pk), now=NOW)
        services.run_deletions(NOW)
    wish.refresh_from_db()
    assert wish.is_finished
    assert not Message.objects.exists()


def test_invoices_go_at_their_date_whether_the_customer_left_or_not() -> None:
    erase(make_full_customer())
    stayed = make_customer()
    fill(stayed)
    with as_role(KEEPER):
        services.enforce(datetime(2031, 2, 27, 23, tzinfo=UTC), "test", only=["invoices"])
        assert Invoice.objects.count() == 6
        services.enforce(datetime(2031, 2, 28, tzinfo=UTC), "test", only=["invoices"])
    assert {invoice.settled_on for invoice in Invoice.objects.all()} == {date(2026, 3, 1), None}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE retention_deletionrequest SET state = 'finished', person_id = NULL",
        "DELETE FROM retention_deletionrequest",
        "UPDATE retention_deletionstep SET finished_at = now()",
        "INSERT INTO retention_retentionrun DEFAULT VALUES",
        "UPDATE retention_retentionrun SET removed = 7",
    ],
)
def test_the_web_process_cannot_claim_that_it_was_done(statement: str) -> None:
    ask(make_customer())
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert not RetentionRun.objects.exists()


@pytest.fixture
def broker_down(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Celery's address of the broker leads to a port where nothing listens."""

    def forget_connections() -> None:
        for holder, name in ((current_app, "_pool"), (current_app.amqp, "_producer_pool")):
            setattr(holder, name, None)

    for name in ("broker_url", "broker_write_url"):
        monkeypatch.setattr(current_app.conf, name, "redis://127.0.0.1:1/0")
    forget_connections()
    yield
    forget_connections()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("broker_down")
def test_a_request_is_taken_without_a_broker_and_done_by_the_next_round() -> None:
    person = make_customer()
    assert ask(person).state == "requested"
    with as_role(KEEPER):
        assert services.run_deletions(NOW + timedelta(minutes=1)) == 1


def count_what_the_portal_counts(person: User) -> None:
    """By the person's key, and by their address as they typed it."""
    client = Client()
    client.force_login(person)
    for _ in range(2):
        assert client.get("/api/v1/preferences").status_code == 200
    question = {"topic": "other", "channel": "email", "text": "?", "form": str(uuid.uuid4())}
    assert client.post("/account/support/", question).status_code == 302
    stranger = {"name": "Z", "email": person.email.upper()} | question | {"form": str(uuid.uuid4())}
    assert Client().post("/contact/", stranger).status_code == 302
    Client().post("/signup/", walk.signup_form(email=person.email))
    Client().post("/password/reset/", {"email": person.email})
    for login in (person.username, person.email.upper()):
        Client().post("/login/", {"login": login, "password": "wrong"})


def test_what_the_cache_counts_by_key_or_address_goes_with_the_account(
    settings: SettingsWrapper, django_capture_on_commit_callbacks: Any
) -> None:
    show_cache_keys(settings)
    person, other = make_customer(), make_customer()
    for each in (person, other):
        count_what_the_portal_counts(each)
    begun = clock.time()
    for minute in range(3):  # a call a minute ago is counted still, and one of nearly three
        cache.set(name_of_count(person.pk, int(begun) // 60 - minute), 1, 60)
    theirs, others = (
        (str(each.pk), *hashed(str(each.pk), each.address, each.username))
        for each in (person, other)
    )
    assert all(found_in_cache(value) for value in (*theirs, *others))
    with django_capture_on_commit_callbacks(execute=True):
        erase(person)
    assert [value for value in theirs if found_in_cache(value)] == []
    assert all(found_in_cache(value) for value in others)


def found_in_cache(value: str) -> list[str]:
    return [
        key for key, _held in valkey_entries() if key.startswith("valkey cache:") and value in key
    ]


def test_no_key_of_the_cache_can_be_read() -> None:
    person = make_customer()
    count_what_the_portal_counts(person)
    cache.set("nobody", 1, 60)
    assert len([key for key, _held in valkey_entries() if key.startswith("valkey cache:")]) > 5
    for value in (str(person.pk), *hashed(str(person.pk), person.address), "nobody"):
        assert found_in_cache(value) == []
    assert cache.get("nobody") == 1


@pytest.mark.django_db(transaction=True)
def test_the_last_mail_arrives_and_leaves_no_address_behind(mailbox: Mailbox) -> None:
    person = make_full_customer(language="en")
    ask(person)
    with as_role(KEEPER):
        services.run_deletions(NOW)
    with as_role(SENDER):
        deliver_pending()
    (delivery,) = mailbox.to(person.email)
    assert delivery.message["Subject"] == "Your data has been deleted"
    assert "until 1 March 2033" in delivery.text()
    assert "until 1 March 2033" in delivery.text("html")
    for value in (*VALUES, str(person.pk)):
        assert set(tables_with(value)) <= {"accounts_invoice"}


@pytest.mark.parametrize(("expected", "at_once"), [(449, True), (451, False)])
def test_classes_go_as_they_are_found_where_a_transaction_has_room_for_twice_what_is_expected(
    expected: int, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_full_customer()
    limits = set()

    def noted(name: str, *arguments: Any, limit: int, **more: Any) -> erasure.Gone:
        limits.add(limit)
        return erase_batch(name, *arguments, limit=limit, **more)

    erase_batch = erasure.erase_batch
    monkeypatch.setattr(erasure, "erase_batch", noted)
    monkeypatch.setattr(erasure, "WORTH_GUESSING", 300)
    monkeypatch.setattr(erasure, "guessed_of", lambda *_arguments: expected)
    wish = services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        assert services.execute_deletion(wish, now=NOW, batch=300)
    # The last step sweeps without a limit in either case.
    assert limits == ({erasure.ALL_AT_ONCE} if at_once else {300, erasure.ALL_AT_ONCE})


def test_what_is_expected_of_all_classes_together_is_asked_once() -> None:
    person = make_full_customer()
    with as_role(KEEPER), transaction.atomic():
        someone = erasure.lock_person(person.pk)
        present = erasure.classes_with_rows(someone)
        assert len(present) > 20
        assert erasure.guessed_of(someone, present) >= len(present)
        assert erasure.guessed_of(someone, ()) == 0
