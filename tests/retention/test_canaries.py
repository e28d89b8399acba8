"""Unmistakable values in every place a person's data can be; after the erasure none is left.

Through pages, API, worker, mail and its answers, uploads, archive, sessions, cache, broker, logs
and files. What the receipt says is kept (book-keeping, a fingerprint) is all that is found.
"""

import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import User
from consent.models import ServiceKey, Suppression
from foundation import standstill
from foundation.roles import KEEPER, OWNER, SENDER, as_role
from messaging.incoming.services import receive_mail
from messaging.models import Message
from messaging.outbox import put_account_mail
from messaging.sender import deliver_pending
from retention import services
from retention.exporting.making import make_exports, request_export
from retention.journal.keeping import keep_log
from retention.models import DeletionRequest
from retention.models import Source as Way
from retention.receipts import make_deletion_receipt
from tests.accounts import walk
from tests.api.conftest import system
from tests.factories import NOW
from tests.incoming import letters
from tests.mailbox import Mailbox
from tests.messaging import uploading
from tests.retention.life import STAYING, fill
from tests.retention.places import places_with, valkey_entries
from tests.retention.traces import tables_with
from tests.services import FOLDER

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "kanarifugl"
PHONE = "+4790877665"
CONTACT = "+4790877666"
ACCOUNT = 770_077_007


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


def test_nothing_of_an_erased_person_is_found_but_what_the_receipt_lists(
    folder: Path, logs: pytest.LogCaptureFixture, mailbox: Mailbox
) -> None:
    log_began = server_log().stat().st_size
    person = sign_up()
    plant_through_pages(person)
    plant_through_the_api(person)
    plant_through_mail(person, mailbox)
    fill(person)
    plant_an_archive(person)
    work_through_the_queue()
    with as_role(KEEPER):
        keep_log(NOW)
    values = (CANARY, PHONE, CONTACT, str(person.pk), person.pk.hex, str(ACCOUNT))
    assert len(tables_with(*values)) > 25
    assert all(tables_with(value) for value in values if value != person.pk.hex)

    ask_on_the_page(person)
    with as_role(KEEPER):
        assert services.run_deletions(timezone.now(), batch=2) == 1
        keep_log(timezone.now())
    deliver()
    work_through_the_queue()

    wish = DeletionRequest.objects.get()
    receipt = make_deletion_receipt(wish)
    kept = {row["model"] for row in wish.kept}
    assert kept == {"accounts.Invoice", "accounts.Transaction", "consent.Suppression"}
    assert set(tables_with(*values)) <= STAYING
    assert Suppression.objects.exists()
    assert not any(value in json.dumps(receipt, default=str).lower() for value in values)

    left = server_log().read_bytes()[log_began:].decode(errors="replace")
    places = [folder, FOLDER / "valkey.log", Path(settings.BASE_DIR) / "var" / "rejected"]
    assert places_with(values, folders=places, logged=said_in(logs) + left) == []


def said_in(logs: pytest.LogCaptureFixture) -> str:
    """Of the portal, not of the mail server that the tests hold out to it."""
    ours = (record for record in logs.records if not record.name.startswith("mail."))
    return "\n".join(f"{record.name} {record.getMessage()}" for record in ours) + "\n"


def test_whatever_is_left_anywhere_would_be_found(folder: Path) -> None:
    """The search itself: a word in the cache, the broker, a file's name, a file, and a log."""
    cache.set(f"{CANARY}-key", "", 60)
    current_app.send_task("nobody.hears", args=[f"{CANARY}-task"], queue="retention")
    (folder / "temporary" / f"{CANARY}.csv").write_text("")
    (folder / "journal.jsonl").write_text(CANARY.upper())
    found = places_with((CANARY,), folders=[folder], logged=f"x\n{CANARY}\n")
    work_through_the_queue()
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


def plant_through_the_api(person: User) -> None:
    caller = system(ServiceKey.Scope.PLATFORM)
    message: dict[str, Any] = {
        "user_id": ACCOUNT,
        "message_id": f"{CANARY}-1",
        "direction": "out",
        "date": NOW.isoformat(),
        "to": CONTACT,
        "from": CANARY,
        "body": f"Hei {CANARY}",
        "status": "queued",
    }
    wrong = message | {"message_id": f"{CANARY}-2", "direction": f"{CANARY}"}
    body = "\n".join(json.dumps(each) for each in (message, wrong)).encode()
    answer = caller.send("post", "platform/message-records", body, "application/x-ndjson")
    assert (answer.json()["taken"], answer.json()["bad_lines"]) == (1, 1), answer.json()


def plant_through_mail(person: User, mailbox: Mailbox) -> None:
    """Delivered, refused for good, and answered."""
    deliver()
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


def deliver() -> None:
    with as_role(SENDER):
        deliver_pending()


def ask_on_the_page(person: User) -> None:
    services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=timezone.now())
    standstill.forget()


def work_through_the_queue() -> None:
    """As workers do: each wake-up is taken from the broker. That work is rows, done above."""
    with current_app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        for queue in {*current_app.amqp.queues, *queues_with_something()}:
            channel.queue_purge(queue)


def queues_with_something() -> list[str]:
    lists = (name for name, _text in valkey_entries() if name.startswith("valkey broker:"))
    names = [name.removeprefix("valkey broker:") for name in lists]
    return [name for name in names if not name.startswith(("_kombu", "unacked"))]
