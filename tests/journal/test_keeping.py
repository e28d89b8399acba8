"""A round writes each event and head down once, wherever the one before died."""

import contextlib
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from consent import services as consent
from consent.models import ConsentDetail, Head, Leaf, Source
from consent.proof import heads
from consent.proof.sealer import seal_pending
from foundation.addresses import address_hash, person_hash
from foundation.roles import APP, SENDER, as_role
from messaging.models import OwnDeed
from retention.holds import place_hold, release_hold
from retention.journal import entries, keeping, replay
from retention.journal.audit import first_difference
from retention.journal.guard import check
from retention.journal.keeping import HEAD_EVERY, keep_log
from retention.journal.mark import current_mark
from retention.journal.store import Journal, open_journal
from retention.models import DeletionRequest, JournalMark, Scope
from tests.factories import NOW, make_customer, make_staff, topic
from tests.journal.life import Killed, entries_of, leaves_of, no, opt_outs_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keeper")]


def assert_written_once(journal: Journal) -> None:
    events = leaves_of(journal)
    assert events == list(Leaf.objects.order_by("index").values_list("event_id", flat=True))
    noes = [each["event"] for each in opt_outs_of(journal)]
    assert len(noes) == len(set(noes))
    assert set(noes) == {
        str(key)
        for key, state, until in ConsentDetail.objects.values_list("pk", "state", "paused_until")
        if state != "granted" or until
    }
    sizes = [entry["size"] for entry in entries_of(journal, "head")]
    assert sizes == list(Head.objects.order_by("size").values_list("size", flat=True))
    assert current_mark().tail == journal.tail()
    assert first_difference(NOW) == ""
    assert check() == ""


def test_a_round_seals_writes_down_and_signs(journal: Journal) -> None:
    person = make_customer(yes=("newsletter",), no=("special_offers",))
    no(person)
    assert keep_log(NOW) == 3
    assert [entry["kind"] for entry in entries_of(journal)] == ["begin", "topics", "leaves", "head"]
    assert_written_once(journal)


def test_a_no_names_nobody_and_is_recognised_by_keyed_hashes(journal: Journal) -> None:
    person = make_customer(yes=("newsletter",), email="Zebulon@example.test", first_name="Zebulon")
    no(person)
    keep_log(NOW)
    (said,) = opt_outs_of(journal)
    assert said["person"] == person_hash(2, person.pk).hex()
    assert said["address"] == address_hash(2, "zebulon@example.test").hex()
    assert (said["key"], said["topic"], said["state"]) == (2, topic().number, "withdrawn")
    text = b"".join(record.body for record in journal.read(after=0)).decode().casefold()
    assert "zebulon" not in text
    assert str(person.pk) not in text


def test_a_pause_is_written_with_its_end_and_an_undone_no_as_a_leaf_only(journal: Journal) -> None:
    person = make_customer(yes=("newsletter",))
    consent.record_pause(person.pk, [topic().pk], months=3, source=Source.PREFERENCES, now=NOW)
    consent.record_pause(person.pk, [topic().pk], months=None, source=Source.PREFERENCES, now=NOW)
    keep_log(NOW)
    (said,) = opt_outs_of(journal)
    assert said["state"] == "granted"
    assert said["until"] > said["at"]
    assert len(leaves_of(journal)) == 3


