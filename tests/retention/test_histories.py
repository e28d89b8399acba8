"""Whatever several people did: who is erased leaves no trace, and who stays loses nothing.

Histories of choices, mails, content, billing, uploads, archives and requests of every scope, beside
others' of the same; everything is looked for in all tables and in the journal afterwards. Some
deeds put one person's address, number or name into what is another's: there it stays as long as the
other does.

As many as `HISTORIES` says, the same each time; new ones with `--hypothesis-profile=default`.
"""

import os
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import Session, SupportQuestion, User
from consent import services as consent
from consent.models import Source
from foundation import standstill
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.content import services as content
from messaging.models import Contact, ContactList
from messaging.outbox import put_account_mail
from retention import services
from retention.journal.keeping import keep_log
from retention.models import DeletionRequest, Scope
from retention.models import Source as Way
from retention.schedule import model_of, personal_entries
from retention.whose import rows_about
from tests.factories import NOW, make_customer, make_staff, topic
from tests.journal.life import forgotten
from tests.retention import belongings, dealings
from tests.retention.life import COUNTS, STAYING, write_log
from tests.retention.traces import tables_with

pytestmark = pytest.mark.django_db
PEOPLE = 3
TOMORROW = NOW + timedelta(days=1)
TOPICS = ("newsletter", "special_offers")


def name_of(number: int) -> str:
    return f"zeppelin{number}"


def phone_of(number: int) -> str:
    return f"+479876543{number}"


def neighbour_of(person: User) -> int:
    """Whose values come to stand in what is this person's, by number."""
    return (int(person.username.removeprefix("zeppelin")) + 1) % PEOPLE


def make_person(number: int) -> User:
    name = name_of(number)
    return make_customer(
        yes=("newsletter",),
        email=f"{name}@example.test",
        username=name,
        first_name=name,
        company=f"{name} AS",
        phone=phone_of(number),
    )


def key() -> str:
    return uuid.uuid4().hex


def choose(person: User, turn: int) -> None:
    answers = {topic(TOPICS[turn % 2]).pk: turn % 3 == 0}
    consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=NOW)


def pause(person: User, turn: int) -> None:
    consent.record_pause(person.pk, [topic().pk], months=3, source=Source.PREFERENCES, now=NOW)


def opt_out(person: User, turn: int) -> None:
    consent.record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)


def get_mail(person: User, turn: int) -> None:
    put_account_mail(
        to=person.email.upper() if turn % 2 else person.email,
        person_id=None if turn % 2 else person.pk,
        purpose="password_changed",
        language="nb",
        subject=person.first_name,
        text=person.company,
        html="",
        now=NOW,
    )


def sign_in(person: User, turn: int) -> None:
    Session.objects.create(
        session_key=key(), session_data=person.username, expire_date=NOW, user=person
    )


def be_written_to(person: User, turn: int) -> None:
    with as_role(KEEPER):
        belongings.give_message(person, key(), now=NOW, body=person.first_name)


def upload(person: User, turn: int) -> None:
    with as_role(KEEPER):
        found = ContactList.objects.filter(customer=person).exists()
        if not found:
            belongings.give_lists(person, now=NOW)


def pay(person: User, turn: int) -> None:
    belongings.give_billing(person, key=key())


def fetch_archive(person: User, turn: int) -> None:
    with as_role(KEEPER):
        belongings.give_archives(person, now=NOW)


def take_out_a_contact(person: User, turn: int) -> None:
    with as_tenant(person.pk):
        contact = Contact.objects.filter(contact_id__isnull=False).first()
        if contact is not None:
            content.remove_contact(contact, now=NOW)


def colleague() -> User:
    found: User | None = User.objects.filter(is_staff=True).first()
    return found or make_staff()


def write_to_us(person: User, turn: int) -> None:
    dealings.give_question(person, colleague(), now=NOW)
    dealings.give_request(person, colleague(), now=NOW)


