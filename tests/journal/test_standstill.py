"""What stops, and what does not, when journal and database do not belong together."""

import uuid
from datetime import timedelta
from functools import partial
from html import unescape
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.mail import EmailMultiAlternatives
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings as SettingsWrapper

from accounts.models import User
from accounts.roles import Role
from consent.models import ConsentDetail, Leaf, Suppression
from consent.proof.sealer import seal_pending
from consent.suppression import lost_keys, suppress
from consent.tokens import RecipientToken, sign_token
from foundation import standstill
from foundation.roles import APP, KEEPER, SENDER, as_role
from foundation.tenants import as_tenant
from messaging import services as messaging
from messaging import tasks
from messaging.content import services as content
from messaging.models import ContactOptOut, Message
from retention import services
from retention.holds import place_hold
from retention.journal.guard import Reason, check
from retention.journal.keeping import keep_log
from retention.journal.store import Journal
from retention.models import JournalMark, RetentionRun
from retention.models import Source as Way
from retention.planning import make_plan
from retention.returning import ask_to_return
from tests.factories import (
    NOW,
    make_campaign,
    make_contact,
    make_customer,
    make_list,
    make_staff,
    topic,
)
from tests.journal.life import entries_of, forgotten, no
from tests.mailbox import Mailbox
from tests.messaging.test_hand_over import started
from tests.messaging.uploading import confirm, newest, uploaded
from tests.staff.sign_in import at_work

pytestmark = pytest.mark.django_db


def round_of_keeper() -> None:
    with as_role(KEEPER):
        keep_log(NOW)


def make_history() -> None:
    """Journal and database know of a choice and of a no, in two records."""
    person = make_customer(yes=("newsletter",))
    round_of_keeper()
    no(person)
    round_of_keeper()


def restore() -> None:
    """The database as it was before a no that the journal has."""
    make_history()
    with forgotten():
        make_history()


def lose(journal: Journal) -> None:
    make_history()
    journal.put_aside()


def shorten(journal: Journal) -> None:
    make_history()
    entries = entries_of(journal)
    journal.put_aside()
    tail = journal.tail()
    for entry in entries[:-1]:
        tail = journal.append([{k: v for k, v in entry.items() if k != "position"}], after=tail)


def change(journal: Journal) -> None:
    """Somebody wrote the whole chain anew with another no in it."""
    make_history()
    entries = entries_of(journal)
    journal.put_aside()
    tail = journal.tail()
    for entry in entries:
        rest = {k: v for k, v in entry.items() if k != "position"}
        tail = journal.append([{**rest, "at": "2026-01-01T00:00:00+00:00"}], after=tail)


def start_from_nothing(journal: Journal) -> None:
    with forgotten():
        make_history()


# --- the reasons ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lose, Reason.MISSING),
        (shorten, Reason.SHORTENED),
        (change, Reason.CHANGED),
        (lambda _journal: restore(), Reason.RESTORED),
        (start_from_nothing, Reason.RESTORED),
    ],
)
@pytest.mark.parametrize("role", [APP, SENDER, KEEPER])
def test_every_process_sees_why_it_must_stop(
    happens, reason: Reason, role: str, journal: Journal
) -> None:
    happens(journal)
    with as_role(role):
        assert check().startswith(reason)
        assert standstill.why().startswith(reason)
        assert standstill.why(pages=True).startswith(reason)


def test_a_new_portal_without_a_journal_goes_on(journal: Journal) -> None:
    assert check() == ""
    make_history()
    assert check() == ""


def test_a_record_between_append_and_mark_stops_nobody(journal: Journal) -> None:
    make_history()
    with as_role(KEEPER), forgotten():
        JournalMark.objects.all().delete()
        assert check() == ""


def test_one_changed_byte_in_the_last_record_stops(own_journal: Path) -> None:
    make_history()
    lines = own_journal.read_bytes().splitlines(keepends=True)
    for line in (lines[-1].replace(b'"chain":"', b'"chain":"00'), lines[-1].replace(b"{", b"[", 1)):
        own_journal.write_bytes(b"".join([*lines[:-1], line]))
        assert check().startswith(Reason.CHANGED)


def test_another_log_with_the_same_numbers_is_no_restore(journal: Journal) -> None:
    with forgotten():
        make_history()
    make_customer(yes=("newsletter",))
    with as_role(KEEPER):
        seal_pending(now=NOW)
    assert check().startswith(Reason.DIVERGED)


# --- mail ----------------------------------------------------------------------------------------


def deliver() -> None:
    with as_role(SENDER):
        messaging.deliver_pending(clock=timezone.now)


