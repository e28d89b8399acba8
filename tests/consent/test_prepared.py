"""The statement of the one-click path goes past the cursor; it must miss nothing a cursor gives."""

import pytest
from django.db import DatabaseError, connection, transaction

from consent import services
from consent.models import ConsentDetail, Preference, Source, State
from foundation.prepared import PreparedStatement
from tests.database import administrator
from tests.factories import NOW, make_customer, topic

pytestmark = pytest.mark.django_db(transaction=True)


def stop(person):
    return services.record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW)


def state(person):
    return Preference.objects.get(person_id=person.pk, topic=topic()).state


def test_it_says_what_changed_and_nothing_the_second_time():
    person = make_customer(yes=("newsletter",))
    assert stop(person) == [topic().pk]
    assert stop(person) == []
    assert state(person) == State.WITHDRAWN


def test_within_a_transaction_that_is_rolled_back_it_has_written_nothing():
    person = make_customer(yes=("newsletter",))
    with transaction.atomic():
        assert stop(person) == [topic().pk]
        transaction.set_rollback(True)
    assert state(person) == State.GRANTED
    assert not ConsentDetail.objects.filter(person_id=person.pk, state="withdrawn").exists()


def test_a_rollback_on_the_connection_that_drops_every_statement_does_it_no_harm():
    first, second = make_customer(yes=("newsletter",)), make_customer(yes=("newsletter",))
    stop(first)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert stop(second) == [topic().pk]


def test_a_connection_that_was_cut_is_replaced_and_the_no_is_written():
    person, named = make_customer(yes=("newsletter",)), topic().pk
    stop(make_customer(yes=("newsletter",)))
    cut(connection.connection.info.backend_pid)
    changed = services.record_opt_out(person.pk, [named], source=Source.ONE_CLICK, now=NOW)
    assert changed == [named]
    assert state(person) == State.WITHDRAWN


def test_what_the_database_refuses_is_an_error_as_from_a_cursor():
    statement = PreparedStatement("no_such", "SELECT no_such_function($1)")
    with pytest.raises(DatabaseError, match="no_such_function"):
        statement.fetch_column(connection, ["1"])


def cut(pid):
    """As a restart of the server would."""
    with administrator() as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", [pid])