def keep_neighbour_as_contact(person: User, turn: int) -> None:
    other = neighbour_of(person)
    with as_role(KEEPER):
        own, _made = ContactList.objects.get_or_create(
            customer=person, list_id=None, list_name="Neighbours"
        )
        Contact.objects.get_or_create(
            contact_list=own,
            customer=person,
            phone_number=phone_of(other),
            email=f"{name_of(other)}@example.test",
            last_name=name_of(other),
        )


def write_to_neighbour(person: User, turn: int) -> None:
    other = neighbour_of(person)
    with as_role(KEEPER):
        belongings.give_message(
            person, key(), now=NOW, sent_to=phone_of(other), body=f"Hei {name_of(other)}"
        )


def give_neighbours_address(person: User, turn: int) -> None:
    """A question with another's address to answer to, and a mail that went there."""
    address = f"{name_of(neighbour_of(person))}@example.test"
    question = dealings.give_question(person, colleague(), now=NOW)
    SupportQuestion.objects.filter(pk=question.pk).update(email=address)
    put_account_mail(
        to=address,
        person_id=person.pk,
        purpose="password_changed",
        language="nb",
        subject="",
        text="",
        html="",
        now=NOW,
    )


def write_without_signing_in(person: User, turn: int) -> None:
    question = dealings.give_question(person, colleague(), now=NOW)
    SupportQuestion.objects.filter(pk=question.pk).update(customer=None)


def be_looked_at(person: User, turn: int) -> None:
    dealings.give_looks(person, colleague(), now=NOW)


def be_shown_as_a_customer(person: User, turn: int) -> None:
    dealings.give_references(person, colleague(), now=NOW)


def be_looked_after(person: User, turn: int) -> None:
    write_log(person, str(person.pk), User, person.username)


def ask(person: User, **what: Any) -> None:
    services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW, **what)


def ask_for_profile(person: User, turn: int) -> None:
    ask(person, scope=Scope.PROFILE)


def ask_for_list(person: User, turn: int) -> None:
    with as_tenant(person.pk):
        found = ContactList.objects.filter(customer=person).first()
    if found is not None:
        ask(person, scope=Scope.LIST, contact_list_id=found.pk)


def ask_for_content(person: User, turn: int) -> None:
    ask(person, scope=Scope.CONTENT, since=NOW.date() if turn % 2 else None)


def ask_for_messages(person: User, turn: int) -> None:
    ask(person, scope=Scope.MESSAGES, until=TOMORROW.date() if turn % 2 else None)


def let_keeper_work(person: User, turn: int) -> None:
    """In the middle of the history: what was asked for by anybody is done, and the log goes on.

    Before and after: what a deletion took of a customer's own has its entry only then.
    """
    with as_role(KEEPER):
        keep_log(NOW)
        services.run_deletions(NOW, batch=2)
        keep_log(NOW)


DEEDS: dict[str, Callable[[User, int], None]] = {
    deed.__name__: deed
    for deed in (
        choose,
        pause,
        opt_out,
        get_mail,
        sign_in,
        be_written_to,
        upload,
        pay,
        take_out_a_contact,
        write_to_us,
        keep_neighbour_as_contact,
        write_to_neighbour,
        give_neighbours_address,
        write_without_signing_in,
        be_looked_at,
        be_shown_as_a_customer,
        be_looked_after,
        fetch_archive,
        ask_for_profile,
        ask_for_list,
        ask_for_content,
        ask_for_messages,
        let_keeper_work,
    )
}
TABLES = {entry.model: model_of(entry)._meta.db_table for entry in personal_entries()}
# One archive at a time, and one copy aside; one open request for a call.
ONCE = {"fetch_archive", "be_shown_as_a_customer"}

people = st.integers(0, PEOPLE - 1)
histories = st.lists(st.tuples(people, st.sampled_from(sorted(DEEDS))), min_size=4, max_size=14)


def live(persons: list[User], history: list[tuple[int, str]]) -> None:
    done: set[tuple[int, str]] = set()
    for turn, (number, deed) in enumerate(history):
        if deed in ONCE and (number, deed) in done:
            continue
        done.add((number, deed))
        DEEDS[deed](persons[number], turn)


