"""A real backup, made before a no and restored after it, with pg_dump and pg_restore."""

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from clicksend_portal.embedded.folders import wheel_folder
from clicksend_portal.embedded.postgres import PROGRAMS, WHEEL
from consent.models import Head, Leaf, Preference
from consent.proof import heads, merkle, tree
from consent.tokens import RecipientToken, sign_token
from foundation.roles import KEEPER, OWNER, SENDER, as_role
from messaging import services as messaging
from messaging.models import Message
from retention import services
from retention.journal.audit import first_difference
from retention.journal.guard import Reason, check
from retention.journal.keeping import keep_log
from retention.models import Source as Way
from tests.database import administrator, create, disconnect, drop, use
from tests.factories import NOW, make_campaign, make_customer, topic
from tests.mailbox import Mailbox
from tests.messaging.test_hand_over import started
from tests.services import ADMIN_URL

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Backup:
    """A dump of the database of this test, and the database it is restored into."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "portal.dump"
        self.former = settings.DATABASES["default"]["NAME"]
        self.restored = f"{self.former}_restored"

    def make(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self.file}", database=self.former)

    def restore(self) -> None:
        with administrator() as admin:
            drop(admin, self.restored)
            create(admin, self.restored, template="template0")
        self._run("pg_restore", "--exit-on-error", str(self.file), database=self.restored)
        use(self.restored)

    def end(self) -> None:
        use(self.former)
        with administrator() as admin:
            drop(admin, self.restored)

    def _run(self, program: str, *arguments: str, database: str) -> None:
        url = os.environ[ADMIN_URL].replace("/postgres?", f"/{database}?")
        command = [str(wheel_folder(WHEEL) / PROGRAMS / program), f"--dbname={url}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[Backup]:
    made = Backup(tmp_path)
    yield made
    disconnect()
    made.end()


def one_click(person: User) -> None:
    token = sign_token(RecipientToken(person_id=person.pk, topic=1, issued_at=NOW))
    answer = Client().post(f"/u/{token}/", {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200


def round_of_keeper(minutes: int) -> None:
    with as_role(KEEPER):
        keep_log(NOW + timedelta(minutes=minutes))


def deliver() -> None:
    with as_role(SENDER):
        messaging.deliver_pending(clock=timezone.now)


def outcome(person: User) -> tuple[str, str]:
    message = Message.objects.of_person(person.pk).get(kind="optional")
    return message.state, message.reason


def test_a_backup_taken_before_an_opt_out_and_restored_after_it_sends_nothing_and_learns_the_no(
    backup: Backup, mailbox: Mailbox
) -> None:
    leaver, stayer, meanwhile, erased = (
        make_customer(yes=("newsletter",), email=f"{name}@example.test")
        for name in ("leaver", "stayer", "meanwhile", "erased")
    )
    campaign = make_campaign()
    started(campaign)
    round_of_keeper(0)
    backup.make()

    one_click(leaver)
    wish = services.request_deletion(erased.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.execute_deletion(wish, now=NOW)
    round_of_keeper(2)
    former = list(Head.objects.order_by("size").values_list("size", "root", "signature"))
    events = list(Leaf.objects.order_by("index").values_list("event_id", flat=True))
    with as_role(OWNER):
        Message.objects.all().delete()
    assert len(former) == 2

    backup.restore()
    assert {outcome(each) for each in (leaver, stayer, erased)} == {("queued", "")}
    EmailMultiAlternatives("Account", "T", to=[stayer.email]).send()
    for _ in range(2):
        deliver()
        round_of_keeper(4)
    assert [mail.message["Subject"] for mail in mailbox.deliveries] == ["Account"]
    assert check().startswith(Reason.RESTORED)
    one_click(meanwhile)
    assert Leaf.objects.count() < len(events)

    said = StringIO()
    call_command("replay_journal", stdout=said)
    assert "1  opt-outs" in said.getvalue()
    assert "1  people erased again" in said.getvalue()
    assert check() == ""
    deliver()
    assert not [mail for mail in mailbox.deliveries if mail.message["List-Unsubscribe"]]
    assert f"Paused, for it was sent in part: {campaign.subject_en}" in said.getvalue()
    campaign.refresh_from_db()
    messaging.resume(campaign, actor=stayer, now=NOW)
    deliver()
    optional = [mail for mail in mailbox.deliveries if mail.message["List-Unsubscribe"]]
    assert [mail.recipients for mail in optional] == [("stayer@example.test",)]
    assert outcome(leaver) == ("withheld", "withdrawn")
    assert outcome(meanwhile) == ("withheld", "withdrawn")
    assert Preference.objects.of(leaver.pk).get(topic=topic()).source == "replay"
    assert not User.objects.filter(pk=erased.pk).exists()
    assert not Message.objects.of_person(erased.pk).exists()

    round_of_keeper(6)
    assert leaves_of_database()[: len(events)] == events
    assert len(leaves_of_database()) == len(events) + 2
    newest = heads.latest_head()
    assert newest is not None
    assert heads.is_genuine(newest)
    for size, root, signature in former:
        head = Head.objects.select_related("key").get(size=size)
        assert (bytes(head.root), bytes(head.signature)) == (bytes(root), bytes(signature))
        assert heads.is_genuine(head)
        path = tree.consistency_proof(size, newest.size)
        assert merkle.verify_consistency(size, newest.size, bytes(root), bytes(newest.root), path)
    with as_role(KEEPER):
        assert first_difference(NOW) == ""


def leaves_of_database() -> list[object]:
    return list(Leaf.objects.order_by("index").values_list("event_id", flat=True))


def test_a_backup_restored_with_nothing_said_since_goes_on_at_once(
    backup: Backup, mailbox: Mailbox
) -> None:
    reader = make_customer(yes=("newsletter",))
    started(make_campaign())
    round_of_keeper(0)
    backup.make()
    backup.restore()
    deliver()
    assert outcome(reader) == ("sent", "")
