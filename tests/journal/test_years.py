"""Years of the journal: a file each, one chain through all, and gone when they are over."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.db import connection
from pytest_django.fixtures import Settings as SettingsWrapper

from accounts.models import User
from consent.models import Leaf
from foundation.roles import KEEPER, as_role
from retention import services
from retention.journal import file, leaving, replay
from retention.journal.audit import first_difference
from retention.journal.database import DatabaseJournal
from retention.journal.file import FileJournal
from retention.journal.guard import Reason, StandstillError, check
from retention.journal.keeping import keep_log
from retention.journal.leaving import is_year_over, let_years_go
from retention.journal.record import START, Tail, moment
from retention.journal.store import Journal, JournalDamagedError, open_journal
from retention.models import JournalMark, RetentionRun
from retention.models import Source as Way
from tests.factories import NOW, make_customer
from tests.journal.life import Killed, entries_of, forgotten, leaves_of, no, opt_outs_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("keeper")]
YEAR = NOW.year
NEW_YEAR = datetime(YEAR + 1, 1, 1, tzinfo=UTC)
OVER = datetime(YEAR + 4, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def say(journal: Journal, *moments: datetime) -> None:
    for at in moments:
        journal.append([{"kind": "begin", "at": moment(at)}], after=journal.tail())


def names(own_journal: Path) -> list[str]:
    return sorted(path.name for path in own_journal.parent.glob("journal*.jsonl"))


def erase(person: User, now: datetime) -> None:
    wish = services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=now)
    services.execute_deletion(wish, now=now)


def live_through_years() -> User:
    """Two noes and an erasure in the first year, and in the next a no of whom is returned."""
    first, erased, last = (make_customer(yes=("newsletter",)) for _ in range(3))
    no(first)
    keep_log(NOW)
    erase(erased, NOW)
    no(last, "special_offers")
    keep_log(NEW_YEAR - MOMENT)
    no(last)
    keep_log(NEW_YEAR + timedelta(days=1))
    return last


def everything(journal: Journal) -> str:
    """What stands in the journal, also of records that no reader is shown any more."""
    if isinstance(journal, DatabaseJournal):
        with psycopg.connect(journal.url) as other:
            return str(other.execute("SELECT entry FROM portal_journal").fetchall())
    path = open_journal().path  # type: ignore[attr-defined]
    return "".join(each.read_text() for each in path.parent.glob("journal*"))


# --- a file a year -------------------------------------------------------------------------------


def test_the_first_record_of_a_year_begins_its_file_and_the_chain_goes_on(
    own_journal: Path,
) -> None:
    journal = open_journal()
    oslo = timezone(timedelta(hours=1))
    say(journal, NEW_YEAR - MOMENT, (NEW_YEAR - MOMENT).astimezone(oslo))
    assert names(own_journal) == ["journal.jsonl"]
    say(journal, NEW_YEAR, NEW_YEAR.replace(year=YEAR + 2))
    assert names(own_journal) == [
        f"journal.{YEAR + 1}.jsonl",
        f"journal.{YEAR + 2}.jsonl",
        "journal.jsonl",
    ]
    assert len(entries_of(journal)) == journal.tail().position == 4
    for position in range(1, 5):
        found = journal.at(position)
        assert found is not None
        assert found.position == position
        assert [each.position for each in journal.read(after=position)] == [*range(position + 1, 5)]
    assert journal.at(5) is None


def test_a_clock_that_was_set_back_goes_on_in_the_newest_file(own_journal: Path) -> None:
    journal = open_journal()
    say(journal, NOW, NEW_YEAR, NOW)
    assert names(own_journal) == [f"journal.{YEAR + 1}.jsonl", "journal.jsonl"]
    assert len(entries_of(journal)) == 3


def test_a_reader_goes_on_into_a_file_that_begins_meanwhile(own_journal: Path) -> None:
    journal = open_journal()
    say(journal, NOW)
    reader = journal.read(after=0)
    assert next(reader).position == 1
    say(journal, NEW_YEAR)
    assert [record.position for record in reader] == [2]


def test_a_torn_first_line_of_a_year_is_no_record(own_journal: Path) -> None:
    journal = open_journal()
    say(journal, NOW)
    (own_journal.parent / f"journal.{YEAR + 1}.jsonl").write_bytes(b'{"chain":"ab')
    assert journal.tail().position == 1
    say(journal, NEW_YEAR)
    assert len(entries_of(journal)) == 2


@pytest.mark.parametrize(
    "ask", [FileJournal.tail, lambda journal: list(journal.read(after=0))[-1].tail]
)
def test_a_year_that_leaves_while_somebody_reads_is_no_damage(
    ask: Callable[[FileJournal], Tail], own_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers take no lock: this one has read the floor, and then the files are cut."""
    live_through_years()
    reader = FileJournal(own_journal)
    look = reader._paths

    def cut_first() -> list[Path]:
        monkeypatch.undo()
        assert let_years_go(OVER) > 0
        return look()

    monkeypatch.setattr(reader, "_paths", cut_first)
    assert ask(reader) == open_journal().tail()


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ("journal.jsonl", Reason.CHANGED),
        (f"journal.{YEAR + 1}.jsonl", Reason.CHANGED),
        (f"journal.{YEAR + 2}.jsonl", Reason.SHORTENED),
    ],
)
def test_a_year_that_is_missing_stops_the_portal(
    lost: str, reason: Reason, own_journal: Path
) -> None:
    live_through_years()
    no(make_customer(yes=("newsletter",)))
    keep_log(NEW_YEAR.replace(year=YEAR + 2))
    assert check() == ""
    own_journal.with_name(lost).unlink()
    assert check().startswith(reason)


