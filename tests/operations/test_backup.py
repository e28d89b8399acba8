"""The commands of docs/operations/backup.md, run as they stand there, while lives go on."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from clicksend_portal.embedded.family import Family
from clicksend_portal.embedded.postgres import TEST_SETTINGS, Postgres
from consent.models import Preference
from consent.tokens import RecipientToken, sign_token
from foundation import standstill
from foundation.roles import KEEPER, OWNER, as_role
from foundation.tenants import as_tenant
from messaging.content import services as content
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    Message,
    MessageContent,
    MessageRecord,
)
from retention import services
from retention.journal.audit import first_difference
from retention.journal.keeping import keep_log
from retention.models import Scope
from retention.models import Source as Way
from tests.api.feeding import CUSTOMER, feed, message
from tests.database import administrator, create, disconnect, drop, migrated_template, use
from tests.factories import NOW, make_contact, make_customer, topic
from tests.retention.belongings import CONTACT_VALUES, give_lists, give_message
from tests.retention.life import ALL_VALUES, STAYING, VALUES, make_full_customer
from tests.retention.traces import tables_with
from tests.services import FOLDER

pytestmark = pytest.mark.django_db(transaction=True)

# Who told this customer to stop, and a report: neither is a part of a list or of a message.
OF_OTHER_PARTS = {"messaging_contactoptout": 1, "messaging_report": 1}
DOCUMENT = Path(settings.BASE_DIR) / "docs" / "operations" / "backup.md"
BLOCK = re.compile(r"^```sh name=([a-z-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall(DOCUMENT.read_text()))


@dataclass
class Rehearsal:
    """A folder for backups, the server and database they are of, and the way to run a block."""

    folder: Path
    database: str = field(default_factory=lambda: settings.DATABASES["default"]["NAME"])
    host: str = field(default_factory=lambda: connection.settings_dict["HOST"])

    def run(self, *names: str, database: str = "") -> str:
        script = "\n".join(("set -eu", BLOCKS["set"], *(BLOCKS[name] for name in names)))
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "HOST": connection.settings_dict["HOST"],
                "DATABASE": database or self.database,
                "BACKUPS": str(self.folder),
                "DATA": str(self.folder),
                "DATABASE_URL": self.database_url(),
                "JOURNAL_URL": settings.JOURNAL_URL,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def database_url(self) -> str:
        """Of the server that the tests' connection goes to now."""
        former, now = quote(self.host, safe=""), quote(connection.settings_dict["HOST"], safe="")
        return os.environ["DATABASE_URL"].replace(former, now).replace(quote(self.host), now)

    def stop_the_portal(self) -> None:
        """All of it, as the document says: whoever is connected keeps the name of a database."""
        disconnect()
        with administrator() as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [self.database],
            )

    def go_to(self, host: str) -> None:
        disconnect()
        connection.settings_dict["HOST"] = host
        standstill.forget()


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    """In the tests' data folder: the account PostgreSQL runs as must reach what is restored.

    The portal has a database of its own here, for no other may be renamed or cut off.
    """
    folder = Path(tempfile.mkdtemp(prefix="backup-", dir=FOLDER))
    folder.chmod(0o711)
    former = settings.DATABASES["default"]["NAME"]
    portal = f"{former}_portal"
    with administrator() as admin:
        drop_all(admin, portal)
        create(admin, portal, template=migrated_template(admin))
    use(portal)
    made = Rehearsal(folder)
    yield made
    made.go_to(made.host)
    use(former)
    standstill.forget()
    with administrator() as admin:
        drop_all(admin, portal)
    shutil.rmtree(folder)


def drop_all(admin: psycopg.Connection, portal: str) -> None:
    for name in (portal, f"{portal}_lost", f"{portal}_restored"):
        drop(admin, name)


@dataclass
class Lives:
    """Whom the backup knows: each says, asks or deletes something after it was made."""

    erased: User
    partly: User
    leaver: User
    stayer: User
    meanwhile: User
    lists: dict[str, ContactList]

    @classmethod
    def begin(cls) -> "Lives":
        partly = make_customer(
            yes=("newsletter",), company="Partly AS", last_name="Quist", platform_id=CUSTOMER
        )
        with as_role(KEEPER):
            lists = {"goes": give_lists(partly, now=NOW)}
            lists["stays"] = ContactList.objects.create(customer=partly, list_name="Stays")
            give_message(partly, "partly", now=NOW - timedelta(hours=1), body="kontorstol")
        leaver, stayer, meanwhile = (make_customer(yes=("newsletter",)) for _ in range(3))
        with as_role(KEEPER):
            lists["own"] = ContactList.objects.create(customer=stayer, list_name="Own")
            other = ContactList.objects.create(customer=stayer, list_name="Other")
            for made in (lists["own"], other):
                make_contact(made, email="nei@partner.test")
                make_contact(made, email=f"{made.list_name.lower()}@partner.test")
        lives = cls(make_full_customer(), partly, leaver, stayer, meanwhile, lists)
        round_of_keeper(0)
        return lives

    def go_on(self) -> None:
        """After the backup: one is erased, of one a list and what messages said, one says no, and
        one deletes a list and is told no by a contact."""
        self.platform_sends()
        services.request_deletion(self.erased.pk, source=Way.CUSTOMER, actor="self", now=NOW)
        for scope, chosen in ((Scope.LIST, self.lists["goes"].pk), (Scope.CONTENT, None)):
            services.request_deletion(
                self.partly.pk,
                source=Way.CUSTOMER,
                actor="self",
                now=NOW,
                scope=scope,
                contact_list_id=chosen,
            )
        with as_role(KEEPER):
            services.run_deletions(NOW)
        one_click(self.leaver)
        content.delete_list(self.lists["own"].pk, customer_id=self.stayer.pk, now=NOW)
        with as_tenant(self.stayer.pk):
            content.record_contact_opt_out("nei@partner.test", customer_id=self.stayer.pk, now=NOW)
        round_of_keeper(2)
        with as_role(OWNER):  # what they were told is delivered and blanked
            Message.objects.all().delete()
        self.assert_as_they_wished()

    def platform_sends(self) -> None:
        """A message of after the backup, with all that it said."""
        said = {"to": "+4790000001", "first_name": "", "body": "kontorstol"}
        date = (NOW - timedelta(minutes=30)).isoformat()
        assert feed("message-records", message(message_id="since", date=date, **said)).taken == 1

    def assert_as_they_wished(self) -> None:
        assert set(tables_with(*VALUES, str(self.erased.pk))) <= STAYING
        assert tables_with(*CONTACT_VALUES, "kontorstol") == OF_OTHER_PARTS
        with as_tenant(self.partly.pk):
            assert [each.list_name for each in ContactList.objects.all()] == ["Stays"]
            assert MessageRecord.objects.count() == 2
            assert MessageContent.objects.count() == 0
        with as_tenant(self.stayer.pk):
            assert [each.email for each in Contact.objects.all()] == ["other@partner.test"]
            assert [each.list_name for each in ContactList.objects.all()] == ["Other"]
            assert [each.contact for each in ContactOptOut.objects.all()] == ["nei@partner.test"]
        assert choice(self.leaver) == "withdrawn"
        assert choice(self.stayer) == "granted"


