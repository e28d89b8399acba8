"""Every event that commits gets one place in the log, without gaps, and keeps it."""

import importlib
import threading
import time
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from consent import services
from consent.models import ConsentDetail, Leaf, Node, Source
from consent.proof import audit, merkle, sealer, tree
from consent.proof.events import event_hash
from consent.proof.sealer import append_leaves, seal_pending
from foundation.ids import uuid7_from
from foundation.roles import APP, KEEPER, OWNER, READER, as_role
from tests.consent.sealed import publish
from tests.factories import NOW, make_customer, topic

LONG_AGO = NOW - timedelta(days=3 * 365)


@pytest.fixture(autouse=True)
def new_process(monkeypatch):
    """What a sealer of another test learned is of another database."""
    monkeypatch.setattr(sealer, "_progress", None)


def entries(count):
    return [(uuid4(), "access", merkle.leaf_hash(bytes([n]))) for n in range(count)]


def run_beside(*acts):
    """Each on a connection of its own; returns when all are done."""
    failures = []

    def run(act):
        try:
            act()
        except BaseException as failure:  # noqa: BLE001 -- told in the main thread
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    return threads, failures


@pytest.mark.django_db
class TestAppending:
    def test_leaves_and_every_complete_subtree_are_stored(self):
        for batch in (1, 2, 30, 4):
            assert append_leaves(entries(batch), sealed_at=NOW) == batch
        leaves = [
            bytes(leaf) for leaf in Leaf.objects.order_by("index").values_list("hash", flat=True)
        ]
        for size in range(38):
            assert tree.root_at(size) == merkle.root_of(leaves[:size])
        assert Node.objects.count() == sum(37 >> level for level in range(1, 6))

    def test_an_event_that_has_its_place_gets_no_second(self):
        first, second = entries(2)
        assert append_leaves([first, first], sealed_at=NOW) == 1
        assert append_leaves([second, first], sealed_at=NOW) == 1
        assert list(Leaf.objects.order_by("index").values_list("event_id", flat=True)) == [
            first[0],
            second[0],
        ]

    def test_nothing_to_append_is_fine(self):
        assert append_leaves([], sealed_at=NOW) == 0

    def test_a_proof_is_read_in_two_queries_whatever_the_size(self, django_assert_num_queries):
        append_leaves(entries(100), sealed_at=NOW)
        with django_assert_num_queries(2):
            path = tree.inclusion_proof(41, 99)
        leaf = bytes(Leaf.objects.get(index=41).hash)
        assert merkle.root_from_inclusion(41, 99, leaf, path) == tree.root_at(99)

    def test_a_size_the_log_has_not_reached_has_no_root(self):
        append_leaves(entries(3), sealed_at=NOW)
        with pytest.raises(ValueError, match="not that long"):
            tree.root_at(8)

    def test_a_log_that_had_leaves_before_it_had_nodes_gets_them(self, monkeypatch):
        append_leaves(entries(21), sealed_at=NOW)
        made = list(Node.objects.order_by("number").values_list("number", "hash"))
        migration = importlib.import_module("consent.migrations.0004_log_rights")
        monkeypatch.setattr(migration, "BATCH", 5)
        with as_role(OWNER), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE consent_node DISABLE TRIGGER USER")
            cursor.execute("DELETE FROM consent_node")
            migration.build_nodes(None, SimpleNamespace(connection=connection))
        assert list(Node.objects.order_by("number").values_list("number", "hash")) == made


@pytest.mark.django_db
class TestSealing:
    def test_a_leaf_is_the_hash_of_its_event(self):
        person = make_customer(yes=("newsletter", "special_offers"))
        assert seal_pending(now=NOW) == 2
        for detail in ConsentDetail.objects.of(person.pk):
            assert bytes(Leaf.objects.get(event_id=detail.pk).hash) == event_hash(detail)

    def test_sealing_again_seals_nothing(self):
        make_customer(yes=("newsletter",))
        assert (seal_pending(now=NOW), seal_pending(now=NOW)) == (1, 0)

    def test_more_than_a_batch_is_sealed_at_once(self, monkeypatch):
        monkeypatch.setattr(sealer, "BATCH", 2)
        for _ in range(3):
            make_customer(yes=("newsletter",), no=("special_offers",))
        assert seal_pending(now=NOW) == 6

    def test_an_event_of_before_is_sealed_by_a_process_that_just_began(self):
        make_customer(yes=("newsletter",), now=LONG_AGO)
        assert seal_pending(now=NOW) == 1


