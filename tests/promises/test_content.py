"""Customers' lists, messages and reports are shown to them alone; one open door is seen."""

import pytest
from django.db import connection

from clicksend_portal.promises.promise import State
from foundation.roles import OWNER, as_role
from retention.entries import DataClass
from retention.schedule import entries_of
from tests.factories import NOW
from tests.promises.looks import read

pytestmark = pytest.mark.django_db


def change(statement: str) -> None:
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_table_of_content_is_looked_at_and_stands_apart() -> None:
    reading = read("content-private", now=NOW)
    assert reading.state == State.KEPT
    assert reading.value["tables"] == reading.value["apart"] == len(entries_of(DataClass.CONTENT))
    assert read("lists-untouched", now=NOW).state == State.KEPT


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE messaging_contact DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY open ON messaging_contact FOR SELECT TO portal_app USING (true)",
        "CREATE POLICY open ON messaging_contact FOR SELECT USING (true)",
        "GRANT SELECT (first_name) ON messaging_contact TO portal_reader",
    ],
)
def test_a_table_that_is_opened_breaks_the_promise(statement: str) -> None:
    change(statement)
    assert read("content-private", now=NOW).state == State.BROKEN
    assert read("lists-untouched", now=NOW).state == State.KEPT


def test_a_month_that_can_be_read_by_itself_breaks_the_promise() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'messaging_messagecontent'::regclass LIMIT 1"
        )
        ((month,),) = cursor.fetchall()
    with as_role("portal_keeper"), connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT ON {month} TO portal_app")
    assert read("content-private", now=NOW).state == State.BROKEN


def test_a_sender_that_may_read_one_column_breaks_both() -> None:
    change("GRANT SELECT (phone_number) ON messaging_contact TO portal_sender")
    assert read("content-private", now=NOW).state == State.BROKEN
    assert read("lists-untouched", now=NOW).state == State.BROKEN