@pytest.mark.parametrize("happens", [lose, shorten, change, lambda _journal: restore()])
def test_optional_mail_waits_and_account_mail_goes(
    happens, journal: Journal, mailbox: Mailbox
) -> None:
    reader = make_customer(yes=("newsletter",))
    started(make_campaign())
    EmailMultiAlternatives("Account", "T", to=[reader.email]).send()
    happens(journal)
    deliver()
    assert [mail.message["Subject"] for mail in mailbox.deliveries] == ["Account"]
    assert Message.objects.filter(kind="optional", state="queued").exists()


def test_a_journal_out_of_reach_stops_optional_mail_but_not_account_mail(
    settings: SettingsWrapper, mailbox: Mailbox
) -> None:
    reader = make_customer(yes=("newsletter",))
    started(make_campaign())
    EmailMultiAlternatives("Account", "T", to=[reader.email]).send()
    settings.JOURNAL_URL = "postgresql://portal@127.0.0.1:9/journal"
    deliver()
    assert [mail.message["Subject"] for mail in mailbox.deliveries] == ["Account"]


def test_a_journal_lost_in_mid_campaign_stops_at_the_next_claim(
    mailbox: Mailbox, own_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_history()
    for _ in range(3):
        make_customer(yes=("newsletter",))
    started(make_campaign())
    monkeypatch.setattr("messaging.sending.claims.CLAIM_SIZE", 1)
    monkeypatch.setattr(standstill, "FRESH_SECONDS", 0)
    handle, lose = mailbox.handle_DATA, partial(own_journal.unlink, missing_ok=True)

    async def lose_it(*args):
        lose()
        return await handle(*args)

    mailbox.controller.handler.handle_DATA = lose_it
    try:
        deliver()
    finally:
        mailbox.controller.handler.handle_DATA = handle
    assert len(mailbox.deliveries) == 1


def test_what_was_claimed_before_a_standstill_goes_back_and_goes_after_it(
    mailbox: Mailbox,
    own_journal: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: SettingsWrapper,
) -> None:
    settings.SMTP_CONNECTIONS = 1  # one after the other: the account mail first
    make_history()
    readers = [make_customer(yes=("newsletter",)) for _ in range(3)]
    started(make_campaign())
    EmailMultiAlternatives("Account", "T", to=[readers[0].email]).send()
    monkeypatch.setattr(standstill, "FRESH_SECONDS", 0)
    kept = own_journal.read_bytes()
    handle, lose = mailbox.handle_DATA, partial(own_journal.unlink, missing_ok=True)

    async def lose_it(*args):
        lose()
        return await handle(*args)

    mailbox.controller.handler.handle_DATA = lose_it
    try:
        deliver()
    finally:
        mailbox.controller.handler.handle_DATA = handle
    assert [mail.message["Subject"] for mail in mailbox.deliveries] == ["Account"]
    assert set(Message.objects.filter(kind="optional").values_list("state", "attempts")) == {
        ("queued", 0)
    }
    assert Message.objects.filter(lease=None, state="sent").count() == 1
    own_journal.write_bytes(kept)
    deliver()
    assert len(mailbox.deliveries) == 4


def test_mail_goes_while_all_is_well(mailbox: Mailbox, journal: Journal) -> None:
    make_history()
    make_customer(yes=("newsletter",))
    started(make_campaign())
    deliver()
    assert len(mailbox.deliveries) == 1


# --- the log and deletions -----------------------------------------------------------------------


def test_nothing_is_sealed_in_standstill(journal: Journal) -> None:
    restore()
    leaves, tail = Leaf.objects.count(), journal.tail()
    no(make_customer(yes=("newsletter",)))
    round_of_keeper()
    assert Leaf.objects.count() == leaves
    assert journal.tail() == tail


def test_no_deletion_begins_in_standstill(journal: Journal) -> None:
    person = make_customer()
    services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    restore()
    tail = journal.tail()
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 0
    assert journal.tail() == tail


def test_nothing_lapses_and_nobody_is_told_of_late_deletions_in_standstill(
    own_journal: Path,
) -> None:
    """It may have been confirmed and done after the backup."""
    wish = services.request_for_customer(make_customer().pk, actor=make_staff(), now=NOW)
    assert wish.due_on is not None
    kept = own_journal.with_name("kept")
    make_history()
    own_journal.rename(kept)
    mails = Message.objects.count()
    over = NOW + timedelta(days=40)
    with as_role(KEEPER):
        assert services.watch_deletions(over) == 0
        wish.refresh_from_db()
        assert (wish.state, wish.warned_at, Message.objects.count()) == ("unconfirmed", None, mails)
        kept.rename(own_journal)
        standstill.forget()
        services.watch_deletions(over)
    wish.refresh_from_db()
    assert wish.lapsed


def test_no_rule_runs_and_nobody_is_asked_to_return_in_standstill(own_journal: Path) -> None:
    """A hold placed after the backup is not in the database, nor who came back since."""
    away = make_customer(
        deactivated_at=NOW - timedelta(days=800), asked_to_return_at=NOW - timedelta(days=61)
    )
    make_customer(deactivated_at=NOW - timedelta(days=800))
    with as_tenant(away.pk):
        make_contact(make_list(away), email="ola@example.test")
        ContactOptOut.objects.create(customer=away, contact="ola@example.test")
    rule = ["deactivated_accounts"]

    def work() -> list[object]:
        with as_role(KEEPER):
            digest = make_plan(NOW, only=rule).digest
            return [
                content.remove_opted_out(now=NOW),
                ask_to_return(NOW),
                [
                    run.removed
                    for run in services.enforce_plan(digest, actor="x", now=NOW, only=rule)
                ],
                [run.removed for run in services.enforce(NOW, "x", only=rule, guarded=True)],
                [run.removed for run in services.enforce(NOW, "x", only=rule)],
            ]

    make_history()
    kept = own_journal.rename(own_journal.with_name("kept"))
    assert work() == [0, 0, [], [], []]
    assert not RetentionRun.objects.exists()
    with pytest.raises(CommandError, match="Nothing is removed in a standstill: the journal is"):
        call_command("retention", "enforce", "--rule", *rule)
    kept.rename(own_journal)
    standstill.forget()
    assert work() == [1, 1, [1], [0], [0]]


def test_no_file_of_contacts_is_read_in_standstill(own_journal: Path) -> None:
    """A no said after the backup is not in the database, and the file may name who said it."""
    person = make_customer()
    with as_tenant(person.pk):
        upload = uploaded(person, b"Telefon\n+4791234567\n")
        confirm(person, upload)
    make_history()
    kept = own_journal.rename(own_journal.with_name("kept"))
    standstill.forget()
    tasks.read_uploads(str(upload.pk))
    assert newest(person).state == "running"
    kept.rename(own_journal)
    standstill.forget()
    tasks.read_uploads(str(upload.pk))
    assert newest(person).state == "finished"


def test_a_lost_journal_is_not_begun_again_by_a_deletion(own_journal: Path) -> None:
    make_history()
    own_journal.unlink()
    person = make_customer()
    wish = services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER), pytest.raises(Exception, match="missing"):
        services.execute_deletion(wish, now=NOW)
    assert not own_journal.exists()