@pytest.mark.django_db(transaction=True)
class TestLateCommits:
    @pytest.fixture(autouse=True)
    def no_grace(self, monkeypatch):
        """What is not found by reckoning is not found by looking back a while either."""
        monkeypatch.setattr(sealer, "_RECENT", timedelta(0))
        monkeypatch.setattr(sealer, "_SLACK", timedelta(milliseconds=1))

    def test_an_event_that_commits_after_later_ones_were_sealed_is_sealed(self):
        late, others = make_customer(), [make_customer() for _ in range(3)]
        assert seal_pending(now=NOW) == 0
        written, commit = threading.Event(), threading.Event()

        def slowly():
            with transaction.atomic():
                choose(late)
                written.set()
                assert commit.wait(20)

        (thread,), failures = run_beside(slowly)
        assert written.wait(20)
        for other in others:
            choose(other)
            assert seal_pending(now=NOW) == 1
        commit.set()
        thread.join()
        assert seal_pending(now=NOW) == 1
        assert not failures
        assert Leaf.objects.latest("index").event_id == ConsentDetail.objects.of(late.pk).get().pk

    def test_a_quiet_round_looks_at_nothing_that_is_settled(self):
        choose(make_customer())
        seal_pending(now=NOW)
        for _ in range(200):  # other databases of the server have transactions too
            if sealer._progress.settled > sealer._progress.full_look:
                break
            time.sleep(0.02)
            seal_pending(now=NOW)
        assert sealer._progress.settled > sealer._progress.full_look
        choose(make_customer())
        assert seal_pending(now=NOW) == 1

    def test_what_no_reckoning_finds_is_found_within_the_hour(self, monkeypatch):
        """A key far older than its transaction: a clock was set back."""
        for _ in range(3):
            seal_pending(now=NOW)
        person = make_customer()
        insert_event(person, key=uuid7_from(LONG_AGO, "a clock set back"))
        assert seal_pending(now=NOW) == 0
        monkeypatch.setattr(sealer, "_FULL_LOOK", timedelta(0))
        assert seal_pending(now=NOW) == 1

    def test_what_was_rolled_back_with_its_leaf_is_sealed_again(self):
        choose(make_customer())
        with transaction.atomic():
            assert seal_pending(now=NOW) == 1
            transaction.set_rollback(True)
        assert seal_pending(now=NOW) == 1

    def test_four_sealers_at_once_leave_no_gap(self):
        people = [make_customer() for _ in range(24)]
        done = threading.Event()

        def seal():
            while not done.is_set():
                sealer._progress = None
                seal_pending(now=NOW)

        sealers, failures = run_beside(*[seal] * 4)
        choosers, more = run_beside(
            lambda: [choose(each) for each in people[:12]],
            lambda: [choose(each) for each in people[12:]],
        )
        for thread in choosers:
            thread.join()
        done.set()
        for thread in sealers:
            thread.join()
        assert not failures + more
        sealer._progress = None
        seal_pending(now=NOW)
        with audit.snapshot():
            counts = audit.examine(now=NOW, superseded_before=LONG_AGO)
        assert (counts.leaves, counts.events, counts.pending) == (24, 24, 0)


def choose(person):
    services.record_choices(person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW)


def insert_event(person, *, key):
    """As a restored row would come: with a key of its own."""
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO consent_consentdetail (id, person_id, topic_id, version, state_before,
                      state, undone, source, actor, reason, language, mailing, at, salt)
               VALUES (%s, %s, %s, 1, '', 'refused', false, 'signup', 'self', '', '', 0, %s, %s)""",
            [key, person.pk, topic().pk, NOW, b"s" * 16],
        )


@pytest.mark.django_db
class TestRights:
    TABLES = ("consent_leaf", "consent_node", "consent_head", "consent_logkey")

    @pytest.fixture(autouse=True)
    def a_log(self):
        append_leaves(entries(2), sealed_at=NOW)
        publish(NOW)

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("role", [APP, KEEPER])
    def test_nobody_who_serves_changes_the_log(self, table, role):
        with as_role(role):
            for statement in (
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
                f"UPDATE {table} SET {column(table)} = {column(table)}",
            ):
                assert refused(statement)

    @pytest.mark.parametrize("table", TABLES)
    def test_even_the_owner_changes_nothing_by_mistake(self, table):
        with as_role(OWNER):
            assert refused(f"DELETE FROM {table}")
            assert refused(f"UPDATE {table} SET {column(table)} = {column(table)}")

    @pytest.mark.parametrize("table", TABLES)
    def test_whoever_publishes_reads_the_log_and_writes_none(self, table):
        with as_role(READER):
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {table}")
                assert cursor.fetchone()[0] > 0
            assert refused(f"INSERT INTO {table} DEFAULT VALUES")


def column(table):
    return "public" if table == "consent_logkey" else "root" if table == "consent_head" else "hash"


def refused(statement):
    with (
        pytest.raises(DatabaseError, match=r"permission denied|append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    return True
