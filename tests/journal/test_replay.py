"""After a restore: every no after the backup is a no again, and who was erased stays erased."""

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings as SettingsWrapper

from accounts.models import User
from accounts.policy import CONFIRMATION_PERIOD
from accounts.services import reactivate_account
from accounts.signals import address_confirmed
from accounts.tokens import make_welcome_token
from consent import services as consent
from consent.models import ConsentDetail, Head, Leaf, Preference, Source, Suppression
from consent.proof import heads, merkle, tree
from consent.suppression import REVIEW_AFTER_YEARS, is_suppressed
from foundation.calendar import years_later
from messaging.models import Message
from retention import services
from retention.journal import replay
from retention.journal.audit import first_difference
from retention.journal.guard import Reason, check
from retention.journal.keeping import keep_log
from retention.journal.mark import begin_mark
from retention.journal.store import Journal
from retention.models import DeletionRequest, JournalMark, RetentionRun
from retention.models import Source as Way
from retention.policy import THE_NIGHT
from retention.returning import ask_to_return
from tests.factories import NOW, make_customer, topic
from tests.journal.life import Killed, entries_of, forgotten, no
from tests.retention import dying as ends

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("keeper")]
LATER = NOW + timedelta(minutes=10)
SECOND = timedelta(seconds=1)


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("replay_journal", *arguments, stdout=said)
    return said.getvalue()


def state(person: User, slug: str = "newsletter") -> str:
    return str(Preference.objects.of(person.pk).get(topic=topic(slug)).state)


def erase(person: User) -> DeletionRequest:
    wish = services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    services.execute_deletion(wish, now=NOW)
    return wish


def make_reader() -> User:
    """Somebody who said yes before the backup."""
    person = make_customer(yes=("newsletter", "special_offers"))
    keep_log(NOW)
    return person


@pytest.fixture
def reader(journal: Journal) -> User:
    return make_reader()


# --- choices -------------------------------------------------------------------------------------


def test_every_no_after_the_backup_is_a_no_again(reader: User, journal: Journal) -> None:
    with forgotten():
        no(reader)
        keep_log(NOW)
    assert state(reader) == "granted"
    said = run()
    assert "1  opt-outs" in said
    assert (state(reader), state(reader, "special_offers")) == ("withdrawn", "granted")
    event = ConsentDetail.objects.of(reader.pk).get(source=Source.REPLAY)
    assert event.actor == "replay_journal"
    assert event.reason.startswith("record ")
    assert check() == first_difference(LATER) == ""


def test_the_log_is_as_it_was_and_what_came_meanwhile_follows(
    reader: User, journal: Journal
) -> None:
    with forgotten():
        no(reader)
        keep_log(NOW)
        keep_log(LATER)
        known = list(Leaf.objects.order_by("index").values_list("index", "event_id", "hash"))
        former = [
            (h.size, bytes(h.root), bytes(h.signature)) for h in Head.objects.order_by("size")
        ]
    no(reader, "special_offers")
    run()
    keep_log(LATER + timedelta(minutes=2))
    after = list(Leaf.objects.order_by("index").values_list("index", "event_id", "hash"))
    assert [(i, e, bytes(h)) for i, e, h in after[: len(known)]] == [
        (i, e, bytes(h)) for i, e, h in known
    ]
    assert len(after) == len(known) + 2  # the no of meanwhile, and the one said again
    newest = heads.latest_head()
    assert newest is not None
    for size, root, signature in former:
        head = Head.objects.select_related("key").get(size=size)
        assert bytes(head.signature) == signature
        assert heads.is_genuine(head)
        path = tree.consistency_proof(size, newest.size)
        assert merkle.verify_consistency(size, newest.size, root, bytes(newest.root), path)
    assert first_difference(LATER) == ""


def test_an_event_that_waited_in_the_backup_keeps_the_place_it_was_given(
    reader: User, journal: Journal
) -> None:
    no(reader)  # in the backup, not sealed yet
    with forgotten():
        keep_log(NOW)
        place = Leaf.objects.order_by("-index").values_list("index", "event_id")[0]
        no(make_customer(yes=("newsletter",)))
        keep_log(NOW)
    run()
    assert Leaf.objects.filter(index=place[0], event_id=place[1]).exists()
    assert not ConsentDetail.objects.of(reader.pk).filter(source=Source.REPLAY).exists()
    keep_log(LATER)
    assert first_difference(LATER) == ""


def test_a_pause_is_a_pause_again_and_no_shorter(reader: User, journal: Journal) -> None:
    with forgotten():
        consent.record_pause(reader.pk, [topic().pk], months=3, source=Source.PREFERENCES, now=NOW)
        until = Preference.objects.of(reader.pk).get(topic=topic()).paused_until
        keep_log(NOW)
    assert "1  pauses" in run()
    standing = Preference.objects.of(reader.pk).get(topic=topic())
    assert standing.state == "granted"
    assert until <= standing.paused_until <= until + timedelta(days=1)


