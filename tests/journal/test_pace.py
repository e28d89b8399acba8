"""A journal that stops is noticed: by a line of the log, by the monitor, by optional mail."""

import errno
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consent.models import ConsentDetail, Leaf
from consent.proof.sealer import seal_pending
from foundation import standstill
from foundation.roles import APP, KEEPER, SENDER, as_role
from messaging import services as messaging
from retention.journal import guard, lines
from retention.journal.guard import BEHIND, BEHIND_BY, check, check_pace, is_kept
from retention.journal.keeping import keep_log
from tests.factories import NOW, make_campaign, make_customer
from tests.journal.life import no
from tests.mailbox import Mailbox
from tests.messaging.test_hand_over import started

pytestmark = pytest.mark.django_db


def round_of_keeper(now: datetime = NOW) -> int:
    with as_role(KEEPER):
        return keep_log(now)


def fill_the_disk(patch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    patch.setattr(lines, "write_all", refuse)


def fail_rounds(now: datetime, patch: pytest.MonkeyPatch) -> None:
    """An event is sealed and reaches no journal."""
    with patch.context() as full:
        fill_the_disk(full)
        no(make_customer(yes=("newsletter",)))
        assert round_of_keeper(now) == 0


def test_a_full_disk_is_told_by_every_round_that_fails(
    own_journal: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    round_of_keeper()
    fail_rounds(timezone.now(), monkeypatch)
    assert "the journal is not being written: OSError" in caplog.text
    assert check() == ""
    caplog.clear()
    assert round_of_keeper(timezone.now()) > 0
    assert caplog.records == []


def test_a_standstill_is_not_told_as_a_journal_that_is_not_written(
    own_journal: Path, caplog: pytest.LogCaptureFixture
) -> None:
    round_of_keeper()
    own_journal.unlink()
    round_of_keeper()
    assert "not being written" not in caplog.text
    assert caplog.record_tuples[-1][1] == logging.ERROR


@pytest.mark.parametrize("role", [APP, SENDER, KEEPER])
def test_a_leaf_of_minutes_ago_that_no_journal_has_is_a_reason(
    role: str, own_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_rounds(timezone.now() - BEHIND - timedelta(seconds=9), monkeypatch)
    with as_role(role):
        assert check_pace() == BEHIND_BY
    assert check() == ""


def test_a_leaf_of_a_moment_ago_is_none(own_journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_rounds(timezone.now() - BEHIND + timedelta(seconds=9), monkeypatch)
    assert Leaf.objects.exists()
    assert check_pace() == ""


def test_an_event_that_nobody_seals_is_a_reason_after_minutes() -> None:
    no(make_customer(yes=("newsletter",)))
    now = timezone.now()
    assert is_kept(now + BEHIND - timedelta(seconds=9))
    assert not is_kept(now + BEHIND + timedelta(seconds=9))
    round_of_keeper()
    assert is_kept(now + BEHIND + timedelta(seconds=9))


def test_many_events_at_once_are_no_reason(own_journal: Path) -> None:
    """As an import brings them: sealed in one round, and in the journal in the same."""
    for _ in range(20):
        make_customer(yes=("newsletter",))
    with as_role(KEEPER):
        seal_pending(now=timezone.now())
    assert check_pace() == ""
    round_of_keeper()
    assert is_kept(timezone.now() + 2 * BEHIND)


def test_an_event_that_was_erased_is_waited_for_by_nobody() -> None:
    person = make_customer(yes=("newsletter",))
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute("SELECT consent_remove_details(%s, NULL, 100)", [person.pk])
    assert not ConsentDetail.objects.exists()
    assert is_kept(timezone.now() + 2 * BEHIND)


def test_behind_only_optional_mail_waits_and_catching_up_ends_it(
    own_journal: Path, monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox, client: Client
) -> None:
    person = make_customer(yes=("newsletter",))
    started(make_campaign())
    fail_rounds(NOW, monkeypatch)
    deliver()
    assert mailbox.deliveries == []
    client.force_login(person)
    assert client.get(reverse("preferences")).status_code == 200
    assert client.get("/readyz").json() == {"failing": ["log"]}
    assert round_of_keeper() > 0
    standstill.forget()
    assert client.get("/readyz").json() == {"failing": []}
    deliver()
    assert len(mailbox.deliveries) == 1


def deliver() -> None:
    with as_role(SENDER):
        messaging.deliver_pending(clock=timezone.now)


def test_the_first_round_after_a_night_is_not_kept_from_its_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no(make_customer(yes=("newsletter",)))
    monkeypatch.setattr(guard, "BEHIND", timedelta(0))
    standstill.forget()
    assert standstill.why() == BEHIND_BY
    assert round_of_keeper(timezone.now() - timedelta(hours=9)) == 2
    standstill.forget()
    assert standstill.why() == ""
