"""A deletion survives a death after any step; two workers at it do nothing twice."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from foundation.roles import KEEPER, OWNER, as_role
from messaging.models import Message
from retention import deleting, enforcement, erasure, services
from retention.models import DeletionRequest, DeletionStep, RetentionRun
from retention.models import Source as Way
from retention.schedule import RULES
from tests.factories import NOW, make_customer
from tests.retention.life import ALL_VALUES, COUNTS, STAYING, VALUES, make_full_customer
from tests.retention.traces import tables_with

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """Not an Exception: nothing in the portal may catch it, as nothing catches kill -9."""


def ask(person: User) -> DeletionRequest:
    return services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)


def assert_done_once() -> None:
    wish = DeletionRequest.objects.get()
    assert wish.is_finished
    assert wish.removed == COUNTS
    mail = Message.objects.get()
    assert mail.purpose == "deletion_confirmed"
    with as_role(OWNER):
        Message.objects.all().delete()
    assert set(tables_with(*ALL_VALUES)) <= STAYING


STEPS = erasure.step_names()


@pytest.mark.django_db
@pytest.mark.parametrize("name", [STEPS[0], STEPS[len(STEPS) // 2], STEPS[-1]])
@pytest.mark.parametrize("moment", ["before its commit", "after its commit"])
def test_a_worker_killed_at_a_step_is_succeeded_by_another(
    name: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_full_customer()
    ask(person)
    with as_role(KEEPER):
        work_until_killed(name, moment, monkeypatch)
        services.run_deletions(NOW, batch=2)
        services.run_deletions(NOW, batch=2)
    assert_done_once()


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ["before its commit", "after its commit"])
def test_workers_killed_one_after_another_at_every_step_finish_it_together(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes up what the one before left, and dies at the next step that there is."""
    person = make_full_customer()
    ask(person)
    with as_role(KEEPER):
        names = steps_met(moment, monkeypatch)
        assert len(names) > 20
        for name in names:
            assert work_until_killed(name, moment, monkeypatch), f"nobody died at {name}"
        services.run_deletions(NOW, batch=2)
        services.run_deletions(NOW, batch=2)
    assert_done_once()


