"""A plan is bound to what it counted; the night leaves to a person what is far from usual."""

import re
import uuid
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Invoice, Session
from clicksend_portal.promises.readings.keeping import read_schedule
from foundation.calendar import months_later
from foundation.roles import KEEPER, OWNER, as_role
from messaging.models import SuppressionComparison
from retention import enforcement, months, planning, policy, services, tasks
from retention.models import RetentionRun
from retention.policy import (
    ALWAYS_USUAL,
    NEW_YEARS_NIGHTS,
    PLAN_HOLDS,
    STOOD_STILL,
    is_clock_doubtful,
    is_unusual,
    parse_legal_entities,
)
from retention.schedule import RULES
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

RULE = "suppression_comparisons"
LATER = datetime(2031, 5, 17, 12, tzinfo=UTC)
# Of the outbox nothing that the tests' database has is over by then.
BEFORE_ALL_OTHERS = datetime(2021, 1, 1, tzinfo=UTC)
A_MONTH_BEFORE = datetime(2020, 12, 1, tzinfo=UTC)


def comparisons(number: int, *, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
    SuppressionComparison.objects.bulk_create(
        SuppressionComparison(compared_at=at, provider="x") for _ in range(number)
    )


def digest(now: datetime = LATER) -> str:
    return planning.make_plan(now, only=[RULE]).digest


def test_a_plan_changes_nothing_and_says_the_same_again() -> None:
    comparisons(3)
    assert digest() == digest()
    assert SuppressionComparison.objects.count() == 3


def test_what_was_planned_is_what_goes() -> None:
    comparisons(3)
    with as_role(KEEPER):
        (run,) = services.enforce_plan(
            digest(), actor="x", now=LATER + timedelta(hours=2), only=[RULE]
        )
    assert run.removed == 3
    assert run.cutoff == RULES[RULE][1].period.cutoff(LATER)
    assert run.started_at == LATER + timedelta(hours=2)


def a_row_came() -> None:
    comparisons(1)


def a_row_went() -> None:
    SuppressionComparison.objects.all()[0].delete()


def a_row_went_and_another_came() -> None:
    a_row_went()
    a_row_came()


@pytest.mark.parametrize("change", [a_row_came, a_row_went, a_row_went_and_another_came])
def test_a_plan_whose_rows_changed_removes_nothing(change: Any) -> None:
    comparisons(3)
    planned = digest()
    change()
    left = SuppressionComparison.objects.count()
    with as_role(KEEPER), pytest.raises(planning.PlanDiffers, match="make a new plan"):
        services.enforce_plan(planned, actor="x", now=LATER, only=[RULE])
    assert SuppressionComparison.objects.count() == left
    assert not RetentionRun.objects.exists()


@pytest.mark.parametrize("change", [a_row_came, a_row_went])
def test_a_rule_that_changed_after_the_plan_was_confirmed_is_left_and_the_others_run(
    change: Any, monkeypatch: Any
) -> None:
    comparisons(3)
    both = [RULE, "invoices"]
    planned = planning.make_plan(LATER, only=both).digest
    confirm = planning.confirm_plan

    def confirm_and_change(*args: Any, **kwargs: Any) -> planning.Plan:
        plan = confirm(*args, **kwargs)
        change()
        return plan

    monkeypatch.setattr(planning, "confirm_plan", confirm_and_change)
    with as_role(KEEPER), pytest.raises(planning.PlanDiffers, match=f"What {RULE} would remove"):
        services.enforce_plan(planned, actor="x", now=LATER, only=both)
    assert SuppressionComparison.objects.count() in (2, 4)
    assert [run.rule for run in RetentionRun.objects.all()] == ["invoices"]


def test_a_plan_removes_no_more_rows_than_it_counted(monkeypatch: Any) -> None:
    """What came in while the rule ran waits for the next run."""
    comparisons(3)
    planned = digest()
    remove = enforcement.REMOVALS[RULES[RULE][1].removal]

    def come_and_remove(*args: Any) -> int:
        if SuppressionComparison.objects.count() == 3:
            comparisons(5)
        return remove(*args)

    monkeypatch.setitem(enforcement.REMOVALS, RULES[RULE][1].removal, come_and_remove)
    monkeypatch.setattr(services, "BATCH_SIZE", 2)
    with as_role(KEEPER):
        (run,) = services.enforce_plan(planned, actor="x", now=LATER, only=[RULE])
    assert run.removed == 3
    assert SuppressionComparison.objects.count() == 3 + 5 - 3


def make_month(name: str, rows: int = 1) -> None:
    """A month that was detached; the keeper, who dropped it no more, owns it."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (id uuid DEFAULT gen_random_uuid())")
        cursor.execute(f"ALTER TABLE {name} OWNER TO {KEEPER}")
        cursor.execute(
            f"INSERT INTO {name} SELECT gen_random_uuid() FROM generate_series(1, %s)", [rows]
        )


def test_a_plan_binds_the_keys_in_a_month_and_not_their_number_and_ends_alone() -> None:
    def month_digest() -> str:
        return planning.make_plan(LATER, only=["outbox"]).rules[0].digest

    name = "messaging_message_y2019m11"
    with as_role(OWNER):
        make_month(name)
    with as_role(KEEPER), connection.cursor() as cursor:
        for key in (1, 2, 9):
            cursor.execute(f"INSERT INTO {name} VALUES (%s)", [uuid.UUID(int=key)])
        first = month_digest()
        assert month_digest() == first
        cursor.execute(
            f"UPDATE {name} SET id = %s WHERE id = %s", [uuid.UUID(int=5), uuid.UUID(int=2)]
        )
        assert month_digest() != first
        cursor.execute(
            f"UPDATE {name} SET id = %s WHERE id = %s", [uuid.UUID(int=2), uuid.UUID(int=5)]
        )
        assert month_digest() == first


def test_a_plan_drops_no_month_that_it_did_not_name() -> None:
    entry, rule = RULES["outbox"]
    planned, other = "messaging_message_y2019m10", "messaging_message_y2019m11"
    run = RetentionRun(rule="outbox", actor="x", cutoff=LATER, started_at=LATER)
    with as_role(OWNER):
        make_month(planned)
        make_month(other)
    with as_role(KEEPER):
        run.save(force_insert=True)
        months.drop_months(entry, rule, run, now=BEFORE_ALL_OTHERS, only=[planned])
        assert months.due_months(entry, rule, BEFORE_ALL_OTHERS) == [other]
    assert (run.partitions, run.removed) == ([planned], 1)


def test_a_plan_for_other_rules_removes_nothing() -> None:
    with pytest.raises(planning.PlanDiffers):
        services.enforce_plan(digest(), actor="x", now=LATER, only=[RULE, "invoices"])


def test_a_plan_of_a_rule_that_was_shortened_since_differs(monkeypatch: Any) -> None:
    planned = digest()
    monkeypatch.setattr(enforcement, "rule_version", lambda entry, rule: "another")
    with pytest.raises(planning.PlanDiffers):
        services.enforce_plan(planned, actor="x", now=LATER, only=[RULE])


@pytest.mark.parametrize(
    ("after", "holds"),
    [
        (PLAN_HOLDS, True),
        (PLAN_HOLDS + timedelta(seconds=1), False),
        (-timedelta(seconds=1), False),
    ],
)
def test_a_plan_holds_for_a_day_and_none_comes_from_the_future(
    after: timedelta, holds: bool
) -> None:
    planned = digest()
    if holds:
        planning.confirm_plan(planned, now=LATER + after, only=[RULE])
    else:
        with pytest.raises(planning.PlanDiffers, match="no longer holds"):
            planning.confirm_plan(planned, now=LATER + after, only=[RULE])


@pytest.mark.parametrize("text", ["", "yes", "20260101", "20310517T120000Z", "\x00.a"])
def test_what_is_no_digest_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(planning.PlanDiffers, match="plan"):
        planning.confirm_plan(text, now=LATER, only=[RULE])


def test_the_command_prints_a_digest_and_enforces_exactly_that() -> None:
    person = make_customer()
    old = datetime(2026, 1, 1, tzinfo=UTC)
    Session.objects.create(session_key="gone", expire_date=old, session_data="", user_id=person.pk)
    rule = next(name for name, (entry, _) in RULES.items() if entry.model == "accounts.Session")
    out = StringIO()
    call_command("retention", "plan", "--rule", rule, stdout=out)
    planned = out.getvalue().rpartition("digest ")[2].strip()
    with pytest.raises(CommandError, match="new plan"):
        call_command("retention", "enforce", "--plan", planned)  # of other rules
    assert Session.objects.filter(session_key="gone").exists()
    call_command("retention", "enforce", "--plan", planned, "--rule", rule, stdout=StringIO())
    assert not Session.objects.filter(session_key="gone").exists()


def test_the_command_prints_a_digest_of_each_rule() -> None:
    def printed() -> dict[str, str]:
        out = StringIO()
        call_command("retention", "plan", stdout=out)
        lines = [line for line in out.getvalue().splitlines() if ", digest " in line]
        return {line.split()[0]: line.partition(", digest ")[2].split(";")[0] for line in lines}

    now = timezone.now()
    with time_machine.travel(now, tick=False):
        before = printed()
        assert before.keys() == RULES.keys()
        assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in before.values())
        old = datetime(2026, 1, 1, tzinfo=UTC)
        Session.objects.create(session_key="gone", expire_date=old, session_data="")
        after = printed()
    differ = {name for name in RULES if before[name] != after[name]}
    assert {RULES[name][0].model for name in differ} == {"accounts.Session"}


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (None, "operator drift"),
        ("Kari Nordmann", "operator Kari Nordmann"),
        (" a\tb ", "operator a b"),
    ],
)
def test_who_enforces_by_hand_stands_in_the_run(
    monkeypatch: pytest.MonkeyPatch, named: str | None, said: str
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "drift")
    actor = () if named is None else ("--actor", named)
    call_command("retention", "enforce", "--rule", RULE, *actor, stdout=StringIO())
    assert RetentionRun.objects.get().actor == said


def test_a_container_without_names_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    call_command("retention", "enforce", "--rule", RULE, stdout=StringIO())
    assert RetentionRun.objects.get().actor == "operator 4711"


@pytest.mark.parametrize("named", ["", " ", "x" * 51, "a\x00b", "192.0.2.7", "from 2001:db8::1"])
def test_who_is_a_name_and_no_address(named: str) -> None:
    with pytest.raises(CommandError, match="--actor is a name"):
        call_command("retention", "enforce", "--rule", RULE, "--actor", named, stdout=StringIO())
    assert not RetentionRun.objects.exists()


def night(now: datetime = LATER, *, rule: str = RULE) -> RetentionRun:
    with as_role(KEEPER):
        (run,) = services.enforce(now, "beat", only=[rule], guarded=True)
    found: RetentionRun = RetentionRun.objects.get(pk=run.pk)
    return found


def ran(
    removed: int,
    *,
    at: datetime = LATER - timedelta(days=1),
    actor: str = "beat",
    refused: str = "",
    took: timedelta | None = timedelta(seconds=1),
    rule: str = RULE,
    companies: dict[str, int] | None = None,
    noted: bool = True,
    months_longer: int = 0,
) -> None:
    """`noted` is whether the run knew which rule it ran, as they do now."""
    known = RULES.get(rule)
    with as_role(KEEPER):
        RetentionRun.objects.create(
            rule=rule,
            actor=actor,
            cutoff=months_later(known[1].period.cutoff(at), -months_longer) if known else at,
            version=enforcement.rule_version(*known) if known and noted else "",
            removed=removed,
            started_at=at,
            duration=took,
            refused=refused,
            companies=companies or {},
        )


def test_the_night_runs_what_is_usual_and_leaves_the_longest_transaction_in_its_row() -> None:
    comparisons(ALWAYS_USUAL)
    run = night()
    assert (run.removed, run.refused) == (ALWAYS_USUAL, "")
    assert run.longest_batch is not None
    assert run.duration is not None
    assert timedelta() < run.longest_batch <= run.duration


def test_the_night_refuses_to_empty_a_small_table_until_a_person_has_run_it() -> None:
    comparisons(ALWAYS_USUAL + 1)
    run = night()
    assert run.removed == 0
    assert "21 rows are due" in run.refused
    assert SuppressionComparison.objects.count() == ALWAYS_USUAL + 1
    assert RetentionRun.objects.refused_since() == [run]
    out = StringIO()
    call_command("retention", "status", "--rule", RULE, stdout=out)
    assert "NOT RUN" in out.getvalue()
    with as_role(KEEPER):
        # Planned before that night, and enforced after it.
        planned = digest(LATER - timedelta(hours=1))
        services.enforce_plan(
            planned, actor="operator", now=LATER + timedelta(hours=1), only=[RULE]
        )
    assert not SuppressionComparison.objects.exists()
    assert RetentionRun.objects.refused_since() == []


def test_a_small_table_may_lose_half_of_itself() -> None:
    comparisons(ALWAYS_USUAL + 1)
    comparisons(ALWAYS_USUAL + 1, at=LATER)
    assert night().removed == ALWAYS_USUAL + 1


def test_a_table_that_shrank_since_it_was_analysed_is_counted() -> None:
    comparisons(5 * ALWAYS_USUAL)
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {SuppressionComparison._meta.db_table}")
    keys = SuppressionComparison.objects.values("pk")[: 3 * ALWAYS_USUAL]
    SuppressionComparison.objects.filter(pk__in=keys).delete()
    assert night().refused


def test_a_refused_run_counts_as_none() -> None:
    comparisons(ALWAYS_USUAL + 1)
    night()
    assert RULE not in RetentionRun.objects.newest_per_rule()


# --- the clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "runs"),
    [
        (STOOD_STILL, True),
        (STOOD_STILL + timedelta(seconds=1), False),
        (-timedelta(minutes=1), True),
        (-timedelta(seconds=61), False),
    ],
)
def test_no_rule_runs_at_night_under_a_clock_that_cannot_be_right(
    after: timedelta, runs: bool
) -> None:
    comparisons(1)
    ran(0, rule="invoices", at=LATER - after)
    run = night()
    assert (run.refused == "", run.removed) == (runs, int(runs))
    assert [each.rule for each in RetentionRun.objects.refused_since()] == [RULE] * (not runs)


def test_a_refusal_makes_no_wrong_clock_right_and_leaves_with_it() -> None:
    comparisons(1)
    ran(0, rule="invoices")
    far = datetime(2099, 1, 1, tzinfo=UTC)
    assert night(far).refused
    assert "the clock says 2099-01-01" in night(far + timedelta(hours=1)).refused
    assert night(LATER).removed == 1
    assert RetentionRun.objects.refused_since() == []


def test_a_run_that_was_killed_is_no_sign_that_rules_run() -> None:
    comparisons(1)
    ran(0, at=LATER - STOOD_STILL - timedelta(days=1))
    ran(0, took=None)
    assert night().refused


def test_after_a_long_standstill_nights_run_again_once_a_person_ran_something() -> None:
    comparisons(1)
    ran(0, at=LATER - timedelta(days=100))
    assert night().refused
    with as_role(KEEPER):
        services.enforce_plan(
            planning.make_plan(LATER, only=["invoices"]).digest,
            actor="operator",
            now=LATER,
            only=["invoices"],
        )
    assert night(LATER + timedelta(hours=1)).removed == 1


def test_a_house_whose_rules_never_ran_has_no_clock_to_compare() -> None:
    comparisons(1)
    assert night().removed == 1


def test_a_person_may_run_a_rule_whatever_the_clock_says() -> None:
    comparisons(1)
    ran(0, at=LATER - timedelta(days=100))
    with as_role(KEEPER):
        (run,) = services.enforce(LATER, "operator", only=[RULE])
    assert run.removed == 1


@given(st.integers(-120, 120), st.integers(0, 80))
def test_the_clock_is_doubted_before_the_newest_run_and_long_after_the_last_that_ended(
    seconds: int, days: int
) -> None:
    now = LATER + timedelta(seconds=seconds)
    doubtful = is_clock_doubtful(now, began=LATER, finished=now - timedelta(days=days))
    assert doubtful == (seconds < -60 or days > 40)


# --- what is usual -------------------------------------------------------------------------------


def unusual_of(due: int, of: int, monkeypatch: Any) -> bool:
    """As if the table held so many rows."""
    entry, rule = RULES[RULE]
    plan = planning.RulePlan(entry=entry, rule=rule, cutoff=LATER, due=due, months=(), digest="")
    monkeypatch.setattr(planning, "rows_of", lambda entry: of)
    return planning.why_unusual(plan, LATER) != ""


def test_runs_by_hand_do_not_push_a_months_drop_out_of_what_is_usual(monkeypatch: Any) -> None:
    ran(100_000, at=LATER - timedelta(days=30))
    for _ in range(61):
        ran(0, actor="operator")
        ran(0)
    assert not unusual_of(100_000, 150_000, monkeypatch)


@pytest.mark.parametrize(
    "what",
    [
        {"actor": "operator"},
        {"at": LATER - timedelta(days=60)},
        {"refused": "unusual"},
        {"took": None},
        {"rule": "invoices"},
    ],
)
def test_only_nights_of_this_rule_make_usual(what: dict[str, Any], monkeypatch: Any) -> None:
    ran(100_000, **what)
    assert unusual_of(500_000, 600_000, monkeypatch)
    ran(100_000, at=LATER - timedelta(days=59))
    assert not unusual_of(500_000, 600_000, monkeypatch)


@pytest.mark.parametrize(
    ("due", "of", "recent", "unusual"),
    [
        (20, 20, [], False),  # so few are always usual
        (21, 42, [], False),  # without a history: up to half
        (21, 41, [], True),
        (900, 900, [0], True),
        (1001, 2002, [], False),
        (1001, 2001, [], True),
        (500, 501, [100, 3], False),  # up to five times the most
        (501, 1001, [100, 3], True),
        (501, 1002, [100, 3], False),  # up to a thousand: or half
        (5000, 6000, [1000, 3], False),
        (5001, 6000, [1000, 3], True),
        (5001, 50_010, [1000, 3], False),  # or up to a tenth of the table
        (5001, 50_009, [1000, 3], True),
        (20_000, 150_000, [0] * 60, False),  # the first month that drops
        (20_000, 39_999, [0] * 60, True),
    ],
)
def test_what_is_unusual(due: int, of: int, recent: list[int], unusual: bool) -> None:
    assert is_unusual(due, of=of, recent=recent) == unusual


@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**7), max_size=5))
def test_what_a_recent_night_removed_is_usual(due: int, recent: list[int]) -> None:
    assert not is_unusual(due, of=due, recent=[*recent, due])


# --- another rule than the night before ----------------------------------------------------------


def invoices(company: str, number: int, settled: date) -> None:
    Invoice.objects.bulk_create(
        Invoice(
            invoice_number=uuid.uuid4().hex,
            billed_to="Ola",
            amount=1,
            currency="NOK",
            date=settled,
            settled_on=settled,
            legal_entity=company,
        )
        for _ in range(number)
    )


FIVE_YEARS = "no=60+year-end"
SIX_MONTHS = "no=6"
MAY_2026 = date(2026, 5, 1)
NOVEMBER_2026 = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
A_NIGHT = timedelta(days=1)


@pytest.mark.parametrize("number", [ALWAYS_USUAL, ALWAYS_USUAL + 1])
def test_a_rule_that_became_another_one_takes_only_few_rows_until_a_person_ran_it(
    number: int, settings: LazySettings
) -> None:
    settings.LEGAL_ENTITIES = parse_legal_entities(FIVE_YEARS)
    invoices("no", number, MAY_2026)
    invoices("no", 9 * number, NOVEMBER_2026.date())
    assert night(NOVEMBER_2026, rule="invoices").removed == 0
    settings.LEGAL_ENTITIES = parse_legal_entities(SIX_MONTHS)
    run = night(NOVEMBER_2026 + A_NIGHT, rule="invoices")
    if number <= ALWAYS_USUAL:
        assert (run.refused, run.removed) == ("", number)
        return
    assert run.refused == (
        "21 rows, held or not, are over; the rule is another one than on 2026-11-23"
    )
    assert night(NOVEMBER_2026 + 2 * A_NIGHT, rule="invoices").refused
    at = NOVEMBER_2026 + timedelta(days=2, hours=6)
    with as_role(KEEPER):
        planned = planning.make_plan(at, only=["invoices"]).digest
        (run,) = services.enforce_plan(planned, actor="operator", now=at, only=["invoices"])
    assert run.removed == number
    invoices("no", number, MAY_2026)
    assert night(NOVEMBER_2026 + 3 * A_NIGHT, rule="invoices").removed == number


def test_a_rule_that_became_another_one_and_was_set_right_goes_on_by_itself(
    settings: LazySettings,
) -> None:
    settings.LEGAL_ENTITIES = parse_legal_entities(FIVE_YEARS)
    invoices("no", 3, date(2020, 5, 1))
    invoices("no", 99, MAY_2026)
    night(NOVEMBER_2026, rule="invoices")
    settings.LEGAL_ENTITIES = parse_legal_entities(SIX_MONTHS)
    assert night(NOVEMBER_2026 + A_NIGHT, rule="invoices").refused
    settings.LEGAL_ENTITIES = parse_legal_entities(FIVE_YEARS)
    invoices("no", 3, date(2020, 5, 1))
    assert night(NOVEMBER_2026 + 2 * A_NIGHT, rule="invoices").removed == 3


def test_a_keeper_of_the_version_before_writes_its_runs() -> None:
    """While an upgrade goes on its columns are all it names."""
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO retention_retentionrun "
            "(id, rule, actor, cutoff, removed, partitions, started_at, refused) "
            "VALUES (gen_random_uuid(), 'sessions', 'x', now(), 0, '{}', now(), '')"
        )
    run = RetentionRun.objects.get()
    assert (run.version, run.companies) == ("", {})


@pytest.mark.parametrize("noted", ["of another rule", ""])
def test_a_run_from_before_that_was_noted_does_not_make_it_another_rule(noted: str) -> None:
    comparisons(ALWAYS_USUAL + 1)
    comparisons(5 * ALWAYS_USUAL, at=LATER)
    ran(0)
    # A plan that somebody enforced: its cutoff is of another moment, and says nothing.
    ran(0, at=LATER - timedelta(hours=1), actor="operator", months_longer=1)
    with as_role(KEEPER):
        RetentionRun.objects.update(version=noted)
    assert (night().refused == "") == (noted == "")


@pytest.mark.parametrize("number", [ALWAYS_USUAL, ALWAYS_USUAL + 1])
@pytest.mark.parametrize("runs", [[{"months_longer": 1}], [{"actor": "operator"}]])
def test_a_run_from_before_that_was_noted_tells_a_shortened_rule_by_its_cutoff(
    runs: list[dict[str, Any]], number: int
) -> None:
    """Where no night ran at all, nothing does."""
    comparisons(number)
    comparisons(5 * ALWAYS_USUAL, at=LATER)
    for each in runs:
        ran(0, noted=False, **each)
    run = night()
    if number == ALWAYS_USUAL:
        assert (run.refused, run.removed) == ("", number)
    else:
        assert run.refused.endswith("the rule is another one than on 2031-05-16")


def test_months_are_another_rules_as_well_after_a_night_from_before_that_was_noted() -> None:
    with as_role(OWNER):
        make_month("messaging_message_y2019m11", 30)
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_message_y2019m11")
    ran(100_000, rule="outbox", at=BEFORE_ALL_OTHERS - A_NIGHT, noted=False, months_longer=1)
    run = night(BEFORE_ALL_OTHERS, rule="outbox")
    assert run.refused == (
        "30 rows, held or not, are over; the rule is another one than on 2020-12-31"
    )


def test_companies_periods_are_in_no_cutoff_so_the_first_night_that_notes_them_asks(
    settings: LazySettings,
) -> None:
    settings.LEGAL_ENTITIES = parse_legal_entities("no=48+year-end")  # mistyped
    for year in range(2021, 2027):
        invoices("no", ALWAYS_USUAL + 1, date(year, 5, 1))
    ran(3, rule="invoices", at=NOVEMBER_2026 - A_NIGHT, noted=False)
    run = night(NOVEMBER_2026, rule="invoices")
    assert run.refused == (
        "21 rows, held or not, are over; the rule is another one than on 2026-11-22"
    )


@pytest.mark.parametrize(
    ("since", "removed"), [(datetime(2020, 11, 30, tzinfo=UTC), 0), (A_MONTH_BEFORE, 60)]
)
def test_a_night_drops_no_two_months_that_ended_since_the_rule_last_ran(
    since: datetime, removed: int
) -> None:
    with as_role(OWNER):
        make_month("messaging_message_y2019m11", 30)  # over on 1 December 2020
        make_month("messaging_message_y2019m12", 30)  # and on 1 January
    ran(100_000, rule="outbox", at=since)
    run = night(BEFORE_ALL_OTHERS, rule="outbox")
    if removed:
        assert (run.refused, run.removed) == ("", removed)
    else:
        assert run.refused == "60 rows are due, of 2 months that ended since 2020-11-30"
        assert run.partitions == []


# --- by company ----------------------------------------------------------------------------------

NEW_YEAR = datetime(2027, 1, 1, 2, 15, tzinfo=UTC)


@pytest.fixture
def two_companies(settings: LazySettings) -> None:
    """Of `no` a year's invoices go in one night; of `au` some every night."""
    settings.LEGAL_ENTITIES = parse_legal_entities("no=60+year-end,au=84")


@pytest.mark.usefixtures("two_companies")
def test_a_financial_year_goes_on_new_years_night_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "SMALL", 29)  # as if there were more of them
    for year in range(2021, 2027):
        invoices("no", 30, date(year, 5, 1))
    invoices("au", 25, date(2024, 5, 1))
    ran(3, rule="invoices", at=NEW_YEAR - A_NIGHT, companies={"": 0, "no": 0, "au": 3})
    run = night(NEW_YEAR, rule="invoices")
    assert (run.refused, run.removed) == ("", 30)
    assert run.companies == {"": 0, "no": 30, "au": 0}
    assert night(NEW_YEAR + A_NIGHT, rule="invoices").removed == 0


