"""The commands of docs/operations/backup.md, run as they stand there, while lives go on."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings as SettingsWrapper

from accounts.models import User
from clicksend_portal.demo.sign_ins import CUSTOMER_ADDRESS
from clicksend_portal.embedded.folders import socket_folder, wheel_folder
from clicksend_portal.embedded.postgres import PROGRAMS, WHEEL
from clicksend_portal.run.profile import write_private
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
from tests.database import administrator, disconnect, migrated_template
from tests.factories import NOW, make_contact, make_customer, topic
from tests.operations.portal_process import PortalProcess
from tests.retention.belongings import CONTACT_VALUES, give_lists, give_message
from tests.retention.life import ALL_VALUES, STAYING, VALUES, make_full_customer
from tests.retention.traces import tables_with
from tests.services import ENVIRONMENT

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

GONE = 20.0

# Who told this customer to stop, and a report: neither is a part of a list or of a message.
OF_OTHER_PARTS = {"messaging_contactoptout": 1, "messaging_report": 1}
BIN = wheel_folder(WHEEL) / PROGRAMS
DOCUMENT = Path(settings.BASE_DIR) / "docs" / "operations" / "backup.md"
BLOCK = re.compile(r"^```sh name=([a-z-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall(DOCUMENT.read_text()))


# What is installed is that of the tests: `make` need not look at it again.
MAKE = 'make() { command make -o runtime "$@"; }\n'
READY = {"services": "Services ready", "web": "Web ready", "run": "Portal ready"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NO_HEADERS: Mapping[str, str] = {}
KEYS = ("SECRET_KEY", "TOKEN_KEYS", "SUPPRESSION_KEYS", "LOG_KEYS")


class Operator:
    """Has the document, a folder for backups, and nothing but the portal's own servers."""

    def __init__(self, folder: Path) -> None:
        self.portal = PortalProcess(folder)
        self.data, self.backups = folder / "data", folder / "backups"
        self.data.mkdir(mode=0o711)  # the account PostgreSQL runs as must reach it
        self.backups.mkdir()
        self.sockets = str(socket_folder(self.data))
        self.shell = {**self.portal.environment(), "BACKUPS": str(self.backups)}

    def set_out(self) -> None:
        """What the block `set` says holds in this shell from then on."""
        names = re.findall(r"^([A-Z]+)=", BLOCKS["set"], re.MULTILINE)
        told = "".join(f'printf "%s\\n" "${name}"\n' for name in names)
        said = self.attempt(BLOCKS["set"] + told).stdout.splitlines()
        self.shell |= dict(zip(names, said, strict=True))

    def run(self, name: str) -> str:
        done = self.attempt(BLOCKS[name])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attempt(self, script: str, **chosen: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", f"umask 022\n{script}"],
            cwd=settings.BASE_DIR,
            env=self.shell | chosen,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, name: str) -> None:
        """In a terminal of its own; afterwards the tests speak to the server that has begun."""
        self.portal.start_until_ready("bash", "-c", MAKE + BLOCKS[name], ready=READY[name])
        go_to(self.sockets, "portal")

    def press_ctrl_c(self) -> None:
        disconnect()
        os.killpg(self.portal.started[-1].pid, signal.SIGINT)
        assert self.portal.wait_until_gone(seconds=GONE) == set()

    def answer(
        self, address: str, body: str | None = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> tuple[int, bytes]:
        """Of the web server that runs, not of Django in this process."""
        method = "GET" if body is None else "POST"
        with closing(HTTPConnection("localhost", self.portal.port, timeout=10)) as web:
            web.request(method, address, body, headers)
            said = web.getresponse()
            return said.status, said.read()


def go_to(host: str, database: str) -> None:
    disconnect()
    connection.settings_dict |= {"HOST": host, "NAME": database}
    standstill.forget()


@pytest.fixture
def operator(settings: SettingsWrapper) -> Iterator[Operator]:
    """A portal that was started once, and whose tables are made.

    It has the tests' keys, which lie where `make run` keeps its own.
    """
    here, database = (connection.settings_dict[name] for name in ("HOST", "NAME"))
    with TemporaryDirectory(prefix="backup-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        made = Operator(folder)
        made.set_out()
        write_private(made.data / "keys.json", json.dumps({key: ENVIRONMENT[key] for key in KEYS}))
        settings.JOURNAL_URL = (made.data / "journal.jsonl").as_uri()
        try:
            made.start("services")
            make_tables(folder / "tables.dump", source=here, target=made.sockets)
            yield made
        finally:
            go_to(here, database)
            made.portal.end()


def make_tables(dump: Path, *, source: str, target: str) -> None:
    """Copied, for migrating takes long."""
    with administrator() as admin:
        template = migrated_template(admin)
    dumping = ["--username=postgres", f"--host={source}", "--format=custom", f"--file={dump}"]
    subprocess.run([BIN / "pg_dump", *dumping, template], check=True)
    restoring = ["--username=postgres", f"--host={target}", "--exit-on-error", "--dbname=portal"]
    subprocess.run([BIN / "pg_restore", *restoring, dump], check=True)


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


def way_out(person: User) -> str:
    token = RecipientToken(person_id=person.pk, topic=topic().number, issued_at=NOW)
    return f"/u/{sign_token(token)}/"


def one_click(person: User) -> None:
    assert Client().post(way_out(person), {"List-Unsubscribe": "One-Click"}).status_code == 200


def session_of(person: User) -> dict[str, str]:
    client = Client()
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    return {"Cookie": f"{name}={client.cookies[name].value}"}


def assert_refused_then_made_whole(operator: Operator, lives: Lives) -> None:
    """The restored state is the old one, and nobody is shown it or written to out of it."""
    assert set(tables_with(*ALL_VALUES)) > STAYING
    assert choice(lives.leaver) == "granted"
    assert not User.objects.with_address(CUSTOMER_ADDRESS).exists(), "it waits until all is whole"
    session = session_of(lives.stayer)
    assert operator.answer("/readyz") == (503, b'{"failing": ["journal"]}')
    assert operator.answer(reverse("preferences"), headers=session)[0] == 503
    assert operator.answer(way_out(lives.meanwhile), "List-Unsubscribe=One-Click", FORM)[0] == 200
    assert choice(lives.meanwhile) == "withdrawn"

    assert "Nothing was changed" in operator.run("look")
    assert choice(lives.leaver) == "granted"
    said = operator.run("replay")
    assert "1  people erased again" in said
    assert "1  opt-outs" in said
    # The list one deleted, and that which a part took.
    assert "2  own deletions of customers" in said
    assert "1  opt-outs of contacts" in said

    assert operator.answer("/readyz") == (200, b'{"failing": []}')
    assert operator.answer(reverse("preferences"), headers=session)[0] == 200
    assert choice(lives.meanwhile) == "withdrawn"
    standstill.forget()
    lives.platform_sends()
    lives.assert_as_they_wished()
    round_of_keeper(4)
    with as_role(KEEPER):
        assert first_difference(NOW) == ""


@linux
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_dump_restored_is_refused_then_replayed_then_served(operator: Operator) -> None:
    lives = Lives.begin()
    operator.run("dump")
    lives.go_on()
    operator.press_ctrl_c()
    operator.start("services")
    operator.run("restore-dump")
    operator.press_ctrl_c()
    operator.start("web")
    assert_refused_then_made_whole(operator, lives)
    assert databases() == {"postgres", "portal", "portal_lost"}
    operator.run("drop-lost")
    assert databases() == {"postgres", "portal"}


@linux
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_base_backup_restored_is_refused_then_replayed_then_served(operator: Operator) -> None:
    lives = Lives.begin()
    operator.run("base")
    lives.go_on()
    operator.press_ctrl_c()
    operator.run("restore-base")
    operator.start("web")
    assert_refused_then_made_whole(operator, lives)
    operator.press_ctrl_c()
    operator.start("run")
    assert operator.answer("/readyz") == (200, b'{"failing": []}')
    operator.run("drop-lost-base")
    assert {each.name for each in operator.data.glob("postgres*")} == {"postgres", "postgres.log"}


def databases() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")
        return {name for (name,) in cursor.fetchall()}


def test_the_document_finds_the_embedded_server_though_it_is_stopped(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.set_out()
    found = {name: operator.shell[name] for name in ("PROGRAMS", "HOST", "DATA")}
    assert found == {"PROGRAMS": str(BIN), "HOST": operator.sockets, "DATA": str(operator.data)}


def test_a_server_of_ones_own_is_kept_by_the_document(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    own = {"PROGRAMS": "/usr/bin", "HOST": "db.example", "DATA": "/srv/pg", "DATABASE": "main"}
    operator.shell |= own
    operator.set_out()
    assert {name: operator.shell[name] for name in own} == own


def test_a_dump_is_for_its_maker_alone_and_one_that_fails_leaves_the_former(
    tmp_path: Path,
) -> None:
    operator = Operator(tmp_path)
    here = {"PROGRAMS": str(BIN), "HOST": connection.settings_dict["HOST"]}
    dump = operator.backups / "portal.dump"
    assert operator.attempt(BLOCKS["dump"], **here, DATABASE="postgres").returncode == 0
    assert dump.stat().st_mode & 0o777 == 0o600
    former = dump.read_bytes()
    assert operator.attempt(BLOCKS["dump"], **here, DATABASE="of_nobody").returncode != 0
    assert dump.read_bytes() == former


@pytest.mark.parametrize("data", ["", "elsewhere"])
def test_a_base_backup_is_put_nowhere_but_in_place_of_data(data: str, tmp_path: Path) -> None:
    operator = stopped(tmp_path)
    place = tmp_path / data if data else ""
    done = operator.attempt(BLOCKS["restore-base"], DATA=str(place))
    assert done.returncode != 0
    assert not Path(place, "postgres").exists()


def test_a_base_backup_waits_until_the_server_has_stopped(tmp_path: Path) -> None:
    operator = stopped(tmp_path)
    done = operator.attempt(BLOCKS["restore-base"], HOST=connection.settings_dict["HOST"])
    assert (done.returncode, done.stderr) == (1, "PostgreSQL runs: stop it first.\n")
    assert (operator.data / "postgres" / "now").exists()


def test_a_base_backup_restored_twice_keeps_what_was_lost_first(tmp_path: Path) -> None:
    operator = stopped(tmp_path)
    operator.run("restore-base")
    assert (operator.data / "postgres" / "then").exists()
    again = operator.attempt(BLOCKS["restore-base"])
    assert (again.returncode, "let go of it first" in again.stderr) == (1, True)
    assert (operator.data / "postgres.lost" / "now").exists()


def stopped(folder: Path) -> Operator:
    """A server that does not run, and a backup of it."""
    operator = Operator(folder)
    for place in (operator.data / "postgres" / "now", operator.backups / "base" / "then"):
        place.parent.mkdir()
        place.touch()
    (folder / "elsewhere").mkdir()
    operator.shell |= {
        "PROGRAMS": str(BIN),
        "HOST": operator.sockets,
        "DATA": str(operator.data),
    }
    return operator


def test_every_block_of_the_document_is_rehearsed() -> None:
    """A command that no test runs is a hope."""
    tests = Path(__file__).read_text()
    rehearsed = {"set", *re.findall(r'operator\.(?:run|start)\("([a-z-]+)"', tests)}
    assert set(BLOCKS) == rehearsed
    assert DOCUMENT.read_text().count("```sh") == len(BLOCKS)
