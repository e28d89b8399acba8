"""How the portal asks whether it may go on: soon after a restore, and without a queue."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django.fixtures import Settings as SettingsWrapper

from foundation import standstill
from retention.journal import watching
from retention.journal.watching import check_place


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Iterator["Check"]:
    made = Check()
    monkeypatch.setattr(standstill, "_checks", {})
    standstill.register("made", made.ask)
    standstill.forget()
    yield made
    made.may_answer.set()
    made.end()


class Check:
    """Answers at once, or once it may."""

    def __init__(self) -> None:
        self.answer = ""
        self.asked = 0
        self.is_asking = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.threads: list[threading.Thread] = []

    def ask(self) -> str:
        self.asked += 1
        self.is_asking.set()
        self.may_answer.wait(30)
        return self.answer

    def hang(self) -> None:
        """Somebody asks, and the answer does not come."""
        self.is_asking.clear()
        self.may_answer.clear()
        self.threads.append(threading.Thread(target=standstill.why))
        self.threads[-1].start()
        assert self.is_asking.wait(30)

    def end(self) -> None:
        for thread in self.threads:
            thread.join(30)


@pytest.mark.parametrize("former", ["", "stopped"])
def test_while_one_asks_the_others_go_by_the_former_answer(
    former: str, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    check.answer = former
    assert standstill.why() == former
    monkeypatch.setattr(standstill, "FRESH_SECONDS", 0)
    monkeypatch.setattr(standstill, "PATIENCE_SECONDS", 1000)
    check.hang()
    assert standstill.why() == former
    assert check.asked == 2


def test_without_a_former_answer_who_may_not_ask_stops(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "PATIENCE_SECONDS", 0)
    check.hang()
    assert standstill.why() == standstill.why(pages=True) == "no check has answered yet"
    check.may_answer.set()
    check.end()
    assert standstill.why() == ""


def test_what_is_forgotten_while_it_is_asked_answers_nobody_else(check: Check) -> None:
    check.hang()
    standstill.forget()
    check.may_answer.set()
    check.end()
    assert standstill.why() == ""
    assert check.asked == 2
    assert standstill.why() == ""
    assert check.asked == 2


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_forgets_and_one_that_is_used_again_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forgotten = []
    monkeypatch.setattr(standstill, "forget", lambda: forgotten.append(1))
    connection.ensure_connection()
    forgotten.clear()
    connection.ensure_connection()
    assert forgotten == []
    connection.close()
    connection.ensure_connection()
    assert forgotten == [1]


@pytest.mark.parametrize(
    ("host", "place", "warnings"),
    [
        ("db.example", None, 1),
        ("db.example", "postgresql://portal@journal.example/journal", 0),
        ("db.example", "file:///mnt/journal/journal.jsonl", 0),
        ("localhost", None, 0),
        ("/run/postgresql", None, 0),
        ("", None, 0),
    ],
)
def test_a_database_elsewhere_wants_a_place_for_the_journal(
    host: str,
    place: str | None,
    warnings: int,
    settings: SettingsWrapper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", host)
    settings.JOURNAL_URL = place or watching.default_place()
    assert len(check_place()) == warnings


def test_the_default_is_what_the_check_takes_for_it() -> None:
    from clicksend_portal.environment import Environment

    declared = Environment.__dataclass_fields__["journal_url"].metadata["declared"]
    assert declared.default({}) == watching.default_place()