# --- pages ---------------------------------------------------------------------------------------


CLOSED = [
    "preferences",
    "account_profile",
    "account_signup",
    "data_overview",
    "account_reset_password",
]
OPEN = ["home", "privacy", "trust", "contact", "account_login", "healthz", "robots"]
STAFF = ["account_login", "mfa_authenticate", "mfa_login_webauthn", "account_reauthenticate"]


@pytest.mark.parametrize("name", CLOSED)
def test_pages_with_peoples_data_close_and_say_so(name: str, client: Client) -> None:
    restore()
    client.force_login(make_customer())
    answer = client.get(reverse(name))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "300"
    page = answer.content.decode()
    assert "Vi er straks tilbake" in page
    assert "We will be back shortly" in page
    assert client.post(reverse(name)).status_code == 503


def test_a_link_from_a_mail_to_the_preferences_closes_and_the_api_answers_in_json(
    client: Client,
) -> None:
    restore()
    client.force_login(make_customer())
    assert client.get("/p/whatever/").status_code == 503
    answer = client.get("/api/v1/preferences")
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["code"] == "standstill"


@pytest.mark.parametrize("name", OPEN)
def test_public_pages_and_operations_stay_open(name: str, client: Client) -> None:
    restore()
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", STAFF)
def test_staff_can_sign_in(name: str, client: Client) -> None:
    restore()
    assert client.get(reverse(name)).status_code != 503
    assert client.get("/admin/").status_code == 302


