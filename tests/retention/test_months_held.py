"""Months of message content and records: their boundaries, holds on them, and runs cut short."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DataError, connection, models
from django.utils import translation

from clicksend_portal.promises.readings import keeping
from foundation.ids import uuid7_from
from foundation.partitions import ensure_partitions, existing_partitions
from foundation.roles import KEEPER, as_role
from messaging.models import MessageContent, MessageRecord, ProviderEvent
from retention import holding, months, planning
from retention.ages import ages
from retention.holds import place_hold, release_hold
from retention.models import HeldRow, LegalHold, RetentionRun
from retention.months import months_of, pending_months
from retention.services import enforce, enforce_plan
from tests.factories import make_customer, make_staff
from tests.retention.boundaries import boundary_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CONTENT = "messaging_messagecontent"
RULES_OF: dict[str, type[models.Model]] = {
    "message_content": MessageContent,
    "message_records": MessageRecord,
    "provider_events": ProviderEvent,
}
TABLES = [model._meta.db_table for model in RULES_OF.values()]
MONTH = datetime(2015, 3, 1, tzinfo=UTC)
NEXT = datetime(2015, 4, 1, tzinfo=UTC)
# When March 2015 has had its period, and April has not.
OVER = {
    "message_content": datetime(2015, 7, 1, tzinfo=UTC),
    "message_records": datetime(2022, 3, 1, tzinfo=UTC),
    "provider_events": datetime(2016, 4, 1, tzinfo=UTC),
}
THE_OTHER = uuid.UUID(int=2)


@pytest.fixture
def customer() -> Iterator[uuid.UUID]:
    """Somebody with two messages in March 2015 and one in April, beside somebody with the same."""
    person = make_customer()
    with as_role(KEEPER):
        for table in TABLES:
            ensure_partitions(table, MONTH, NEXT)
        for owner in (person.pk, THE_OTHER):
            for at in (MONTH, datetime(2015, 3, 31, 23, 59, 59, tzinfo=UTC), NEXT):
                write(owner, at)
    yield person.pk
    with as_role(KEEPER), connection.cursor() as cursor:
        for table in TABLES:
            for name, month in months_of(table):
                if month <= NEXT:
                    cursor.execute(f"DROP TABLE {name}")


def write(owner: uuid.UUID, at: datetime) -> None:
    key = uuid7_from(at, str(owner), "m")
    MessageContent.objects.create(id=key, customer_id=owner, body="Hei", sent_to="+4740000001")
    MessageRecord.objects.create(
        id=key, customer_id=owner, message_id="m", kind="sms", direction="out", date=at
    )
    ProviderEvent.objects.create(
        id=key, kind="complaint", outcome="applied", happened_at=at, received_at=at
    )


def run(rule: str, now: datetime) -> RetentionRun:
    with as_role(KEEPER):
        (found,) = enforce(now, "test", only=[rule])
        found.refresh_from_db()
        return found


def rows(rule: str) -> int:
    with as_role(KEEPER):
        return RULES_OF[rule]._base_manager.count()


def hold(**what: Any) -> LegalHold:
    return place_hold(
        reason="Case",
        reference="24-1",
        review_on=date(2015, 8, 1),
        actor=make_staff(),
        **what,
    )


@boundary_of()
@pytest.mark.parametrize("rule", RULES_OF)
def test_a_month_goes_when_its_first_row_has_had_its_period_and_not_a_moment_before(
    rule: str, customer: uuid.UUID
) -> None:
    assert run(rule, OVER[rule] - timedelta(microseconds=1)).partitions == []
    assert rows(rule) == 6
    done = run(rule, OVER[rule])
    assert (len(done.partitions), done.removed, rows(rule)) == (1, 4, 2)
    assert done.duration is not None
    assert done.longest_batch is not None
    assert run(rule, OVER[rule]).removed == 0


@boundary_of("held_rows")
def test_a_customers_held_rows_stand_aside_and_the_month_goes(customer: uuid.UUID) -> None:
    now = OVER["message_content"]
    placed = hold(customer_id=customer, until=date(2015, 3, 30), now=now)
    done = run("message_content", now)
    assert (len(done.partitions), done.removed) == (1, 3)
    with as_role(KEEPER):
        aside = HeldRow.objects.get()
        assert (aside.model, aside.customer_id) == ("messaging.MessageContent", customer)
        assert (aside.row["body"], aside.dated) == ("Hei", MONTH)
        (age,) = ages(now, only=("held_rows",))
        assert age.overdue == 0
        assert run("held_rows", now).removed == 0
        release_hold(placed.pk, reason="settled", actor=make_staff(), now=now)
        assert run("held_rows", now).removed == 1


@pytest.mark.parametrize("what", [{"data_class": "content"}, {"until": date(2015, 3, 31)}])
def test_a_month_that_is_held_as_a_whole_stays_where_it_is(
    what: dict[str, Any], customer: uuid.UUID
) -> None:
    now = OVER["message_content"]
    placed = hold(**what, now=now)
    assert run("message_content", now).partitions == []
    assert rows("message_content") == 6
    with as_role(KEEPER):
        (age,) = ages(now + timedelta(days=2), only=("message_content",))
    assert (age.overdue, age.held) == (0, 4)
    release_hold(placed.pk, reason="settled", actor=make_staff(), now=now)
    assert run("message_content", now).removed == 4


def test_a_month_held_in_part_by_a_span_leaves_that_part(customer: uuid.UUID) -> None:
    now = OVER["message_content"]
    hold(since=date(2015, 3, 2), now=now)
    assert run("message_content", now).removed == 2
    with as_role(KEEPER):
        assert HeldRow.objects.count() == 2


@pytest.mark.parametrize("what", [{"data_class": "content"}, {}])
def test_a_hold_placed_after_detaching_is_not_missed(
    what: dict[str, Any], customer: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the whole month, it is attached again; over one customer, their rows stand aside."""
    now = OVER["message_content"]
    detach = months.detach

    def detach_and_place(*args: Any) -> None:
        detach(*args)
        with as_role("portal_app"):
            hold(**(what or {"customer_id": customer}), now=now)

    monkeypatch.setattr(months, "detach", detach_and_place)
    done = run("message_content", now)
    with as_role(KEEPER):
        if what:
            assert (done.removed, rows("message_content")) == (0, 6)
            assert f"{CONTENT}_y2015m03" in existing_partitions(CONTENT)
        else:
            assert (done.removed, HeldRow.objects.count()) == (2, 2)


