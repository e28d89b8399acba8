"""Customers' content is their own: the database shows a request nobody's but its tenant's."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from accounts.models import User
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.models import ContactList, MessageContent, MessageRecord
from tests.factories import make_customer
from tests.retention.life import make_full_customer

pytestmark = pytest.mark.django_db
WRITTEN_BY_THE_FEED = (MessageRecord, MessageContent)

GUARDED = """
SELECT relname FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relrowsecurity ORDER BY relname
"""
MONTHS = """
SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhparent
 WHERE relrowsecurity
"""


def guarded() -> Iterator[type[models.Model]]:
    by_table = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    with connection.cursor() as cursor:
        cursor.execute(GUARDED)
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        yield by_table[name]


@pytest.fixture
def kari(db: None) -> User:
    """With something in every table of content."""
    return make_full_customer()


def seen() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in guarded()}


def test_these_tables_are_guarded() -> None:
    """All that belongs to a customer's own content; a new one is named here and below."""
    assert {model._meta.label for model in guarded()} == {
        "messaging.Contact",
        "messaging.ContactList",
        "messaging.ContactOptOut",
        "messaging.DeidentifiedStretch",
        "messaging.ListUpload",
        "messaging.MessageContent",
        "messaging.MessageRecord",
        "messaging.OwnDeed",
        "messaging.Report",
        "messaging.Tombstone",
        "messaging.UploadPart",
        "messaging.UploadProblem",
        "retention.Export",
        "retention.ExportPart",
        "retention.HeldRow",
    }


def test_who_says_for_whom_sees_theirs_and_who_does_not_sees_nothing(kari: User) -> None:
    ola = make_customer()
    with as_tenant(kari.pk):
        own = seen()
    assert all(own.values()), own
    assert not any(seen().values())
    with as_tenant(ola.pk):
        assert not any(seen().values())


def test_the_tenant_is_over_with_its_transaction_and_the_one_before_is_back(kari: User) -> None:
    ola = make_customer()
    with as_tenant(kari.pk):
        with as_tenant(ola.pk):
            assert not ContactList.objects.exists()
        assert ContactList.objects.exists()
    assert not ContactList.objects.exists()


def test_a_failure_inside_leaves_no_tenant_behind(kari: User) -> None:
    with pytest.raises(ZeroDivisionError), as_tenant(kari.pk):
        raise ZeroDivisionError
    assert not ContactList.objects.exists()


def test_the_keeper_sees_all(kari: User) -> None:
    with as_role(KEEPER):
        assert all(seen().values())


def test_no_month_is_read_by_itself_for_the_guard_is_the_tables(kari: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MONTHS)
        months = [name for (name,) in cursor.fetchall()]
    assert len(months) > 20
    with as_tenant(kari.pk):
        for month in months:
            for statement in ("SELECT 1 FROM {}", "DELETE FROM {}", "TRUNCATE {}"):
                denied(statement.format(month), "permission denied")


def test_nothing_of_another_customer_is_changed_or_removed(kari: User) -> None:
    ola = make_customer()
    with as_tenant(ola.pk):
        for model in guarded():
            if may(model, "DELETE"):
                assert not model._base_manager.all()._raw_delete("default")
        assert not ContactList.objects.update(list_name="mine now")
    with as_tenant(kari.pk):
        assert all(seen().values())
        assert not ContactList.objects.filter(list_name="mine now").exists()


def test_nothing_is_written_for_another_customer(kari: User) -> None:
    ola = make_customer()
    with as_tenant(kari.pk):
        for model in guarded():
            if model in WRITTEN_BY_THE_FEED:
                continue
            row: Any = model._base_manager.all()[0]
            column = next(
                field for field in model._meta.concrete_fields if field.attname == "customer_id"
            ).column
            denied(
                f'UPDATE "{model._meta.db_table}" SET {column} = %s WHERE id = %s',
                "row-level security|permission denied",
                [ola.pk, row.pk],
            )
            assert model._base_manager.filter(pk=row.pk).exists()
    with as_tenant(ola.pk), pytest.raises(DatabaseError, match="row-level"), transaction.atomic():
        ContactList.objects.create(customer_id=kari.pk, list_name="not theirs")
    with pytest.raises(DatabaseError, match="row-level"), transaction.atomic():
        ContactList.objects.create(customer_id=kari.pk, list_name="nobody said whose")


def test_what_was_sent_is_written_by_the_feed_alone(kari: User) -> None:
    with as_tenant(kari.pk):
        for model in WRITTEN_BY_THE_FEED:
            table = model._meta.db_table
            row = model._base_manager.all()[0]
            denied(f"UPDATE {table} SET id = id", "permission denied")
            denied(f"INSERT INTO {table} DEFAULT VALUES", "permission denied")
            # Its owner may let it go.
            assert model._base_manager.filter(pk=row.pk)._raw_delete("default") == 1


def test_a_copy_past_the_guard_is_refused(kari: User) -> None:
    with as_tenant(kari.pk):
        for model in guarded():
            table = model._meta.db_table
            with (
                pytest.raises(DatabaseError, match=r"row-level security|permission denied"),
                transaction.atomic(),
                connection.wrap_database_errors,
                connection.cursor() as cursor,
                cursor.copy(f"COPY {table} FROM STDIN"),
            ):
                pass


# --- the door of the feed ------------------------------------------------------------------------


def test_the_feed_takes_only_from_the_table_that_the_keeper_made(kari: User) -> None:
    """A table of the web process could hold what runs with the keeper's rights."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE feed_contact_lists (line int, user_id bigint)")
        with pytest.raises(DatabaseError, match="must be owner"), transaction.atomic():
            cursor.execute("SELECT messaging_open_feed('contact-lists')")
        denied("SELECT messaging_take_contact_lists(now())", "no feed is open")
        transaction.set_rollback(True)
    denied("SELECT messaging_take_contact_lists(now())", "no feed is open")


def test_the_feeds_table_is_only_written_to(kari: User) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT messaging_open_feed('message-records')")
        for statement in (
            "SELECT * FROM {}",
            "DELETE FROM {}",
            "UPDATE {} SET line = 1",
            "CREATE TRIGGER t BEFORE INSERT ON {} EXECUTE FUNCTION tsvector_update_trigger()",
            "ALTER TABLE {} ADD COLUMN x int",
            "CREATE INDEX ON {} (line)",
        ):
            denied(statement.format("pg_temp.feed_message_records"), "permission denied|must be")


@pytest.mark.parametrize("role", ["portal_sender", "portal_reader"])
def test_nobody_but_the_web_process_brings_anything_in(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE (proname ~ '^(messaging|accounts)_take_'"
            " OR proname IN ('messaging_open_feed', 'messaging_make_month'))"
        )
        doors = [name for (name,) in cursor.fetchall()]
        assert len(doors) == 9
        for door in doors:
            cursor.execute(
                "SELECT has_function_privilege(%s, oid, 'EXECUTE'), prosecdef, proconfig::text"
                "  FROM pg_proc WHERE proname = %s",
                [role, door],
            )
            may, as_owner, settings = cursor.fetchone()
            assert (may, as_owner) == (False, True), door
            assert "search_path=public, pg_temp" in settings


def may(model: type[models.Model], right: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, %s)", [model._meta.db_table, right])
        return bool(cursor.fetchone()[0])


def denied(statement: str, why: str, params: list[Any] | None = None) -> None:
    with (
        pytest.raises(DatabaseError, match=why),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, params)


def test_a_tenant_nobody_knows_sees_nothing() -> None:
    with as_tenant(uuid.uuid4()):
        assert not any(seen().values())