# --- when a year is over -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "days", "over"),
    [
        (OVER - MOMENT, 35, False),
        (OVER, 35, True),
        (OVER.astimezone(timezone(timedelta(hours=-5))), 35, True),
        (OVER, 4 * 366, False),
        (NEW_YEAR + timedelta(days=4 * 366), 4 * 366, True),
    ],
)
def test_a_year_is_over_when_no_suppression_and_no_backup_needs_it(
    now: datetime, days: int, over: bool, settings: SettingsWrapper
) -> None:
    settings.BACKUP_DAYS = days
    assert is_year_over(YEAR, now) is over


def test_before_its_time_nothing_leaves(journal: Journal) -> None:
    live_through_years()
    before = journal.tail()
    assert let_years_go(OVER - MOMENT) == 0
    assert journal.tail() == before
    assert journal.floor() == START


def test_what_was_said_of_people_leaves_and_heads_stay(journal: Journal) -> None:
    live_through_years()
    before = entries_of(journal)
    of_year = [entry for entry in before if entry["at"] < NEW_YEAR.isoformat()]
    hashes = {opt_outs_of(journal)[0]["person"]}
    hashes |= {entry["person"] for entry in of_year if entry["kind"] == "erasure"}
    assert all(digest in everything(journal) for digest in hashes)

    gone = let_years_go(OVER)

    assert gone == len([e for e in of_year if e["kind"] in ("leaves", "erasure")]) > 2
    assert not any(digest in everything(journal) for digest in hashes)
    stays = [entry for entry in of_year if entry["kind"] in ("begin", "head", "topics")]
    assert [record.entry for record in journal.kept()] == stays
    *rest, checkpoint = entries_of(journal)
    assert rest == before[len(of_year) :]
    assert checkpoint["dropped"] == {"erasure": 1, "leaves": gone - 1}
    assert (checkpoint["until"], checkpoint["kind"]) == (len(of_year), "checkpoint")
    assert check() == first_difference(OVER) == ""
    assert let_years_go(OVER) == 0


def test_the_portal_goes_on_as_before(journal: Journal) -> None:
    last = live_through_years()
    let_years_go(OVER)
    no(make_customer(yes=("newsletter",)))
    assert keep_log(OVER) == 2
    assert check() == first_difference(OVER) == ""
    erase(last, OVER)
    # Two years later the next one leaves, and the former checkpoint stays as what it is.
    assert let_years_go(OVER.replace(year=YEAR + 5)) > 0
    assert check() == first_difference(OVER) == ""
    assert "checkpoint" in [entry["kind"] for entry in entries_of(journal)]
    assert [r.position for r in journal.kept()] == sorted({r.position for r in journal.kept()})


