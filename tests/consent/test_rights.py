"""What PostgreSQL refuses, whoever asks: no choice and no half of an event is written directly."""

import json
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from consent import services, suppression
from consent.models import OWN_ACTS, ConsentDetail, Leaf, Preference, Source, Suppression
from consent.policy import UNDO_FROM_MAIL
from consent.proof.events import event_hash
from consent.proof.sealer import seal_pending
from foundation.roles import APP, KEEPER, OWNER, READER, SENDER, as_role
from tests.consent.ledger import assert_everything_adds_up
from tests.factories import NOW, make_customer, retire_topic, topic

pytestmark = pytest.mark.django_db

DOORS = import_module("consent.migrations.0005_one_door").DOORS


def refused(statement, *parameters):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    return True


def test_tests_run_as_the_role_that_serves():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (APP,)


ROLES = (APP, KEEPER, SENDER, READER)
# Each of them a full row, so that nothing but the missing right can refuse it.
ROWS = {
    "consent_preference": (
        "(person_id, topic_id, state, version, source, since)"
        " SELECT u.id, t.id, 'granted', 1, 'signup', now() FROM accounts_user u, consent_topic t"
        " WHERE t.slug = 'special_offers'"
    ),
    "consent_consentdetail": (
        "(person_id, topic_id, version, state_before, state, undone, source, actor, reason,"
        " language, mailing, at, salt) VALUES (uuidv7(), uuidv7(), 1, '', 'granted', false,"
        " 'signup', 'self', '', '', 0, now(), uuid_send(gen_random_uuid()))"
    ),
}
CHANGES = {
    "consent_preference": "state = 'granted', paused_until = NULL",
    "consent_consentdetail": "state = 'granted'",
    "consent_leaf": "kind = 'access'",
}


def denied(statement, role):
    """Refused for want of the right, and for no other reason."""
    with (
        as_role(role),
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match=r"permission denied|is append-only"),
        transaction.atomic(),
    ):
        cursor.execute(statement)
    return True


@pytest.fixture
def sealed():
    person = make_customer(yes=("newsletter",), no=("product_news",))
    seal_pending(now=NOW)
    return person


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", ROWS)
def test_no_role_writes_a_choice_or_an_event_directly(sealed, table, role):
    assert denied(f"INSERT INTO {table} {ROWS[table]}", role)


def test_the_rows_above_would_be_written_if_it_were_allowed(sealed):
    with as_role(OWNER), connection.cursor() as cursor:
        for table, row in ROWS.items():
            cursor.execute(f"INSERT INTO {table} {row}")
            assert cursor.rowcount == 1


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", CHANGES)
def test_no_role_changes_a_choice_or_a_half_of_an_event_directly(sealed, table, role):
    assert denied(f"UPDATE {table} SET {CHANGES[table]}", role)
    assert denied(f"SELECT FROM {table} FOR UPDATE", role)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", CHANGES)
def test_no_role_deletes_a_half_of_an_event_and_the_keeper_alone_a_choice(sealed, table, role):
    assert denied(f"TRUNCATE {table} CASCADE", role)
    if (table, role) == ("consent_preference", KEEPER):
        with as_role(KEEPER):
            assert Preference.objects.of(sealed.pk)._raw_delete("default") == 2
    else:
        assert denied(f"DELETE FROM {table}", role)


@pytest.mark.parametrize("role", [SENDER, READER])
def test_whoever_only_sends_or_publishes_has_no_door(sealed, role):
    for door in DOORS:
        with connection.cursor() as cursor:
            cursor.execute("SELECT has_function_privilege(%s, %s, 'EXECUTE')", [role, door])
            assert cursor.fetchone() == (False,)


def test_a_door_runs_with_fixed_names_so_nobody_slips_a_table_under_it():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regprocedure::text, prosecdef, proconfig FROM pg_proc"
            " WHERE oid = ANY (%s::regprocedure[])",
            [list(DOORS)],
        )
        rows = cursor.fetchall()
    assert len(rows) == len(DOORS)
    for _, with_the_owners_rights, settings in rows:
        assert (with_the_owners_rights, settings) == (True, ["search_path=public, pg_temp"])


