"""`reference-by-will`: kept while nothing is late, and broken by what should not be."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import translation

from accounts.models import User
from clicksend_portal.promises.promise import State
from clicksend_portal.promises.readings.references import TRIGGERS, tell_by_will
from consent.models import Preference, ReferenceText, Takedown
from consent.reference.services import record_removal
from foundation.roles import KEEPER, OWNER, as_role
from tests.factories import NOW, make_customer
from tests.promises.looks import read
from tests.references import published, say_no, takedown_of

pytestmark = pytest.mark.django_db
BY_WILL = "reference-by-will"


@pytest.mark.parametrize(
    ("late", "state"), [(timedelta(0), State.KEPT), (timedelta(seconds=1), State.BROKEN)]
)
def test_a_takedown_breaks_it_once_it_is_late(late: timedelta, state: State) -> None:
    kari = make_customer(yes=("reference_quote",))
    takedown = takedown_of_no(kari)
    reading = read(BY_WILL, now=takedown.due_at + late)
    assert reading.state == state
    assert reading.value["open"] is None
    assert reading.value["overdue"] == (1 if late else 0)


def takedown_of_no(kari: User) -> Takedown:
    use = published(kari, place="print", copies="500")
    say_no(kari)
    return takedown_of(use)


def test_what_was_taken_down_in_time_keeps_it() -> None:
    takedown = takedown_of_no(make_customer(yes=("reference_quote",)))
    record_removal(takedown, checked="All paper is pulped.", actor="staff:x", now=NOW)
    reading = read(BY_WILL, now=takedown.due_at + timedelta(days=100))
    assert (reading.state, reading.value["open"]) == (State.KEPT, 0)


def test_a_use_without_a_yes_breaks_it() -> None:
    published(make_customer(yes=("reference_quote",)))
    assert read(BY_WILL, now=NOW).state == State.KEPT
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE consent_preference DISABLE TRIGGER USER")
        Preference.objects.filter(topic__slug="reference_quote").update(state="withdrawn")
        cursor.execute("ALTER TABLE consent_preference ENABLE TRIGGER USER")
    reading = read(BY_WILL, now=NOW)
    assert (reading.state, reading.value["without_yes"]) == (State.BROKEN, 1)


def test_words_that_nobody_approved_break_it() -> None:
    use = published(make_customer(yes=("reference_quote",)))
    with as_role(KEEPER):
        ReferenceText.objects.filter(use=use).delete()
    reading = read(BY_WILL, now=NOW)
    assert (reading.state, reading.value["without_words"]) == (State.BROKEN, 1)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_database_that_would_let_a_no_pass_breaks_it(trigger: str) -> None:
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = %s", [trigger])
        (table,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    assert read(BY_WILL, now=NOW).state == State.BROKEN


def test_the_reading_is_told_in_both_languages() -> None:
    takedown = takedown_of_no(make_customer(yes=("reference_quote",)))
    value = read(BY_WILL, now=takedown.due_at + timedelta(days=1)).value
    for language in ("nb", "en"):
        with translation.override(language):
            assert "<b>1</b>" in tell_by_will(value)
