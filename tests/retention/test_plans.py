"""A plan is bound to what it counted; the night leaves to a person what is far from usual."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Session
from foundation.roles import KEEPER, as_role
from messaging.models import SuppressionComparison
from retention import planning, services, tasks
from retention.models import RetentionRun
from retention.policy import ALWAYS_USUAL, PLAN_HOLDS, is_unusual
from retention.schedule import RULES
from tests.factories import make_customer

pytestmark = pytest.mark.django_db(transaction=True)

RULE = "suppression_comparisons"
LATER = datetime(2031, 5, 17, 12, tzinfo=UTC)


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


def test_a_plan_for_other_rules_removes_nothing() -> None:
    with pytest.raises(planning.PlanDiffers):
        services.enforce_plan(digest(), actor="x", now=LATER, only=[RULE, "invoices"])


def test_a_plan_of_a_rule_that_was_shortened_since_differs(monkeypatch: Any) -> None:
    planned = digest()
    monkeypatch.setattr(planning, "rule_version", lambda entry, rule: "another")
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


def night() -> RetentionRun:
    with as_role(KEEPER):
        (run,) = services.enforce(LATER, "beat", only=[RULE], guarded=True)
    found: RetentionRun = RetentionRun.objects.get(pk=run.pk)
    return found


def test_the_night_runs_what_is_usual_and_leaves_the_longest_transaction_in_its_row() -> None:
    comparisons(ALWAYS_USUAL)
    run = night()
    assert (run.removed, run.refused) == (ALWAYS_USUAL, "")
    assert run.longest_batch is not None
    assert run.duration is not None
    assert timedelta() < run.longest_batch <= run.duration


def test_the_night_refuses_to_empty_a_table_and_says_so_until_a_person_has_run_it() -> None:
    comparisons(ALWAYS_USUAL + 1)
    run = night()
    assert run.removed == 0
    assert "1001 rows are due" in run.refused
    assert SuppressionComparison.objects.count() == ALWAYS_USUAL + 1
    assert RetentionRun.objects.refused_since() == [run]
    out = StringIO()
    call_command("retention", "status", "--rule", RULE, stdout=out)
    assert "NOT RUN" in out.getvalue()
    with as_role(KEEPER):
        services.enforce_plan(digest(), actor="x", now=LATER, only=[RULE])
    assert not SuppressionComparison.objects.exists()
    assert RetentionRun.objects.refused_since() == []


def test_a_refused_run_counts_as_none() -> None:
    comparisons(ALWAYS_USUAL + 1)
    night()
    assert RULE not in RetentionRun.objects.newest_per_rule()


@pytest.mark.parametrize(
    ("due", "of", "recent", "unusual"),
    [
        (1000, 1000, [], False),  # small is always usual
        (1001, 2002, [], False),  # without a history: up to half
        (1001, 2001, [], True),
        (5000, 6000, [1000, 3], False),  # up to five times the most
        (5001, 6000, [1000, 3], True),
        (5001, 50_010, [1000, 3], False),  # or up to a tenth of the table
        (5001, 50_009, [1000, 3], True),
        (1_000_000, 13_000_000, [0] * 60, False),  # the first month that drops
    ],
)
def test_what_is_unusual(due: int, of: int, recent: list[int], unusual: bool) -> None:
    assert is_unusual(due, of=of, recent=recent) == unusual


@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**7), max_size=5))
def test_what_a_recent_night_removed_is_usual(due: int, recent: list[int]) -> None:
    assert not is_unusual(due, of=due, recent=[*recent, due])


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