# --- what the doors keep inside, whoever calls them ----------------------------------------------


def says_yes(person, source):
    services.record_choices(person.pk, {topic().pk: True}, source=source, now=NOW)


@pytest.mark.parametrize("source", Source)
def test_only_an_own_act_turns_a_no_into_a_yes(source):
    person = make_customer(no=("newsletter",))
    if source in OWN_ACTS:
        says_yes(person, source)
    else:
        with pytest.raises(IntegrityError, match="nobody says yes"), transaction.atomic():
            says_yes(person, source)
    state = services.current_preferences(person.pk)[topic().pk].state
    assert (state == "granted") is (source in OWN_ACTS)


@pytest.mark.parametrize("source", [s for s in Source if s not in OWN_ACTS])
def test_nobody_else_ends_a_pause_by_saying_yes_for_somebody(source):
    person = make_customer(yes=("newsletter",))
    services.record_pause(person.pk, [topic().pk], months=3, source=Source.LINK, now=NOW)
    with suppress(IntegrityError), transaction.atomic():
        says_yes(person, source)
    assert services.current_preferences(person.pk)[topic().pk].paused_until is not None


def test_a_choice_is_a_yes_or_a_no():
    person = make_customer()
    change = (
        "SELECT consent_change(%s, %s, '{withdrawn}', 'preferences', '', '', '', 1, false, 0,"
        " now(), NULL)"
    )
    assert refused(change, person.pk, [topic().pk])


UNDO = "SELECT consent_undo(%s, %s, %s, %s, 'self', '', 0, %s)"


def undone(person, version, source, now):
    with connection.cursor() as cursor:
        cursor.execute(UNDO, [person.pk, topic().pk, version, source, now])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("no", "undo", "after", "possible"),
    [
        ("link", "link", UNDO_FROM_MAIL - timedelta(microseconds=1), True),
        ("link", "link", UNDO_FROM_MAIL, False),
        ("one_click", "mail_preferences", timedelta(), True),
        ("preferences", "link", timedelta(), False),
        ("staff", "link", timedelta(), False),
        ("complaint", "link", timedelta(), False),
        ("complaint", "preferences", timedelta(days=400), True),
        ("link", "api_signed_in", timedelta(days=400), True),
        ("staff", "staff", timedelta(), False),
        ("link", "confirmed", timedelta(), False),
        ("link", "replay", timedelta(), False),
    ],
)
def test_the_database_itself_knows_who_may_undo_what_and_how_long(no, undo, after, possible):
    person = make_customer(yes=("newsletter",))
    services.record_opt_out(person.pk, [topic().pk], source=Source(no), now=NOW)
    last = services.last_change(person.pk, topic().pk)
    assert services.can_undo(last, source=Source(undo), now=NOW + after) is possible
    assert undone(person, 2, undo, NOW + after) is possible


def test_only_the_latest_event_is_undone_and_no_undo():
    person = make_customer(yes=("newsletter",))
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    assert not undone(person, 1, "preferences", NOW)
    assert not undone(person, 3, "preferences", NOW)
    assert undone(person, 2, "preferences", NOW)
    assert not undone(person, 2, "preferences", NOW)
    assert not undone(person, 3, "preferences", NOW)
    assert_everything_adds_up()


def test_what_changed_nothing_is_not_undone():
    person = make_customer(yes=("newsletter",))
    for source in (Source.LINK, Source.STAFF):
        services.record_opt_out(person.pk, [topic().pk], source=source, now=NOW)
    assert services.last_change(person.pk, topic().pk).version == 3
    assert not undone(person, 3, "preferences", NOW)
    assert_everything_adds_up()


