"""Unmistakable values in every place a person's data can be; after the erasure none is left.

Planted through pages, the platform's API, mail and its answers, uploads, an archive and a webhook,
carried on by a worker that takes its calls from the broker; looked for in all tables, in what
PostgreSQL noted of them, in broker and cache as they were left, in files and in what was logged.
What the receipt says is kept (book-keeping, a fingerprint) is all that is found.
"""

import json
import logging
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings as SettingsWrapper

from accounts.models import StaffInvitation, User
from consent.models import Delivery, ServiceKey, Suppression, Webhook
from consent.webhooks.services import create_webhook
from foundation import standstill
from foundation.roles import OWNER, as_role
from messaging.incoming.services import receive_mail
from messaging.models import Message
from messaging.outbox import put_account_mail
from retention import desk
from retention.exporting.making import make_exports, request_export
from retention.models import DeletionRequest
from retention.receipts import make_deletion_receipt
from tests.accounts import walk
from tests.api.conftest import system
from tests.factories import NOW, make_staff
from tests.incoming import letters
from tests.mailbox import Mailbox
from tests.messaging import uploading
from tests.retention.life import STAYING, fill
from tests.retention.places import hashed, places_with, show_cache_keys, valkey_entries
from tests.retention.portal_worker import work_through_the_queue
from tests.retention.traces import analyze, statistics_with, tables_with
from tests.services import FOLDER
from tests.staff.sign_in import sign_in
from tests.webhooks.receiver import Receiver

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CANARY = "kanarifugl"
PHONE = "+4790877665"
CONTACT = "+4790877666"
ACCOUNT = 770_077_007
# What beat would call.
LOG_AND_TELL = ("retention.tasks.keep_log", "consent.tasks.deliver_webhooks")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Whatever this process writes for a moment lies here, beside the journal."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return tmp_path


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All that the portal says, down to what only a curious operator would switch on."""
    with caplog.at_level(logging.INFO):
        yield caplog


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Another system that asked to be told of everything."""
    receiver = Receiver()
    receiver.start()
    yield receiver
    receiver.stop()


def test_nothing_of_an_erased_person_is_found_but_what_the_receipt_lists(
    folder: Path,
    logs: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    mailbox: Mailbox,
    receiver: Receiver,
    settings: SettingsWrapper,
) -> None:
    show_cache_keys(settings)
    log_began = server_log().stat().st_size
    webhook, _secret = create_webhook(
        name="The CRM", url=receiver.url, events=[each.value for each in Webhook.Event]
    )
    person = sign_up()
    plant_through_pages(person)
    plant_through_the_api()
    plant_through_mail(person, mailbox)
    fill(person)
    Webhook.objects.exclude(pk=webhook.pk).update(paused_at=NOW)  # of an address nobody has
    plant_an_archive(person)
    work_through_the_queue(*LOG_AND_TELL)
    analyze()
    values = (CANARY, PHONE, CONTACT, str(person.pk), person.pk.hex, str(ACCOUNT))
    counted = hashed(str(person.pk), person.address)
    plant_by_staff(person)
    plant_what_nobody_works_off(person)
    assert len(tables_with(*values)) > 25
    assert all(tables_with(value) for value in values if value != person.pk.hex)
    assert statistics_with(str(person.pk))
    assert str(person.pk) in str(receiver.messages)

    waiting = [text for where, text in valkey_entries() if where == "valkey broker:content"]
    assert all(task in waiting[0] for task in (b"make_exports", b"read_uploads"))
    keys = " ".join(where for where, _text in valkey_entries())
    assert all(value in keys for value in (f":api:{person.pk}:", *counted))

    ask_on_the_page(person)
    # The call that the page made, the mail it ends with, and the night; while the worker of the
    # longest work is down.
    work_through_the_queue(*LOG_AND_TELL, "retention.tasks.renew_statistics", but=("content",))
    assert waiting == [text for where, text in valkey_entries() if where == "valkey broker:content"]
    assert mailbox.to(f"{CANARY}@example.test")[-1]

    wish = DeletionRequest.objects.get()
    receipt = make_deletion_receipt(wish)
    kept = {row["model"] for row in wish.kept}
    assert kept >= {"accounts.Invoice", "accounts.Transaction", "consent.Suppression"}
    assert set(tables_with(*values)) <= STAYING
    assert statistics_with(*values) == []
    assert Suppression.objects.exists()
    assert not any(value in json.dumps(receipt, default=str).lower() for value in values)
    assert len([each for each in receiver.got if b'"erased"' in each.body]) == 1
    (delivery,) = Delivery.objects.filter(webhook=webhook)
    assert delivery.event_id == wish.announcement
    assert (delivery.state, delivery.body) == ("delivered", "")

    left = server_log().read_bytes()[log_began:].decode(errors="replace")
    said = said_in(logs) + written(capfd) + left
    assert '"event": "request"' in said
    assert "Task retention.tasks.run_deletions" in said
    looked_for = (*values, *counted)
    assert places_with(looked_for, folders=[folder, *places_of_the_portal()], logged=said) == []
    work_through_the_queue()  # and what had waited finds nothing