def test_a_portal_that_stood_still_for_years_keeps_its_journal(journal: Journal) -> None:
    live_through_years()
    assert let_years_go(OVER.replace(year=YEAR + 9)) > 2
    (checkpoint,) = entries_of(journal)
    assert checkpoint["kind"] == "checkpoint"
    assert check() == first_difference(OVER) == ""
    no(make_customer(yes=("newsletter",)))
    keep_log(OVER)
    assert check() == first_difference(OVER) == ""


# --- what still protects -------------------------------------------------------------------------


def test_a_backup_of_the_time_the_journal_holds_is_replayed(journal: Journal) -> None:
    live_through_years()
    let_years_go(OVER)
    stayed = make_customer(yes=("newsletter",))
    keep_log(OVER)
    with forgotten():
        no(stayed)
        keep_log(OVER + timedelta(days=1))
    assert check().startswith(Reason.RESTORED)
    assert replay.replay(OVER).done["opt-outs"] == 1
    assert check() == first_difference(OVER) == ""


def test_a_backup_from_before_the_checkpoint_knows_it_after_a_replay(journal: Journal) -> None:
    """The oldest backup that may be restored: everything that left is in it."""
    live_through_years()
    with forgotten():
        let_years_go(OVER)
        no(make_customer(yes=("newsletter",)))
        keep_log(OVER)
    assert check().startswith(Reason.RESTORED)
    replay.replay(OVER)
    assert check() == first_difference(OVER) == ""


def test_an_older_backup_is_refused_for_the_journal_cannot_mend_it(journal: Journal) -> None:
    make_customer(yes=("newsletter",))
    keep_log(NOW)
    with forgotten():
        live_through_years()
        let_years_go(OVER)
    assert check().startswith(Reason.FORGOTTEN)
    for way in (replay.replay, lambda now: replay.start_anew("old", actor="a", now=now)):
        with pytest.raises(StandstillError) as caught:
            way(OVER)
        assert caught.value.reason == Reason.FORGOTTEN
    with forgotten():
        JournalMark.objects.all().delete()
        assert check().startswith(Reason.FORGOTTEN)


def test_a_broken_chain_is_not_let_go(own_journal: Path) -> None:
    """Whoever removes looks at what is removed: afterwards nobody can."""
    live_through_years()
    text = own_journal.read_bytes()
    own_journal.write_bytes(text.replace(b'"state":"withdrawn"', b'"state":"refused"', 1))
    with pytest.raises(StandstillError, match="is not the one"):
        let_years_go(OVER)
    assert open_journal().floor() == START


def test_a_checkpoint_that_was_forged_or_lost_is_found(own_journal: Path) -> None:
    live_through_years()
    let_years_go(OVER)
    path = own_journal.with_name("journal.checkpoint.jsonl")
    genuine = path.read_bytes()
    path.write_bytes(genuine.replace(b'"erasure":1', b'"erasure":0'))
    assert "checkpoint is another" in first_difference(OVER)
    path.unlink()
    assert check().startswith(Reason.CHANGED)
    with pytest.raises(JournalDamagedError):
        open_journal().tail()
    path.write_bytes(genuine)
    assert check() == first_difference(OVER) == ""


def test_a_journal_cut_after_a_checkpoint_stops_the_portal(own_journal: Path) -> None:
    live_through_years()
    let_years_go(OVER)
    newest = own_journal.with_name(f"journal.{YEAR + 4}.jsonl")
    newest.write_bytes(b"".join(newest.read_bytes().splitlines(keepends=True)[:-1]))
    assert check().startswith(Reason.SHORTENED)


@pytest.mark.parametrize("journal", ["database"], indirect=True)
def test_the_table_lets_go_of_nothing_that_no_checkpoint_named(journal: Journal) -> None:
    live_through_years()
    let_years_go(OVER)
    assert isinstance(journal, DatabaseJournal)
    with psycopg.connect(journal.url) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute("DELETE FROM portal_journal WHERE position > %s", [journal.floor().position])
    with psycopg.connect(journal.url) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute("DELETE FROM portal_journal")


# --- killed --------------------------------------------------------------------------------------

