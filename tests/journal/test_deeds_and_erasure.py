"""A customer is erased while the keeper writes down what they had deleted: it is no restore."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from foundation.roles import APP, KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.content import services
from messaging.models import OwnDeed
from retention import deleting
from retention.erasure import JOURNAL
from retention.journal import guard, keeping
from retention.journal.guard import Reason, check
from retention.journal.mark import current_mark
from retention.journal.store import open_journal
from retention.models import DeletionRequest, Source
from retention.services import request_deletion
from tests.factories import NOW, make_customer
from tests.journal.life import Killed, entries_of
from tests.messaging.test_races import Beside

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def leaving(own_journal: Path) -> DeletionRequest:
    """Of a customer with two deeds that no round has seen; the erasure is in the journal already,
    and nothing has gone."""
    person = make_customer()
    with as_tenant(person.pk):
        for contact in ("nei@canary.test", "aldri@canary.test"):
            services.record_contact_opt_out(contact, customer_id=person.pk, now=NOW)
    wish = request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        deleting.run_batch(wish, wish.steps.get(name=JOURNAL).pk, now=NOW, batch=100)
    assert check() == ""
    return wish


def erase(wish: DeletionRequest) -> bool:
    with as_role(KEEPER):
        return deleting.execute_deletion(DeletionRequest.objects.get(pk=wish.pk), now=NOW)


def after_the_append(then: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    append = keeping.append

    def appending(entry: Any, *rest: Any) -> Any:
        record = append(entry, *rest)
        if entry["kind"] == "own":
            then()
        return record

    monkeypatch.setattr(keeping, "append", appending)


def all_is_well(wish: DeletionRequest) -> None:
    for role in (APP, KEEPER):
        with as_role(role):
            assert check() == ""
    with as_role(KEEPER):
        assert not User.objects.exists()
        assert not OwnDeed.objects.exists()
        keeping.catch_up()
    keep_quietly()


def keep_quietly() -> None:
    """A round that stands still writes no head."""
    with as_role(KEEPER):
        keeping.keep_log(NOW)
        assert current_mark().tail == open_journal().tail()


def test_an_erasure_waits_for_the_deed_that_is_being_written(
    leaving: DeletionRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    erasing = Beside(lambda: erase(leaving))

    def begin() -> None:
        if not erasing.pid:
            erasing.start()
            assert erasing.waits_for_a_lock()
            assert check() == ""

    after_the_append(begin, monkeypatch)
    with as_role(KEEPER):
        keeping.keep_log(NOW)
    erasing.join()
    assert erasing.answer is True
    all_is_well(leaving)


def test_a_round_killed_after_its_record_leaves_one_that_the_erasure_takes_up(
    leaving: DeletionRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die() -> None:
        raise Killed

    with monkeypatch.context() as patch, as_role(KEEPER):
        after_the_append(die, patch)
        with pytest.raises(Killed):
            keeping.keep_log(NOW)
    assert len(entries_of(open_journal(), "own")) == 1
    assert check() == ""
    assert erase(leaving)
    all_is_well(leaving)
    assert len(entries_of(open_journal(), "own")) == 1  # the other went unsaid


def test_what_went_before_its_turn_is_not_written(
    leaving: DeletionRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deeds of a round are looked for first, and written one by one."""
    write_deed = keeping.write_deed

    def late(*deed: Any, **more: Any) -> Any:
        if OwnDeed.objects.exists():
            assert erase(leaving)
        return write_deed(*deed, **more)

    monkeypatch.setattr(keeping, "write_deed", late)
    with as_role(KEEPER):
        keeping.keep_log(NOW)
    assert entries_of(open_journal(), "own") == []
    all_is_well(leaving)


def test_who_asks_with_the_mark_of_a_moment_ago_is_told_the_truth(
    leaving: DeletionRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The round and the erasure are over before the question is put."""
    before = current_mark()
    with as_role(KEEPER):
        keeping.keep_log(NOW)
    assert erase(leaving)
    marks = iter([before])
    monkeypatch.setattr(guard, "current_mark", lambda: next(marks, None) or current_mark())
    assert check() == ""
    monkeypatch.setattr(guard, "current_mark", lambda: before)
    assert check().startswith(Reason.RESTORED)