def steps_met(moment: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Classes with nothing of the person are passed over; taken back afterwards."""
    met: list[str] = []
    with monkeypatch.context() as patch, transaction.atomic():
        if moment == "before its commit":
            patch.setattr(erasure, "erase_batch", noting(erasure.erase_batch, met))
        else:
            patch.setattr(deleting, "run_step", noting(deleting.run_step, met))
        services.run_deletions(NOW, batch=2)
        transaction.set_rollback(True)
    return list(dict.fromkeys(met))


def noting(do: Callable[..., Any], met: list[str]) -> Callable[..., Any]:
    def note(*args: Any, **kwargs: Any) -> Any:
        step = next(each for each in args if isinstance(each, str | DeletionStep))
        met.append(step if isinstance(step, str) else step.name)
        return do(*args, **kwargs)

    return note


def work_until_killed(name: str, moment: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the worker died at that step, as it was to."""
    with monkeypatch.context() as patch:
        if moment == "before its commit":
            patch.setattr(erasure, "erase_batch", dying(erasure.erase_batch, name))
        else:
            patch.setattr(deleting, "run_step", dying_after(deleting.run_step, name))
        try:
            services.run_deletions(NOW, batch=2)
        except Killed:
            return True
    return False


def dying(erase: Callable[..., Any], at: str) -> Callable[..., Any]:
    def erase_and_die(name: str, *args: Any, **kwargs: Any) -> Any:
        gone = erase(name, *args, **kwargs)
        if name == at:
            raise Killed
        return gone

    return erase_and_die


def dying_after(run: Callable[..., Any], at: str) -> Callable[..., Any]:
    def run_and_die(wish: DeletionRequest, step: DeletionStep, *args: Any, **kwargs: Any) -> Any:
        done = run(wish, step, *args, **kwargs)
        if step.name == at:
            raise Killed
        return done

    return run_and_die


@pytest.mark.django_db(transaction=True)
def test_a_connection_cut_in_mid_step_loses_and_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What PostgreSQL sees of kill -9: the connection is gone in the middle of a transaction."""
    ask(make_full_customer())

    def cut(*args: Any, **kwargs: Any) -> Any:
        swept = erasure_sweep(*args, **kwargs)
        with connection.cursor() as cursor, contextlib.suppress(DatabaseError):
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return swept

    erasure_sweep = erasure.sweep
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "sweep", cut)
        with contextlib.suppress(DatabaseError), as_role(KEEPER):
            services.run_deletions(NOW, batch=2)
    connection.close()
    assert User.objects.filter(username=VALUES[1]).exists()
    assert not Message.objects.filter(purpose="deletion_confirmed").exists()
    with as_role(KEEPER):
        assert services.run_deletions(NOW, batch=2) == 1
    assert_done_once()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_one_request_do_it_once() -> None:
    ask(make_full_customer())

    def work() -> None:
        with as_role(KEEPER):
            services.run_deletions(NOW, batch=1)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(work), pool.submit(work)]:
            each.result(timeout=60)
    assert_done_once()


@pytest.mark.django_db
def test_a_deletion_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = make_customer(), make_customer()
    ask(first)
    ask(second)
    finish = deleting.finish_deletion

    def fail_for_the_first(wish: DeletionRequest, *args: Any, **kwargs: Any) -> None:
        if wish.person_id == first.pk:
            raise DatabaseError
        finish(wish, *args, **kwargs)

    monkeypatch.setattr(deleting, "finish_deletion", fail_for_the_first)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 1
    assert User.objects.filter(pk=first.pk).exists()
    assert not User.objects.filter(pk=second.pk).exists()


# --- rules ---------------------------------------------------------------------------------------


@pytest.fixture
def other_holder() -> Iterator[psycopg.Connection]:
    """Another process that has a rule in hand."""
    wanted = {**connection.get_connection_params()}
    for name in ("cursor_factory", "context", "prepare_threshold", "server_side_binding"):
        wanted.pop(name, None)
    with psycopg.connect(**wanted) as holder:
        yield holder


@pytest.mark.django_db
def test_the_second_of_two_runs_steps_back(other_holder: psycopg.Connection) -> None:
    lock = "SELECT pg_advisory_lock(hashtext('retention'), hashtext('sessions'))"
    other_holder.execute(lock)
    with as_role(KEEPER):
        assert services.enforce(NOW, "test", only=["sessions"]) == []
        assert len(services.enforce(NOW, "test", only=["page_counts"])) == 1
        other_holder.execute("SELECT pg_advisory_unlock_all()")
        assert len(services.enforce(NOW, "test", only=["sessions"])) == 1
    assert RetentionRun.objects.count() == 2


@pytest.mark.django_db
def test_a_rule_killed_between_batches_is_taken_up_and_its_count_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _each in range(5):
        make_customer(email_confirmed_at=None, signed_up_at=NOW.replace(year=2025))
    batches = iter(range(10))
    remove = enforcement.remove_batch

    def die_at_third(*args: Any) -> int:
        if next(batches) == 2:
            raise Killed
        return remove(*args)

    rule = ["unconfirmed_accounts"]
    with as_role(KEEPER):
        with monkeypatch.context() as patch:
            patch.setattr(enforcement, "remove_batch", die_at_third)
            with pytest.raises(Killed):
                services.enforce(NOW, "test", only=rule, batch=2)
        services.enforce(NOW, "test", only=rule, batch=2)
    cut, whole = RetentionRun.objects.order_by("id")
    assert (cut.removed, cut.finished_at) == (4, None)
    assert (whole.removed, whole.duration is None) == (1, False)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_rule_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    run_rule = enforcement.run_rule

    def fail_for_sessions(entry: Any, rule: Any, **kwargs: Any) -> Any:
        if rule.name == "sessions":
            raise DatabaseError("no")
        return run_rule(entry, rule, **kwargs)

    monkeypatch.setattr(enforcement, "run_rule", fail_for_sessions)
    with as_role(KEEPER), pytest.raises(DatabaseError):
        services.enforce(NOW, "test")
    assert set(RetentionRun.objects.values_list("rule", flat=True)) == set(RULES) - {"sessions"}
