"""Every job that retention has by the clock: killed at any step, and started twice at once.

Which test is about which job stands at the end; a job of the schedule without one fails there.
"""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection, transaction

from accounts import emails as account_emails
from accounts.models import User
from clicksend_portal import beat
from consent import services as consent
from consent.models import Source as Way
from foundation.partitions import ensure_partitions as make_partitions
from foundation.partitions import existing_partitions
from foundation.roles import APP, KEEPER, OWNER, as_role
from messaging.models import Message
from messaging.outbox import put_account_mail
from retention import emails, enforcement, returning, services
from retention.desk import breaches
from retention.desk import emails as desk_emails
from retention.desk import watching as desk_watching
from retention.entries import Removal
from retention.holds import place_hold
from retention.models import Breach, DeletionRequest, HeldRow, PrivacyRequest, RetentionRun, Source
from retention.policy import WARN_AFTER
from retention.schedule import RULES, SCHEDULE, model_of
from tests.factories import NOW, make_customer, make_staff, topic
from tests.retention import test_desk_breaches, test_desk_requests
from tests.retention.dying import Job, Killed, at_once, dying
from tests.retention.test_rule_boundaries import BOUNDARIES, OWN_DAYS
from tests.retention.test_rule_boundaries import NOW as THAT_DAY

pytestmark = pytest.mark.slow

# --- rules ---------------------------------------------------------------------------------------


def fill_superseded() -> None:
    person = make_customer()
    for day in range(1, 5):
        consent.record_choices(
            person.pk,
            {topic().pk: bool(day % 2)},
            source=Way.PREFERENCES,
            now=THAT_DAY.replace(year=2013, day=day),
        )


def fill_mail_to_nobody() -> None:
    for person_id in (make_customer().pk, None, *(uuid.uuid4() for _ in range(3))):
        put_account_mail(
            to="a@example.test",
            person_id=person_id,
            purpose="x",
            language="nb",
            subject="",
            text="",
            html="",
            now=NOW,
        )


def fill_deactivated() -> None:
    for days in (59, 60, 61, 62):
        make_customer(
            deactivated_at=THAT_DAY - timedelta(days=800),
            asked_to_return_at=THAT_DAY - timedelta(days=days),
        )


def fill_held() -> None:
    held = make_customer()
    with as_role(APP):
        place_hold(
            reason="Case",
            reference="24-1",
            review_on=THAT_DAY.date() + timedelta(days=30),
            actor=make_staff(),
            customer_id=held.pk,
            now=THAT_DAY - timedelta(days=1),
        )
    for owner in (held.pk, *(uuid.uuid4() for _ in range(3))):
        HeldRow.objects.create(
            model="messaging.MessageContent",
            key=uuid.uuid4(),
            customer_id=owner,
            dated=THAT_DAY,
            row={},
        )


def fill_from_boundary(name: str) -> None:
    make, over, lasting = BOUNDARIES[name]
    for clock in (*over, *lasting):
        make(clock)


# Those of which one row alone says nothing.
FILLED: dict[str, Callable[[], None]] = {
    "superseded_choices": fill_superseded,
    "mail_to_nobody": fill_mail_to_nobody,
    "deactivated_accounts": fill_deactivated,
    "held_rows": fill_held,
}
# Who runs the rules here.
OURS = "test"
BY_BATCHES = [name for name, (_entry, rule) in RULES.items() if rule.removal != Removal.PARTITIONS]