type Rows = dict[str, list[str]]


def rows_of(person: User) -> Rows:
    """What the rows of each class about them say; questions from their address are theirs, too."""
    with as_role(KEEPER):
        found = {
            entry.model: [
                repr(sorted(row.items()))
                for row in rows_about(entry, person.pk).order_by("pk").values()
            ]
            for entry in personal_entries()
        }
        asked = SupportQuestion.objects.filter(customer=None, email=person.email)
        found["unsigned"] = [repr(sorted(row.items())) for row in asked.order_by("pk").values()]
    return found


def tables_naming(values: tuple[str, ...], kept: list[Rows]) -> Counter[str]:
    """How many rows of those who stay hold one of another's values, by table."""
    return Counter(
        TABLES[model]
        for rows in kept
        for model, said in rows.items()
        for row in said
        if model in TABLES and any(value in row.lower() for value in values)
    )


@pytest.mark.slow
@hypothesis_settings(
    max_examples=int(os.environ.get("HISTORIES", "40")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@example([(number, deed) for number in range(PEOPLE) for deed in DEEDS], {0, 2}, 2)
@given(histories, st.sets(people, min_size=1, max_size=PEOPLE - 1), st.sampled_from([2, 1000]))
def test_who_is_erased_leaves_no_trace_and_who_stays_loses_nothing(
    history: list[tuple[int, str]], erased: set[int], batch: int
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        override_settings(JOURNAL_URL=(Path(folder) / "journal.jsonl").as_uri()),
        forgotten(),
    ):
        standstill.forget()
        persons = [make_person(number) for number in range(PEOPLE)]
        live(persons, history)
        let_keeper_work(persons[0], 0)  # what they asked for of their own
        staying = [persons[number] for number in set(range(PEOPLE)) - erased]
        before = [rows_of(person) for person in staying]
        for number in erased:
            ask(persons[number])
        with as_role(KEEPER):
            assert services.run_deletions(NOW, batch=batch) == len(erased)
            keep_log(NOW)

        after = [rows_of(person) for person in staying]
        assert after == before
        for number in erased:
            assert_gone(persons[number], number, Path(folder), kept=after)
        assert not DeletionRequest.objects.open().exists()
    standstill.forget()


def assert_gone(person: User, number: int, folder: Path, *, kept: list[Rows]) -> None:
    gone = (name_of(number), phone_of(number), str(person.pk), person.pk.hex)
    found = {table: rows for table, rows in tables_with(*gone).items() if table not in STAYING}
    # The confirmation has the address until it is sent: it is the one row that still knows it,
    # beside what others keep of them.
    expected = tables_naming(gone, kept)
    expected["messaging_message"] += 1
    assert found == expected
    assert tables_with(str(person.pk), person.pk.hex) == {}
    said = b"".join(path.read_bytes() for path in folder.iterdir())
    assert not [value for value in gone if value.encode() in said]


def test_the_deeds_reach_every_class_of_what_is_theirs() -> None:
    """A class that no history makes would be searched in vain."""
    person, _neighbour = make_person(0), make_person(1)
    for turn, deed in enumerate(DEEDS.values()):
        if not deed.__name__.startswith(("ask", "let")):
            deed(person, turn)
    made = {model for model, rows in rows_of(person).items() if rows}
    ask_for_content(person, 0)
    let_keeper_work(person, 0)
    made |= {model for model, rows in rows_of(person).items() if rows}
    of_staff = {"accounts.LookUp", "accounts.AccessAlarm"}
    theirs = ("messaging.", "retention.", "consent.", "accounts.Support", "accounts.Access")
    assert {model for model in COUNTS if model.startswith(theirs)} - made - of_staff == {
        "consent.Delivery",
        "messaging.ProviderEvent",
        "retention.PhysicalItem",
    }
    assert {"accounts.Transaction", "consent.ConsentDetail", "admin.LogEntry"} <= made