def test_an_event_that_was_erased_before_the_round_leaves_its_leaf_alone(journal: Journal) -> None:
    person = make_customer(yes=("newsletter",))
    no(person)
    seal_pending(now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_remove_details(%s, NULL, 100)", [person.pk])
    keep_log(NOW)
    assert len(leaves_of(journal)) == 2
    assert opt_outs_of(journal) == []


def test_a_round_without_news_writes_nothing(journal: Journal) -> None:
    make_customer(yes=("newsletter",))
    keep_log(NOW)
    tail, moved = journal.tail(), JournalMark.objects.get().moved_at
    assert keep_log(NOW + timedelta(hours=1)) == 0
    assert journal.tail() == tail
    assert JournalMark.objects.get().moved_at == moved


def test_heads_come_once_a_minute_at_most(journal: Journal) -> None:
    for seconds, expected in ((0, 1), (59, 1), (60, 2)):
        no(make_customer(yes=("newsletter",)))
        keep_log(NOW + timedelta(seconds=seconds))
        assert len(entries_of(journal, "head")) == expected
    assert timedelta(seconds=60) == HEAD_EVERY
    assert_written_once(journal)


def test_a_long_log_goes_into_records_of_a_bearable_length(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "RUN", 2)
    for _ in range(5):
        make_customer(yes=("newsletter",))
    keep_log(NOW)
    assert [len(entry["leaves"]) for entry in entries_of(journal, "leaves")] == [2, 2, 1]
    assert_written_once(journal)


STEPS = [
    (keeping, "seal_pending"),
    (keeping, "move_mark"),
    (heads, "next_head"),
    (heads, "publish_head"),
    ("journal", "append"),
]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize(("place", "name"), STEPS)
def test_a_round_killed_at_any_line_loses_nothing_and_repeats_nothing(
    place: Any,
    name: str,
    call: int,
    moment: str,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = make_customer(yes=("newsletter",), no=("special_offers",))
    no(person)
    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        target = open_journal() if place == "journal" else place
        patch.setattr(target, name, dying(getattr(target, name), call, moment))
        keep_log(NOW)
    assert check() == ""
    no(make_customer(yes=("newsletter",)))
    keep_log(NOW + timedelta(minutes=2))
    keep_log(NOW + timedelta(minutes=4))
    assert_written_once(journal)


def dying(do: Callable[..., Any], at: int, moment: str) -> Callable[..., Any]:
    calls = 0

    def do_and_die(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and moment == "before":
            raise Killed
        done = do(*args, **kwargs)
        if calls == at:
            raise Killed
        return done

    return do_and_die


def test_another_writer_in_between_makes_the_round_wait(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two keepers at once: whoever comes second looks at what the first wrote."""
    no(make_customer(yes=("newsletter",)))

    def seal_beside_another_round(*, now: Any) -> int:
        monkeypatch.undo()
        return keep_log(now)

    monkeypatch.setattr(keeping, "seal_pending", seal_beside_another_round)
    assert keep_log(NOW) == 0
    keep_log(NOW)
    assert_written_once(journal)


def test_the_application_can_read_the_mark_and_not_move_it() -> None:
    keep_log(NOW)
    for role in (APP, SENDER):
        with as_role(role):
            assert check() == ""
            with pytest.raises(DatabaseError), transaction.atomic():
                JournalMark.objects.update(position=0)


def test_heads_of_before_the_journal_are_written_into_it(journal: Journal) -> None:
    make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    head = heads.next_head(now=NOW)
    assert head is not None
    heads.publish_head(head)
    keep_log(NOW)
    assert_written_once(journal)


# --- as it is described --------------------------------------------------------------------------


def test_every_field_of_a_record_is_described(own_journal: Path) -> None:
    """Who reads a journal in years, or writes another reader of it, has that table."""
    person = make_customer(no=("newsletter",))
    hold = place_hold(
        reason="Case",
        reference="24-1",
        review_on=NOW.date() + timedelta(days=30),
        actor=make_staff(),
        customer_id=person.pk,
        now=NOW,
    )
    keep_log(NOW)
    release_hold(hold.pk, reason="over", actor=make_staff(), now=NOW)
    keep_log(NOW)
    part = DeletionRequest(person_id=person.pk, scope=Scope.MESSAGES, requested_at=NOW)
    deed = OwnDeed(customer_id=person.pk, what=OwnDeed.What.LIST, key=2, digests=b"", done_at=NOW)
    written = [
        *entries_of(open_journal()),
        entries.erasure(uuid.uuid4(), person.pk, [person.email], now=NOW),
        entries.partial_erasure(part, now=NOW),
        entries.withdrawal(uuid.uuid4(), now=NOW),
        entries.own_deed(deed, now=NOW),
        entries.checkpoint(current_mark().tail, {"leaves": 1}, leaves=1, now=NOW),
    ]
    text = (settings.BASE_DIR / "docs" / "operations" / "journal.md").read_text()
    said = dict(
        re.findall(r"^\| `(\w+)` \| (.+) \|$", text.partition("## Records")[2], re.MULTILINE)
    )
    said["partial"] += said["erasure"]
    assert {entry["kind"] for entry in written} == said.keys() == replay._STEPS.keys()
    for entry in written:
        of_lists = [row for rows in entry.values() if isinstance(rows, list) for row in rows]
        names = set(entry).union(*(row for row in of_lists if isinstance(row, dict)))
        for name in names - {"position", "kind", "at"}:
            assert re.search(rf"\b{name}\b", said[entry["kind"]]), (entry["kind"], name)