def all_counts() -> Counter[str]:
    """Rows per table of the schedule, but for the runs that the test itself makes."""
    with as_role(OWNER):
        counts = {each.model: model_of(each)._base_manager.count() for each in SCHEDULE}
        ours = RetentionRun.objects.filter(actor=OURS).count()
        return Counter(counts) - Counter({"retention.RetentionRun": ours})


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize("name", BY_BATCHES)
def test_a_rule_killed_in_a_batch_and_between_two_leaves_what_an_undisturbed_run_leaves(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _entry, rule = RULES[name]
    now = OWN_DAYS.get(name, THAT_DAY)
    if name in FILLED:
        FILLED[name]()
    else:
        fill_from_boundary(name)

    def run() -> RetentionRun:
        (done,) = services.enforce(now, OURS, only=[name], batch=2)
        return done

    with transaction.atomic():
        due = run().removed
        undisturbed = all_counts()
        transaction.set_rollback(True)
    assert due > 2
    before = all_counts()
    assert before != undisturbed

    # After the rows are gone, before the commit that says so: then they are not gone.
    with monkeypatch.context() as patch:
        remove = enforcement.REMOVALS[rule.removal]
        patch.setitem(enforcement.REMOVALS, rule.removal, dying(remove, 1, "after"))
        with pytest.raises(Killed):
            run()
    assert all_counts() == before
    # After a commit: what went is gone, and the run's row says how much.
    with monkeypatch.context() as patch:
        patch.setattr(enforcement, "remove_batch", dying(enforcement.remove_batch, 2, "before"))
        with pytest.raises(Killed):
            run()
    between = all_counts()
    assert before != between != undisturbed
    run()
    assert all_counts() == undisturbed
    removed = RetentionRun.objects.filter(rule=name, actor=OURS).order_by("id")
    told = list(removed.values_list("removed", flat=True))
    assert (told[0], sum(told)) == (0, due)
    assert 0 < told[1] <= 2
    assert run().removed == 0


# --- jobs that write mails -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A job that marks rows and writes mails about them: one with the other, and each once."""

    prepare: Callable[[], datetime]
    job: Job
    # Where it writes a mail, in the transaction that marks the row.
    place: Any
    name: str
    purpose: str
    mails: int


def leave_accounts() -> datetime:
    for _each in range(4):
        make_customer(deactivated_at=NOW - timedelta(days=1000))
    return NOW


def let_requests_lapse() -> datetime:
    boss = make_staff()
    for _each in range(4):
        services.request_for_customer(make_customer().pk, actor=boss, now=NOW)
    return NOW + timedelta(days=40)


def leave_requests_open() -> datetime:
    for _each in range(4):
        services.request_deletion(make_customer().pk, source=Source.CUSTOMER, actor="self", now=NOW)
    return NOW + WARN_AFTER


def ask_the_desk() -> datetime:
    for _each in range(4):
        test_desk_requests.ask(make_customer())
    return NOW


def let_clocks_run() -> datetime:
    for _each in range(4):
        test_desk_breaches.register(aware_at=NOW - timedelta(hours=50))
    return NOW


TELLING = {
    "ask_to_return": Telling(
        prepare=leave_accounts,
        job=returning.ask_to_return,
        place=account_emails,
        name="send_still_wanted",
        purpose="still_wanted",
        mails=4,
    ),
    "watch_deletions: lapsed": Telling(
        prepare=let_requests_lapse,
        job=services.watch_deletions,
        place=emails,
        name="send_deletion_lapsed",
        purpose="deletion_lapsed",
        mails=4,
    ),
    "watch_deletions: due": Telling(
        prepare=leave_requests_open,
        job=services.watch_deletions,
        place=emails,
        name="send_deletions_due",
        purpose="deletions_due",
        mails=1,
    ),
    "watch_desk": Telling(
        prepare=ask_the_desk,
        job=desk_watching.watch_requests,
        place=desk_emails,
        name="send_desk_digest",
        purpose="desk_digest",
        mails=1,
    ),
    "watch_breaches": Telling(
        prepare=let_clocks_run,
        job=breaches.watch_breaches,
        place=desk_emails,
        name="send_breach_alarm",
        purpose="breach_alarm",
        mails=4,
    ),
}


def marked() -> int:
    """How many rows say that somebody was told of them, or that they are over."""
    with as_role(OWNER):
        told: list[int] = [
            rows.count()
            for rows in (
                User.objects.filter(asked_to_return_at__isnull=False),
                DeletionRequest.objects.filter(warned_at__isnull=False),
                DeletionRequest.objects.filter(lapsed=True),
                PrivacyRequest.objects.filter(announced_at__isnull=False),
                Breach.objects.filter(alarms__gt=0),
            )
        ]
    return sum(told)


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", [1, 3])
@pytest.mark.parametrize("name", TELLING)
def test_a_job_killed_at_a_mail_marks_nobody_who_was_not_written_to_and_writes_to_nobody_twice(
    name: str, call: int, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling = TELLING[name]
    call = min(call, telling.mails)
    now = telling.prepare()
    before = marked()
    with as_role(KEEPER):
        with monkeypatch.context() as patch:
            step = getattr(telling.place, telling.name)
            patch.setattr(telling.place, telling.name, dying(step, call, moment))
            with pytest.raises(Killed):
                telling.job(now)
        assert written(telling) == call - 1
        assert marked() - before == (call - 1 if telling.mails > 1 else 0)
        telling.job(now)
        assert written(telling) == telling.mails
        assert marked() - before == 4
        telling.job(now)
    assert written(telling) == telling.mails


def written(telling: Telling) -> int:
    return Message.objects.filter(purpose=telling.purpose).count()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", TELLING)
def test_two_of_a_job_at_once_write_to_each_once(name: str) -> None:
    telling = TELLING[name]
    now = telling.prepare()
    before = marked()
    at_once(telling.job, now)
    assert marked() - before == 4
    told = " ".join(Message.objects.filter(purpose=telling.purpose).values_list("text", flat=True))
    if telling.mails > 1:
        assert written(telling) == telling.mails
    for wish in (*DeletionRequest.objects.all(), *PrivacyRequest.objects.all()):
        assert told.count(str(wish.reference)) == (0 if wish.state == "withdrawn" else 1)


# --- the months ahead ----------------------------------------------------------------------------

FAR = NOW.replace(year=2041, month=5, day=31)
BY_MONTH = [
    model_of(entry)._meta.db_table
    for entry, _rule in (RULES[n] for n in set(RULES) - set(BY_BATCHES))
]


def months_there() -> int:
    return sum(len(existing_partitions(table)) for table in BY_MONTH)


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", [1, 2, 4])
def test_a_night_killed_while_it_makes_months_is_made_up_by_the_next(
    call: int, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = months_there()
    with monkeypatch.context() as patch:
        patch.setattr(services, "make_partitions", dying(make_partitions, call, moment))
        with pytest.raises(Killed):
            services.ensure_partitions(FAR)
    done = months_there() - before
    assert done == 13 * (call - (moment == "before"))
    assert services.ensure_partitions(FAR) == 13 * len(BY_MONTH) - done
    assert services.ensure_partitions(FAR) == 0


@pytest.mark.django_db(transaction=True)
def test_two_nights_at_once_make_each_month_once() -> None:
    before = set().union(*(existing_partitions(table) for table in BY_MONTH))
    try:
        assert sum(at_once(services.ensure_partitions, FAR)) == 13 * len(BY_MONTH)
    finally:
        after = set().union(*(existing_partitions(table) for table in BY_MONTH))
        with as_role(KEEPER), connection.cursor() as cursor:
            for name in after - before:
                cursor.execute(f"DROP TABLE {name}")


# --- all of them ---------------------------------------------------------------------------------

HERE = "retention.test_killed_jobs"
A_RULE = (
    HERE,
    "test_a_rule_killed_in_a_batch_and_between_two_leaves_what_an_undisturbed_run_leaves",
)
A_MAIL = (
    HERE,
    "test_a_job_killed_at_a_mail_marks_nobody_who_was_not_written_to_and_writes_to_nobody_twice",
)
TWO_MAILS = (HERE, "test_two_of_a_job_at_once_write_to_each_once")
EXPORTS = "retention.test_exports"
# Months have tests of their own beside that of the rules; archives are made by what this one wakes.
KILLED: dict[str, tuple[str, str]] = {
    "enforce_rules": A_RULE,
    "ask_to_return": A_MAIL,
    "watch_deletions": A_MAIL,
    "watch_desk": A_MAIL,
    "watch_breaches": A_MAIL,
    "run_deletions": (
        "retention.test_resuming",
        "test_a_worker_killed_at_a_step_is_succeeded_by_another",
    ),
    "ensure_partitions": (
        HERE,
        "test_a_night_killed_while_it_makes_months_is_made_up_by_the_next",
    ),
    "wake_exports": (
        EXPORTS,
        "test_a_killed_worker_leaves_it_to_another_that_goes_on_where_it_stopped",
    ),
    "keep_log": (
        "journal.test_keeping",
        "test_a_round_killed_at_any_line_loses_nothing_and_repeats_nothing",
    ),
    "let_journal_years_go": (
        "journal.test_years",
        "test_killed_at_any_line_nothing_is_lost_and_the_next_night_ends_it",
    ),
    "renew_statistics": (
        "retention.test_statistics",
        "test_a_night_killed_between_two_tables_is_made_up_by_the_next",
    ),
    "remove_opted_out": (
        "messaging.test_lists",
        "test_the_night_goes_on_where_it_was_killed_and_past_a_customer_where_it_fails",
    ),
}
AT_ONCE: dict[str, tuple[str, str]] = {
    "enforce_rules": ("retention.test_resuming", "test_the_second_of_two_runs_steps_back"),
    "ask_to_return": TWO_MAILS,
    "watch_deletions": TWO_MAILS,
    "watch_desk": TWO_MAILS,
    "watch_breaches": TWO_MAILS,
    "run_deletions": ("retention.test_resuming", "test_two_workers_at_one_request_do_it_once"),
    "ensure_partitions": (HERE, "test_two_nights_at_once_make_each_month_once"),
    "wake_exports": (
        EXPORTS,
        "test_a_worker_that_was_only_slow_writes_nothing_once_it_is_taken_over",
    ),
    "keep_log": ("journal.test_stores", "test_of_two_writers_each_writes_everything_once"),
    "let_journal_years_go": ("journal.test_years", "test_two_nights_at_once_let_a_year_go_once"),
    "renew_statistics": (
        "retention.test_statistics",
        "test_two_nights_at_once_leave_no_key_either",
    ),
    "remove_opted_out": (
        "messaging.test_list_races",
        "test_two_nights_at_once_take_out_the_same_contacts_once",
    ),
}
# Not retention's by its name, and yet it deletes rows of customers by the clock.
DELETES_TOO = {"remove_opted_out"}


@pytest.mark.parametrize("tested", [KILLED, AT_ONCE], ids=["killed", "twice at once"])
def test_every_job_of_retention_has_its_test(tested: dict[str, tuple[str, str]]) -> None:
    jobs = {
        name for name, (task, _timing) in beat.SCHEDULE.items() if task.startswith("retention.")
    }
    assert set(tested) == jobs | DELETES_TOO
    for module, test in tested.values():
        assert callable(getattr(import_module(f"tests.{module}"), test))


def test_every_step_that_writes_a_mail_by_the_clock_is_killed_at() -> None:
    """Each job of those that only mark and tell is among `TELLING`."""
    telling = {name.partition(":")[0] for name in TELLING}
    assert telling == {name for name, test in KILLED.items() if test == A_MAIL}
