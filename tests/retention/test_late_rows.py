"""What an erasure does not see at first goes all the same: rows that a worker still commits, and
rows of a month that its table does not show."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model

from accounts.models import User
from foundation.partitions import partition_name
from foundation.roles import APP, KEEPER, as_role
from messaging.content.taking_in import take_in_batch
from messaging.models import (
    Contact,
    ContactList,
    ListUpload,
    MessageContent,
    MessageRecord,
    UploadPart,
)
from messaging.models import UploadProblem as Problem
from retention import asking, erasure, exporting, months, services
from retention.exporting import making
from retention.exporting.tables import exported_tables
from retention.models import DeletionRequest, Export, ExportPart, LegalHold, Scope, Source
from retention.schedule import ENTRIES, model_of, personal_entries
from tests.factories import NOW, make_customer
from tests.retention.belongings import give_lists, give_message
from tests.retention.life import make_full_customer

pytestmark = pytest.mark.django_db

CONTENT = "messaging_messagecontent"
THIS_MONTH = partition_name(CONTENT, NOW)
SOON = NOW + timedelta(minutes=1)


def ask(person: User, scope: Scope = Scope.EVERYTHING, **part: Any) -> DeletionRequest:
    return services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=SOON, scope=scope, **part
    )


def finish_steps(wish: DeletionRequest, *names: str) -> None:
    """As if they were done a moment before a worker commits another row."""
    with as_role(KEEPER):
        asking.make_steps(wish)
        wish.steps.filter(name__in=names).update(finished_at=NOW)


# --- rows that a worker still commits -------------------------------------------------------------


def test_whatever_refers_to_a_row_of_a_customer_is_known_to_hang_on_it() -> None:
    personal = {model_of(entry): entry.model for entry in personal_entries()}
    for model, name in personal.items():
        if model is User:
            continue
        hanging = {
            personal[each.related_model]
            for each in model._meta.related_objects
            if each.related_model in personal and getattr(each.field, "db_constraint", False)
        }
        assert hanging <= set(erasure.HANGS_ON.get(name, ())), name


@pytest.mark.parametrize("scope", [Scope.EVERYTHING, Scope.PROFILE])
def test_a_piece_of_an_archive_that_comes_after_its_step_goes_with_the_archive(
    scope: Scope,
) -> None:
    person = make_full_customer()
    wish = ask(person, scope)
    finish_steps(wish, "retention.ExportPart")
    with as_role(KEEPER):
        assert services.run_deletions(SOON, batch=2) == 1
        assert not ExportPart.objects.exists()
    wish.refresh_from_db()
    assert wish.removed["retention.ExportPart"] == 2


@pytest.mark.parametrize("scope", [Scope.EVERYTHING, Scope.LIST])
def test_lines_and_contacts_that_come_after_their_step_go_with_the_list(scope: Scope) -> None:
    person = make_full_customer()
    with as_role(KEEPER):
        own = ContactList.objects.get(customer=person)
    wish = ask(person, scope, **({"contact_list_id": own.pk} if scope == Scope.LIST else {}))
    late: list[type[Model]] = [Problem, UploadPart, ListUpload, Contact]
    everything: list[type[Model]] = [*late, ContactList]
    finish_steps(wish, *(model._meta.label for model in late))
    with as_role(KEEPER):
        assert services.run_deletions(SOON, batch=2) == 1
        assert not any(model._base_manager.exists() for model in everything)
    wish.refresh_from_db()
    assert [wish.removed[model._meta.label] for model in late] == [1, 1, 1, 3]


def test_work_for_who_leaves_ends_at_once() -> None:
    person = make_customer()
    with as_role(KEEPER):
        own = give_lists(person, now=NOW)
        upload = ListUpload.objects.get(contact_list=own)
        ListUpload.objects.update(state=ListUpload.State.RUNNING)
    wish = exporting.request_export(person.pk, actor="self", now=NOW, wake=False)
    ask(person)
    with as_role(KEEPER):
        upload.refresh_from_db()
        wish.refresh_from_db()
    assert (upload.state, upload.finished_at) == ("failed", SOON)
    assert (wish.state, wish.finished_at) == ("failed", SOON)


def test_no_worker_goes_on_for_an_account_that_is_not_active() -> None:
    person = make_customer()
    with as_role(KEEPER):
        upload = ListUpload.objects.get(contact_list=give_lists(person, now=NOW))
        ListUpload.objects.update(state=ListUpload.State.RUNNING)
    exporting.request_export(person.pk, actor="self", now=NOW, wake=False)
    User.objects.filter(pk=person.pk).update(is_active=False)
    with as_role(APP):
        assert not take_in_batch(upload, [], done=0, header=[], now=SOON)
        assert exporting.make_exports(person.pk, now=SOON) == 0
    with as_role(KEEPER):
        assert Export.objects.get().state == "requested"


def test_an_archive_half_made_stops_when_its_owner_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_full_customer()
    wish = exporting.request_export(person.pk, actor="self", now=NOW, wake=False)
    tables = exported_tables()

    def leave_first() -> Any:
        User.objects.filter(pk=person.pk).update(is_active=False)
        return tables

    monkeypatch.setattr(making, "exported_tables", leave_first)
    assert making.make_export(wish.pk, person_id=person.pk, now=NOW) is None
    with as_role(KEEPER):
        assert not ExportPart.objects.filter(export=wish).exists()


# --- rows of a month that its table does not show -------------------------------------------------


def detach() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {CONTENT} DETACH PARTITION {THIS_MONTH}")


def attach() -> None:
    first = datetime(NOW.year, NOW.month, 1, tzinfo=NOW.tzinfo)
    months.attach(ENTRIES["messaging.MessageContent"], THIS_MONTH, first)


def one_of_this_month(person: User) -> None:
    """At a moment that is over and in the month of `NOW`."""
    give_message(person, "m", now=NOW)


def all_of_it(person: User) -> int:
    wish = ask(person)
    services.run_deletions(SOON)
    wish.refresh_from_db()
    return int(wish.removed["messaging.MessageContent"])


def a_period(person: User) -> int:
    wish = ask(person, Scope.CONTENT)
    services.run_deletions(SOON)
    wish.refresh_from_db()
    return int(wish.removed["messaging.MessageContent"])


def at_once(person: User) -> int:
    found = erasure.sweep(erasure.lock_person(person.pk), now=SOON)
    return found["messaging.MessageContent"].rows


@pytest.mark.parametrize("erase", [all_of_it, a_period, at_once])
def test_a_month_brought_back_holds_nothing_that_was_erased(erase: Callable[[User], int]) -> None:
    person, other = make_customer(), make_customer()
    with as_role(KEEPER):
        one_of_this_month(person)
        one_of_this_month(other)
        detach()
        assert erase(person) == 1
        attach()
        assert MessageContent.objects.get().customer_id == other.pk


def test_what_is_held_in_such_a_month_stays_and_keeps_the_deletion_open() -> None:
    person = make_customer()
    with as_role(KEEPER):
        one_of_this_month(person)
        MessageRecord.objects.all().delete()
        detach()
        LegalHold.objects.create(
            data_class="content",
            reason="x",
            reference="1",
            review_on=date(2030, 1, 1),
            placed_at=SOON,
        )
        wish = ask(person)
        assert services.run_deletions(SOON) == 0
        attach()
        assert MessageContent.objects.count() == 1
        LegalHold.objects.update(released_at=SOON)
        assert services.run_deletions(SOON) == 1
    wish.refresh_from_db()
    assert wish.removed["messaging.MessageContent"] == 1
