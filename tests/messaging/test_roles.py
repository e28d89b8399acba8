"""What the sending role may touch stands here, right by right: a new one must be argued for.

The list is compared with the catalogue, so that a table made tomorrow is closed until somebody
opens it here too; then the doors are tried.
"""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from foundation.roles import SENDER, as_role
from messaging import services
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    Message,
    MessageContent,
    MessageRecord,
    OwnDeed,
    Report,
    UploadPart,
    UploadProblem,
)
from tests.factories import NOW, make_announcement, make_campaign, make_customer, make_staff

pytestmark = pytest.mark.django_db

# A star is the whole table.
READS = {
    # Whom, where and in which language; and the names a mail may contain.
    "accounts_user": "id username first_name last_name email address address_hashes company country"
    " language timezone email_confirmed_at deactivated_at is_active is_staff signed_up_at",
    # Whether somebody asked for it, and what the topic is called.
    "consent_topic": "*",
    "consent_topicwording": "*",
    "consent_preference": "*",
    "consent_suppression": "*",
    # Whether the journal misses something, which stops optional mail: no word of any event.
    "consent_leaf": "*",
    "consent_consentdetail": "id",
    "retention_journalmark": "*",
    "retention_deletionrequest": "id reference state",
    "retention_legalhold": "id approved_at released_at",
    # What is to be sent, how fast, and how it goes.
    "messaging_message": "*",
    "messaging_campaign": "*",
    "messaging_serviceannouncement": "*",
    "messaging_segment": "*",
    "messaging_mailimage": "id digest content_type width height",
    "messaging_sendinglimit": "*",
    "messaging_providerevent": "id kind outcome mailing_id message_id person_id",
}
WRITES = {
    "messaging_message": "*",
    "messaging_sendinglimit": "next_at",
    "messaging_campaign": "state resolved_at resolved_through resolved finished_at stop_reason",
    "messaging_serviceannouncement": "state resolved_at resolved_through resolved finished_at"
    " stop_reason",
}
INSERTS = {"messaging_message": "*"}

RIGHTS = """
SELECT c.relname, a.attname
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
   AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
   AND has_column_privilege(%s, c.oid, a.attnum, %s)
"""
TABLES_WITH = """
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
   AND has_table_privilege(%s, c.oid, %s)
"""
EVERY_TABLE = """
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
"""


def columns_of(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            "   AND NOT attisdropped",
            [table],
        )
        return {name for (name,) in cursor.fetchall()}


def listed(rights: dict[str, str]) -> set[tuple[str, str]]:
    return {
        (table, column)
        for table, columns in rights.items()
        for column in (columns_of(table) if columns == "*" else columns.split())
    }


def granted(right: str) -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(RIGHTS, [SENDER, right])
        return set(cursor.fetchall())


def tables_with(right: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(TABLES_WITH, [SENDER, right])
        return {name for (name,) in cursor.fetchall()}


def every_table() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(EVERY_TABLE)
        return sorted(name for (name,) in cursor.fetchall())


@pytest.mark.parametrize(
    ("right", "expected"), [("SELECT", READS), ("UPDATE", WRITES), ("INSERT", INSERTS)]
)
def test_the_sender_has_these_rights_and_no_other(right: str, expected: dict[str, str]) -> None:
    assert granted(right) == listed(expected)


@pytest.mark.parametrize("right", ["DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"])
def test_the_sender_removes_nothing(right: str) -> None:
    assert tables_with(right) == set()


def test_the_sender_may_not_read_what_it_has_no_business_with() -> None:
    """The door itself is tried, for every table that is not listed: contents, keys, sessions."""
    closed = [table for table in every_table() if table.split("_y2")[0] not in READS]
    assert {"accounts_session", "consent_servicekey"} & set(closed)
    for table in closed:
        assert_denied(f'SELECT * FROM "{table}"')


def test_the_sender_may_not_read_the_other_columns_of_what_it_reads() -> None:
    for table, columns in READS.items():
        others = set() if columns == "*" else columns_of(table) - set(columns.split())
        for column in others:
            assert_denied(f'SELECT "{column}" FROM "{table}"')


@pytest.mark.parametrize("table", ["consent_preference", "consent_suppression", "accounts_user"])
def test_the_sender_cannot_give_itself_a_yes(table: str) -> None:
    assert_denied(f'DELETE FROM "{table}"')
    assert_denied(f'INSERT INTO "{table}" DEFAULT VALUES')
    assert_denied(f'UPDATE "{table}" SET id = id')


def test_the_sender_becomes_nobody_else_and_makes_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolcanlogin,"
            "       EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid),"
            "       has_schema_privilege(oid, 'public', 'CREATE')"
            "  FROM pg_roles r WHERE rolname = %s",
            [SENDER],
        )
        assert cursor.fetchone() == (False,) * 7


CONTENT = (
    ContactList,
    Contact,
    ContactOptOut,
    MessageRecord,
    MessageContent,
    OwnDeed,
    Report,
    ListUpload,
    UploadPart,
    UploadProblem,
)


def content_tables() -> list[str]:
    """Customers' own content, each month of it too, and what bills them."""
    owned = [model._meta.db_table for model in CONTENT]
    found = [table for table in every_table() if table.split("_y2")[0] in owned]
    assert len(found) > len(owned) + 20
    return [*found, "accounts_invoice", "accounts_transaction", "retention_heldrow"]


def test_no_table_of_customers_content_is_open_to_the_sender() -> None:
    """`lists-untouched`: whoever resolves our audiences and sends is refused by the database."""
    for table in content_tables():
        for statement in (
            "SELECT 1 FROM {}",
            "SELECT count(*) FROM {}",
            "COPY (SELECT * FROM {}) TO STDOUT",
            "INSERT INTO {} DEFAULT VALUES",
            "UPDATE {} SET id = id",
            "DELETE FROM {}",
        ):
            assert_denied(statement.format(table))


def test_the_sender_opens_no_feed_and_makes_no_month_of_content() -> None:
    assert_denied("SELECT messaging_open_feed('contacts')")
    assert_denied("SELECT messaging_take_contacts(now())")
    assert_denied("SELECT messaging_make_month('messaging_messagerecord', current_date)")


def test_the_sender_does_all_of_its_work_with_them(mailbox) -> None:
    """Audience, limits, hand-over, settling, finishing; a campaign, an announcement, a reset."""
    people = [make_customer(yes=("newsletter",)) for _ in range(3)]
    author, second = make_staff(), make_staff()
    mailings = [make_campaign(author=author), make_announcement(author=author)]
    for mailing in mailings:
        services.approve(mailing, actor=second, now=NOW)
        services.start(mailing, actor=second, now=NOW)
    mailbox.refuse[people[0].email] = "451 later"
    mailbox.refuse[people[1].email] = "550 no such user"
    with as_role(SENDER):
        services.run_mailings(now=timezone.now())
        services.deliver_pending()
        services.run_mailings(now=timezone.now())
    assert Message.objects.of_person(people[2].pk).counts() == {"sent": 2}
    assert Message.objects.of_person(people[1].pk).counts() == {"failed": 2}
    assert Message.objects.of_person(people[0].pk).counts() == {"queued": 2}
    mailbox.refuse.clear()
    later = timezone.now() + timedelta(hours=3)
    with as_role(SENDER):
        services.deliver_pending(clock=lambda: later)
        services.run_mailings(now=later)
    for mailing in mailings:
        mailing.refresh_from_db()
        assert mailing.state == "finished"


def assert_denied(statement: str) -> None:
    with (
        as_role(SENDER),
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
    ):
        cursor.execute(statement)