def places_of_the_portal() -> list[Path]:
    """Wherever else it may have put something: rejected records, and all of its own folder."""
    base = Path(settings.BASE_DIR)
    rejected = [*base.glob("*.rejected.csv*"), *(base.parent / "shared").rglob("*.rejected.csv*")]
    return [FOLDER / "valkey.log", base / "var", *rejected]


def said_in(logs: pytest.LogCaptureFixture) -> str:
    """Of the portal, not of the mail server that the tests hold out to it."""
    ours = (record for record in logs.records if not record.name.startswith("mail."))
    return "\n".join(f"{record.name} {record.getMessage()}" for record in ours) + "\n"


def written(capfd: pytest.CaptureFixture[str]) -> str:
    """Past logging, as the line of each request is."""
    lines = "".join(capfd.readouterr()).splitlines()
    return "\n".join(line for line in lines if '"logger": "mail.' not in line) + "\n"


def test_whatever_is_left_anywhere_would_be_found(folder: Path, settings: SettingsWrapper) -> None:
    """The search itself: a word in the cache, the broker, a file's name, a file, and a log."""
    show_cache_keys(settings)
    cache.set(f"{CANARY}-key", "", 60)
    current_app.send_task("nobody.hears", args=[f"{CANARY}-task"], queue="retention")
    (folder / "temporary" / f"{CANARY}.csv").write_text("")
    (folder / "journal.jsonl").write_text(CANARY.upper())
    found = places_with((CANARY,), folders=[folder], logged=f"x\n{CANARY}\n")
    assert {each.split(maxsplit=1)[0] for each in found} == {"valkey", "file", "log"}
    assert len([each for each in found if each.startswith("valkey")]) == 2
    assert len([each for each in found if each.startswith("file")]) == 2


def server_log() -> Path:
    return FOLDER / "postgres.log"


def sign_up() -> User:
    """The form, the welcome mail, the password, and a password that was wrong."""
    client = Client()
    link = walk.sign_up(
        client,
        username=f"{CANARY}.77",
        email=f"{CANARY}@example.test",
        first_name=CANARY.title(),
        last_name=f"{CANARY}sen",
        phone=PHONE,
    )
    chain = client.get(link, follow=True).redirect_chain
    client.post(chain[-1][0] if chain else link, walk.passwords())
    person: User = User.objects.get(username=f"{CANARY}.77")
    person.platform_id, person.company = ACCOUNT, f"{CANARY} AS"
    person.save()
    Client().post("/login/", {"login": person.username, "password": f"{CANARY}-wrong"})
    Client().post("/password/reset/", {"email": person.email})
    Client().post("/signup/", walk.signup_form(email=person.email, username=f"{CANARY}.78"))
    return person


def plant_through_pages(person: User) -> None:
    """A file that was read, one that waits, pages looked at, a search that is logged nowhere."""
    file = f"Mobil;Fornavn\n{CONTACT};{CANARY}\nabc;{CANARY}\n".encode()
    uploading.take_in(person, file)
    uploading.uploaded(person, file, name=f"{CANARY}.csv")
    client = uploading.signed_in(person)
    for path in ("/data/", "/preferences/", "/account/", f"/messages/?q={CANARY}"):
        assert client.get(path, follow=True).status_code == 200
    cache.set("nobody", "else", 60)