def choice(person: User) -> str:
    return str(Preference.objects.of(person.pk).get(topic=topic()).state)


def round_of_keeper(minutes: int) -> None:
    with as_role(KEEPER):
        keep_log(NOW + timedelta(minutes=minutes))


def one_click(person: User) -> None:
    token = sign_token(RecipientToken(person_id=person.pk, topic=topic().number, issued_at=NOW))
    answer = Client().post(f"/u/{token}/", {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200


def answers(person: User) -> tuple[int, list[str], int]:
    """What a monitor and a customer are told."""
    standstill.forget()
    client = Client()
    client.force_login(person)
    monitor = client.get("/readyz")
    page = client.get(reverse("preferences"))
    return monitor.status_code, monitor.json()["failing"], page.status_code


def assert_refused_then_made_whole(rehearsal: Rehearsal, lives: Lives) -> None:
    """The restored state is the old one, and nobody is shown it or written to out of it."""
    assert set(tables_with(*ALL_VALUES)) > STAYING
    assert choice(lives.leaver) == "granted"
    assert answers(lives.stayer) == (503, ["journal"], 503)
    one_click(lives.meanwhile)
    assert choice(lives.meanwhile) == "withdrawn"

    said = rehearsal.run("replay")
    assert "1  people erased again" in said
    assert "1  opt-outs" in said
    # The list one deleted, and that which a part took.
    assert "2  own deletions of customers" in said
    assert "1  opt-outs of contacts" in said

    assert answers(lives.stayer) == (200, [], 200)
    assert choice(lives.meanwhile) == "withdrawn"
    lives.platform_sends()
    lives.assert_as_they_wished()
    round_of_keeper(4)
    with as_role(KEEPER):
        assert first_difference(NOW) == ""


@pytest.mark.slow
def test_a_dump_restored_is_refused_then_replayed_then_served(rehearsal: Rehearsal) -> None:
    lives = Lives.begin()
    rehearsal.run("dump")
    lives.go_on()
    rehearsal.stop_the_portal()
    rehearsal.run("restore-dump")
    rehearsal.go_to(rehearsal.host)
    assert "Nothing was changed" in rehearsal.run("look")
    assert_refused_then_made_whole(rehearsal, lives)


@pytest.mark.slow
def test_a_base_backup_restored_is_refused_then_replayed_then_served(
    rehearsal: Rehearsal,
) -> None:
    lives = Lives.begin()
    rehearsal.run("base")
    lives.go_on()
    stopped = rehearsal.folder / "postgres"
    stopped.mkdir(mode=0o700)
    data = (FOLDER / "postgres").stat()
    os.chown(stopped, data.st_uid, data.st_gid)
    rehearsal.run("restore-base")
    family = Family()
    try:
        server = Postgres(rehearsal.folder, TEST_SETTINGS)
        server.start(family)
        rehearsal.go_to(str(server.sockets))
        assert_refused_then_made_whole(rehearsal, lives)
        rehearsal.go_to(rehearsal.host)
    finally:
        family.close(patience=8.0)


def test_what_was_lost_is_let_go_of(rehearsal: Rehearsal) -> None:
    other = f"{rehearsal.database}_other"
    with administrator() as admin:
        create(admin, f"{other}_lost", template="template0")
        rehearsal.run("drop-lost", database=other)
        assert not admin.execute(
            "SELECT FROM pg_database WHERE datname = %s", [f"{other}_lost"]
        ).fetchall()


def test_every_block_of_the_document_is_rehearsed() -> None:
    """A command that no test runs is a hope."""
    rehearsed = {"set", *re.findall(r'rehearsal\.run\("([a-z-]+)"', Path(__file__).read_text())}
    assert set(BLOCKS) == rehearsed
    assert DOCUMENT.read_text().count("```sh") == len(BLOCKS)
