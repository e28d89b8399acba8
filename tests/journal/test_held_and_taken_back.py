"""After a restore what was held is held before anything goes, and what was taken back stays so."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Invoice, Session, User
from consent.models import ConsentDetail
from foundation import standstill
from messaging.models import Message
from retention import services
from retention.holding import holds_now
from retention.holds import approve_hold, place_hold, release_hold
from retention.journal import keeping, replay
from retention.journal.audit import first_difference
from retention.journal.guard import Reason, check
from retention.journal.keeping import keep_log
from retention.journal.leaving import let_years_go
from retention.journal.mark import move_mark
from retention.journal.store import Journal
from retention.models import DeletionRequest, LegalHold, RetentionRun, Scope
from retention.models import Source as Way
from retention.policy import HOLD_UNAPPROVED, THE_NIGHT
from retention.watching import lapse
from tests.factories import NOW, make_customer, make_staff
from tests.journal.life import Killed, entries_of, forgotten, no
from tests.journal.test_years import OVER, everything

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("keeper")]
LATER = NOW + timedelta(minutes=10)
REASON = "Kari Nordmann against us"


@pytest.fixture
def staff() -> User:
    return make_staff()


@pytest.fixture
def reader(journal: Journal, staff: User) -> User:
    person = make_customer(yes=("newsletter",))
    keep_log(NOW)
    return person


def hold(staff: User, **what: Any) -> LegalHold:
    values: dict[str, Any] = {"reason": REASON, "reference": "24-1", "now": NOW, "actor": staff}
    return place_hold(**(values | {"review_on": (NOW + timedelta(days=30)).date()} | what))


def run() -> str:
    said = StringIO()
    call_command("replay_journal", stdout=said)
    return said.getvalue()


def ask(person: User, *, wait: bool = False) -> DeletionRequest:
    return services.request_deletion(
        person.pk, source=Way.CUSTOMER, actor="self", now=NOW, wait=wait
    )


def ask_for_profile(person: User) -> DeletionRequest:
    return services.request_deletion(
        person.pk, source=Way.CUSTOMER, actor="self", now=NOW, scope=Scope.PROFILE
    )


# --- holds ---------------------------------------------------------------------------------------


def test_what_was_held_after_the_backup_is_held_before_an_erasure_is_done_again(
    reader: User, staff: User, journal: Journal
) -> None:
    with forgotten():
        placed = hold(staff, customer_id=reader.pk, data_class="choices")
        services.execute_deletion(ask(reader), now=NOW)
        keep_log(NOW)
    assert check().startswith(Reason.RESTORED)
    said = run()
    assert "1  legal holds placed again" in said
    (again,) = holds_now(LATER)
    assert (again.pk, again.customer_id, again.placed_by) == (placed.pk, reader.pk, staff)
    assert ConsentDetail.objects.of(reader.pk).exists()
    wish = DeletionRequest.objects.get()
    assert not wish.is_finished
    assert check() == first_difference(LATER) == ""
    release_hold(again.pk, reason="over", actor=staff, now=LATER)
    assert services.run_deletions(LATER) == 1
    assert not User.objects.filter(pk=reader.pk).exists()


def test_a_night_before_the_replay_takes_nothing_that_was_held_after_the_backup(
    reader: User, staff: User, journal: Journal
) -> None:
    night = NOW + timedelta(days=1)
    settled = night.date().replace(year=NOW.year - 7) - timedelta(days=1)
    bill = Invoice.objects.create(
        invoice_number="n1",
        customer=reader,
        billed_to="Kari",
        amount=1,
        currency="NOK",
        date=settled,
        settled_on=settled,
    )
    RetentionRun.objects.create(
        rule="invoices", actor="beat", cutoff=NOW, started_at=NOW, duration=timedelta()
    )

    def removed() -> list[int]:
        runs = services.enforce(night, THE_NIGHT, only=["invoices"], guarded=True)
        return [run.removed for run in runs]

    with forgotten():
        placed = hold(staff, customer_id=reader.pk)
        keep_log(NOW)
        assert removed() == [0]
    standstill.forget()
    assert removed() == []
    assert "1  legal holds placed again" in run()
    assert removed() == [0]
    assert Invoice.objects.filter(pk=bill.pk).exists()
    release_hold(placed.pk, reason="over", actor=staff, now=night)
    assert removed() == [1]


def test_the_last_word_on_a_hold_counts(reader: User, staff: User, journal: Journal) -> None:
    other = make_staff()
    first, second = hold(staff, data_class="choices"), hold(staff, data_class="content")
    keep_log(NOW)
    with forgotten():
        approve_hold(first.pk, actor=other, now=NOW)
        gone = hold(staff, data_class="billing")
        keep_log(NOW)
        for each in (second, gone):
            release_hold(each.pk, reason="over", actor=staff, now=NOW)
        services.execute_deletion(ask(make_customer()), now=NOW)
        keep_log(NOW)
    said = run()
    assert "1  legal holds approved again" in said
    assert "1  legal holds released again" in said
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.approved_at, first.released_at, second.released_at) == (NOW, None, NOW)
    assert not LegalHold.objects.filter(pk=gone.pk).exists()
    assert check() == first_difference(LATER) == ""


def test_a_hold_that_nobody_approved_yet_gets_its_time_anew_and_a_lapsed_one_does_not(
    reader: User, staff: User, journal: Journal
) -> None:
    with forgotten():
        hold(staff, data_class="content", now=NOW - HOLD_UNAPPROVED)
        hold(staff, data_class="choices", reference="24-2")
        keep_log(NOW)
    report = replay.replay(NOW + 2 * HOLD_UNAPPROVED)
    assert report.done["legal holds to approve"] == 1
    assert [each.reference for each in holds_now(NOW + 2 * HOLD_UNAPPROVED)] == ["24-2"]


def test_a_hold_of_somebody_who_is_not_in_the_backup_is_told_of(
    reader: User, staff: User, journal: Journal
) -> None:
    with forgotten():
        hold(staff, customer_id=make_customer().pk)
        keep_log(NOW)
    assert "1  legal holds of customers who are not there" in run()
    assert not LegalHold.objects.exists()
    keep_log(LATER)
    assert check() == first_difference(LATER) == ""


def test_holds_are_written_down_once_and_name_nobody(
    reader: User, staff: User, journal: Journal
) -> None:
    placed = hold(staff, customer_id=reader.pk, reference="24-1 kari@example.test")
    for slug in ("newsletter", "special_offers"):
        keep_log(NOW)
        no(reader, slug)
    keep_log(NOW)
    (entry,) = entries_of(journal, "holds")
    for name in (REASON, "kari@example.test", reader.email, reader.pk, staff.pk, staff.email):
        assert str(name) not in str(entry)
    release_hold(placed.pk, reason="over", actor=staff, now=NOW)
    keep_log(NOW)
    assert [each["id"] for each in entries_of(journal, "holds")[-1]["released"]] == [str(placed.pk)]


def test_a_hold_that_went_missing_is_found_by_the_audit(
    reader: User, staff: User, journal: Journal
) -> None:
    hold(staff, data_class="choices")
    keep_log(NOW)
    assert first_difference(LATER) == ""
    LegalHold.objects.all().delete()
    assert "a legal hold is not as it was placed" in first_difference(LATER)


def test_a_hold_outlives_the_year_of_the_journal_that_told_of_it(
    reader: User, staff: User, journal: Journal
) -> None:
    """Every backup that may still be restored has it."""
    placed = hold(staff, customer_id=reader.pk, data_class="choices")
    approve_hold(placed.pk, actor=make_staff(), now=NOW)
    keep_log(NOW)
    let_years_go(OVER)
    assert str(placed.pk) not in everything(journal)
    with forgotten():
        services.execute_deletion(ask(reader), now=OVER)
        keep_log(OVER)
    replay.replay(OVER)
    assert ConsentDetail.objects.of(reader.pk).exists()
    assert check() == first_difference(OVER) == ""


def test_a_new_journal_begins_with_the_holds(reader: User, staff: User, journal: Journal) -> None:
    hold(staff, data_class="choices")
    keep_log(NOW)
    journal.put_aside()
    replay.start_anew("disk lost", actor="operator", now=LATER)
    keep_log(LATER)
    assert len(entries_of(journal, "holds")) == 1


@pytest.mark.parametrize("source", [Way.CUSTOMER, Way.STAFF], ids=["it waited", "unconfirmed"])
def test_one_that_waited_in_the_backup_is_stopped_though_a_hold_keeps_it_open(
    source: Way, reader: User, staff: User, journal: Journal
) -> None:
    """No mail but the word that it is done, nowhere signed in, and no way back."""
    wish = services.request_deletion(
        reader.pk, source=source, actor="self", now=NOW, wait=source == Way.CUSTOMER
    )
    Session.objects.create(session_key="k" * 32, expire_date=LATER, user=reader)
    with forgotten():
        hold(staff, customer_id=reader.pk, data_class="choices")
        services.execute_deletion(ask(reader), now=NOW)
        keep_log(NOW)
    run()
    wish.refresh_from_db()
    reader.refresh_from_db()
    assert (wish.state, reader.is_active) == ("requested", False)
    assert not Session.objects.filter(user=reader).exists()
    assert wish.steps.get(name="accounts.Session").removed == 1
    assert not Message.objects.filter(purpose="deletion_confirmed").exists()
    release_hold(LegalHold.objects.get().pk, reason="over", actor=staff, now=LATER)
    assert services.run_deletions(LATER) == 1
    assert Message.objects.filter(purpose="deletion_confirmed").count() == 1


def test_what_the_backup_knew_to_wait_is_done_again_without_a_second_mail(
    reader: User, staff: User, journal: Journal
) -> None:
    other = make_customer()
    whole, part = ask(reader, wait=True), ask_for_profile(other)
    with forgotten():
        services.execute_deletion(ask(reader), now=NOW)
        services.execute_deletion(part, now=NOW)
        keep_log(NOW)
        sent = set(Message.objects.values_list("purpose", flat=True))
    assert {"deletion_confirmed", "part_deleted"} <= sent
    run()
    for wish in (whole, part):
        wish.refresh_from_db()
        assert wish.is_finished
    assert not Message.objects.filter(purpose__in=["deletion_confirmed", "part_deleted"]).exists()


# --- taken back ----------------------------------------------------------------------------------


def test_a_deletion_that_was_taken_back_after_the_backup_is_not_begun(
    reader: User, journal: Journal
) -> None:
    wish = ask(reader, wait=True)
    with forgotten():
        services.withdraw_deletion(wish.reference, actor="self", now=NOW)
        keep_log(NOW)
    assert check().startswith(Reason.RESTORED)
    mails = Message.objects.count()
    assert "1  deletions taken back again" in run()
    services.run_deletions(NOW + timedelta(days=15))
    wish.refresh_from_db()
    reader.refresh_from_db()
    assert (wish.state, wish.person_id, reader.deactivated_at) == ("withdrawn", None, None)
    assert wish.journal_position is not None
    assert Message.objects.count() == mails
    keep_log(LATER)
    assert len(entries_of(journal, "withdrawal")) == 1
    assert check() == first_difference(LATER) == ""


@pytest.mark.parametrize("days", [10, 40])
def test_one_that_lapsed_after_the_backup_has_lapsed(
    days: int, reader: User, staff: User, journal: Journal
) -> None:
    """And one that was taken back before its month was over was taken back."""
    wish = services.request_for_customer(reader.pk, actor=staff, now=NOW)
    at = NOW + timedelta(days=days)
    with forgotten():
        if days == 40:
            services.watch_deletions(at)
        else:
            services.withdraw_deletion(wish.reference, actor="self", now=at)
        keep_log(at)
    mails = Message.objects.count()
    run()
    wish.refresh_from_db()
    assert (wish.state, wish.lapsed, wish.finished_at) == ("withdrawn", days == 40, at)
    assert Message.objects.count() == mails


def test_one_that_still_waits_goes_on_waiting(reader: User, journal: Journal) -> None:
    wish = ask(reader, wait=True)
    with forgotten():
        no(make_customer(yes=("newsletter",)))
        keep_log(NOW)
    run()
    wish.refresh_from_db()
    assert wish.state == "scheduled"


@pytest.mark.parametrize("scope", [Scope.EVERYTHING, Scope.PROFILE])
@pytest.mark.parametrize("is_there", [True, False], ids=["there", "gone meanwhile"])
def test_one_that_was_done_is_missed_and_done_again_though_it_came_to_nothing_here(
    is_there: bool, scope: Scope, reader: User, staff: User, journal: Journal
) -> None:
    """In the backup it waits for a word; it lapses before anybody asks the journal."""
    reader.first_name, reader.phone = "Kari", "+4790000000"
    reader.save()
    wish = services.request_for_customer(reader.pk, actor=staff, now=NOW, scope=scope)
    with forgotten():
        services.confirm_deletion(wish.reference, now=NOW)
        services.run_deletions(NOW)
        keep_log(NOW)
    assert wish.due_on is not None
    assert lapse(wish.pk, now=NOW + timedelta(days=40))
    if not is_there:
        User.objects.filter(pk=reader.pk).delete()
    mails = Message.objects.count()
    assert check().startswith(Reason.RESTORED)
    standstill.forget()
    run()
    done = DeletionRequest.objects.get(reference=wish.reference)
    assert (done.state, done.lapsed, done.person_id) == ("finished", False, None)
    assert done.journal_position is not None or not is_there
    left = User.objects.filter(pk=reader.pk).first()
    assert (left is not None) == (is_there and scope == Scope.PROFILE)
    assert left is None or left.phone == ""
    assert Message.objects.count() <= mails
    assert check() == first_difference(LATER) == ""


def test_a_deletion_that_was_not_done_is_found_by_the_audit(reader: User, journal: Journal) -> None:
    with forgotten():
        wish = ask(reader)
        services.execute_deletion(wish, now=NOW)
        keep_log(NOW)
    run()
    assert first_difference(LATER) == ""
    again = DeletionRequest.objects.filter(reference=wish.reference)
    again.update(state="withdrawn", lapsed=True)
    assert "a deletion was not done" in first_difference(LATER)
    again.delete()
    assert first_difference(LATER) == ""


@pytest.mark.parametrize("name", ["note_withdrawal", "move_mark"])
def test_a_round_killed_at_a_withdrawal_says_it_once(
    name: str, reader: User, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = ask(reader, wait=True)
    services.withdraw_deletion(wish.reference, actor="self", now=NOW)

    def die(*_args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(keeping, name, die)
        with pytest.raises(Killed):
            keep_log(NOW)
    keep_log(NOW)
    keep_log(NOW)
    (entry,) = entries_of(journal, "withdrawal")
    assert (entry["reference"], set(entry)) == (
        str(wish.reference),
        {"position", "kind", "at", "reference"},
    )
    wish.refresh_from_db()
    assert wish.journal_position == entry["position"]


def test_a_deletion_that_waits_though_it_was_taken_back_is_found_by_the_audit(
    reader: User, journal: Journal
) -> None:
    wish = ask(reader, wait=True)
    with forgotten():
        services.withdraw_deletion(wish.reference, actor="self", now=NOW)
        keep_log(NOW)
    for record in journal.read(after=0):
        move_mark(record)
    assert "a deletion was not taken back" in first_difference(LATER)
