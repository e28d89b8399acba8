"""What PostgreSQL refuses, whoever asks: the two halves of an event cannot be changed."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from consent import services
from consent.models import ConsentDetail, Leaf, Source
from consent.sealer import leaf_hash, seal_pending
from foundation.roles import APP, KEEPER, OWNER, SENDER, as_role
from tests.factories import NOW, make_customer, topic

pytestmark = pytest.mark.django_db


def refused(statement, *parameters):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    return True


def test_tests_run_as_the_role_that_serves():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (APP,)


@pytest.mark.parametrize("table", ["consent_consentdetail", "consent_leaf"])
@pytest.mark.parametrize("role", [APP, KEEPER])
def test_neither_half_can_be_updated_or_deleted(table, role):
    make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    with as_role(role):
        assert refused(f"DELETE FROM {table}")
        assert refused(f"TRUNCATE {table}")
    column = "reason" if table == "consent_consentdetail" else "kind"
    with as_role(role):
        assert refused(f"UPDATE {table} SET {column} = 'x'")


def test_even_the_owner_cannot_rewrite_an_event():
    make_customer(yes=("newsletter",))
    with as_role(OWNER):
        assert refused("UPDATE consent_consentdetail SET state = 'refused'")


def test_the_keeper_alone_removes_a_persons_details_by_the_one_function():
    person, other = make_customer(yes=("newsletter",)), make_customer(yes=("newsletter",))
    statement = "SELECT consent_remove_details(%s, NULL, 100)"
    for role in (APP, SENDER):
        with as_role(role):
            assert refused(statement, person.pk)
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(statement, [person.pk])
        assert cursor.fetchone() == (1,)
    assert not ConsentDetail.objects.of(person.pk).exists()
    assert ConsentDetail.objects.of(other.pk).exists()


def test_superseded_details_can_be_removed_by_age_and_standing_ones_never():
    person = make_customer(yes=("newsletter",))
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(
            "SELECT consent_remove_details(NULL, %s, 100)", [timezone.now().replace(year=2099)]
        )
        assert cursor.fetchone() == (1,)
    assert [each.state for each in ConsentDetail.objects.of(person.pk)] == ["withdrawn"]


def test_neither_a_pause_nor_an_undone_no_supersedes_the_proof_of_a_yes():
    person = make_customer(yes=("newsletter",))
    services.record_pause(person.pk, [topic().pk], months=1, source=Source.LINK, now=NOW)
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    services.undo_latest(person.pk, source=Source.LINK, now=NOW)
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(
            "SELECT consent_remove_details(NULL, %s, 100)", [timezone.now().replace(year=2099)]
        )
    kept = ConsentDetail.objects.of(person.pk).order_by("version")
    assert [(each.version, each.state) for each in kept] == [
        (1, "granted"),
        (2, "granted"),
        (4, "granted"),
    ]


def test_the_sender_reads_no_password_and_writes_no_choice():
    make_customer(yes=("newsletter",))
    with as_role(SENDER):
        assert refused("SELECT password FROM accounts_user")
        assert refused("UPDATE consent_preference SET state = 'granted'")
        assert refused("INSERT INTO consent_suppression DEFAULT VALUES")


@pytest.mark.parametrize(
    "field", [field.name for field in ConsentDetail._meta.concrete_fields if field.name != "id"]
)
def test_no_field_of_an_event_can_differ_without_the_hash_differing(field):
    person = make_customer(yes=("newsletter",))
    detail = ConsentDetail.objects.of(person.pk).get()
    before = leaf_hash(detail)
    others = {
        "UUIDField": uuid4(),
        "DateTimeField": NOW + timedelta(days=400),
        "BooleanField": True,
        "BinaryField": b"x" * 16,
        "CharField": "?",
    }
    setattr(detail, field, others.get(ConsentDetail._meta.get_field(field).get_internal_type(), 77))
    assert leaf_hash(detail) != before


def test_sealing_gives_gap_free_places_and_hashes_that_can_be_computed_again():
    person = make_customer(yes=("newsletter", "special_offers"))
    assert seal_pending(now=NOW) >= 2
    assert seal_pending(now=NOW) == 0
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    assert seal_pending(now=NOW) == 1
    indexes = list(Leaf.objects.order_by("index").values_list("index", flat=True))
    assert indexes == list(range(len(indexes)))
    for detail in ConsentDetail.objects.of(person.pk):
        assert bytes(Leaf.objects.get(event_id=detail.pk).hash) == leaf_hash(detail)