@pytest.mark.parametrize("source", ["link", "mail_preferences", "staff", "api"])
@pytest.mark.parametrize("until", [None, timedelta(days=1), timedelta(days=-1)])
def test_only_its_owner_shortens_a_pause(source, until):
    person = make_customer(yes=("newsletter",))
    services.record_pause(person.pk, [topic().pk], months=1, source=Source.LINK, now=NOW)
    month = services.current_preferences(person.pk)[topic().pk].paused_until
    pause = "SELECT consent_pause(%s, %s, %s, %s, 'self', '', false, 0, %s)"
    parameters = [person.pk, [topic().pk], until and NOW + until, source, NOW]
    with connection.cursor() as cursor:
        cursor.execute(pause, parameters)
        assert services.current_preferences(person.pk)[topic().pk].paused_until == month
        cursor.execute(pause, [*parameters[:3], "preferences", NOW])
        assert len(cursor.fetchall()) == 1


IMPORT = "SELECT consent_import(%s, '{}', 'import', %s)"


def imported(person, **fields):
    values = {"person": str(person.pk), "topic": str(topic().pk), "state": "granted"}
    row = values | {"at": NOW.isoformat()} | fields
    with connection.cursor() as cursor:
        cursor.execute(IMPORT, [json.dumps([row]), NOW])
        return len(cursor.fetchall())


@pytest.mark.parametrize("yes", [(), ("newsletter",)])
def test_only_the_door_for_files_takes_a_yes_from_a_file(yes):
    """It alone asks the suppression list and whether the person has come with the file."""
    person = make_customer(yes=yes)
    with pytest.raises(IntegrityError, match="nobody says yes"), transaction.atomic():
        says_yes(person, Source.IMPORT)


def test_a_file_starts_a_choice_of_those_it_brings_in_and_of_nobody_else():
    assert imported(make_customer(platform_id=7)) == 1
    assert imported(make_customer()) == 0
    assert imported(make_customer(platform_id=8, no=("special_offers",))) == 0
    barred = make_customer(platform_id=9)
    suppression.suppress(barred.email, reason=Suppression.Reason.COMPLAINT, now=NOW)
    assert imported(barred) == 0
    assert imported(barred, state="refused") == 1
    retire_topic(topic(), now=NOW)
    assert imported(make_customer(platform_id=10)) == 0
    assert_everything_adds_up()


@pytest.mark.parametrize("days", [0, 40])
def test_a_files_no_closes_the_undo_of_a_mail_for_good(days):
    person = make_customer(platform_id=7, yes=("newsletter",))
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    file_says = {"state": "refused", "at": (NOW - timedelta(days=days)).isoformat()}
    assert [imported(person, **file_says) for _ in range(2)] == [1, 0]
    assert not services.undo_latest(person.pk, source=Source.LINK, now=NOW)
    assert services.current_preferences(person.pk)[topic().pk].state == "withdrawn"
    assert_everything_adds_up()


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
    before = event_hash(detail)
    others = {
        "UUIDField": uuid4(),
        "DateTimeField": NOW + timedelta(days=400),
        "BooleanField": True,
        "BinaryField": b"x" * 16,
        "CharField": "?",
    }
    setattr(detail, field, others.get(ConsentDetail._meta.get_field(field).get_internal_type(), 77))
    assert event_hash(detail) != before


def test_sealing_gives_gap_free_places_and_hashes_that_can_be_computed_again():
    person = make_customer(yes=("newsletter", "special_offers"))
    assert seal_pending(now=NOW) >= 2
    assert seal_pending(now=NOW) == 0
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    assert seal_pending(now=NOW) == 1
    indexes = list(Leaf.objects.order_by("index").values_list("index", flat=True))
    assert indexes == list(range(len(indexes)))
    for detail in ConsentDetail.objects.of(person.pk):
        assert bytes(Leaf.objects.get(event_id=detail.pk).hash) == event_hash(detail)


def test_nothing_is_added_to_choices_that_are_being_erased():
    """Their events may still be there for a moment, after the choice they made is gone."""
    person = make_customer(yes=("newsletter",), platform_id=7)
    with as_role(KEEPER):
        Preference.objects.of(person.pk)._raw_delete("default")
    for yes in (True, False):
        answers = {topic().pk: yes}
        assert services.record_choices(person.pk, answers, source=Source.SIGNUP, now=NOW) == []
    assert imported(person, state="refused") == 0
    assert not Preference.objects.of(person.pk).exists()