def test_a_yes_given_after_the_no_is_lost_with_the_database_and_the_no_stays(
    reader: User, journal: Journal
) -> None:
    with forgotten():
        no(reader)
        consent.record_choices(reader.pk, {topic().pk: True}, source=Source.PREFERENCES, now=LATER)
        keep_log(LATER)
    run()
    assert state(reader) == "withdrawn"


def test_whoever_is_not_in_the_database_is_suppressed_until_they_confirm_anew(
    reader: User, journal: Journal
) -> None:
    with forgotten():
        stranger = make_customer(yes=("newsletter",), email="new@example.test")
        no(stranger)
        keep_log(NOW)
    assert "1  suppressed addresses" in run()
    assert {row.reason for row in Suppression.objects.all()} == {Suppression.Reason.REPLAYED}
    assert is_suppressed("NEW@example.test")
    back = make_customer(email="new@example.test")
    address_confirmed.send(sender=User, user=back)
    assert not is_suppressed("new@example.test")


def test_an_address_that_somebody_else_has_now_says_no_too(reader: User, journal: Journal) -> None:
    with forgotten():
        no(make_customer(yes=("newsletter",), email="shared@example.test"))
        keep_log(NOW)
    now_theirs = make_customer(yes=("newsletter",), email="shared@example.test")
    run()
    assert state(now_theirs) == "withdrawn"


def test_a_no_under_an_older_key_is_understood_and_under_a_lost_one_stops(
    reader: User, journal: Journal, settings: SettingsWrapper
) -> None:
    with forgotten():
        no(reader)
        keep_log(NOW)
    ring = settings.SUPPRESSION_KEYS
    settings.SUPPRESSION_KEYS = {3: b"3" * 32, 1: ring[1]}
    with pytest.raises(CommandError, match="lacks 2"):
        run()
    assert state(reader) == "granted"
    settings.SUPPRESSION_KEYS = {3: b"3" * 32, **ring}
    run()
    assert state(reader) == "withdrawn"


# --- erasures ------------------------------------------------------------------------------------


def place_of(wish: DeletionRequest) -> tuple[int | None, bytes]:
    """Where the journal says of it: what its receipt names."""
    return wish.journal_position, bytes(wish.journal_chain or b"")


def only_erasure(journal: Journal) -> tuple[int | None, bytes]:
    (entry,) = entries_of(journal, "erasure")
    record = journal.at(entry["position"])
    assert record is not None
    return record.position, record.chain


def test_who_was_erased_is_erased_again_and_gets_no_second_mail(
    reader: User, journal: Journal
) -> None:
    with forgotten():
        wish = erase(reader)
        keep_log(NOW)
    assert User.objects.filter(pk=reader.pk).exists()
    said = run()
    assert "1  people erased again" in said
    assert not User.objects.filter(pk=reader.pk).exists()
    again = DeletionRequest.objects.get()
    assert (again.reference, again.is_finished, again.source) == (wish.reference, True, Way.REPLAY)
    assert is_suppressed(reader.email)
    assert not Message.objects.filter(purpose="deletion_confirmed").exists()
    assert len(entries_of(journal, "erasure")) == 1
    assert place_of(again) == place_of(wish) == only_erasure(journal)