def plant_through_the_api() -> None:
    """Each of the platform's feeds, each with a line that cannot be read."""
    caller = system(ServiceKey.Scope.PLATFORM)
    day = NOW.date().isoformat()
    feeds: dict[str, dict[str, Any]] = {
        "contact-lists": {"list_id": 61, "list_name": f"{CANARY} VIP"},
        "contacts": {
            "list_id": 61,
            "contact_id": 61,
            "phone_number": CONTACT,
            "email": f"kontakt@{CANARY}.test",
            "first_name": CANARY,
            "address_line_1": f"{CANARY}veien 7",
            "custom_1": CANARY,
        },
        "opt-outs": {"email": f"nei@{CANARY}.test"},
        "message-records": {
            "message_id": f"{CANARY}-1",
            "direction": "out",
            "date": NOW.isoformat(),
            "to": CONTACT,
            "from": CANARY,
            "body": f"Hei {CANARY}",
            "status": "queued",
        },
        "reports": {
            "report_id": 61,
            "report_name": CANARY,
            "date": NOW.isoformat(),
            "content": {"to": CONTACT},
        },
        # Numbers stay with the books, and what a bill says of its payer.
        "invoices": {
            "invoice_number": "2026-77",
            "billed_to": f"{CANARY} AS",
            "amount": "120.00",
            "currency": "NOK",
            "date": day,
        },
        "transactions": {
            "transaction_id": "tx77",
            "kind": "charge",
            "amount": "1.50",
            "currency": "NOK",
            "date": day,
        },
    }
    for kind, record in feeds.items():
        bad = f'{{"user_id": {ACCOUNT}, "{CANARY}"'
        body = f"{json.dumps({'user_id': ACCOUNT} | record)}\n{bad}\n".encode()
        answer = caller.send("post", f"platform/{kind}", body, "application/x-ndjson").json()
        assert (answer["taken"], answer["bad_lines"]) == (1, 1), (kind, answer)


def plant_through_mail(person: User, mailbox: Mailbox) -> None:
    """Delivered by the worker that the outbox called, refused for good, and answered."""
    work_through_the_queue()
    assert mailbox.to(person.email)
    put_account_mail(
        to=person.email,
        person_id=person.pk,
        purpose="password_changed",
        language="nb",
        subject=CANARY,
        text=CANARY,
        html="",
        now=NOW,
    )
    with as_role(OWNER):
        Message.objects.filter(subject=CANARY).update(
            state="failed", reason=f"550 {person.email}: {CANARY}"[:60]
        )
    token = letters.token_for(person)
    for letter in (letters.gmail(token, sender=person.email), letters.out_of_office(token)):
        receive_mail(letter, recipient="", received_at=NOW, now=NOW)


def plant_an_archive(person: User) -> None:
    request_export(person.pk, actor="self", now=NOW)
    make_exports(person.pk, now=NOW)


def plant_by_staff(person: User) -> None:
    """An invitation that was never accepted, and a request of somebody in one of their lists."""
    boss = make_staff()
    with as_role(OWNER):
        StaffInvitation.objects.create(email=person.email, roles=["support"], expires_at=NOW)
    request = desk.open_request(
        kind="erasure",
        email="ola@example.test",
        text="Take me off the list.",
        source="letter",
        actor="staff",
        now=NOW,
        list_owner=f"{CANARY.title()} AS",
    )
    desk.pass_on(request, owner=person, text="They answer you.", actor=boss, now=NOW)
    work_through_the_queue()


def plant_what_nobody_works_off(person: User) -> None:
    """Calls for a worker that is down, and what is counted of whoever asks much."""
    client = uploading.signed_in(person)
    assert client.get("/api/v1/preferences").status_code == 200
    asked = {"topic": "other", "channel": "email", "text": CANARY, "form": str(uuid.uuid4())}
    assert client.post("/account/support/", asked).status_code == 302
    request_export(person.pk, actor="self", now=NOW)
    uploading.confirm(person, uploading.uploaded(person, f"Mobil\n{CONTACT}\n".encode()))
    # Both are called for again by beat's rounds.
    work_through_the_queue(
        "retention.tasks.wake_exports", "messaging.wake_uploads", but=["content"]
    )


def ask_on_the_page(person: User) -> None:
    """Signed in an hour ago: the form asks for the password first, and then does it."""
    standstill.forget()
    client = sign_in(person, "password", again=False)
    assert client.get("/data/delete/").status_code == 200
    asked = client.post("/data/delete/")
    assert "/reauthenticate/" in asked.headers["Location"]
    assert not DeletionRequest.objects.exists()
    answer = client.post(asked.headers["Location"], {"password": walk.PASSWORD})
    assert answer.headers["Location"].startswith("/data/delete/")
    assert DeletionRequest.objects.get().state == "requested"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