@pytest.mark.parametrize("number", [ALWAYS_USUAL, ALWAYS_USUAL + 1])
@pytest.mark.parametrize(
    ("since", "lately"),
    [
        (NEW_YEAR - NEW_YEARS_NIGHTS, True),
        (NEW_YEAR - NEW_YEARS_NIGHTS - timedelta(seconds=1), False),
        (NEW_YEAR - timedelta(days=39), False),
    ],
)
@pytest.mark.usefixtures("two_companies")
def test_a_financial_year_that_ended_while_no_night_ran_is_left_to_a_person(
    since: datetime, lately: bool, number: int
) -> None:
    """The clock may have jumped over New Year."""
    for year in range(2021, 2027):
        invoices("no", number, date(year, 5, 1))
    ran(0, rule="invoices", at=since, companies={"": 0, "no": 0, "au": 0})
    run = night(NEW_YEAR, rule="invoices")
    if lately or number == ALWAYS_USUAL:
        assert (run.refused, run.removed) == ("", number)
    else:
        on = f"{since:%Y-%m-%d}"
        assert run.refused == f"21 rows of no are due, of a year that ended since {on}"
        assert night(NEW_YEAR + A_NIGHT, rule="invoices").refused


@pytest.mark.usefixtures("two_companies")
def test_what_was_over_before_needs_no_night_lately() -> None:
    """Of `no` a released year, of `au` what a month brought."""
    for company in ("no", "au"):
        invoices(company, ALWAYS_USUAL + 1, date(2019, 5, 1))
        invoices(company, 3 * ALWAYS_USUAL, NEW_YEAR.date())
    invoices("au", ALWAYS_USUAL + 1, date(2019, 12, 20))
    ran(0, rule="invoices", at=NEW_YEAR - timedelta(days=39), companies={"": 0, "no": 0, "au": 0})
    run = night(NEW_YEAR, rule="invoices")
    assert (run.refused, run.removed) == ("", 3 * (ALWAYS_USUAL + 1))