def test_placing_a_hold_waits_for_the_drop_under_way(
    customer: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a month is looked through and dropped nobody can say that its rows are held."""
    now = OVER["message_content"]
    set_aside = months.set_aside
    seen: list[bool] = []

    def look(*args: Any, **kwargs: Any) -> int:
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(can_be_placed).result(timeout=10))
        return set_aside(*args, **kwargs)

    monkeypatch.setattr(months, "set_aside", look)
    assert run("message_content", now).removed == 4
    assert seen == [False]
    assert can_be_placed()


def can_be_placed() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_lock(hashtext('retention'), hashtext('holds')), "
                "pg_advisory_unlock_all()"
            )
            return bool(cursor.fetchone()[0])
    finally:
        connection.close()


class Killed(BaseException):
    """Nothing in the portal may catch it, as nothing catches kill -9."""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (months, "detach"),
        (months, "finish_detaching"),
        (months, "drop"),
        (months, "set_aside"),
        (holding, "hold_lock"),
    ],
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_killed_at_any_step_of_a_drop_is_taken_up(
    module: Any,
    name: str,
    moment: str,
    customer: uuid.UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = OVER["message_content"]
    hold(customer_id=customer, now=now)
    with monkeypatch.context() as patch, as_role(KEEPER):
        patch.setattr(module, name, dying(getattr(module, name), moment))
        with pytest.raises(Killed):
            enforce(now, "test", only=["message_content"])
    run("message_content", now)
    assert rows("message_content") == 2
    with as_role(KEEPER):
        assert HeldRow.objects.filter(customer_id=customer).count() == 2
        assert sum(RetentionRun.objects.values_list("removed", flat=True)) == 2
        assert not pending_months(CONTENT)


@pytest.mark.parametrize("rule", ["message_content", "message_records"])
def test_a_month_detached_under_a_wrong_clock_is_back_once_the_clock_is_right(
    rule: str, customer: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run was cut short before it dropped it, and it is not over."""
    table = RULES_OF[rule]._meta.db_table
    with monkeypatch.context() as patch, as_role(KEEPER):
        patch.setattr(months, "drop", dying(months.drop, "before"))
        with pytest.raises(Killed):
            enforce(OVER[rule], "test", only=[rule])
    assert rows(rule) == 2
    assert run(rule, OVER[rule] - timedelta(microseconds=1)).removed == 0
    assert rows(rule) == 6
    assert f"{table}_y2015m03" in existing_partitions(table)
    assert run(rule, OVER[rule]).removed == 4


def test_a_month_that_cannot_come_back_keeps_none_that_is_over(
    customer: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said every night, and the months behind it go all the same."""

    def fail(*args: Any) -> None:
        raise DataError("no partition")

    april = f"{CONTENT}_y2015m04"
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {CONTENT} DETACH PARTITION {april}")
    with monkeypatch.context() as patch:
        patch.setattr(months, "attach", fail)
        with pytest.raises(DataError):
            run("message_content", OVER["message_content"])
    with as_role(KEEPER):
        assert RetentionRun.objects.get().partitions == [f"{CONTENT}_y2015m03"]
    run("message_content", OVER["message_content"])
    assert rows("message_content") == 2


def dying(step: Callable[..., Any], moment: str) -> Callable[..., Any]:
    def die(*args: Any, **kwargs: Any) -> Any:
        if moment == "after":
            step(*args, **kwargs)
        raise Killed

    return die


def test_two_beats_at_once_drop_a_month_once(customer: uuid.UUID) -> None:
    now = OVER["message_content"]

    def work() -> int:
        try:
            with as_role(KEEPER):
                return sum(each.removed for each in enforce(now, "x", only=["message_content"]))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(work), pool.submit(work)]
        assert sum(each.result(timeout=30) for each in done) == 4


def test_a_plan_made_before_a_hold_removes_nothing_after_it(customer: uuid.UUID) -> None:
    now = OVER["message_content"]
    with as_role(KEEPER):
        planned = planning.make_plan(now, only=["message_content"])
    assert planned.rules[0].due == 4
    hold(customer_id=customer, now=now)
    with as_role(KEEPER), pytest.raises(planning.PlanDiffers):
        enforce_plan(planned.digest, actor="x", now=now, only=["message_content"])
    assert rows("message_content") == 6
    with as_role(KEEPER):
        assert planning.make_plan(now, only=["message_content"]).rules[0].due == 2


def test_a_plan_binds_which_rows_are_held_and_not_their_number_alone(
    customer: uuid.UUID,
) -> None:
    now = OVER["message_content"]
    placed = hold(customer_id=customer, until=date(2015, 3, 30), now=now)
    with as_role(KEEPER):
        planned = planning.make_plan(now, only=["message_content"])
    release_hold(placed.pk, reason="another row", actor=make_staff(), now=now)
    other = hold(customer_id=customer, since=date(2015, 3, 31), until=date(2015, 3, 31), now=now)
    with as_role(KEEPER):
        swapped = planning.make_plan(now, only=["message_content"])
        assert swapped.rules[0].due == planned.rules[0].due == 3
        with pytest.raises(planning.PlanDiffers):
            enforce_plan(planned.digest, actor="x", now=now, only=["message_content"])
    assert rows("message_content") == 6
    release_hold(other.pk, reason="back", actor=make_staff(), now=now)
    hold(customer_id=customer, until=date(2015, 3, 30), now=now)
    with as_role(KEEPER):
        (done,) = enforce_plan(planned.digest, actor="x", now=now, only=["message_content"])
    assert done.removed == 3


def test_the_oldest_month_is_told_beside_its_limit(customer: uuid.UUID) -> None:
    """Also where the role that asks may see none of its rows."""
    now = OVER["message_records"]
    on_time, late = (
        ages(at, only=("message_records",))[0] for at in (now, now + timedelta(days=2))
    )
    assert (on_time.oldest, on_time.overdue) == (MONTH, 0)
    assert late.overdue > 0


def test_what_is_late_breaks_the_promise_and_what_is_held_does_not(customer: uuid.UUID) -> None:
    now = OVER["message_content"]
    assert keeping.read_de_identified(now).holds
    late = now + timedelta(days=2)
    assert not keeping.read_de_identified(late).holds
    assert not keeping.read_schedule(late).holds
    hold(data_class="content", now=late)
    assert keeping.read_de_identified(late).holds
    records = OVER["message_records"]
    assert keeping.read_seven_years(records).value["oldest"] == "2015-03-01"
    assert keeping.read_seven_years(records).holds
    assert not keeping.read_seven_years(records + timedelta(days=2)).holds


def test_held_words_are_told_apart_from_held_billing(customer: uuid.UUID) -> None:
    now = OVER["message_content"]
    before = keeping.read_seven_years(now).value["held"]
    hold(customer_id=customer, until=date(2015, 3, 30), now=now)
    run("message_content", now)
    read = keeping.read_de_identified(now)
    assert read.value["held"] == 1
    with translation.override("en"):
        assert "Kept longer" in keeping.tell_de_identified(read.value)
    assert keeping.read_seven_years(now).value["held"] == before
    late = OVER["message_records"]
    place_hold(
        reason="Case",
        reference="24-2",
        review_on=late.date() + timedelta(days=30),
        actor=make_staff(),
        customer_id=customer,
        until=date(2015, 3, 30),
        now=late,
    )
    run("message_records", late)
    assert keeping.read_seven_years(late).value["held"] == before + 1
    assert keeping.read_de_identified(late).value["held"] == 1


def test_status_names_the_oldest_row_its_limit_and_what_stands_aside(customer: uuid.UUID) -> None:
    now = OVER["message_content"]
    hold(customer_id=customer, now=now)
    run("message_content", now)
    out = StringIO()
    call_command("retention", "status", "--rule", "message_records", stdout=out)
    assert "oldest 2015-03-01, limit " in out.getvalue()
    assert "LATE: 6 rows" in out.getvalue()
    assert "2 rows of dropped months stand aside for legal holds" in out.getvalue()