def test_a_deletion_that_was_under_way_in_the_backup_is_finished(
    reader: User, journal: Journal
) -> None:
    wish = services.request_deletion(reader.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with forgotten():
        services.execute_deletion(wish, now=NOW)
        no(make_customer(yes=("newsletter",)))
        keep_log(NOW)
    run()
    wish.refresh_from_db()
    assert wish.is_finished
    assert not User.objects.filter(pk=reader.pk).exists()
    assert place_of(wish) == only_erasure(journal)


def test_who_came_and_went_after_the_backup_leaves_the_proof_and_the_suppression(
    reader: User, journal: Journal
) -> None:
    with forgotten():
        person = make_customer(yes=("newsletter",), email="brief@example.test")
        wish = erase(person)
        keep_log(NOW)
    run()
    again = DeletionRequest.objects.get()
    assert (again.reference, again.is_finished) == (wish.reference, True)
    assert is_suppressed("brief@example.test")
    assert place_of(again) == only_erasure(journal)
    assert (again.requested_at, again.finished_at) == (NOW, NOW)
    assert again.removed is None
    review = years_later(NOW, REVIEW_AFTER_YEARS).date().isoformat()
    assert again.kept == [{"model": "consent.Suppression", "count": 1, "until": review, "open": 0}]
    assert check() == ""


def test_an_erasure_names_nobody_and_is_written_before_anything_goes(
    reader: User, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = services.request_deletion(reader.pk, source=Way.CUSTOMER, actor="self", now=NOW)

    def seen(*_args: object, **_kwargs: object) -> int:
        assert [e["reference"] for e in entries_of(journal, "erasure")] == [str(wish.reference)]
        raise Killed

    monkeypatch.setattr("retention.erasure.erase_batch", seen)
    with pytest.raises(Killed):
        services.execute_deletion(wish, now=NOW)
    text = b"".join(record.body for record in journal.read(after=0)).decode()
    assert reader.email not in text
    assert str(reader.pk) not in text


# --- who had answered ----------------------------------------------------------------------------


def night(rule: str, now: datetime) -> int:
    """How many the rule took; after nights that followed each other, or the clock is in doubt."""
    for days in (3, 2, 1):
        at = now - timedelta(days=days)
        RetentionRun.objects.create(
            rule=rule, actor=THE_NIGHT, cutoff=at, started_at=at, duration=timedelta()
        )
    return sum(run.removed for run in services.enforce(now, THE_NIGHT, only=[rule], guarded=True))


def test_who_was_asked_to_return_before_the_backup_is_asked_anew(
    reader: User, journal: Journal
) -> None:
    """They may have come back since; nothing in the journal says so."""
    asked_at = NOW - timedelta(days=50)
    away = make_customer(deactivated_at=NOW - timedelta(days=800), asked_to_return_at=asked_at)
    with forgotten():
        reactivate_account(away, now=NOW)
        no(reader)
        keep_log(NOW)
    assert "1  accounts to be asked anew if they are wanted" in run()
    then = NOW + timedelta(days=12)
    assert night("deactivated_accounts", then) == 0
    assert ask_to_return(then) == 1
    assert Message.objects.get(purpose="still_wanted").person_id == away.pk
    assert night("deactivated_accounts", then + timedelta(days=59)) == 0
    assert night("deactivated_accounts", then + timedelta(days=60)) == 1


def test_who_had_not_confirmed_in_the_backup_gets_a_week_and_a_mail_anew(
    reader: User, journal: Journal
) -> None:
    signed_up_at = NOW - timedelta(days=6)
    person = make_customer(email_confirmed_at=None, signed_up_at=signed_up_at)
    gone = make_customer(email_confirmed_at=None, signed_up_at=signed_up_at)
    former = make_welcome_token(person)
    with forgotten():
        User.objects.filter(pk__in=[person.pk, gone.pk]).update(email_confirmed_at=NOW)
        erase(User.objects.get(pk=gone.pk))
        keep_log(NOW)
    assert "1  accounts to be confirmed anew" in run("--dry-run")
    assert not Message.objects.exists()
    assert replay.replay(LATER).done["accounts to be confirmed anew"] == 1
    person.refresh_from_db()
    (mail,) = Message.objects.filter(purpose="welcome")
    link = make_welcome_token(person)
    assert (mail.person_id, person.signed_up_at, link in mail.text) == (person.pk, LATER, True)
    over = LATER + CONFIRMATION_PERIOD
    assert User.objects.welcomed_by(link, over - SECOND) == person
    assert User.objects.welcomed_by(former, LATER) is None
    assert night("unconfirmed_accounts", over - SECOND) == 0
    assert night("unconfirmed_accounts", over) == 1


def test_a_replay_that_was_killed_writes_to_nobody_twice(
    reader: User, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        make_customer(email_confirmed_at=None)
    with forgotten():
        no(reader)
        keep_log(NOW)
    with monkeypatch.context() as patch:
        patch.setitem(replay._STEPS, "leaves", ends.dying(replay._leaves, 1, "before"))
        with pytest.raises(ends.Killed):
            replay.replay(LATER)
    assert Message.objects.filter(purpose="welcome").count() == 2
    again = replay.replay(LATER + timedelta(hours=1))
    assert (again.done["opt-outs"], again.done["accounts to be confirmed anew"]) == (1, 0)
    assert Message.objects.filter(purpose="welcome").count() == 2


def test_without_a_restore_nobody_is_asked_anew(reader: User, journal: Journal) -> None:
    make_customer(email_confirmed_at=None)
    away = make_customer(deactivated_at=NOW - timedelta(days=800), asked_to_return_at=NOW)
    keep_log(NOW)
    assert run() == "The database knows everything in the journal.\n"
    away.refresh_from_db()
    assert away.asked_to_return_at == NOW
    assert not Message.objects.exists()


# --- twice, killed, refused ----------------------------------------------------------------------


def test_again_changes_nothing(reader: User, journal: Journal) -> None:
    with forgotten():
        no(reader)
        keep_log(NOW)
    run()
    events = ConsentDetail.objects.count()
    assert "knows everything" in run()
    assert ConsentDetail.objects.count() == events


def test_a_dry_run_says_what_it_would_do_and_does_nothing(reader: User, journal: Journal) -> None:
    with forgotten():
        no(reader)
        keep_log(NOW)
        no(reader, "special_offers")
        erase(make_customer())
        keep_log(LATER)
    leaves = Leaf.objects.count()
    said = run("--dry-run")
    assert "2  opt-outs" in said
    assert "Nothing was changed" in said
    assert state(reader) == "granted"
    assert Leaf.objects.count() == leaves
    assert check().startswith(Reason.RESTORED)


@pytest.mark.parametrize("record", range(1, 6))
@pytest.mark.parametrize("name", ["move_mark", "_erase"])
def test_a_killed_replay_goes_on_where_it_was(
    name: str, record: int, reader: User, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_customer(yes=("newsletter",))
    with forgotten():
        no(reader)
        keep_log(NOW)
        erase(other)
        keep_log(NOW)
        no(reader, "special_offers")
        keep_log(LATER)
    calls = 0
    done = getattr(replay, name)

    def die(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == record:
            raise Killed
        return done(*args, **kwargs)

    monkeypatch.setattr(replay, name, die)
    try:
        run()
    except Killed:
        assert check().startswith(Reason.RESTORED) or record > 1
    monkeypatch.undo()
    run()
    assert (state(reader), state(reader, "special_offers")) == ("withdrawn", "withdrawn")
    assert ConsentDetail.objects.filter(source=Source.REPLAY).count() == 2
    assert not User.objects.filter(pk=other.pk).exists()
    keep_log(LATER + timedelta(hours=1))
    assert check() == first_difference(LATER) == ""


def test_a_missing_journal_needs_a_word_and_gets_a_new_one_with_it(own_journal: Path) -> None:
    no(make_reader())
    keep_log(NOW)
    own_journal.unlink()
    with pytest.raises(CommandError, match=r"missing.*--start-anew"):
        run()
    with pytest.raises(CommandError, match="Say why"):
        run("--start-anew", " ")
    assert "A new journal" in run("--start-anew", "disk lost; ask kari@example.test")
    assert check() == ""
    keep_log(LATER)
    assert first_difference(LATER) == ""


def test_the_new_journal_has_the_whole_log_and_says_why(reader: User, journal: Journal) -> None:
    no(reader)
    keep_log(NOW)
    journal.put_aside()
    run("--start-anew", "disk lost; ask kari@example.test")
    keep_log(LATER)
    first, *rest = entries_of(journal)
    assert first["reason"] == "disk lost; ask [address]"
    assert first["actor"] == "operator"
    assert [entry["kind"] for entry in rest] == ["topics", "leaves", "head", "head"][: len(rest)]
    assert sum(len(entry["leaves"]) for entry in entries_of(journal, "leaves")) == 3
    assert first_difference(LATER) == ""


def test_a_whole_journal_is_not_begun_anew(reader: User, journal: Journal) -> None:
    with pytest.raises(CommandError, match="nothing to begin anew"):
        run("--start-anew", "just so")
    with forgotten():
        no(reader)
        keep_log(NOW)
    with pytest.raises(CommandError, match="without --start-anew"):
        run("--start-anew", "just so")


def test_a_database_from_nothing_learns_the_whole_log(journal: Journal) -> None:
    with forgotten():
        no(make_customer(yes=("newsletter",), email="early@example.test"))
        keep_log(NOW)
    assert check().startswith(Reason.RESTORED)
    run()
    assert Leaf.objects.count() == 2
    assert is_suppressed("early@example.test")
    assert first_difference(LATER) == ""


# --- the audit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("former", "later"),
    [
        (b'"state":"withdrawn"', b'"state":"refused"'),
        (b'"consent","', b'"consent","00'),
        (b'"kind":"head","size":', b'"kind":"head","size":9'),
    ],
)
def test_a_change_far_back_is_found_by_the_audit(
    former: bytes, later: bytes, own_journal: Path
) -> None:
    reader = make_reader()
    no(reader)
    keep_log(LATER)
    no(reader, "special_offers")
    keep_log(LATER + timedelta(minutes=2))
    assert first_difference(LATER) == ""
    text = own_journal.read_bytes()
    assert former in text
    own_journal.write_bytes(text.replace(former, later, 1))
    assert "chain breaks" in first_difference(LATER)


def test_a_forged_chain_is_found_by_what_it_says(reader: User, journal: Journal) -> None:
    no(reader)
    keep_log(NOW)
    forged = entries_of(journal)
    journal.put_aside()
    tail = journal.tail()
    for entry in forged:
        entry.pop("position")
        for each in entry.get("opt_outs", []):
            each["topic"] = 2
        tail = journal.append([entry], after=tail)
    begin_mark(tail)
    JournalMark.objects.update(leaves=Leaf.objects.count(), head=tree.tree_size())
    assert "says something else" in first_difference(NOW)