@pytest.mark.parametrize(("company", "over"), [("no", 30), ("no", 31), ("au", 31), ("", 31)])
@pytest.mark.usefixtures("two_companies")
def test_more_than_half_of_one_companys_rows_is_left_to_a_person(company: str, over: int) -> None:
    """However many another has, and whatever another lost."""
    invoices(company, over, date(2019, 5, 1))
    invoices(company, 60 - over, NEW_YEAR.date())
    invoices({"no": "au"}.get(company, "no"), 200, NEW_YEAR.date())
    others = {each: 1000 for each in ("", "no", "au") if each != company}
    ran(2000, rule="invoices", at=NEW_YEAR - A_NIGHT, companies=others)
    run = night(NEW_YEAR, rule="invoices")
    if over == 30:
        assert (run.refused, run.removed) == ("", over)
    else:
        whose, nights = company or "other companies", int(company != "no")
        assert run.refused == (
            f"31 rows of {whose} are due; the most in {nights} recent nights was 0"
        )


@pytest.mark.usefixtures("two_companies")
def test_what_a_company_lost_on_other_nights_is_usual_for_it_unless_its_years_end_at_once() -> None:
    ran(40, rule="invoices", at=NEW_YEAR - A_NIGHT, companies={"no": 20, "au": 20})
    for company in ("no", "au"):
        invoices(company, 30, date(2019, 5, 1))
    run = night(NEW_YEAR, rule="invoices")
    assert run.refused.startswith("30 rows of no are due")
    Invoice._base_manager.filter(legal_entity="no").delete()
    assert night(NEW_YEAR + A_NIGHT, rule="invoices").removed == 30


def test_the_promise_counts_the_rules_whose_newest_run_was_one() -> None:
    for number, name in enumerate(RULES):
        if number > 1:
            ran(0, rule=name)
    names = list(RULES)
    ran(0, rule=names[2], at=LATER, refused="unusual")  # ran before
    ran(0, rule=names[1], at=LATER, refused="unusual")  # never ran
    ran(0, rule="a_rule_of_before")
    finding = read_schedule(LATER)
    assert finding.value["rules_run"] == len(RULES) - 3
    assert not finding.holds


def test_every_rule_is_a_job_of_its_own_and_they_take_turns(monkeypatch: Any) -> None:
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(
        tasks.enforce_rule,
        "apply_async",
        lambda args, countdown: asked.append((args[0], countdown)),
    )
    tasks.enforce_rules()
    assert [name for name, _ in asked] == list(RULES)
    assert [later for _, later in asked] == [60 * turn for turn in range(len(RULES))]