LINES: list[tuple[Any, str, int]] = [
    (leaving, "append", 1),
    (leaving, "move_mark", 1),
    ("journal", "let_go", 1),
]
# What a journal in a table does not come by.
LINES_OF_FILES: list[tuple[Any, str, int]] = [
    (file, "replace_file", 1),
    (file, "replace_file", 2),
    (file, "sync_folder", 1),
    (os, "fsync", 2),
    (os, "fsync", 3),
    (Path, "rename", 2),
    (Path, "unlink", 1),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("journal", "place", "name", "call"),
    [
        *(("file", *line) for line in (*LINES, *LINES_OF_FILES)),
        *(("database", *line) for line in LINES),
    ],
    indirect=["journal"],
)
def test_killed_at_any_line_nothing_is_lost_and_the_next_night_ends_it(
    place: Any,
    name: str,
    call: int,
    when: str,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for now in (NOW, NEW_YEAR):
        no(make_customer(yes=("newsletter",)), now=now)
        keep_log(now)
    with monkeypatch.context() as patch:
        target = open_journal() if place == "journal" else place
        patch.setattr(target, name, dying(getattr(target, name), call, when))
        with pytest.raises(Killed):
            let_years_go(OVER)
    assert check() == first_difference(OVER) == ""
    let_years_go(OVER + timedelta(days=1))
    assert check() == first_difference(OVER) == ""
    (said,) = opt_outs_of(journal)
    assert everything(journal).count('"person"') == 1
    assert said["at"] > moment(NOW)
    kept = [record.position for record in journal.kept()]
    assert kept == sorted(set(kept))
    assert leaves_after(journal) == Leaf.objects.count()


@pytest.mark.django_db(transaction=True)
def test_two_nights_at_once_let_a_year_go_once(journal: Journal) -> None:
    """Each with a connection of its own: both may see that it is over; it leaves once."""
    for now in (NOW, NEW_YEAR):
        no(make_customer(yes=("newsletter",)), now=now)
        keep_log(now)
    together = Barrier(2)

    def let_go() -> int:
        try:
            with as_role(KEEPER):
                together.wait(30)
                return let_years_go(OVER)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as nights:
        done = [each.result(timeout=60) for each in [nights.submit(let_go) for _ in range(2)]]
    assert max(done) > 0
    assert check() == first_difference(OVER) == ""
    assert let_years_go(OVER) == 0
    (said,) = opt_outs_of(journal)
    assert said["at"] > moment(NOW)
    kept = [record.position for record in journal.kept()]
    assert kept == sorted(set(kept))
    assert leaves_after(journal) == Leaf.objects.count()


def leaves_after(journal: Journal) -> int:
    checkpoint = journal.checkpoint()
    assert checkpoint is not None
    expected = checkpoint.entry["leaves"]
    for entry in entries_of(journal, "leaves"):
        assert entry["first"] == expected
        expected += len(entry["leaves"])
    return int(expected)


def dying(do: Callable[..., Any], at: int, when: str) -> Callable[..., Any]:
    calls = 0

    def do_and_die(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and when == "before":
            raise Killed
        done = do(*args, **kwargs)
        if calls == at:
            raise Killed
        return done

    return do_and_die


def test_the_whole_log_still_stands_where_nothing_left(journal: Journal) -> None:
    live_through_years()
    assert leaves_of(journal) == list(
        Leaf.objects.order_by("index").values_list("event_id", flat=True)
    )


@pytest.mark.parametrize("since", [timedelta(days=41), timedelta(hours=27)])
def test_no_year_goes_under_a_clock_that_may_have_jumped(since: timedelta) -> None:
    """What has left is brought back by no replay: it stays until the nights follow each other."""
    live_through_years()
    RetentionRun.objects.create(
        rule="x", actor="beat", cutoff=OVER, started_at=OVER - since, duration=timedelta(1)
    )
    assert let_years_go(OVER) == 0
    assert len(opt_outs_of(open_journal())) == 3
    RetentionRun.objects.all().delete()
    for hours in (1, 25):
        at = OVER - timedelta(hours=hours)
        RetentionRun.objects.create(
            rule="x", actor="beat", cutoff=at, started_at=at, duration=timedelta(1)
        )
    assert let_years_go(OVER) > 0
