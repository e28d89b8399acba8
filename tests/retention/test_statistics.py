"""What PostgreSQL notes for its plans: nothing of names and words, and nobody's key for long."""

from datetime import datetime, timedelta

import pytest
from django.db import connection

from foundation.partitions import ensure_partitions, existing_partitions, partition_name
from foundation.roles import APP, KEEPER, OWNER, as_role
from foundation.statistics import COMPUTED, left_out, renew
from retention import services, statistics
from retention.models import Source as Way
from retention.statistics import PLANNED_BY, changed, columns_left_out, renew_statistics
from tests.factories import NOW, make_customer
from tests.retention.belongings import CONTACT_VALUES
from tests.retention.dying import Killed, at_once, dying
from tests.retention.life import ALL_VALUES, make_full_customer
from tests.retention.traces import administrator_here, analyze, statistics_with

pytestmark = pytest.mark.slow


@pytest.mark.django_db
def test_every_column_of_words_about_people_has_no_statistics_in_any_month() -> None:
    """A new one needs `foundation.statistics.keep_none` in its migration."""
    lacking = [
        f"{relation}.{column}"
        for table, columns in columns_left_out().items()
        for relation in (table, *existing_partitions(table))
        for column in sorted(columns - left_out(relation))
    ]
    assert lacking == []


@pytest.mark.django_db
def test_nor_has_what_an_index_computes_from_one() -> None:
    lacking, seen = [], 0
    for table, columns in columns_left_out().items():
        for relation in (table, *existing_partitions(table)):
            with connection.cursor() as cursor:
                cursor.execute(COMPUTED, [relation, list(columns)])
                found = cursor.fetchall()
            seen += len(found)
            lacking += [index for index, _number, name in found if name not in left_out(index)]
    assert lacking == []
    assert seen > 15


@pytest.mark.django_db
def test_a_new_month_is_like_the_others() -> None:
    with as_role(KEEPER):
        far = NOW + timedelta(days=900)
        assert ensure_partitions("messaging_message", far, far) == 1
    newest = existing_partitions("messaging_message")[-1]
    assert left_out(newest) == columns_left_out()["messaging_message"]
    with connection.cursor() as cursor:
        cursor.execute(COMPUTED, [newest, ["to_address"]])
        ((index, _number, name),) = cursor.fetchall()
    assert left_out(index) == {name}


LOWER = "messaging_messagecontent_lower"


@pytest.fixture
def lower_index() -> None:
    """One computed from words, whose statistics stand under its own name; its table has no such."""
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {LOWER} ON messaging_messagecontent (lower(sent_to))")
        cursor.execute(f"ALTER INDEX {LOWER} ALTER 1 SET STATISTICS 0")


@pytest.mark.django_db
def test_a_month_that_the_feed_makes_is_like_the_others(lower_index: None) -> None:
    month = make_month_for_feed()
    assert left_out(month) == columns_left_out()["messaging_messagecontent"]
    assert left_out(index_of(month)) == {"lower"}


@pytest.mark.django_db
def test_one_that_was_made_otherwise_is_like_them_by_the_next_night(lower_index: None) -> None:
    """Also when nothing was written there since PostgreSQL looked."""
    month = make_month_for_feed()
    with as_role(KEEPER), connection.cursor() as cursor:
        for name in left_out(month):
            cursor.execute(f"ALTER TABLE {month} ALTER {name} SET STATISTICS -1")
        cursor.execute(f"ALTER INDEX {index_of(month)} ALTER 1 SET STATISTICS -1")
        assert left_out(month) == left_out(index_of(month)) == set()
        renew_statistics()
    assert left_out(month) == columns_left_out()["messaging_messagecontent"]
    assert left_out(index_of(month)) == {"lower"}


def make_month_for_feed() -> str:
    """As the web process asks for one, of which there is none yet."""
    month = NOW - timedelta(days=900)
    with as_role(APP), connection.cursor() as cursor:
        cursor.execute(
            "SELECT messaging_make_month('messaging_messagecontent', %s)", [month.date()]
        )
        assert cursor.fetchone() == (True,)
    return partition_name("messaging_messagecontent", month)