# Of nobody, of staff, or needed until the replay is done. Every other one is about customers.
OPEN_TO_STAFF = {
    "accounts": "AccessAlarm StaffAccount StaffInvitation",
    "consent": "ServiceKey Suppression Topic Webhook",
    "django_celery_beat": "CrontabSchedule IntervalSchedule PeriodicTask",
    "messaging": "Campaign MailImage Segment SendingLimit ServiceAnnouncement "
    "SuppressionComparison",
    "retention": "Breach DeclaredAccess LegalHold Processor PromiseAlert RetentionRun",
}


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_staff_pages_about_customers_close_too(
    model: type[Model], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was erased after the backup is back until the replay."""
    monkeypatch.setattr(standstill, "why", lambda **_: "a reason")
    meta = model._meta
    pages = [
        f"admin:{meta.app_label}_{meta.model_name}_{page}" for page in ("changelist", "change")
    ]
    answers = [client.get(reverse(pages[0])), client.post(reverse(pages[1], args=[uuid.uuid4()]))]
    is_open = meta.object_name in OPEN_TO_STAFF.get(meta.app_label, "").split()
    assert {answer.status_code for answer in answers} == {302 if is_open else 503}
    if not is_open:
        page = answers[0].content.decode()
        assert "Sidene om kunder er stengt" in page
        assert "The pages about customers are closed" in page


def test_the_work_list_is_open_in_standstill_and_shows_nobody() -> None:
    person = make_customer(first_name="Zebulon", last_name="Quist")
    officer = make_staff(roles=(Role.PRIVACY,), language="en")
    services.request_for_customer(person.pk, actor=officer, now=NOW)
    hold = place_hold(
        reason="Case",
        reference="24-1",
        review_on=NOW.date() + timedelta(days=30),
        actor=officer,
        customer_id=person.pk,
        now=NOW,
    )
    LogEntry.objects.create(
        user_id=officer.pk,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(person.pk),
        object_repr="zebulon@example.com",
        action_flag=CHANGE,
    )
    staff = at_work(officer)
    pages = [reverse("admin:index"), reverse("admin:retention_legalhold_change", args=[hold.pk])]

    def read() -> tuple[str, str]:
        standstill.forget()
        first, second = (unescape(staff.get(each).content.decode()) for each in pages)
        return first, second

    index, held = read()
    assert "The portal stands still" not in index
    assert "Deletions under way" in index
    assert "zebulon@example.com" in index
    assert f"Z. Q. ({person.pk})" in held
    restore()
    index, held = read()
    assert "The portal stands still" in index
    assert "Deletions under way" not in index
    assert "zebulon@example.com" not in index
    assert "24-1" in index
    assert "Z. Q." not in held
    assert f"of customer {person.pk}" in held


def test_a_no_from_a_mail_is_accepted_and_waits_for_its_place(client: Client) -> None:
    restore()
    person = make_customer(yes=("newsletter",))
    token = sign_token(RecipientToken(person_id=person.pk, topic=topic().number, issued_at=NOW))
    assert client.post(f"/u/{token}/", {"List-Unsubscribe": "One-Click"}).status_code == 200
    event = ConsentDetail.objects.of(person.pk).get(state="withdrawn")
    round_of_keeper()
    assert not Leaf.objects.filter(event_id=event.pk).exists()


def test_the_one_click_path_does_not_even_ask(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "why", lambda **_: pytest.fail("asked"))
    client.post("/u/whatever/", {"List-Unsubscribe": "One-Click"})


def test_a_lost_suppression_key_closes_no_page(client: Client, settings: SettingsWrapper) -> None:
    suppress("gone@example.test", reason=Suppression.Reason.ERASED, now=NOW)
    settings.SUPPRESSION_KEYS = {9: b"9" * 32}
    assert standstill.why() == "a suppression key is lost"
    assert standstill.why(pages=True) == ""
    client.force_login(make_customer())
    assert client.get(reverse("preferences")).status_code == 200


def test_the_monitor_is_told_by_name_and_nothing_else(client: Client) -> None:
    assert client.get("/readyz").json() == {"failing": []}
    restore()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"failing": ["journal"]})


def test_a_check_that_fails_stops_and_an_answer_is_asked_once_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def broken() -> str:
        asked.append(1)
        raise RuntimeError

    monkeypatch.setattr(standstill, "_checks", {})
    standstill.register("broken", broken)
    standstill.forget()
    assert standstill.why() == standstill.why() == "broken cannot be checked: RuntimeError"
    assert len(asked) == 1
    standstill.forget()
    standstill.why()
    assert len(asked) == 2


def test_lost_keys_are_found_among_many_by_the_index(settings: SettingsWrapper) -> None:
    for key in (5, 3, 1):
        settings.SUPPRESSION_KEYS = {key: bytes([key]) * 32}
        for number in range(3):
            suppress(f"{number}@example.test", reason=Suppression.Reason.ERASED, now=NOW)
    assert lost_keys() == {3, 5}
    settings.SUPPRESSION_KEYS = dict.fromkeys((1, 3, 5, 7), b"x" * 32)
    assert lost_keys() == set()