def index_of(month: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(COMPUTED, [month, ["sent_to"]])
        ((index, _number, _name),) = cursor.fetchall()
    return str(index)


@pytest.mark.django_db(transaction=True)
def test_nothing_of_what_people_wrote_is_noted_and_the_key_of_who_went_goes_at_night() -> None:
    person = make_full_customer()
    make_customer()
    analyze()
    assert statistics_with(*ALL_VALUES) == []
    assert "messaging_contact.customer_id" in statistics_with(str(person.pk))
    services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 1
        assert statistics_with(str(person.pk)) != []
        count_changes()
        renew_statistics()
    assert statistics_with(*ALL_VALUES, str(person.pk)) == []


@pytest.mark.django_db(transaction=True)
def test_a_night_after_which_nothing_changed_looks_at_empty_tables_alone() -> None:
    make_full_customer()
    with as_role(KEEPER):
        count_changes()
        assert changed("messaging_contact") == ["messaging_contact"]
        renew_statistics()
        assert changed("messaging_contact") == []


@pytest.mark.django_db(transaction=True)
def test_of_a_table_that_was_emptied_and_looked_at_before_the_night_nothing_is_left() -> None:
    """As autovacuum does it: nothing is noted anew, and nothing that was noted goes."""
    key = somebody_erased()
    analyze()
    assert statistics_with(key) != []
    with as_role(KEEPER):
        count_changes()
        renew_statistics()
    assert statistics_with(key) == []


def somebody_erased() -> str:
    """Their key, which the statistics still have."""
    person = make_full_customer()
    make_customer()
    analyze()
    services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 1
        count_changes()
    return str(person.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_night_killed_between_two_tables_is_made_up_by_the_next(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = somebody_erased()
    with monkeypatch.context() as patch, as_role(KEEPER):
        patch.setattr(statistics, "renew", dying(renew, 9, moment))
        with pytest.raises(Killed):
            renew_statistics()
        assert statistics_with(key) != []
    with as_role(KEEPER):
        count_changes()
        renew_statistics()
    assert statistics_with(key) == []


@pytest.mark.django_db(transaction=True)
def test_two_nights_at_once_leave_no_key_either() -> None:
    key = somebody_erased()

    def night(_now: datetime) -> int:
        return renew_statistics()

    assert all(at_once(night, NOW))
    assert statistics_with(key) == []


@pytest.mark.django_db(transaction=True)
def test_the_search_would_find_what_is_noted() -> None:
    """A column that keeps its statistics, so that finding nothing means something."""
    make_full_customer()
    with as_role(OWNER), connection.cursor() as cursor:
        try:
            cursor.execute("ALTER TABLE messaging_contact ALTER last_name SET STATISTICS -1")
            analyze()
            assert statistics_with(CONTACT_VALUES[2]) == ["messaging_contact.last_name"]
        finally:
            cursor.execute("ALTER TABLE messaging_contact ALTER last_name SET STATISTICS 0")
            cursor.execute(
                "SELECT pg_clear_attribute_stats('public', 'messaging_contact', 'last_name', false)"
            )
    assert statistics_with(CONTACT_VALUES[2]) == []


@pytest.mark.django_db(transaction=True)
def test_a_number_is_found_in_its_list_by_both_though_none_is_noted() -> None:
    """Else a feed of opt-outs walks through the numbers of every list, for each of its lines."""
    make_full_customer()
    with as_role(KEEPER):
        count_changes()
        renew_statistics()
    with administrator_here() as admin:
        known = admin.execute(
            "SELECT tablename, attname, n_distinct FROM pg_stats WHERE histogram_bounds IS NULL "
            "AND most_common_vals IS NULL AND tablename ~ '^messaging_contact' "
            "AND attname IN ('phone_number', 'email', 'lower', 'contact') ORDER BY 1, 2"
        ).fetchall()
    assert known == [
        ("messaging_contact", "email", -1),
        ("messaging_contact", "phone_number", -1),
        ("messaging_contact_email_once", "lower", -1),
        ("messaging_contactoptout", "contact", -1),
    ]


def count_changes() -> None:
    """PostgreSQL counts them a second late, or at once on demand."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")


@pytest.mark.django_db
def test_what_is_planned_by_after_all_is_in_the_schedule() -> None:
    assert not any(column in columns_left_out().get(table, set()) for table, column in PLANNED_BY)
